"""Tests of lfb.data.check."""

from dataclasses import replace

import pytest

from lfb.data.boxes import PersonBoxes
from lfb.data.check_split import SplitFiles
from lfb.data.proposals import write_proposals


def test_files_of_two_versions_are_not_mixed(data):
    for split, version in ("train", "v2.1"), ("val", "v2.2"):
        files = data.splits[split]
        named = files.annotations.with_name(f"ava_{split}_{version}.csv")
        files.annotations.rename(named)
        data.splits[split] = replace(files, annotations=named)
    (error,) = data.errors()
    assert error == (
        "files of different versions are mixed; use one version: "
        f"v2.1: {data.folder}/ava_train_v2.1.csv; v2.2: {data.folder}/ava_val_v2.2.csv"
    )


def test_errors_of_all_files_are_listed_together(data):
    data.annotate("train", "a,902,0.8,0.1,0.2,0.4,1,0", "b,902,0,0,1,1,7,0", "b,903,0,0,1,1,1,0")
    data.annotate("val", "c,902,0,0,1,1,1,0", "c,1902,0,0,1,1,1,0")
    data.exclude("val", "c;902")
    data.splits["train"].proposals.write_bytes(b"broken")
    data.add_video("c.mp4", "truncated")
    errors = data.errors()
    for expected in (
        "train.csv:1: x1 0.8 is right of x2 0.2; swap them",
        "train.csv:2: action id 7 is not in the label list",
        "val.csv:2: second 1902 is outside the video 'c'",
        "val_excluded.csv:1: has 1 fields",
        "train.pkl: is broken",
        "videos/c.mp4: truncated",
    ):
        assert [f for f in errors if f.startswith(expected)], (expected, errors)
    assert len(errors) == 6


def test_a_wrong_label_list_hides_no_other_errors_and_adds_none_about_ids(data):
    wrong = 'item { name: "a" id: 0 }\nitem { name: "b" id: 0 }'
    data.labels.write_text(wrong)
    assert [error[:14] for error in data.errors()] == ["labels.pbtxt:1", "labels.pbtxt:2"]
    data.labels.write_text("none")
    data.annotate("train", "a,902,0.8,0.1,0.2,0.4,9,0", "a,902,0,0,1,1,9,0", "b,903,0,0,1,1,9,0")
    label, box = data.errors()
    assert label.startswith("labels.pbtxt: no label found")
    assert box.startswith("train.csv:1: x1")


@pytest.mark.parametrize("name", ["labels", "train.csv", "val.pkl", "train_excluded.csv"])
def test_a_missing_file_is_one_error(data, name):
    path = data.labels if name == "labels" else data.folder / name
    path.unlink()
    (error,) = data.errors()
    assert error.startswith(f"{path.name}: No such file")


def test_empty_files_are_errors(data):
    data.annotate("train", "")
    write_proposals(data.splits["val"].proposals, PersonBoxes.from_rows([], [], [], []))
    csv, pickle = data.errors()
    assert csv.startswith("train.csv: is empty")
    assert pickle.startswith("val.pkl: contains no box")


def test_an_id_both_scored_and_unscored_is_an_error(data):
    (error,) = data.errors(unscored={3})
    assert error.startswith("labels.pbtxt: id 3 ('stand') is in the label list and under unscored")


@pytest.mark.parametrize(
    ("second", "valid"), [(899, False), (900, True), (910, True), (911, False)]
)
def test_an_annotated_second_outside_the_cut_is_an_error(data, second, valid):
    data.annotate("val", "c,902,0,0,1,1,1,0", f"c,{second},0,0,1,1,1,0", f"c,{second}")
    if valid:
        data.check()
    else:
        (error,) = data.errors()
        assert error.startswith(
            f"val.csv:2: second {second} is outside the video 'c', which begins"
        )
        assert "begins at second 900 and ends before 911;" in error


def test_a_cut_without_a_length_ends_with_the_video(data):
    data.add_video("c.mp4", 904.0)
    data.annotate("val", "c,902,0,0,1,1,1,0", "c,903,0,0,1,1,1,0", "c,904,0,0,1,1,1,0")
    data.propose("val", ("c", 903, 1.0))
    (error,) = data.errors(seconds=None)
    assert error.startswith("val.csv:3: second 904 is outside the video 'c', which begins")
    assert "and ends before 904;" in error


