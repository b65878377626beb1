"""Tests of lfb.verification.frames."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfb.verification.frames import check_frames
from lfb.video.extraction import manifest_entry, verify_all
from lfb.video.frames import FrameZip, Manifest
from tests.films import unpack

Change = Callable[[dict[str, Any]], object]


def manifest_of(folder: Path, content: dict[str, Any]) -> Manifest:
    (folder / "manifest.json").write_text(json.dumps(content))
    return Manifest(folder / "manifest.json")


@pytest.fixture
def zipped(cut: Path, tmp_path: Path) -> dict[str, Any]:
    """Return a manifest of two videos in zips."""
    for video in "a", "b":
        (tmp_path / f"{video}.zip").write_bytes(cut.read_bytes())
    entry = manifest_entry(FrameZip(cut).info, cut.stat().st_size)
    return {"folder": str(tmp_path), "pattern": None, "videos": {"a": entry, "b": dict(entry)}}


def test_frames_of_the_manifest_are_fine(zipped, tmp_path):
    assert list(check_frames(manifest_of(tmp_path, zipped), 2)) == []


def test_a_damaged_frame_and_a_missing_video_are_named(zipped, tmp_path):
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.index(b"000007.jpg") + 200] ^= 1
    (tmp_path / "a.zip").write_bytes(content)
    (tmp_path / "b.zip").unlink()
    one, two = check_frames(manifest_of(tmp_path, zipped), 1)
    assert one.startswith(f"{tmp_path}/a.zip: frame 7 is damaged")
    assert two.startswith(f"{tmp_path}/b.zip: no such zip")


@pytest.mark.parametrize(("key", "value"), [("width", 65), ("frames", 59), ("decoder", "x")])
def test_an_entry_that_does_not_match_is_named(zipped, tmp_path, key, value):
    zipped["videos"]["b"][key] = value
    (problem,) = check_frames(manifest_of(tmp_path, zipped), 1)
    assert problem.startswith(f"{tmp_path}/manifest.json: its entry of video b does not match")


def test_frames_of_your_own_are_compared_with_the_manifest(cut, tmp_path):
    pattern = "{video}/{frame:06d}.jpg"
    unpack(cut, tmp_path, pattern, "a")
    found = verify_all(["a"], tmp_path, pattern, fps=30, first_second=900)
    manifest = manifest_of(tmp_path, {"folder": str(tmp_path), "pattern": pattern, **found})
    assert list(check_frames(manifest, 1)) == []
    (tmp_path / "a" / "000003.jpg").write_bytes((tmp_path / "a" / "000004.jpg").read_bytes())
    (problem,) = check_frames(manifest, 1)
    assert problem.startswith(f"{tmp_path}/a: the frames of video a are not those of")
    (tmp_path / "a" / "000003.jpg").unlink()
    (problem,) = check_frames(manifest, 1)
    assert problem.startswith(f"{tmp_path}/a/000003.jpg: frame 3 of video a is missing")
