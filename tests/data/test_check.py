"""Tests of lfb.data.check."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lfb.data.annotations import write_labels
from lfb.data.boxes import PersonBoxes
from lfb.data.check import SplitFiles, check, check_frames, deviating_frames, find_videos, lengths
from lfb.data.proposals import write_proposals
from lfb.errors import DataErrors, UserError


class DataSet:
    """A sound data set of two splits in a folder; its files can be spoilt one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.videos = folder / "videos"
        self.videos.mkdir()
        self.labels = folder / "labels.pbtxt"
        write_labels(self.labels, {1: "bend", 3: "stand"})
        self.splits = {}
        self.durations: dict[str, float | str] = {}
        for split, names in (("train", ["a", "b"]), ("val", ["c"])):
            self.splits[split] = SplitFiles(
                annotations=folder / f"{split}.csv",
                proposals=folder / f"{split}.pkl",
                excluded=folder / f"{split}_excluded.csv",
            )
            keys = [(name, second) for name in names for second in (902, 903, 904)]
            self.annotate(
                split, *(f"{v},{t},0.1,0.1,0.5,0.9,{a},0" for v, t in keys for a in (1, 3))
            )
            self.propose(split, *((*key, 0.95) for key in keys))
            self.exclude(split)
            for name in names:
                self.add_video(f"{name}.mp4", 911.0)

    def annotate(self, split: str, *rows: str) -> None:
        self.splits[split].annotations.write_text("\n".join(rows) + "\n")

    def propose(self, split: str, *rows: tuple[str, int, float]) -> None:
        video, second, score = zip(*rows, strict=True)
        boxes = np.tile([0.1, 0.1, 0.5, 0.9], (len(rows), 1))
        write_proposals(
            self.splits[split].proposals, PersonBoxes.from_rows(video, second, boxes, score)
        )

    def exclude(self, split: str, *rows: str) -> None:
        self.splits[split].excluded.write_text("".join(f"{row}\n" for row in rows))

    def add_video(self, name: str, duration: float | str) -> None:
        (self.videos / name).touch()
        self.durations[name] = duration

    def probe(self, path: Path) -> SimpleNamespace:
        found = self.durations[path.name]
        if isinstance(found, str):
            raise UserError(f"{path}: {found}")
        return SimpleNamespace(duration=found)

    def check(self, **options) -> dict:
        settings = {
            "splits": self.splits,
            "labels": self.labels,
            "unscored": {2},
            "videos": self.videos,
            "first_second": 900,
            "start": 900.0,
            "seconds": 11.0,
            "fps": 30.0,
            "expected": {},
            "probe": self.probe,
        }
        return check(**settings | options)

    def faults(self, **options) -> list[str]:
        with pytest.raises(DataErrors) as caught:
            self.check(**options)
        return [fault.removeprefix(f"{self.folder}/") for fault in caught.value.errors]


@pytest.fixture
def data(tmp_path):
    return DataSet(tmp_path)


def test_a_sound_data_set_is_summed_up(data):
    data.annotate(
        "train",
        *(f"{v},{t},0.1,0.1,0.5,0.9,{a},0" for v in "ab" for t in (902, 903) for a in (1, 2)),
        "b,904",
        "b,0905,0,0,1,1,2,0",
    )
    data.propose("train", ("a", 902, 0.95), ("b", 903, 0.5), ("b", 905, 0.9), ("b", 905, 0.1))
    data.exclude("train", "a,0903")
    summary = data.check()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["splits"]["train"] == {
        "videos": 2,
        "keyframes": 6,
        "excluded": 1,
        "rows": 10,
        "proposals": 3,
        "boxes": 5,
        "boxes_of_class": {
            "1": {"name": "bend", "boxes": 4},
            "3": {"name": "stand", "boxes": 0},
        },
        "unscored_rows": 5,
        "without_proposal": ["b,0902", "b,0904"],
    }
    assert summary["splits"]["val"]["keyframes"] == 3
    first, second = summary["warnings"]
    assert first.startswith("train: 1 of 2 classes have no ground truth")
    assert first.endswith(": 3 (stand)")
    assert second.startswith("train: 2 of 5 keyframes have no proposal; ")
    assert second.endswith(": b,0902 b,0904")


