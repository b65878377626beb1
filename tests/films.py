"""Videos for tests; every frame shows its number."""

import io
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
