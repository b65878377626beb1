"""Frames drawn on reading, and a small training task made of them."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from lfb.bank.store import Bank
from lfb.bank.writing import write_bank
from lfb.data.boxes import Keyframe
from lfb.learning.clips import Input
from lfb.models.action_model import ActionModel, build_model
from lfb.video.frames import FrameInfo

VIDEOS = ("a", "b", "c")
OUTPUTS = 4
TINY = {
    "name": "slowonly",
    "depth": [1, 1],
    "width": 2,
    "spatial_strides": [1, 2],
    "inflate": [False, True],
}
CHANNELS = 16
INPUT = Input(frames=2, interval=4, short_side=32, train_short_side=(32, 40), crop=32, flip=0.5)


@dataclass(frozen=True)
class Film:
    """A video of 10 frames a second from second 900 on: grey, darker frame by frame.

    A white rectangle of (2,) corners ``box``, in fractions of the picture, stands still in it.
    """

    video: str
    width: int = 48
    height: int = 36
    frames: int = 100
    box: tuple[float, float, float, float] = (0.25, 0.25, 0.75, 0.75)

    @property
    def info(self) -> FrameInfo:
        return FrameInfo(10, 900, self.frames, self.width, self.height)

    def read(self, number: int) -> bytes:
        assert 1 <= number <= self.frames
        image = Image.new("RGB", (self.width, self.height), (120 - number,) * 3)
        x1, y1, x2, y2 = self.box
        corners = (x1 * self.width, y1 * self.height, x2 * self.width - 1, y2 * self.height - 1)
        ImageDraw.Draw(image).rectangle(corners, fill=(255, 255, 255))
        data = io.BytesIO()
        image.save(data, "JPEG", quality=95, subsampling=0)
        return data.getvalue()


def make_keyframes(seconds: int = 4) -> list[Keyframe]:
    """Return keyframes from second 902 on of every video, each with one to three labelled boxes."""
    random = np.random.default_rng(0)
    keyframes = []
    for video in VIDEOS:
        for second in range(902, 902 + seconds):
            count = int(random.integers(1, 4))
            low = random.uniform(0, 0.5, (count, 2))
            boxes = np.concatenate([low, low + random.uniform(0.2, 0.5, (count, 2))], 1)
            labels = random.integers(0, 2, (count, OUTPUTS)).astype(np.uint8)
            labels[:, 0], labels[:, 1] = 0, 1
            scores = np.sort(random.uniform(0.9, 1, count))[::-1]
            keyframes.append(
                Keyframe(video, second, boxes.astype(np.float32), scores.astype(np.float32), labels)
            )
    return keyframes


def make_bank(folder: Path) -> Bank:
    """Return a bank of the videos with four features in each second, too many for a window."""
    random = np.random.default_rng(1)
    keys = [(video, second) for video in VIDEOS for second in range(901, 907) for _ in range(4)]
    write_bank(
        folder / "train.zarr",
        split="train",
        video=[video for video, _ in keys],
        second=[second for _, second in keys],
        features=[random.normal(size=(len(keys), CHANNELS))],
        channels=CHANNELS,
        box=np.tile([0, 0, 1, 1], (len(keys), 1)),
        score=random.uniform(size=len(keys)),
        attributes={},
    )
    return Bank.open(folder / "train.zarr")


def make_model(operator: dict[str, Any] | None = None) -> ActionModel:
    """Return a small network that learns from 32 x 32 pixels."""
    return build_model(TINY, {"roi_size": 3}, operator, OUTPUTS)
