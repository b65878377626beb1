"""Tests of lfb.data.left_out."""

from dataclasses import replace

import numpy as np
import pytest

from lfb.data.annotations import read_annotations
from lfb.data.detector_csv import read_detections, to_proposals
from lfb.data.left_out import copy_without
from lfb.data.proposals import read_proposals
from lfb.errors import UserError

ROWS = [f"c,{t},0.1,0.1,0.5,0.9,{a},0" for t in (902, 903, 904) for a in (1, 3)]
NO_FRAMES: dict = {"videos": {}}


def test_seconds_with_errors_are_left_out_listed_and_counted(data):
    data.annotate("val", *ROWS, "c,905,0.8,0,0.2,1,1,0", "c,905,0,0,1,1,1,0", "c,999,0,0,1,1,1,0")
    assert len(data.errors()) == 2
    found = data.check(invalid_keyframes="drop")
    assert found["splits"]["train"]["left_out"] == []
    val = found["splits"]["val"]
    assert val["left_out"] == [["c", 905], ["c", 999]]
    assert (val["keyframes"], val["rows"]) == (3, 6)
    assert found["seconds"]["c"] == [[902, 904]]
    assert [warning.replace(f"{data.folder}/", "") for warning in found["warnings"]] == [
        "val: 2 seconds are left out, for the reasons below (data.invalid_keyframes: drop)",
        "left out: val.csv:7: x1 0.8 is right of x2 0.2",
        "left out: val.csv:9: second 999 is outside the video 'c', which begins at second 900 and "
        "ends before 911",
    ]


def test_seconds_with_errors_in_the_proposals_are_left_out_too(data):
    data.propose("val", *(("c", t, 1.0) for t in (902, 903, 904, 999)))
    val = data.check(invalid_keyframes="drop")["splits"]["val"]
    assert (val["left_out"], val["keyframes"], val["proposals"]) == ([["c", 999]], 3, 3)
    data.splits["val"] = replace(data.splits["val"], proposals=None)
    boxes = data.folder / "boxes.csv"
    boxes.write_text("c,902,0,0,1,1,0.5\nc,903,0,0,1,1,0.5\nc,903,0,0,1,1,85\n")
    data.splits["val"] = replace(data.splits["val"], detections=boxes)
    val = data.check(invalid_keyframes="drop")["splits"]["val"]
    assert (val["left_out"], val["keyframes"], val["proposals"]) == ([["c", 903]], 2, 1)


def test_other_errors_stay(data):
    data.annotate("val", *ROWS, "c,905,0.8,0,0.2,1,1,0", "c,905")
    data.labels.unlink()
    (error,) = data.errors(invalid_keyframes="drop")
    assert error.startswith("labels.pbtxt: No such file")


def test_nothing_is_left_out_if_nothing_would_remain(data):
    data.annotate("val", *(row.replace("0.1,0.1,0.5,0.9", "10,10,50,90") for row in ROWS))
    errors = data.errors(invalid_keyframes="drop")
    assert len(errors) == 6
    assert "are these pixels?" in errors[0]
    data.annotate("val", *ROWS)
    assert len(data.errors(invalid_keyframes="drop", first_second=905)) == 4


def test_copies_have_all_other_rows(tmp_path):
    source, target = tmp_path / "source.csv", tmp_path / "target.csv"
    source.write_text("\n".join([*ROWS, "c,905,-0.01,0,0.7,1,9,0", "c,906", "d,1,0,0,1,2,9,0"]))
    copy_without("annotations", source, {("c", 903), ("d", 1)}, NO_FRAMES, target)
    copied = read_annotations(target, None).checked()
    assert copied["second"].tolist() == [902, 902, 904, 904, 905, 906]
    assert copied["x1"].iloc[4] == 0

    source.write_text("c,3,0,0,30,20,,0.5\nc,2,0,0,20,20,0.125\nc,4,0,0,10,10,0.5\n")
    copy_without("detections", source, {("c", 3)}, NO_FRAMES, target)
    copied = to_proposals(read_detections(target).checked(), target, {"c": (40, 40)}).checked()
    assert copied.index.keys() == [("c", 2), ("c", 4)]
    assert copied.scores.tolist() == [0.125, 0.5]


def test_seconds_without_a_frame_are_left_out_of_copies(tmp_path):
    source, target = tmp_path / "source.csv", tmp_path / "target.csv"
    manifest = {"videos": {"c": {"fps": 10, "first_second": 902, "frames": 20}}}
    source.write_text("\n".join([*ROWS, "d,1000"]))
    copy_without("annotations", source, set(), manifest, target)
    copied = read_annotations(target, None).checked()
    assert copied["second"].tolist() == [902, 902, 903, 903, 1000]

    source.write_text("c,903,0,0,1,1,,0.5\nc,905,0,0,1,1,,0.5\n")
    copy_without("proposals", source, set(), manifest, target)
    assert read_proposals(target).checked().index.keys() == [("c", 903)]

    source.write_text("\n".join(ROWS[2:]))
    manifest["videos"]["c"]["frames"] = 5
    with pytest.raises(UserError, match=r"source\.csv: no keyframe has a frame; fix data\.fps"):
        copy_without("annotations", source, set(), manifest, target)


@pytest.mark.parametrize("left_out", [set(), {("b", 1)}, {("a", 2), ("b", 2)}])
def test_copied_proposals_are_exact(tmp_path, left_out):
    source, target = tmp_path / "source.csv", tmp_path / "target.csv"
    generator = np.random.default_rng(0)
    keys = [(video, second) for video in "ba" for second in (1, 2) for _ in range(3)]
    source.write_text(
        "".join(
            f"{video},{second},{a},{b},{c + 0.5},{d + 0.5},,{score}\n"
            for (video, second), (a, b, c, d, score) in zip(
                keys, generator.uniform(0, 0.5, (len(keys), 5)), strict=True
            )
        )
    )
    copy_without("proposals", source, left_out, NO_FRAMES, target)
    before, after = read_proposals(source).checked(), read_proposals(target).checked()
    assert set(after.index.keys()) == set(before.index.keys()) - left_out
    for video, second in after.index.keys():  # noqa: SIM118
        rows, same = (people.index.rows(video, second) for people in (before, after))
        np.testing.assert_array_equal(before.boxes[rows], after.boxes[same])
        np.testing.assert_array_equal(before.scores[rows], after.scores[same])
