"""Running a trained model: action scores of boxes, and the features that make the bank."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from lfb.bank import write_bank
from lfb.clips import Clips, InOrder, load
from lfb.lookup import BankFeatures
from lfb.models.detector import Detector
from lfb.predictions import Predictions
from lfb.program import progress


def predict(
    model: Detector,
    clips: Clips,
    actions: Sequence[int],
    *,
    batch: int,
    workers: int,
    device: torch.device,
    bfloat16: bool = False,
) -> Predictions:
    """Scores every box of every keyframe.

    Args:
        model: In evaluation mode.
        clips: Keyframes to score, sorted by video; with the model's bank, if it has an operator.
        actions: Ids of the classes to score.
        batch: Clips at a time.
    """
    features = BankFeatures(clips.bank, device) if clips.bank is not None else None
    model.to(device)
    scores = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        for part in progress(*_batches(clips, batch, workers, device, "predicting")):
            part = part.to(device)
            rows = features(part.rows) if features is not None else ()
            logits = model(part.clips, part.rois, *rows)
            scores.append(logits[:, list(actions)].float().sigmoid().cpu())
    keyframes = clips.keyframes
    videos = sorted({keyframe.video for keyframe in keyframes})
    number = {video: i for i, video in enumerate(videos)}
    counts = [len(keyframe.boxes) for keyframe in keyframes]
    return Predictions(
        videos=videos,
        video=np.repeat([number[k.video] for k in keyframes], counts).astype(np.int32),
        second=np.repeat([k.second for k in keyframes], counts).astype(np.int32),
        box=np.concatenate([k.boxes for k in keyframes]).astype(np.float32),
        score=torch.cat(scores).numpy(),
        classes=np.array(actions, np.int32),
    )


def build_bank(
    model: Detector,
    clips: Clips,
    path: str | Path,
    *,
    split: str,
    videos: Sequence[str],
    attributes: dict[str, Any],
    dtype: str,
    batch: int,
    workers: int,
    device: torch.device,
    bfloat16: bool = False,
) -> None:
    """Writes the pooled RoI features of every box of every keyframe as a bank.

    Args:
        model: The baseline, in evaluation mode.
        clips: Keyframes whose boxes enter the bank, sorted by video.
        path: Of the bank, or of a piece of one.
        split: For example ``train``.
        videos: Videos that the bank covers, also those without a box.
        attributes: To record beside the features.
        dtype: ``float16`` or ``float32``, how they are stored.
        batch: Clips at a time.
    """
    model.to(device)
    features = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        for part in progress(*_batches(clips, batch, workers, device, "building the bank")):
            part = part.to(device)
            features.append(model.roi_features(part.clips, part.rois).float().cpu())
    keyframes = clips.keyframes
    empty = np.empty((0, model.backbone.channels), np.float32)
    write_bank(
        path,
        split=split,
        video=[k.video for k in keyframes for _ in k.boxes],
        second=np.array([k.second for k in keyframes for _ in k.boxes], np.int32),
        feature=np.concatenate([empty, *(part.numpy() for part in features)]),
        box=np.concatenate([np.empty((0, 4), np.float32), *(k.boxes for k in keyframes)]),
        score=np.concatenate([np.empty(0, np.float32), *(k.scores for k in keyframes)]),
        attributes=attributes,
        dtype=np.dtype(dtype),
        videos=videos,
    )


def _batches(
    clips: Clips, batch: int, workers: int, device: torch.device, what: str
) -> tuple[DataLoader, str, int]:
    order = InOrder(clips.keyframes, batch)
    return load(clips, order, workers, device), what, len(order)
