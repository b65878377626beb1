"""Tests of lfb.exchange.films."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from lfb.errors import UserError
from lfb.exchange.films import Films
from lfb.exchange.tracks import Film
from tests.exchange import tool_files


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("kitchen 2.mp4", "kitchen 2"),
        ("kitchen 2", "kitchen 2"),
        ("C:\\films\\kitchen 2.MP4", "kitchen 2"),
        ("/data/upload/3/0a1b2c3d-kitchen_2.mp4", "kitchen 2"),
        ("/data/local-files/?d=films/kitchen%202.mp4", "kitchen 2"),
        ("https://host/films/day1/cam2.mp4?signature=a/b", "day1/cam2"),
        ("s3://bucket/day1/cam2.mp4", "day1/cam2"),
        ("./hall.webm", "hall"),
    ],
)
def test_a_video_is_found_by_each_tool_s_name_of_it(tmp_path: Path, text: str, name: str) -> None:
    film = tool_files.films(tmp_path).find(text)
    assert film == Film(name, 30, 600, 640, 480)


@pytest.mark.parametrize("text", ["", "..", "attic.mp4", "day2/cam2x.mp4", "/?d="])
def test_an_unknown_video_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match=f"is not in {tmp_path}; .*put it there"):
        tool_files.films(tmp_path).find(text)


def test_the_file_of_a_video(tmp_path: Path) -> None:
    films = tool_files.films(tmp_path)
    assert films.file(films.find("day1/cam2.mp4")) == "day1/cam2.mp4"


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none: no such folder; put the videos there"):
        Films({"videos": str(tmp_path / "none")}).find("a.mp4")


def test_a_video_without_frame_rate_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    films = Films({"videos": str(tmp_path)}, lambda path: SimpleNamespace(duration=1, fps=0))
    with pytest.raises(UserError, match=r"a\.mp4: has no frame rate"):
        films.find("a.mp4")


def test_folders_of_frames_are_videos_at_the_rate_of_the_data(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        path = tmp_path / "frames/hall" / f"img_{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48)).save(path)
    frames = {"folder": str(tmp_path / "frames"), "pattern": "{video}/img_{frame:05d}.jpg"}
    films = Films({"frames": frames, "fps": 12, "first_second": 0})
    film = films.find("films/hall.mp4")
    assert film == Film("hall", 12, 3, 64, 48)
    assert films.file(film) == "hall.mp4"
    with pytest.raises(UserError, match="video 'attic' is not in"):
        films.find("attic")