def test_a_sound_data_set_has_no_warnings(data):
    assert data.check()["warnings"] == []


def test_counts_that_deviate_from_the_known_ones_are_told(data):
    expected = {
        "frames": [1, 2],
        "train": {"videos": 2, "rows": 11, "proposals": 7},
        "val": {"videos": 1, "keyframes": 3},
    }
    first, second = data.check(expected=expected)["warnings"]
    assert first.startswith("train: 12 rows of annotations; 11 are expected (config key data.exp")
    assert second.startswith("train: 6 keyframes with proposals; 7 are expected")
    assert data.check(expected={"train": {"rows": 12}})["warnings"] == []


def test_the_length_of_the_videos_shows_a_wrong_rate():
    def manifest(fps: float, *frames: int) -> dict:
        return {"videos": {str(n): {"frames": count, "fps": fps} for n, count in enumerate(frames)}}

    assert lengths(manifest(25, 498, 499, 502)) == (
        "1499 frames of 3 videos: 19.9 to 20.1 s each at 25 a second"
    )
    assert lengths(manifest(29.97, 300)) == "300 frames of 1 videos: 10.0 s each at 29.97 a second"


def test_every_video_of_another_length_is_told():
    frames = {"short": 26999, "least": 27000, "most": 27099, "long": 27100}
    manifest = {"videos": {video: {"frames": count} for video, count in frames.items()}}
    assert deviating_frames(manifest, 27000, 27099) == [
        "video 'short': 26999 frames; 27000 to 27099 are expected",
        "video 'long': 27100 frames; 27000 to 27099 are expected",
    ]


def test_files_of_two_versions_are_not_mixed(data):
    for split, version in ("train", "v2.1"), ("val", "v2.2"):
        files = data.splits[split]
        named = files.annotations.with_name(f"ava_{split}_{version}.csv")
        files.annotations.rename(named)
        data.splits[split] = replace(files, annotations=named)
    (fault,) = data.faults()
    assert fault == (
        "files of different versions are mixed; take all from one: "
        f"v2.1: {data.folder}/ava_train_v2.1.csv; v2.2: {data.folder}/ava_val_v2.2.csv"
    )


def test_a_long_list_of_keyframes_is_cut_in_the_warning_alone(data):
    data.annotate("val", *(f"c,{900 + i % 11},0,0,1,1,{1 + 2 * (i % 2)},0" for i in range(22)))
    data.propose("val", ("c", 900, 0.95))
    data.annotate("train", *(f"{v},{t}" for v in "ab" for t in range(900, 911)))
    data.propose("train", ("a", 900, 0.95))
    summary = data.check()
    assert len(summary["splits"]["train"]["without_proposal"]) == 21
    assert summary["warnings"][1].endswith("a,0910 and 11 more")
    assert summary["warnings"][2].endswith("c,0910")


def test_faults_of_all_files_are_listed_at_once(data):
    data.annotate("train", "a,902,0.8,0.1,0.2,0.4,1,0", "b,902,0,0,1,1,7,0", "b,903,0,0,1,1,1,0")
    data.annotate("val", "c,902,0,0,1,1,1,0", "c,1902,0,0,1,1,1,0")
    data.exclude("val", "c;902")
    data.splits["train"].proposals.write_bytes(b"broken")
    data.add_video("c.mp4", "truncated")
    faults = data.faults()
    for expected in (
        "train.csv:1: x1 0.8 is right of x2 0.2; swap them",
        "train.csv:2: action id 7 is not in the label list",
        "val.csv:2: second 1902 is outside the video 'c'",
        "val_excluded.csv:1: has 1 fields",
        "train.pkl: is broken",
        "videos/c.mp4: truncated",
    ):
        assert [f for f in faults if f.startswith(expected)], (expected, faults)
    assert len(faults) == 6


def test_a_broken_label_list_does_not_hide_the_rest_nor_blame_the_ids(data):
    wrong = 'item { name: "a" id: 0 }\nitem { name: "b" id: 0 }'
    data.labels.write_text(wrong)
    assert [fault[:14] for fault in data.faults()] == ["labels.pbtxt:1", "labels.pbtxt:2"]
    data.labels.write_text("none")
    data.annotate("train", "a,902,0.8,0.1,0.2,0.4,9,0", "a,902,0,0,1,1,9,0", "b,903,0,0,1,1,9,0")
    label, box = data.faults()
    assert label.startswith("labels.pbtxt: no label found")
    assert box.startswith("train.csv:1: x1")


