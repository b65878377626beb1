"""What a run will need on disk, estimated before its frames are extracted."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfb.data.split import Split

VIDEOS = 8  # that are looked into
FRAMES = 5  # of each of them


def frames_need(
    videos: Mapping[str, Path],
    folder: str | Path,
    *,
    fps: float,
    start: float,
    seconds: float | None,
) -> int:
    """Bytes of the frames of those videos that have none yet.

    Their size is that of a few from the middle of some videos; one video is not like another, so
    this may well be a fifth off.

    Args:
        videos: Files, by name.
        folder: Where the frames go, ``NAME.zip``.
        fps: Frames a second.
        start: Second of a file where the part to extract begins.
        seconds: Its length, None for all the rest.

    Raises:
        UserError: A video cannot be read.
    """
    from lfb.video.decoding import probe
    from lfb.video.extraction import jpeg_sizes

    left = [videos[name] for name in sorted(videos) if not Path(folder, f"{name}.zip").exists()]
    if not left:
        return 0
    if seconds is None:
        lengths = [max(0.0, probe(path).duration - start) for path in left]
    else:
        lengths = [seconds] * len(left)
    sizes = []
    for i in np.linspace(0, len(left) - 1, min(len(left), VIDEOS)).round().astype(int):
        sizes += jpeg_sizes(left[i], fps=fps, start=start + lengths[i] / 2, count=FRAMES)
    return round(float(np.mean(sizes)) * fps * sum(lengths))


def banks_need(splits: Iterable[Split], boxes: Mapping[str, Any], channels: int, dtype: str) -> int:
    """Bytes of the banks of some splits, and as many of the pieces that they are made from.

    Args:
        boxes: The config's ``boxes``; see ``Split.select``.
        channels: Of a feature.
        dtype: Of a feature.
    """
    of_row = channels * np.dtype(dtype).itemsize + 4 * 4 + 4  # feature, box, score
    rows = sum(
        len(keyframe.boxes)
        for split in splits
        for keyframe in split.select("bank", boxes).keyframes
    )
    return 2 * rows * of_row


def model_need(model: Mapping[str, Any], outputs: int) -> tuple[int, int]:
    """Bytes of a model's checkpoint, and channels of its features.

    Args:
        model: Its ``backbone``, ``head`` and ``operator``; see ``build_model``.
        outputs: Logits of the classifier.
    """
    import torch

    from lfb.models.action_model import build_model

    with torch.device("meta"):  # shapes without numbers
        built = build_model(**model, outputs=outputs)
    return sum(tensor.nbytes for tensor in built.state_dict().values()), built.backbone.channels
