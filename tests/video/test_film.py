"""Tests of lfb.video.film."""

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from lfb.errors import UserError
from lfb.video import film
from lfb.video.extraction import extract
from lfb.video.film import Footage, write_film
from lfb.video.frames import FrameZip
from lfb.video.overlays import Line, Overlay
from tests.films import BROKEN, make_film, turn_right

PEOPLE = [Overlay(t, 1, np.array([0.4, 0.3, 0.9, 0.9]), (Line("stand 0.9"),)) for t in range(3)]
KINDS: dict[str, dict[str, Any]] = {
    "plain.mp4": {},
    "silent.mp4": {"sound": None},
    "deep.mkv": {"format": "yuv420p10le"},
    "full_colour.mkv": {"format": "yuv444p", "size": (65, 49)},
    "odd.mkv": {"format": "yuv444p", "size": (401, 361)},
    "variable.mp4": {"times": [0, 0.1, 0.15, 0.9, 0.95, 1.0, 1.6, 2.0]},
    "old.avi": {"encoder": "mpeg4", "sound": "pcm_s16le", "times": np.arange(200) / 100},
    "camera.mov": {"encoder": "mjpeg", "format": "yuvj420p", "sound": "pcm_s16le"},
    "page.webm": {"encoder": "libvpx-vp9", "sound": "libopus"},
}


def write(source: Path, target: Path) -> None:
    write_film(Footage.of_video(source), target, PEOPLE, threads=1)


@pytest.mark.parametrize("name", KINDS)
def test_a_film_of_any_kind_becomes_one_that_browsers_play(tmp_path: Path, name: str) -> None:
    source = make_film(tmp_path / name, **KINDS[name])
    write(source, tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as result:
        pictures = result.streams.video[0]
        assert (pictures.codec_context.name, pictures.pix_fmt) == ("h264", "yuv420p")
        assert pictures.width % 2 == pictures.height % 2 == 0
        assert 360 <= min(pictures.width, pictures.height) <= 410
        kinds = [stream.codec_context.name for stream in result.streams.audio]
        assert kinds == ([] if KINDS[name].get("sound", "") is None else ["aac"])
        frames = list(result.decode(pictures))
    assert frames[-1].time == pytest.approx(2, abs=0.2)
    for frame in frames[1:]:  # the moment of a picture is that of the source
        row = frame.to_ndarray(format="gray")[8]
        time = (float(np.median(row[-40:])) - 60) / 40
        held = 0.75 if name.startswith("variable") else 0.1
        assert -0.08 <= frame.time - time <= held + 0.08
        assert np.median(row[:40]) > 240
    data = (tmp_path / "film.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # a browser starts before it has all


@pytest.mark.parametrize("name", KINDS)
def test_the_frames_that_models_see_are_those_of_the_film(tmp_path: Path, name: str) -> None:
    source = make_film(tmp_path / name, **KINDS[name])
    cut = {"first_second": 0, "start": 0, "seconds": None}
    info = extract(source, tmp_path / "frames.zip", fps=10, **cut)
    assert (info.width, info.height) == KINDS[name].get("size", (64, 48))
    assert 19 <= info.frames <= 22
    with Image.open(io.BytesIO(FrameZip(tmp_path / "frames.zip").read(11))) as frame:
        pixels = np.asarray(frame.convert("L"), int)[8]
    assert np.median(pixels[: info.width // 2 - 2]) > 240
    assert np.median(pixels[info.width // 2 + 2 :]) == pytest.approx(100, abs=6)


def test_a_turned_film_is_upright(tmp_path: Path) -> None:
    turned = turn_right(make_film(tmp_path / "a.mp4"), tmp_path / "turned.mp4")
    write(turned, tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as result:
        (picture, *_) = result.decode(video=0)
        assert (picture.width, picture.height) == (384, 512)
        luma = picture.to_ndarray(format="gray")
    assert np.median(luma[:40]) > 240  # the white half is on top
    assert np.median(luma[-20:]) < 100


def test_the_sound_keeps_its_place(tmp_path: Path) -> None:
    make_film(tmp_path / "a.mp4", times=np.arange(30) / 10)
    write(tmp_path / "a.mp4", tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as result:
        (stream,) = result.streams.audio
        packets = [packet for packet in result.demux() if packet.size]
        heard = [packet for packet in packets if packet.stream is stream]
        assert float(heard[-1].pts * stream.time_base) == pytest.approx(2.9, abs=0.1)
        # Sound lies between the pictures, not behind them.
        assert packets.index(heard[-1]) > len(packets) * 0.9
        assert packets.index(heard[0]) < 10
        middle = packets.index(heard[len(heard) // 2]) / len(packets)
    assert middle == pytest.approx(0.5, abs=0.2)
    with av.open(str(tmp_path / "film.mp4")) as result:
        wave = np.concatenate([frame.to_ndarray()[0] for frame in result.decode(audio=0)])
    assert np.abs(wave[10_000:-10_000]).reshape(-1, 2)[: 40 * 500].max() > 0.15


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_film_is_an_error_and_leaves_no_file(
    videos: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UserError, match=f"{name}: {BROKEN[name]}"):
        write(videos / name, tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


def test_damage_in_the_middle_is_an_error_and_leaves_no_file(videos: Path, tmp_path: Path) -> None:
    data = bytearray((videos / "plain.mp4").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    (tmp_path / "hole.mp4").write_bytes(data)
    with pytest.raises(UserError, match=r"hole\.mp4: damaged"):
        write(tmp_path / "hole.mp4", tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["hole.mp4"]


def test_frames_of_a_data_set_become_a_film(cut: Path, tmp_path: Path) -> None:
    write_film(Footage.of_frames(FrameZip(cut), "plain"), tmp_path / "film.mp4", PEOPLE)
    with av.open(str(tmp_path / "film.mp4")) as result:
        assert (result.streams.video[0].width, result.streams.video[0].height) == (512, 384)
        assert len(list(result.decode(video=0))) == 60
        assert not result.streams.audio


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((64, 64), (384, 384)),
        ((640, 360), (640, 360)),
        ((1919, 1081), (1918, 1080)),
        ((3840, 2160), (1920, 1080)),
        ((2160, 3840), (1080, 1920)),
    ],
)
def test_small_films_are_enlarged_and_large_ones_reduced(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert film._size(*size) == expected