@pytest.mark.parametrize("name", ["labels", "train.csv", "val.pkl", "train_excluded.csv"])
def test_a_missing_file_is_one_fault(data, name):
    path = data.labels if name == "labels" else data.folder / name
    path.unlink()
    (fault,) = data.faults()
    assert fault.startswith(f"{path.name}: No such file")


def test_empty_files_are_faults(data):
    data.annotate("train", "")
    write_proposals(data.splits["val"].proposals, PersonBoxes.from_rows([], [], [], []))
    csv, pickle = data.faults()
    assert csv.startswith("train.csv: is empty")
    assert pickle.startswith("val.pkl: holds no box")


def test_an_id_both_scored_and_unscored_is_a_fault(data):
    (fault,) = data.faults(unscored={3})
    assert fault.startswith("labels.pbtxt: id 3 ('stand') is listed, and named under unscored")


@pytest.mark.parametrize(
    ("second", "sound"), [(899, False), (900, True), (910, True), (911, False)]
)
def test_every_annotated_second_must_be_in_the_cut(data, second, sound):
    data.annotate("val", "c,902,0,0,1,1,1,0", f"c,{second},0,0,1,1,1,0", f"c,{second}")
    if sound:
        data.check()
    else:
        assert [f.split(":")[1] for f in data.faults()] == ["2", "3"]
        assert "begins at second 900 and ends before 911" in data.faults()[0]


def test_without_a_length_of_the_cut_the_video_ends_it(data):
    data.add_video("c.mp4", 904.0)
    data.annotate("val", "c,902,0,0,1,1,1,0", "c,903,0,0,1,1,1,0", "c,904,0,0,1,1,1,0")
    data.propose("val", ("c", 903, 1.0))
    (fault,) = data.faults(seconds=None)
    assert fault.startswith("val.csv:3: second 904 is outside the video 'c', which begins")
    assert "and ends before 904;" in fault


def test_a_wrong_first_second_is_one_fault_for_each_video(data):
    faults = data.faults(first_second=905)
    assert [fault.split(":")[1] for fault in faults if ".csv" in fault] == ["1", "7", "1"]
    assert faults[0].startswith("train.csv:1: seconds 902 to 904 are outside the video 'a', which ")
    assert faults[2].startswith("train.pkl: seconds 902 to 904 are outside the video 'a', which ")


def test_proposed_seconds_outside_an_annotated_video_are_faults(data):
    data.propose("val", ("c", 902, 1.0), ("c", 1000, 1.0), ("unknown", 1, 1.0))
    (fault,) = data.faults()
    assert fault.startswith("val.pkl: second 1000 is outside the video 'c'")


@pytest.mark.parametrize(("duration", "sound"), [(910.97, True), (910.9, False)])
def test_a_video_may_lack_one_frame_of_the_cut_and_no_more(data, duration, sound):
    data.add_video("b.mp4", duration)
    if sound:
        data.check()
    else:
        (fault,) = data.faults()
        assert fault.startswith("videos/b.mp4: ends early, at 910.90 s")


def test_missing_videos_are_named_with_the_row_that_wants_them(data):
    (data.videos / "b.mp4").unlink()
    (fault,) = data.faults()
    assert fault.startswith("train.csv:7: no b with .mp4, .mkv, .webm, .avi, .mov in ")


def test_a_video_that_is_named_a_little_otherwise_is_shown(data):
    data.add_video("cafe\u0301 in town.mp4", 911.0)
    data.add_video("street_02.mkv", 911.0)
    data.annotate("val", "caf\u00e9 in town,902,0,0,1,1,1,0", "street 02,902,0,0,1,1,1,0")
    data.propose("val", ("caf\u00e9 in town", 902, 1.0))
    same, close = data.faults()
    assert same.endswith(" looks the same, but its letters are encoded otherwise; rename it")
    assert close.endswith("; is it street_02.mkv? Name both alike, or delete its rows")


