"""Videos for tests; every frame shows its number."""

import io
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from lfb.video.frames import FrameZip

CUT: dict[str, Any] = {"fps": 30, "first_second": 900, "start": 1, "seconds": 2}


# Files of the fixture `videos`, and the beginning of their errors.
BROKEN = {
    "half_plain.mp4": "not a video, or truncated",
    "half_fast.mp4": r"truncated: 4\.0 s long by its header",
    "half_other.mkv": r"truncated: 4\.0 s long by its header",
    "text.mp4": "not a video, or truncated",
    "none.mp4": "no such video file",
}


def make_video(path: Path, frames: int, *, fps: int = 24, faststart: bool = False) -> Path:
    """Write a video whose frame i shows i as seven black or white bars, and noise on the left."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if faststart else {}) as file:
        stream = file.add_stream("libx264", rate=fps, options={"crf": "2", "g": "12"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(frames):
            image = np.zeros((48, 64, 3), np.uint8)
            for bit in range(7):
                image[:, 16 + 6 * bit : 22 + 6 * bit] = 255 * (i >> bit & 1)
            image[:, :16] = np.random.default_rng(i).integers(0, 256, (48, 16, 3))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode())
    return path


def source_frame(jpeg: bytes) -> int:
    """Return the number that a JPEG of a frame of ``make_video`` shows."""
    with Image.open(io.BytesIO(jpeg)) as image:
        bars = np.asarray(image.convert("L"))[:, 16:58].reshape(48, 7, 6).mean(axis=(0, 2)) > 128
        return int(np.packbits(bars, bitorder="little")[0])


def unpack(path: Path, folder: Path, pattern: str, video: str) -> None:
    """Write the frames of a zip into a folder."""
    frames = FrameZip(path)
    for number in range(1, len(frames) + 1):
        target = folder / pattern.format(video=video, frame=number)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(frames.read(number))


def turn_right(video: Path, target: Path) -> Path:
    """Copy an mp4 of ``make_video`` or ``make_film`` with the flag that turns it clockwise."""
    data = video.read_bytes()
    begin = data.index(b"tkhd")
    upright = b"".join(v.to_bytes(4) for v in (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30))
    right = b"".join(
        (v % 2**32).to_bytes(4) for v in (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    )
    target.write_bytes(data[:begin] + data[begin:].replace(upright, right, 1))
    return target


def make_film(
    path: Path,
    *,
    size: tuple[int, int] = (64, 48),
    times: Iterable[float] = np.arange(24) / 12,
    encoder: str = "libx264",
    format: str = "yuv420p",
    sound: str | None = "aac",
) -> Path:
    """Write a film whose frame at time t is grey 60 + 40 t, with a white left half.

    Args:
        path: The film. Its extension chooses the container.
        size: Width and height.
        times: Of the frames, in seconds.
        encoder: Of the pictures.
        format: Of the pixels.
        sound: Encoder of a tone as long as the pictures; None for no sound.
    """
    times = list(times)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(encoder, rate=100)
        stream.width, stream.height, stream.pix_fmt = *size, format
        stream.codec_context.time_base = Fraction(1, 1000)
        tone = file.add_stream(sound, rate=48_000, layout="mono") if sound else None
        for time in times:
            image = np.full((size[1], size[0], 3), round(60 + 40 * time), np.uint8)
            image[:, : size[0] // 2] = 255
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
        if tone:
            wave = np.sin(np.arange(int(times[-1] * 48_000)) / 48_000 * 2 * np.pi * 440)
            samples = (8000 * wave).astype(np.int16)[None]
            heard = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            heard.rate, heard.pts = 48_000, 0
            file.mux(tone.encode(heard))
            file.mux(tone.encode())
    return path