def test_a_wrong_first_second_is_one_error_for_each_file(data):
    errors = data.errors(first_second=905)
    assert [error.split(":")[0] for error in errors] == [
        *("train.csv", "train.pkl", "val.csv", "val.pkl"),
    ]
    assert errors[0] == (
        "train.csv:1: seconds 902 to 904 are outside the video 'a', which begins at second 905 and "
        "ends before 916; so it is with 'b' 902 to 904; fix the seconds, data.fps, "
        "data.first_second or data.seconds, list them in data.train.excluded, or set "
        "data.invalid_keyframes: drop"
    )
    assert errors[1].startswith("train.pkl: seconds 902 to 904 are outside the video 'a', which ")


def test_excluded_seconds_may_be_outside_the_video(data):
    data.annotate("val", "c,902,0,0,1,1,1,0", "c,1902,0,0,1,1,3,0")
    data.propose("val", ("c", 902, 1.0), ("c", 1902, 1.0))
    data.exclude("val", "c,1902")
    summary = data.check()
    assert summary["splits"]["val"]["excluded"] == 1
    assert summary["seconds"]["c"] == [[902, 902]]
    assert summary["splits"]["val"]["outside"] == [["c", 1902]]
    assert "outside" not in summary["splits"]["train"]


def test_proposals_outside_an_annotated_video_are_errors(data):
    data.propose("val", ("c", 902, 1.0), ("c", 1000, 1.0), ("unknown", 1, 1.0))
    (error,) = data.errors()
    assert error.startswith("val.pkl: second 1000 is outside the video 'c'")


def test_proposals_with_other_video_names_are_an_error_that_shows_both_keys(data):
    data.propose("val", *(("c.mp4", second, 1.0) for second in (902, 903, 904)))
    (error,) = data.errors()
    assert error.startswith("val.pkl: none of the 3 keyframes of ")
    assert "'c.mp4,0902'" in error
    assert "'c,0902'" in error
    assert error.endswith("; its video names are spelled differently: use the same keys in both")


@pytest.mark.parametrize(
    ("seconds", "why"),
    [
        ((2, 3, 4), "seconds count from 0"),
        ((61, 91, 121), "seconds look like frame numbers"),
        ((1902, 1903, 1904), "seconds are 1000 higher"),
    ],
)
def test_proposals_with_other_seconds_are_one_error_with_the_reason(data, seconds, why):
    data.propose("val", *(("c", second, 1.0) for second in seconds))
    (error,) = data.errors()
    assert error.startswith("val.pkl: none of the 3 keyframes of ")
    assert error.endswith(f"; its {why}: use the same keys in both")


def test_proposals_that_mostly_have_other_keys_are_an_error(data):
    seconds = range(902, 911)
    data.annotate("val", *(f"c,{t},0,0,1,1,{a},0" for t in seconds for a in (1, 3)))
    data.propose("val", ("c", 902, 1.0), *(("c.mp4", t, 1.0) for t in seconds[1:]))
    (error,) = data.errors()
    assert error.startswith("val.pkl: 1 of the 9 keyframes of ")
    assert "'c.mp4,0903'" in error


def test_videos_that_the_proposals_spell_differently_are_an_error_if_nearly_all_keys_match(data):
    rest = [("a", t, 1.0) for t in (902, 903, 904)]
    data.propose("train", *rest, *(("videos/B.mp4", t, 1.0) for t in (902, 903, 904)))
    (error,) = data.errors()
    assert error == (
        f"train.pkl: video 'videos/B.mp4' is 'b' in {data.folder}/train.csv, which has no "
        "proposal; use the same name in both"
    )
    data.propose("train", *rest, ("videos/B.mp4", 902, 1.0), ("other.mp4", 903, 1.0))
    first, second = data.check()["warnings"]
    assert first.endswith("no proposal; use the same name in both if it is the same video")
    assert second.startswith("train: 3 of 6 keyframes have no proposal; ")
    data.propose("train", *rest, ("other.mp4", 903, 1.0))
    (warning,) = data.check()["warnings"]
    assert warning.startswith("train: 3 of 6 keyframes have no proposal; ")


