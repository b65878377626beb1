"""A data set in AVA's format as others publish it: cameras at birds' nests, not people.

Its files are those of a real one, with what such files contain: boxes of a tracker that leave the
frame a little, proposals for half of the seconds, and a last annotated second after the last frame.
"""

import pickle
from pathlib import Path

import numpy as np
from PIL import Image

TRAIN, VAL = ["nest-1", "nest-2", "nest-3", "nest-4"], ["nest-5"]
PATTERN = "{video}/{video}_{frame:06d}.jpg"
FPS, FRAMES = 30, 602
SECONDS = range(1, 23)  # second 22 begins at frame 631
PROPOSED = range(13, 24)  # half of the seconds, and a second after the end
NAMES = ["sit", "feed", "beg", "preen", "land", "leave", "brood", "turn eggs"]
OVERSHOOT = 0.09  # largest part of the frame by which a box leaves it


def write_nest_cameras(folder: Path, width: int = 64, height: int = 36) -> None:
    """Write ``frames/``, ``labels.pbtxt``, and for each split ``.csv`` and ``_proposals.pkl``."""
    folder.mkdir(parents=True)
    for video in TRAIN + VAL:
        _write_frames(folder / "frames" / video, video, width, height)
    (folder / "labels.pbtxt").write_text(
        "".join(
            f'label {{\n  name: "{name}"\n  label_id: {number}\n  label_type: OBJECT_MOVEMENT\n}}\n'
            for number, name in enumerate(NAMES, 1)
        )
    )
    generator = np.random.default_rng(0)
    for split, videos in ("train", TRAIN), ("val", VAL):
        rows, proposals = [], {}
        for number, video in enumerate(videos):
            for second in sorted({*SECONDS, *PROPOSED}):
                boxes = np.array([_box(generator), _box(generator)])
                if second == SECONDS[2]:
                    boxes[0, 1] = -0.0019  # two of a thousand pixels
                if second == SECONDS[4] and number == 0:
                    boxes[0, 2] = 1 + OVERSHOOT
                for bird, box in enumerate(boxes):
                    action = (second + number + 3 * bird) % len(NAMES) + 1
                    if second in SECONDS:
                        rows.append(f"{video},{second:04d},{_text(box)},{action},{bird}\n")
                if second in PROPOSED:
                    found = boxes + generator.normal(0, 0.004, boxes.shape)
                    scores = generator.uniform(0.9, 1, (2, 1))
                    proposals[f"{video},{second:04d}"] = np.hstack([found, scores])
        proposals[f"{videos[0]},{PROPOSED[0]:04d}"][0, 1] = -0.0019
        (folder / f"{split}.csv").write_text("".join(rows))
        (folder / f"{split}_proposals.pkl").write_bytes(pickle.dumps(proposals))


def _box(generator: np.random.Generator) -> np.ndarray:
    """Return a box, one in eight of which leaves the frame, by 0.0015 in the median."""
    low = generator.uniform(0.05, 0.4, 2)
    box = np.concatenate([low, low + generator.uniform(0.2, 0.5, 2)])
    if generator.random() < 1 / 8:
        box[generator.integers(2)] = -min(OVERSHOOT, generator.exponential(0.0022))
    return box


def _text(box: np.ndarray) -> str:
    return ",".join(f"{value:.4f}" for value in box)


def _write_frames(folder: Path, video: str, width: int, height: int) -> None:
    folder.mkdir(parents=True)
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    for number in range(1, FRAMES + 1):
        red = 127 + 120 * np.sin(7 * x + number / 30)
        pixels = np.stack([red, 255 * y, np.full_like(x, number % 255)], axis=2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{video}_{number:06d}.jpg")
