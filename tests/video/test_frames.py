import contextlib
import json
import pickle
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.errors import UserError
from lfb.video.extraction import extract
from lfb.video.frames import FrameFolder, FrameInfo, FrameZip, Manifest
from tests.films import CUT, unpack

ROOT = Path(__file__).parents[2]


@settings(max_examples=5)
@given(st.permutations(range(1, 61)))
def test_frames_are_read_in_any_order(cut: Path, numbers: Sequence[int]) -> None:
    with zipfile.ZipFile(cut) as zipped:
        frames = pickle.loads(pickle.dumps(FrameZip(cut)))
        for number in numbers:
            assert frames.read(number) == zipped.read(f"{number:06d}.jpg")


def test_a_frame_number_out_of_range_is_an_index_error(cut: Path) -> None:
    for number in 0, 61:
        with pytest.raises(IndexError, match=f"no frame {number} of 60"):
            FrameZip(cut).read(number)


def test_a_zip_is_read_after_a_fork(cut: Path) -> None:
    program = (
        "import os, sys; from lfb.video.frames import FrameZip; zip = FrameZip(sys.argv[1])\n"
        "one = zip.read(1)\n"
        "pid = os.fork()\n"
        "same = zip.read(1) == one and zip.read(60) != one\n"
        "if pid == 0: os._exit(0 if same else 1)\n"
        "sys.exit(not same or os.waitpid(pid, 0)[1])"
    )
    subprocess.run([sys.executable, "-c", program, str(cut)], check=True, cwd=ROOT)


def test_a_replaced_zip_is_read_again(videos: Path, tmp_path: Path, cut: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(cut.read_bytes())
    before = FrameZip(path).read(1)
    extract(videos / "plain.mp4", path, **{**CUT, "start": 2})
    assert FrameZip(path).read(1) != before


def test_a_broken_zip_is_named(tmp_path: Path, cut: Path) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(UserError, match=r"a\.zip: no such zip"):
        FrameZip(path).read(1)
    path.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"a\.zip: not a complete zip of frames"):
        len(FrameZip(path))
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("000001.jpg", b"")
    with pytest.raises(UserError, match=r"a\.zip: not a complete zip of frames .*info\.json"):
        len(FrameZip(path))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped, zipfile.ZipFile(cut) as old:
        for member in old.namelist():
            zipped.writestr(member, old.read(member))
    with pytest.raises(UserError, match=r"a\.zip: its frames are compressed"):
        FrameZip(path).read(1)


def test_frames_with_another_digest_are_refused(cut: Path, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    info = FrameZip(cut).info
    entry = {"fps": info.fps, "first_second": info.first_second, "digest": info.digest}
    content = {"folder": str(cut.parent), "pattern": None, "videos": {cut.stem: entry}}
    path.write_text(json.dumps(content))
    assert Manifest(path).open(cut.stem).info == info
    entry["digest"] = "of others"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="not the frames of the manifest"):
        pickle.loads(pickle.dumps(Manifest(path).open(cut.stem))).read(1)


@pytest.mark.parametrize("pattern", ["{video}/img_{frame:05d}.jpg", "{video}_{frame:06d}.jpg"])
def test_a_folder_gives_the_same_frames_as_the_zip(tmp_path: Path, cut: Path, pattern: str) -> None:
    for video in "v", "v_000001":
        unpack(cut, tmp_path, pattern, video)
    folder = pickle.loads(pickle.dumps(FrameFolder(tmp_path, pattern, "v", 30, 900)))
    frames = FrameZip(cut)
    assert len(folder) == len(frames)
    assert (folder.info.width, folder.info.height, folder.info.fps) == (64, 48, 30)
    assert [folder.read(n) for n in range(1, 61)] == [frames.read(n) for n in range(1, 61)]


@pytest.mark.parametrize(
    ("fps", "first_second", "second", "number"),
    [(30, 900, 902, 61), (25, 0, 0, 1), (7.5, 2, 4, 16), (29.97, 1, 11, 301)],
)
def test_the_frame_of_a_second_is_known_at_any_rate(
    fps: float, first_second: int, second: int, number: int
) -> None:
    assert FrameInfo(fps, first_second, 1000, 64, 48).number(second) == number


@pytest.mark.parametrize("pattern", ["{video}.jpg", "{frame}/a.jpg", "{x}{frame}", "{frame:z}"])
def test_a_wrong_pattern_is_shown(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(UserError, match=f"frame pattern '{re.escape(pattern)}'.* Write it like"):
        FrameFolder(tmp_path, pattern, "v", 30, 900).read(1)


def test_reading_frames_loads_no_decoder() -> None:
    program = (
        "import sys, lfb.video.frames; sys.exit('torch' in sys.modules or 'av' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


@settings(max_examples=60)
@given(st.data())
def test_a_changed_byte_is_noticed_or_without_meaning(cut: Path, data: st.DataObject) -> None:
    content = cut.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    change = data.draw(st.integers(1, 255))
    before = FrameZip(cut)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(content[:place] + bytes([content[place] ^ change]) + content[place + 1 :])
        after = FrameZip(path, before.info.digest)
        for number in range(1, 61):
            with contextlib.suppress(UserError):
                assert after.info == before.info
                assert after.read(number) == before.read(number)


def test_a_damaged_frame_is_named(cut: Path, tmp_path: Path) -> None:
    content = bytearray(cut.read_bytes())
    content[content.index(b"000007.jpg") + 200] ^= 1
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    frames = FrameZip(path)
    assert frames.read(6) == FrameZip(cut).read(6)
    with pytest.raises(UserError, match=r"a\.zip: frame 7 is damaged: .* Delete this zip and"):
        frames.read(7)
