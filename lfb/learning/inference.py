"""Run a trained model: action scores of boxes, and features for the bank."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from lfb.bank.features import BankFeatures
from lfb.bank.writing import write_bank
from lfb.data.predictions import Predictions
from lfb.learning.clips import Batch, Clips, InOrder, load
from lfb.models.action_model import ActionModel
from lfb.program import progress


def predict(
    model: ActionModel,
    clips: Clips,
    actions: Sequence[int],
    *,
    batch: int,
    workers: int,
    device: torch.device,
    bfloat16: bool = False,
    scales: Sequence[int] | None = None,
    flip: bool = False,
    after_batch: Callable[[], None] = lambda: None,
) -> Predictions:
    """Return the scores of every box of every keyframe, for each draw of the clips.

    With several scales, or with flip, a score is the mean over all these views, after the sigmoid.
    The authors do the same, with two differences (video-long-term-feature-banks: ``test_net`` in
    tools/test_net.py and ``combine_ava_multi_crops`` in lib/utils/metrics.py). They cut three
    squares out of each view and average those that overlap a box; here a view is the whole frame.
    They build the bank again for each scale and flip; here the bank is always the same.

    Args:
        model: In evaluation mode.
        clips: Keyframes to score, sorted by video, with the bank if the model has an operator.
        actions: Ids of the actions to score.
        batch: Clips of a batch.
        workers: Data-loading processes.
        device: Device that computes.
        bfloat16: Whether to compute in bfloat16 where autocast considers it safe.
        scales: Short sides of whole frames, pixels; None for the clips as they are.
        flip: Whether to add a mirrored view of each.
        after_batch: Called after each batch.
    """
    features = None
    if clips.bank is not None:
        features = BankFeatures(clips.bank, model.backbone.channels, device)
    model.to(device)
    views = []
    empty = torch.empty(clips.draws.count if clips.draws else 1, 0, len(actions))
    for view in map(clips.at, scales) if scales else [clips]:
        scores, what = [empty], f"predicting at {view.shape.short_side}, batch"
        loaded = _batches(view, batch, workers, device, what)
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            for part in progress(*loaded):
                part = part.to(device)
                seen = [_logits(model, part, features)]
                if flip:
                    seen.append(_logits(model, part.mirrored(), features))
                chosen = torch.stack(seen)[..., list(actions)]
                scores.append(chosen.float().sigmoid().mean(0).cpu())
                after_batch()
        views.append(torch.cat(scores, 1))
    score = torch.stack(views).mean(0).numpy()
    keyframes = clips.keyframes
    videos = sorted({keyframe.video for keyframe in keyframes})
    number = {video: i for i, video in enumerate(videos)}
    counts = np.array([len(keyframe.boxes) for keyframe in keyframes], np.int64)
    return Predictions(
        videos=videos,
        video=np.repeat(np.array([number[k.video] for k in keyframes], np.int32), counts),
        second=np.repeat(np.array([k.second for k in keyframes], np.int32), counts),
        box=np.concatenate([np.empty((0, 4), np.float32), *(k.boxes for k in keyframes)]),
        score=score[0],
        classes=np.array(actions, np.int32),
        further=score[1:] if len(score) > 1 else None,
    )


def _logits(model: ActionModel, part: Batch, features: BankFeatures | None) -> Tensor:
    """Return logits (D, R, outputs), one for each draw. The backbone runs once."""
    if features is None:
        return model(part.clips, part.rois)[None]
    if part.rows.ndim == 2:  # one window for each clip
        return model(part.clips, part.rois, *features(part.rows))[None]
    found = model.roi_features(part.clips, part.rois)
    own = torch.arange(len(found), device=found.device)
    return torch.stack(
        [model.classify(found, *features(rows), own) for rows in part.rows.unbind(1)]
    )


def build_bank(
    model: ActionModel,
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
    """Write the pooled RoI features of every box of every keyframe as a bank, batch by batch.

    Args:
        model: The baseline, in evaluation mode.
        clips: Keyframes whose boxes enter the bank, sorted by video.
        path: Folder of the bank, or of a piece of one.
        split: Name of the split, such as ``train``.
        videos: Videos of the bank, also those without a box.
        attributes: Further attributes of the bank.
        dtype: Type of the stored features: ``float16`` or ``float32``.
        batch: Clips of a batch.
        workers: Data-loading processes.
        device: Device that computes.
        bfloat16: Whether to compute in bfloat16 where autocast considers it safe.
    """
    model.to(device)
    keyframes = clips.keyframes
    loaded = progress(*_batches(clips, batch, workers, device, "building the bank, batch"))
    parts = (part.to(device) for part in loaded)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        write_bank(
            path,
            split=split,
            video=[k.video for k in keyframes for _ in k.boxes],
            second=np.array([k.second for k in keyframes for _ in k.boxes], np.int32),
            features=(
                model.roi_features(part.clips, part.rois).float().cpu().numpy() for part in parts
            ),
            channels=model.backbone.channels,
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
