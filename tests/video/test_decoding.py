"""Tests of lfb.video.decoding; the tests of lfb.video.extraction check the pictures."""

from pathlib import Path

import av
import numpy as np
import pytest

from lfb.errors import UserError
from lfb.video.decoding import probe
from tests.films import BROKEN, turn_right


def test_probe_returns_duration_rate_and_size(videos: Path) -> None:
    for name in "plain.mp4", "fast.mp4", "other.mkv":
        found = probe(videos / name)
        assert found.duration == pytest.approx(4, abs=0.01)
        assert (found.fps, found.width, found.height) == (24, 64, 48)


def test_the_size_is_that_of_the_frames_after_rotation(videos: Path, tmp_path: Path) -> None:
    turn_right(videos / "plain.mp4", tmp_path / "turned.mp4")
    found = probe(tmp_path / "turned.mp4")
    assert (found.width, found.height) == (48, 64)


@pytest.mark.parametrize("name", BROKEN)
def test_probing_a_broken_video_is_an_error(videos: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"{name}: {BROKEN[name]}"):
        probe(videos / name)


def test_a_file_with_only_sound_is_an_error(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as file:
        stream = file.add_stream("aac", rate=48000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.rate = 48000
        file.mux(stream.encode(sound))
        file.mux(stream.encode())
    with pytest.raises(UserError, match=r"sound\.mp4: has no video stream"):
        probe(tmp_path / "sound.mp4")
