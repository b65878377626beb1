"""Tests of lfb.data.split."""

import numpy as np
import pytest

from lfb.data.annotations import write_labels
from lfb.data.proposals import write_proposals
from lfb.data.split import Split, read_outside
from lfb.errors import DataErrors, UserError
from tests.samples import proposals_of, write

BOXES = {
    "train_score": 0.9,
    "train_iou": 0.9,
    "train_most": 32,
    "bank_score": 0.9,
    "bank_seconds": "all",
    "test_score": 0.8,
    "test_seconds": "annotated",
}
ROWS = [
    "a,902,0.1,0.1,0.5,0.9,1,0",
    "a,902,0.1,0.1,0.5,0.9,7,0",
    "a,903,0.1,0.1,0.5,0.9,3,0",
    "b,902,0.1,0.1,0.5,0.9,3,0",
    "c,902",
]


@pytest.fixture
def files(tmp_path) -> dict:
    write_labels(tmp_path / "labels.pbtxt", {3: "stand", 1: "bend"})
    write_proposals(
        tmp_path / "train.pkl",
        proposals_of(
            ("a", 902, 0.1, 0.1, 0.5, 0.9, 0.95),
            ("a", 902, 0.5, 0.1, 0.9, 0.9, 0.85),
            ("a", 907, 0.2, 0.2, 0.4, 0.4, 0.93),
        ),
    )
    return {
        "labels": tmp_path / "labels.pbtxt",
        "unscored": [7],
        "annotations": write(tmp_path, *ROWS),
        "proposals": tmp_path / "train.pkl",
        "excluded": write(tmp_path, "b,902", name="out.csv"),
    }


def keys(chosen) -> list[tuple[str, int]]:
    return [(keyframe.video, keyframe.second) for keyframe in chosen.keyframes]


def test_every_id_up_to_the_highest_has_an_output(files):
    assert Split.read(**files).outputs == 8
    files["annotations"].write_text(ROWS[2] + "\n")
    assert Split.read(**files | {"unscored": []}).outputs == 4


@pytest.mark.parametrize("purpose", ["training", "testing", "bank"])
def test_selected_keyframes_have_all_videos_scored_actions_and_outputs(files, purpose):
    chosen = Split.read(**files).select(purpose, BOXES)
    assert chosen.videos == ["a", "b", "c"]
    assert chosen.actions == [1, 3]
    assert chosen.outputs == 8


def test_training_takes_labelled_people_of_keyframes_that_are_not_excluded(files):
    chosen = Split.read(**files).select("training", BOXES)
    assert keys(chosen) == [("a", 902), ("a", 903)]
    first = chosen.keyframes[0]
    assert first.labels is not None
    assert np.flatnonzero(first.labels[0]).tolist() == [1, 7]
    assert len(first.boxes) == 2  # the annotation and the proposal of one person


def test_testing_takes_every_annotated_keyframe_and_has_a_separate_score(files):
    chosen = Split.read(**files).select("testing", BOXES)
    assert keys(chosen) == [("a", 902), ("a", 903), ("c", 902)]
    assert [len(keyframe.boxes) for keyframe in chosen.keyframes] == [2, 1, 1]
    assert all(keyframe.labels is None for keyframe in chosen.keyframes)


def test_the_bank_takes_every_second_with_a_high_score_or_annotated_ones_only(files):
    split = Split.read(**files)
    assert keys(split.select("bank", BOXES)) == [("a", 902), ("a", 907)]
    annotated = split.select("bank", BOXES | {"bank_seconds": "annotated"})
    assert keys(annotated) == [("a", 902)]


def test_the_bank_leaves_out_seconds_outside_of_their_video(files):
    split = Split.read(**files)
    assert keys(split.select("bank", BOXES, [("a", 907), ("b", 1)])) == [("a", 902)]


def test_seconds_outside_are_read_from_the_summary_of_the_check(tmp_path):
    check = tmp_path / "check.json"
    check.write_text('{"splits": {"train": {"outside": [["a", 907]]}, "val": {}}}')
    assert read_outside(check, "train") == [("a", 907)]
    assert read_outside(check, "val") == []
    check.write_text("{")
    with pytest.raises(UserError, match=r"check\.json: not a summary of the data check"):
        read_outside(check, "val")


def test_ground_truth_boxes_replace_missing_proposals(files):
    split = Split.read(**files | {"proposals": None})
    training = split.select("training", BOXES)
    assert keys(training) == [("a", 902), ("a", 903)]
    assert [len(keyframe.boxes) for keyframe in training.keyframes] == [1, 1]
    assert keys(split.select("bank", BOXES)) == [("a", 902), ("a", 903), ("b", 902)]
    for purpose in ("bank", "testing"):
        first = split.select(purpose, BOXES).keyframes[0]
        assert first.boxes.tolist() == [np.float32([0.1, 0.1, 0.5, 0.9]).tolist()]
        assert first.scores.tolist() == [1]


def test_excluded_keyframes_are_optional(files):
    chosen = Split.read(**files | {"excluded": None}).select("training", BOXES)
    assert ("b", 902) in keys(chosen)


def test_rows_with_errors_are_left_out_on_request(files):
    write_rows = [*ROWS, "a,905,0.9,0.1,0.5,0.9,1,0"]
    files["annotations"].write_text("\n".join(write_rows))
    assert len(Split.read(**files, drop=True).annotations) == len(ROWS)
    with pytest.raises(DataErrors, match="1 error"):
        Split.read(**files)


def test_errors_of_all_files_are_listed_together(files):
    files["annotations"].write_text("a,902,0.9,0.1,0.5,0.9,1,0\na,902,0.1,0.1,0.5,0.9,2,0\n")
    files["excluded"].write_text("b,x\n")
    with pytest.raises(DataErrors) as refused:
        Split.read(**files)
    message = str(refused.value)
    assert "train.csv:1: x1 0.9 is right of x2 0.5" in message
    assert "train.csv:2: action id 2 is not in the label list" in message
    assert "out.csv:1: second 'x'" in message
