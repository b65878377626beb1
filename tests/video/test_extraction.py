import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lfb.errors import DataErrors, UserError
from lfb.video.extraction import (
    extract,
    extract_all,
    join_manifests,
    jpeg_sizes,
    verify_all,
)
from lfb.video.frames import FrameZip
from tests.films import BROKEN, CUT, make_video, source_frame, turn_right, unpack

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["plain.mp4", "fast.mp4", "other.mkv"])
@pytest.mark.parametrize("start", [0, 1, 1.5])
def test_frame_k_shows_the_picture_nearest_in_time(
    videos: Path, tmp_path: Path, name: str, start: float
) -> None:
    info = extract(videos / name, tmp_path / "a.zip", **{**CUT, "start": start})
    frames = FrameZip(tmp_path / "a.zip")
    assert info == frames.info
    assert (info.frames, info.width, info.height, info.fps) == (60, 64, 48, 30)
    assert info.first_second == 900
    shown = [source_frame(frames.read(k + 1)) for k in range(60)]
    # ffmpeg's rule: a picture is shown from the new frame nearest to its time, halves up.
    # Matroska rounds times to milliseconds, so a half may fall on either side.
    places = [np.floor((i / 24 - start) * 30 + 0.5 + 1e-9) for i in range(96)]
    expected = [max(i for i in range(96) if places[i] <= k) for k in range(60)]
    if name.endswith("mp4"):
        assert shown == expected
    assert np.abs(np.subtract(shown, expected)).max() <= 1


def test_without_a_length_the_rest_of_the_video_is_extracted(videos: Path, tmp_path: Path) -> None:
    info = extract(videos / "plain.mp4", tmp_path / "a.zip", **{**CUT, "seconds": None})
    assert info.frames == 90
    assert source_frame(FrameZip(tmp_path / "a.zip").read(90)) == 95


def test_the_same_video_gives_the_same_bytes(videos: Path, tmp_path: Path, cut: Path) -> None:
    time.sleep(0.01)
    (tmp_path / "plain.mp4").write_bytes((videos / "plain.mp4").read_bytes())
    extract(tmp_path / "plain.mp4", tmp_path / "a.zip", **CUT)
    assert (tmp_path / "a.zip").read_bytes() == cut.read_bytes()


def test_the_zip_has_the_documented_members(cut: Path) -> None:
    with zipfile.ZipFile(cut) as zipped:
        names = [f"{n:06d}.jpg" for n in range(1, 61)]
        assert zipped.namelist() == [*names, "info.json"]
        assert all(member.compress_type == zipfile.ZIP_STORED for member in zipped.infolist())
        assert json.loads(zipped.read("info.json"))["decoder"].startswith("PyAV")
        frames = FrameZip(cut)
        assert [frames.read(n) for n in range(1, 61)] == [zipped.read(name) for name in names]


def test_frames_are_rotated_as_the_file_says(videos: Path, tmp_path: Path) -> None:
    turn_right(videos / "plain.mp4", tmp_path / "turned.mp4")
    info = extract(tmp_path / "turned.mp4", tmp_path / "a.zip", **CUT)
    assert (info.width, info.height) == (48, 64)
    with Image.open(io.BytesIO(FrameZip(tmp_path / "a.zip").read(1))) as image:
        picture = np.asarray(image.convert("L")).astype(int)
    assert picture[:14].std() > 30  # turned clockwise, the noise on the left is on top
    assert picture[58:].std() < 3


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_video_is_an_error_and_leaves_no_file(
    videos: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UserError, match=f"{name}: {BROKEN[name]}"):
        extract(videos / name, tmp_path / "a.zip", **CUT)
    assert list(tmp_path.iterdir()) == []


