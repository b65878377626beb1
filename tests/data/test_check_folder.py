"""Tests of lfb.data.check_folder."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from lfb.data.check_folder import check_folder
from lfb.data.footage import Footage

PATTERN = "{video}/img_{frame:05d}.jpg"


def write_frames(folder: Path, video: str, numbers: Iterable[int], pattern: str = PATTERN) -> None:
    """Write frames of 8x6 pixels."""
    for number in numbers:
        path = folder / pattern.format(video=video, frame=number)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6)).save(path)


def look(folder: Path, videos: str, pattern: str = PATTERN) -> Footage:
    return check_folder(list(videos), folder, pattern, fps=30, first_second=1)


def test_frames_are_counted_and_measured_without_decoding_all(tmp_path):
    write_frames(tmp_path, "a", range(1, 13))
    write_frames(tmp_path, "b", range(1, 5))
    (tmp_path / "b/img_00003.jpg").write_bytes(b"broken")
    (tmp_path / "b/notes.txt").touch()
    footage = look(tmp_path, "ab")
    assert footage.frames == {"a": 12, "b": 4}
    assert footage.sizes == {"a": (8, 6), "b": (8, 6)}
    assert footage.findings.errors == []


@pytest.mark.parametrize("pattern", [PATTERN, "{video}_{frame}.jpg", "{video}/{video}_{frame}.jpg"])
def test_names_of_videos_may_contain_folders(tmp_path, pattern):
    write_frames(tmp_path, "day1/cam 2", range(1, 13), pattern)
    footage = check_folder(["day1/cam 2"], tmp_path, pattern, fps=30, first_second=1)
    assert (footage.frames, footage.findings.errors) == ({"day1/cam 2": 12}, [])


@pytest.mark.parametrize(
    ("pattern", "existing"),
    [
        ("{video}/{video}_{frame:06d}.jpg", "a/img_00001.jpg"),
        ("{video}/img_{frame:06d}.jpg", "a/img_00001.jpg"),
        ("frames/{video}/{frame}.jpg", "a/img_00001.jpg"),
    ],
)
def test_a_pattern_that_matches_nothing_is_one_error_with_a_file_that_exists(
    tmp_path, pattern, existing
):
    for video in "abc":
        write_frames(tmp_path, video, [1, 2])
    (error,) = look(tmp_path, "abc", pattern).findings.errors
    first = pattern.format(video="a", frame=1)
    assert error == (
        f"{tmp_path}/{first}: the first frame of video 'a' does not exist (nor do those of 2 more "
        f"videos), but {tmp_path}/{existing} does; fix data.frames.folder or data.frames.pattern, "
        "or extract the video"
    )


def test_a_missing_folder_of_frames_is_an_error(tmp_path):
    (error,) = look(tmp_path / "gone", "a").findings.errors
    assert error.startswith(f"{tmp_path}/gone/a/img_00001.jpg: the first frame of video 'a' does ")
    assert "but" not in error


def test_gaps_and_frames_that_count_from_0_are_one_line_each(tmp_path):
    for video in "abcd":
        write_frames(tmp_path, video, [*range(0 if video > "b" else 1, 5), 7])
    zero, gaps = look(tmp_path, "abcd").findings.errors
    assert zero.startswith(f"{tmp_path}/c/img_00000.jpg, {tmp_path}/d/img_00000.jpg: frames count")
    assert gaps == (
        f"{tmp_path}: frames are missing in 4 of the videos: 'a' 5, 6 of 7; 'b' 5, 6 of 7; "
        "'c' 5, 6 of 7 and 1 more; extract these videos again"
    )


@pytest.mark.parametrize("number", [1, 3])
def test_a_first_or_last_frame_that_does_not_decode_is_an_error(tmp_path, number):
    write_frames(tmp_path, "a", [1, 2, 3])
    (tmp_path / f"a/img_{number:05d}.jpg").write_bytes(b"broken")
    (error,) = look(tmp_path, "a").findings.errors
    assert error.startswith(f"{tmp_path}/a/img_{number:05d}.jpg: does not decode")


def test_a_last_frame_of_another_size_is_an_error(tmp_path):
    write_frames(tmp_path, "a", [1, 2])
    Image.new("RGB", (6, 8)).save(tmp_path / "a/img_00002.jpg")
    (error,) = look(tmp_path, "a").findings.errors
    assert error.startswith(f"{tmp_path}/a/img_00002.jpg: 6x8 pixels, but frame 1 has 8x6. ")