def test_a_name_with_its_extension_is_explained(data):
    data.annotate("val", "c.mp4,902,0,0,1,1,1,0")
    data.propose("val", ("c.mp4", 902, 1.0))
    (fault,) = data.faults()
    assert fault.endswith("name videos without the extension")


def test_a_missing_folder_of_videos_is_one_fault(data, tmp_path):
    (fault,) = data.faults(videos=tmp_path / "gone")
    assert fault.startswith("gone: No such file or directory")


def test_two_files_of_one_video_are_a_fault(data):
    (data.videos / "a.mkv").touch()
    (fault,) = data.faults(probe=lambda path: SimpleNamespace(duration=1e6))
    assert fault == "videos: a.mkv, a.mp4 are all video 'a'; keep one"


def test_videos_are_not_asked_for_where_frames_are_there_already(data):
    data.check(videos=None, probe=None)
    data.check(videos=None, probe=None, seconds=None)


def test_videos_are_probed_by_the_decoder_unless_told_otherwise(data):
    (data.videos / "a.mp4").write_text("no video")
    assert any(fault.startswith("videos/a.mp4: ") for fault in data.faults(probe=None))


def test_proposals_keyed_by_other_names_are_a_fault_that_shows_both_keys(data):
    data.propose("val", *(("c.mp4", second, 1.0) for second in (902, 903, 904)))
    (fault,) = data.faults()
    assert fault.startswith("val.pkl: none of the 3 keyframes of ")
    assert "'c.mp4,0902'" in fault
    assert "'c,0902'" in fault
    assert fault.endswith("; its video names are spelled differently: key both alike")


@pytest.mark.parametrize(
    ("seconds", "why"),
    [
        ((2, 3, 4), "seconds count from 0"),
        ((61, 91, 121), "seconds look like frame numbers"),
        ((1902, 1903, 1904), "seconds are 1000 higher"),
    ],
)
def test_proposals_of_other_seconds_are_one_fault_that_says_which(data, seconds, why):
    data.propose("val", *(("c", second, 1.0) for second in seconds))
    (fault,) = data.faults()
    assert fault.startswith("val.pkl: none of the 3 keyframes of ")
    assert fault.endswith(f"; its {why}: key both alike")


def test_proposals_of_which_most_are_keyed_otherwise_are_a_fault(data):
    seconds = range(902, 911)
    data.annotate("val", *(f"c,{t},0,0,1,1,{a},0" for t in seconds for a in (1, 3)))
    data.propose("val", ("c", 902, 1.0), *(("c.mp4", t, 1.0) for t in seconds[1:]))
    (fault,) = data.faults()
    assert fault.startswith("val.pkl: 1 of the 9 keyframes of ")
    assert "'c.mp4,0903'" in fault


def test_each_video_that_the_proposals_spell_otherwise_is_a_fault(data):
    rest = [("a", t, 1.0) for t in (902, 903, 904)]
    data.propose("train", *rest, ("videos/B.mp4", 902, 1.0), ("other.mp4", 903, 1.0))
    (fault,) = data.faults()
    assert fault == (
        f"train.pkl: video 'videos/B.mp4' is 'b' in {data.folder}/train.csv, which has no "
        "proposal; name both alike"
    )
    data.propose("train", *rest, ("other.mp4", 903, 1.0))
    (warning,) = data.check()["warnings"]
    assert warning.startswith("train: 3 of 6 keyframes have no proposal; ")


def test_few_proposals_with_the_right_keys_are_no_fault(data):
    seconds = range(902, 911)
    data.annotate("val", *(f"c,{t},0,0,1,1,{a},0" for t in seconds for a in (1, 3)))
    data.propose("val", ("c", 902, 1.0), ("other.mp4", 903, 1.0))
    (warning,) = data.check()["warnings"]
    assert warning.startswith("val: 8 of 9 keyframes have no proposal; ")