def test_damage_in_the_middle_is_an_error(videos: Path, tmp_path: Path) -> None:
    data = bytearray((videos / "plain.mp4").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    (tmp_path / "hole.mp4").write_bytes(data)
    with pytest.raises(UserError, match=r"hole\.mp4: damaged: .* after [12]\.\d+ s"):
        extract(tmp_path / "hole.mp4", tmp_path / "a.zip", **{**CUT, "start": 0, "seconds": 4})
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.parametrize(("start", "seconds"), [(0, 4.1), (2, 3), (9, 1), (4, None)])
def test_a_video_that_ends_early_is_an_error(
    videos: Path, tmp_path: Path, start: float, seconds: float | None
) -> None:
    with pytest.raises(UserError, match=r"plain\.mp4: ends early, at 4\.00 s"):
        extract(
            videos / "plain.mp4", tmp_path / "a.zip", **{**CUT, "start": start, "seconds": seconds}
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_all_videos_are_extracted_and_all_errors_reported(
    videos: Path, tmp_path: Path, processes: int
) -> None:
    good = {"plain": videos / "plain.mp4", "other": videos / "other.mkv"}
    bad = {"text": videos / "text.mp4", "half": videos / "half_fast.mp4"}
    with pytest.raises(DataErrors) as caught:
        extract_all({**bad, **good}, tmp_path, **CUT, processes=processes)
    assert [Path(error.split(":")[0]).name for error in caught.value.errors] == [
        "half_fast.mp4",
        "text.mp4",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.zip", "plain.zip"]

    manifest = extract_all(good, tmp_path, **CUT, processes=processes)
    assert list(manifest["videos"]) == ["other", "plain"]
    info = FrameZip(tmp_path / "plain.zip").info
    assert manifest["videos"]["plain"] == {
        "frames": 60,
        "fps": 30,
        "first_second": 900,
        "width": 64,
        "height": 48,
        "bytes": (tmp_path / "plain.zip").stat().st_size,
        "decoder": info.decoder,
        "digest": info.digest,
    }


def test_a_zip_is_kept_only_from_the_same_video_and_settings(videos: Path, tmp_path: Path) -> None:
    video, target = tmp_path / "v.mp4", tmp_path / "v.zip"
    video.write_bytes((videos / "plain.mp4").read_bytes())

    def is_kept(**changes: Any) -> bool:
        before = target.stat().st_ino, target.stat().st_mtime_ns
        extract_all({"v": video}, tmp_path, **{**CUT, **changes})
        return before == (target.stat().st_ino, target.stat().st_mtime_ns)

    extract_all({"v": video}, tmp_path, **CUT)
    assert is_kept()
    for name, value in ("quality", 80), ("fps", 25), ("start", 0), ("first_second", 1):
        assert not is_kept(**{name: value})
        assert is_kept(**{name: value})
    extract_all({"v": video}, tmp_path, **CUT)
    later = target.stat().st_mtime_ns + 10**9
    os.utime(video, ns=(later, later))
    assert not is_kept()
    os.utime(video, ns=(0, 0))
    video.write_bytes((videos / "fast.mp4").read_bytes())
    os.utime(video, ns=(0, 0))
    assert video.stat().st_size == (videos / "plain.mp4").stat().st_size
    assert is_kept()  # not detected: same name and size, older date
    target.write_bytes(target.read_bytes()[:-5])
    assert not is_kept()


def test_a_killed_run_leaves_only_complete_zips_and_no_worker(videos: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from lfb.video.extraction import extract_all\n"
        "if __name__ == '__main__':\n"
        "    videos = {'a': sys.argv[1], **dict.fromkeys('bcde', sys.argv[2])}\n"
        "    extract_all(videos, sys.argv[3], fps=30, first_second=0, start=0, seconds=None,\n"
        "                processes=2)\n"
    )
    make_video(tmp_path / "long.mp4", 3000)
    folder = tmp_path / "zips"
    command = [sys.executable, str(program), str(videos / "plain.mp4"), str(tmp_path / "long.mp4")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([*command, str(folder)], env=environment) as running:
        deadline = time.monotonic() + 30
        while not ((folder / "a.zip").exists() and list(folder.glob(".*.partial"))):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    time.sleep(0.2)
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    time.sleep(0.2)
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == sizes
    zips = [path for path in folder.iterdir() if path.suffix == ".zip"]
    assert len(zips) < 5
    assert all(len(FrameZip(path)) in (120, 3750) for path in zips)


@pytest.mark.parametrize("pattern", ["{video}/img_{frame:05d}.jpg", "{video}_{frame:06d}.jpg"])
def test_a_verified_folder_has_the_digest_of_its_zip(
    tmp_path: Path, cut: Path, pattern: str
) -> None:
    for video in "v", "v_000001":
        unpack(cut, tmp_path, pattern, video)
    entry = verify_all(["v"], tmp_path, pattern, fps=30, first_second=900)["videos"]["v"]
    assert (entry["frames"], entry["digest"]) == (60, FrameZip(cut).info.digest)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_bad_frame_is_reported(tmp_path: Path, cut: Path, processes: int) -> None:
    pattern = "{video}/{frame}.jpg"
    for video in "a", "b", "c":
        unpack(cut, tmp_path, pattern, video)
    (tmp_path / "a" / "8.jpg").unlink()
    whole = (tmp_path / "a" / "40.jpg").read_bytes()
    (tmp_path / "a" / "40.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b" / "1.jpg").write_text("no picture")
    Image.new("RGB", (32, 32)).save(tmp_path / "c" / "60.jpg")
    with pytest.raises(DataErrors) as caught:
        verify_all(
            ["a", "b", "c", "d"], tmp_path, pattern, fps=30, first_second=900, processes=processes
        )
    expected = {
        "a/8.jpg": "frame 8 of video a is missing",
        "a/40.jpg": "does not decode",
        "b/1.jpg": "does not decode",
        "c/60.jpg": "32x32 pixels, but frame 1 has 64x48",
        "d/1.jpg": "frame 1 of video d is missing",
    }
    found = dict(error.split(": ", 1) for error in caught.value.errors)
    assert set(found) == {str(tmp_path / name) for name in expected}
    assert all(text in found[str(tmp_path / name)] for name, text in expected.items())


def test_frames_that_count_from_0_are_one_error_per_video(tmp_path: Path, cut: Path) -> None:
    pattern = "{video}/img_{frame:05d}.jpg"
    for video in "a", "b":
        unpack(cut, tmp_path, pattern, video)
    first = tmp_path / "b" / "img_00000.jpg"
    first.write_bytes(cut.read_bytes()[:9])
    with pytest.raises(DataErrors) as caught:
        verify_all(["a", "b"], tmp_path, pattern, fps=30, first_second=900)
    (error,) = caught.value.errors
    assert error.startswith(f"{first}: frames count from 1; ")
    for frame in (tmp_path / "b").iterdir():
        if frame != first:
            frame.unlink()
    with pytest.raises(DataErrors, match="frames count from 1; "):
        verify_all(["b"], tmp_path, pattern, fps=30, first_second=900)


def test_joined_manifests_are_the_manifest_of_all_videos(tmp_path: Path) -> None:
    videos = {name: {"frames": 9, "fps": 29.97, "digest": name} for name in "abcde"}
    whole = {"folder": "my/frames/", "pattern": None, "videos": videos}
    paths = [tmp_path / f"{number}.json" for number in range(3)]
    for number, path in enumerate(paths):
        part = {name: videos[name] for name in "abcde"[number::3]}
        path.write_text(json.dumps(whole | {"videos": part}))
    assert json.dumps(join_manifests(paths)) == json.dumps(whole)

    for wrong in whole | {"videos": {"a": videos["a"]}}, {**whole, "folder": "b", "videos": {}}:
        paths[2].write_text(json.dumps(wrong))
        with pytest.raises(UserError, match=r"2\.json: not a piece of the same manifest as "):
            join_manifests(paths)
    paths[2].write_text("{")
    with pytest.raises(UserError, match=r"2\.json: not a manifest of frames"):
        join_manifests(paths)


def test_each_finished_video_is_logged(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        extract_all({"plain": videos / "plain.mp4"}, tmp_path, **CUT)
    assert caplog.messages == ["plain: 1 of 1 videos"]


def test_jpeg_sizes_are_those_of_the_extracted_frames(videos: Path, cut: Path) -> None:
    frames = FrameZip(cut)
    sizes = jpeg_sizes(videos / "plain.mp4", fps=CUT["fps"], start=CUT["start"], count=3)
    assert sizes == [len(frames.read(number)) for number in (1, 2, 3)]


def test_many_videos_log_some_twenty_lines(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"v{number:02d}" for number in range(50)]
    with caplog.at_level(logging.INFO, "lfb"):
        extract_all(dict.fromkeys(names, videos / "plain.mp4"), tmp_path, **{**CUT, "seconds": 0.1})
    counts = [int(message.split()[1]) for message in caplog.messages]
    assert counts == list(range(2, 51, 2))