@pytest.mark.parametrize("proposed", [range(913, 924), range(902, 911), range(902, 924, 2)])
def test_proposals_for_half_of_the_seconds_are_no_error(data, proposed):
    data.add_video("c.mp4", 930.0)
    data.annotate("val", *(f"c,{t},0,0,1,1,{a},0" for t in range(902, 924) for a in (1, 3)))
    data.propose("val", *(("c", t, 1.0) for t in proposed))
    (warning,) = data.check(seconds=None)["warnings"]
    assert "keyframes have no proposal" in warning


def test_an_uncertain_guess_is_a_warning(data):
    data.add_video("c.mp4", 930.0)
    data.annotate("val", *(f"c,{t},0,0,1,1,{a},0" for t in range(902, 922) for a in (1, 3)))
    data.propose(
        "val",
        *(("c", t, 1.0) for t in range(902, 906)),
        *(("c.mp4", t, 1.0) for t in range(906, 916)),
    )
    warnings = data.check(seconds=None)["warnings"]
    assert warnings[0].endswith(
        "; perhaps its video names are spelled differently, then 70% of the keyframes have one: "
        "check that both files use the same keys"
    )


def test_missing_proposals_are_not_an_error(data):
    seconds = range(902, 911)
    data.annotate("val", *(f"c,{t},0,0,1,1,{a},0" for t in seconds for a in (1, 3)))
    data.propose("val", ("c", 902, 1.0), ("other.mp4", 903, 1.0))
    (warning,) = data.check()["warnings"]
    assert warning.startswith("val: 8 of 9 keyframes have no proposal; ")


def test_a_detectors_csv_is_checked_like_proposals(data):
    path = data.folder / "boxes.csv"
    files = replace(data.splits["val"], proposals=None, detections=path)
    data.splits["val"] = files
    path.write_text("c,902,0,0,64,48,0.5\nc,903,0,0,64,48,0.5\n")
    summary = data.check()["splits"]["val"]
    assert (summary["proposals"], summary["without_proposal"]) == (2, ["c,0904"])
    path.write_text("c,902,0,0,64,48,0.5\nc,903,9,0,3,48,0.5\nc,904,0,0,64,48,85\n")
    errors = data.errors()
    assert [error.split(";")[0] for error in errors] == [
        "boxes.csv:2: x1 9.0 is right of x2 3.0",
        "boxes.csv:3: score 85 is outside [0, 1]",
    ]
    path.write_text("c,902,0,0,64,48,0.5\nc,903,0,0,500,48,0.5\n")
    (error,) = data.errors()  # the size of the frames is that of the video file
    assert error.startswith("boxes.csv:2: this box extends beyond the frame of video 'c', 400x300")
    path.write_text("".join(f"c.mp4,{second},0,0,64,48,0.5\n" for second in (2, 3, 4)))
    (error,) = data.errors()
    assert error.startswith("boxes.csv: none of the 3 keyframes of ")
    assert "its video names are spelled differently and seconds count from 0: " in error


def test_a_data_set_needs_no_proposals(data):
    for split, files in data.splits.items():
        data.splits[split] = replace(files, proposals=None)
    summary = data.check(expected={"val": {"proposals": 3}})
    assert summary["warnings"] == []
    assert summary["splits"]["val"].keys().isdisjoint({"proposals", "without_proposal"})


def test_proposals_on_no_keyframe_are_an_error_without_a_known_reason_too(data):
    data.propose("val", ("c", 905, 1.0))
    (error,) = data.errors()
    assert "'c,0905'" in error
    assert "'c,0902'" in error


def test_exclusions_of_another_split_are_an_error(data):
    data.exclude("val", "a,0902")
    (error,) = data.errors()
    assert error.startswith("val_excluded.csv: excludes no video of ")


def test_a_split_with_every_keyframe_excluded_is_an_error(data):
    data.exclude("val", "c,902", "c,903", "c,904")
    (error,) = data.errors()
    assert error.startswith("val_excluded.csv: excludes every keyframe of ")


def test_a_split_needs_no_exclusions(data):
    data.splits["val"] = SplitFiles(data.splits["val"].annotations, data.splits["val"].proposals)
    assert data.check()["splits"]["val"]["excluded"] == 0


def test_a_video_in_two_splits_is_an_error_that_names_both_rows(data):
    data.annotate("val", "c,902,0,0,1,1,1,0", "b,902,0,0,1,1,1,0")
    (error,) = data.errors()
    assert error.startswith("train.csv:7: video 'b' is in train and in val (")
    assert error.endswith("val.csv:2); delete it from one")
