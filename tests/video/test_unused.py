"""Tests of lfb.video.unused."""

import shutil
import zipfile
from pathlib import Path

from lfb.video.unused import find_unused_zips


def test_only_zips_of_this_project_whose_video_is_there_can_be_made_again(
    cut: Path, tmp_path: Path
) -> None:
    frames, videos = tmp_path / "frames", tmp_path / "videos"
    for name in "used", "again", "day1/again", "gone":
        (frames / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(cut, frames / f"{name}.zip")
    with zipfile.ZipFile(frames / "mine.zip", "w") as mine:
        mine.writestr("photo.jpg", b"")
    for name in "used", "again", "day1/again", "mine":
        (videos / name).parent.mkdir(parents=True, exist_ok=True)
        (videos / f"{name}.mp4").touch()
    unused = find_unused_zips(frames, videos, {"used"})
    assert unused.again == [frames / "again.zip", frames / "day1/again.zip"]
    assert unused.lasting == [frames / "gone.zip", frames / "mine.zip"]


def test_without_videos_nothing_can_be_made_again(cut: Path, tmp_path: Path) -> None:
    assert find_unused_zips(tmp_path / "frames", tmp_path / "videos", set()) == ([], [])
    shutil.copy(cut, tmp_path / "a.zip")
    assert find_unused_zips(tmp_path, tmp_path / "videos", set()) == ([], [tmp_path / "a.zip"])
