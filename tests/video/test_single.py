"""Tests of lfb.video.single."""

import pytest

from lfb.errors import UserError
from lfb.video.frames import FrameFolder
from lfb.video.single import frames_of, similar
from tests.films import make_video

NAME = "day 1/Straße 2"


def settings(folder):
    """Return settings for videos in a folder."""
    return {"videos": str(folder), "fps": 5, "first_second": 3, "start": 1, "seconds": 2}


def test_missing_frames_are_extracted_once_and_kept(tmp_path):
    source = tmp_path / f"videos/{NAME}.mp4"
    source.parent.mkdir(parents=True)
    make_video(source, frames=4 * 24)
    frames = frames_of(NAME, settings(tmp_path / "videos"), tmp_path / "frames")
    assert (frames.info.frames, frames.info.first_second) == (10, 3)
    zipped = tmp_path / f"frames/{NAME}.zip"
    written = zipped.stat().st_mtime_ns
    frames_of(NAME, settings(tmp_path / "videos"), tmp_path / "frames")
    assert zipped.stat().st_mtime_ns == written
    source.unlink()  # you may delete the videos once you have their frames
    again = frames_of(NAME, settings(tmp_path / "videos"), tmp_path / "frames")
    assert again.read(1) == frames.read(1)


def test_a_folder_of_frames_is_used_in_place(tmp_path):
    own = {"frames": {"folder": str(tmp_path), "pattern": "{video}/{frame:06d}.jpg"}}
    frames = frames_of(NAME, {**own, "fps": 5, "first_second": 3}, tmp_path / "unused")
    assert isinstance(frames, FrameFolder)
    assert frames.path(2) == tmp_path / NAME / "000002.jpg"


def test_a_video_without_file_and_frames_is_an_error_with_names_like_it(tmp_path):
    make_video(tmp_path / "kitchen 2.mp4", frames=4)
    with pytest.raises(UserError, match=r"has no video 'kitchen2'. Its names include 'kitchen 2'"):
        frames_of("kitchen2", settings(tmp_path), tmp_path / "frames")
    with pytest.raises(UserError, match=r"has no video 'x'. It is empty"):
        frames_of("x", settings(tmp_path / "none"), tmp_path / "frames")


def test_the_most_similar_name_comes_first():
    assert similar("val_01", ["val_100", "hall", "val_001"]).startswith(
        " Its names include 'val_001', "
    )
    assert similar("x", []) == " It is empty."