def test_a_detectors_csv_is_checked_as_proposals_are(data):
    path = data.folder / "boxes.csv"
    files = replace(data.splits["val"], proposals=None, detections=path)
    data.splits["val"] = files
    path.write_text("c,902,0,0,64,48,0.5\nc,903,0,0,64,48,0.5\n")
    summary = data.check()["splits"]["val"]
    assert (summary["proposals"], summary["without_proposal"]) == (2, ["c,0904"])
    path.write_text("c,902,0,0,64,48,0.5\nc,903,9,0,3,48,0.5\nc,904,0,0,64,48,85\n")
    faults = data.faults()
    assert [fault.split(";")[0] for fault in faults] == [
        "boxes.csv:2: x1 9.0 is right of x2 3.0",
        "boxes.csv:3: score 85 is outside [0, 1]",
    ]
    path.write_text("".join(f"c.mp4,{second},0,0,64,48,0.5\n" for second in (2, 3, 4)))
    (fault,) = data.faults()
    assert fault.startswith("boxes.csv: none of the 3 keyframes of ")
    assert "its video names are spelled differently and seconds count from 0: " in fault


def test_a_data_set_needs_no_proposals(data):
    for split, files in data.splits.items():
        data.splits[split] = replace(files, proposals=None)
    summary = data.check(expected={"val": {"proposals": 3}})
    assert summary["warnings"] == []
    assert summary["splits"]["val"].keys().isdisjoint({"proposals", "without_proposal"})


def test_proposals_keyed_by_other_seconds_are_a_fault(data):
    data.propose("val", ("c", 905, 1.0))
    (fault,) = data.faults()
    assert "'c,0905'" in fault
    assert "'c,0902'" in fault


def test_exclusions_of_another_split_are_a_fault(data):
    data.exclude("val", "a,0902")
    (fault,) = data.faults()
    assert fault.startswith("val_excluded.csv: excludes no video of ")


def test_a_split_of_excluded_keyframes_only_is_a_fault(data):
    data.exclude("val", "c,902", "c,903", "c,904")
    (fault,) = data.faults()
    assert fault.startswith("val_excluded.csv: excludes every keyframe of ")


def test_a_split_needs_no_exclusions(data):
    data.splits["val"] = SplitFiles(data.splits["val"].annotations, data.splits["val"].proposals)
    assert data.check()["splits"]["val"]["excluded"] == 0


def test_a_video_in_two_splits_is_a_fault_that_names_both_rows(data):
    data.annotate("val", "c,902,0,0,1,1,1,0", "b,902,0,0,1,1,1,0")
    (fault,) = data.faults()
    assert fault.startswith("train.csv:7: video 'b' is in train and in val (")
    assert fault.endswith("val.csv:2); delete it from one")


# Videos and frames


def test_videos_are_found_by_name_in_every_container(tmp_path):
    for name in ("a.mp4", "b.b.MKV", "c.webm", "d.avi", "e.mov", "f.txt"):
        (tmp_path / name).touch()
    found = find_videos(tmp_path)
    assert {name: path.name for name, path in found.items()} == {
        "a": "a.mp4",
        "b.b": "b.b.MKV",
        "c": "c.webm",
        "d": "d.avi",
        "e": "e.mov",
    }
    (tmp_path / "a.mov").touch()
    with pytest.raises(DataErrors, match="keep one"):
        find_videos(tmp_path)
    with pytest.raises(DataErrors, match="put the videos there"):
        find_videos(tmp_path / "gone")


@pytest.mark.parametrize(
    ("second", "sound"), [(899, False), (900, True), (902, True), (909, True), (910, False)]
)
def test_every_keyframe_must_be_among_the_frames(second, sound):
    manifest = {"videos": {"a": {"frames": 10, "fps": 1.0, "first_second": 900}}}
    assert (check_frames({"a": [second]}, manifest) == []) is sound


def test_the_last_frame_decides_to_the_frame():
    def faults(frames: int) -> list[str]:
        manifest = {"videos": {"a": {"frames": frames, "fps": 30.0, "first_second": 900}}}
        return check_frames({"a": [902, 902]}, manifest)

    assert faults(61) == []
    assert faults(60) == [
        "video 'a': second 902 is frame 61 of 60; mend data.fps or first_second, extract a longer "
        "part or delete the keyframe"
    ]


def test_a_video_without_frames_is_a_fault():
    assert check_frames({"a": [902]}, {"videos": {}}) == ["video 'a': has no frames; extract them"]
