"""Tests of lfb.files.videos."""

import pytest

from lfb.errors import DataErrors
from lfb.files.videos import find_videos


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


def test_names_may_contain_folders_of_which_no_others_are_searched(tmp_path):
    for name in ("day1/cam 2.mp4", "day1/deep/x.mkv", "day2/cam.mp4", "top.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_videos(tmp_path, ["day1/cam 2", "day1/deep/y", "gone/z", "top"])
    assert found == {
        "day1/cam 2": tmp_path / "day1/cam 2.mp4",
        "day1/deep/x": tmp_path / "day1/deep/x.mkv",
        "top": tmp_path / "top.mp4",
    }
    (tmp_path / "day1/cam 2.avi").touch()
    with pytest.raises(DataErrors, match="all video 'day1/cam 2'; keep one"):
        find_videos(tmp_path, ["day1/cam 2"])
