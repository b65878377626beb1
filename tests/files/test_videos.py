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
