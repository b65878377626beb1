"""The disk that a run uses, estimated before it extracts frames."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lfb.data.split import Split
from lfb.files.videos import find_videos

VIDEOS = 8  # videos to measure
LENGTHS = 200  # videos to look up the length of, if the config sets none
FRAMES = 5  # frames to measure in each of them


class DiskUse(NamedTuple):
    """Bytes that a run writes."""

    frames: int
    banks: int
    checkpoints: int


def estimate_disk_use(
    splits: Sequence[Split], settings: Mapping[str, Any], frames_folder: str | Path
) -> DiskUse:
    """Return what a run writes to disk. Frames that exist already do not count.

    Args:
        splits: All splits of the data.
        settings: See ``lfb.config.settings.disk_settings``.
        frames_folder: Folder of the packed frames.

    Raises:
        UserError: A video cannot be read.
    """
    models = {
        name: checkpoint_size(model, splits[0].outputs)
        for name, model in settings["models"].items()
    }
    _, channels = models["baseline"]
    banks = bank_size(splits, settings["boxes"], channels, settings["dtype"])
    # Each checkpoint has a resume state: weights and momentum. While a new state replaces the old
    # one, both exist.
    sizes = [size for size, _ in models.values()]
    return DiskUse(
        frames=_frames_of_splits(splits, settings, frames_folder),
        banks=settings["seeds"] * banks,
        checkpoints=settings["seeds"] * 3 * sum(sizes) + 2 * max(sizes),
    )


def _frames_of_splits(
    splits: Sequence[Split], settings: Mapping[str, Any], folder: str | Path
) -> int:
    if "videos" not in settings:
        return 0  # the config names frames, which are used in place
    annotated = {video for split in splits for video in split.annotations["video"]}
    videos = find_videos(settings["videos"], annotated)
    return frames_size(
        {video: videos[video] for video in annotated & videos.keys()},
        folder,
        fps=settings["fps"],
        start=settings["start"],
        seconds=settings["seconds"],
    )


def frames_size(
    videos: Mapping[str, Path],
    folder: str | Path,
    *,
    fps: float,
    start: float,
    seconds: float | None,
) -> int:
    """Return the bytes of the frames to extract, of the videos that have none yet.

    The estimate uses a few frames from the middle of some videos. Videos differ, so it can be wrong
    by a fifth.

    Args:
        videos: Files, by name.
        folder: Folder of the packed frames, ``NAME.zip``.
        fps: Frames per second.
        start: Second of a file at which the part to extract begins.
        seconds: Length of that part; None for all of the rest.

    Raises:
        UserError: A video cannot be read.
    """
    from lfb.video.decoding import probe
    from lfb.video.extraction import jpeg_sizes

    left = [videos[name] for name in sorted(videos) if not Path(folder, f"{name}.zip").exists()]
    if not left:
        return 0

    def length(video: Path) -> float:
        return max(0.0, probe(video).duration - start) if seconds is None else seconds

    sizes: list[int] = []
    for video in _spread(left, VIDEOS):
        sizes += jpeg_sizes(video, fps=fps, start=start + length(video) / 2, count=FRAMES)
    average = float(np.mean([length(video) for video in _spread(left, LENGTHS)]))
    return round(float(np.mean(sizes)) * fps * average * len(left))


def _spread(videos: Sequence[Path], most: int) -> list[Path]:
    """Return at most so many videos, evenly spaced."""
    numbers = np.linspace(0, len(videos) - 1, min(len(videos), most)).round().astype(int)
    return [videos[number] for number in numbers]


def bank_size(splits: Sequence[Split], boxes: Mapping[str, Any], channels: int, dtype: str) -> int:
    """Return the bytes of the banks of some splits, including the pieces that they are made of.

    Args:
        splits: The splits.
        boxes: The config's ``boxes``; see ``Split.select``.
        channels: Channels of a feature.
        dtype: Data type of a feature.
    """
    row = channels * np.dtype(dtype).itemsize + 4 * 4 + 4  # feature, box, score
    rows = sum(len(split.select("bank", boxes).people.boxes) for split in splits)
    return 2 * rows * row


def checkpoint_size(model: Mapping[str, Any], outputs: int) -> tuple[int, int]:
    """Return the bytes of a model's checkpoint, and the channels of its features.

    Args:
        model: Its ``backbone``, ``head`` and ``operator``; see ``build_model``.
        outputs: Number of logits of the classifier.
    """
    import torch

    from lfb.models.action_model import build_model

    with torch.device("meta"):  # shapes without numbers
        built = build_model(**model, outputs=outputs)
    return sum(tensor.nbytes for tensor in built.state_dict().values()), built.backbone.channels
