"""Tests of lfb.config.inputs."""

from lfb.config.inputs import checked_files, data_files, files_by_split, split_files, splits_from

CONFIG = {
    "data": {
        "videos": "v",
        "labels": "l.pbtxt",
        "invalid_keyframes": "error",
        "train": {"annotations": "t.csv", "excluded": "te.csv"},
        "val": {"annotations": "v.csv", "detections": "d.csv"},
    }
}


def test_splits_are_grouped_by_the_source_of_their_people():
    assert splits_from(CONFIG, "annotations") == ["train"]
    assert splits_from(CONFIG, "detections") == ["val"]
    assert splits_from(CONFIG, "annotations", "detections") == ["train", "val"]
    assert splits_from(CONFIG, "proposals", "detector") == []


def test_a_split_has_labels_annotations_and_optional_excluded_seconds():
    assert split_files(CONFIG, "train") == {
        "labels": "l.pbtxt",
        "annotations": "t.csv",
        "excluded": "te.csv",
    }
    assert split_files(CONFIG, "val")["excluded"] == []


def test_copies_replace_the_files_if_invalid_keyframes_are_dropped():
    assert checked_files(CONFIG, "val") == CONFIG["data"]["val"]
    dropping = {"data": CONFIG["data"] | {"invalid_keyframes": "drop"}}
    assert checked_files(dropping, "val") == {
        "annotations": "<results>/data/valid/val-annotations.csv",
        "detections": "<results>/data/valid/val-detections.csv",
    }
    assert split_files(dropping, "train") == {
        "labels": "l.pbtxt",
        "annotations": "<results>/data/valid/train-annotations.csv",
        "excluded": "te.csv",
    }


def test_files_are_listed_by_split_and_kind():
    assert files_by_split(CONFIG, ["annotations", "detections"]) == {
        "train": {"annotations": "t.csv"},
        "val": {"annotations": "v.csv", "detections": "d.csv"},
    }


def test_the_data_has_a_folder_of_videos_or_of_frames():
    assert data_files(CONFIG, ["excluded"]) == {
        "folder": "v",
        "labels": "l.pbtxt",
        "train_excluded": "te.csv",
    }
    frames = {"videos": None, "frames": {"folder": "f"}}
    own = {"data": CONFIG["data"] | frames}
    assert data_files(own, [])["folder"] == "f"
