"""What a model's operator attends to in the bank, for every person of some keyframes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lfb.bank.features import BankFeatures
from lfb.errors import UserError
from lfb.files.npz import read_npz, write_npz
from lfb.learning.clips import Clips, InOrder, load
from lfb.models.action_model import ActionModel
from lfb.program import progress

MOST = 6  # rows of the bank to keep of each person


@dataclass(frozen=True, eq=False)
class Attended:
    """What a model attends to for N people; N is 0 for a model without attention.

    Attributes:
        row: (N, MOST) the rows of the bank with the highest weights, -1 for fewer.
        weight: (N, MOST) float32 their weights, means over the operator's layers.
        seconds: (N, S) float32 weights of the rows of each second of the window.
        empty: (N,) float32 weight of all empty slots.
    """

    row: np.ndarray
    weight: np.ndarray
    seconds: np.ndarray
    empty: np.ndarray

    def save(self, path: str | Path) -> None:
        """Write an ``.npz``."""
        write_npz(path, vars(self))

    @classmethod
    def load(cls, path: str | Path) -> "Attended":
        """Read what ``save`` wrote.

        Raises:
            UserError: The file is missing or damaged.
        """
        try:
            return cls(**read_npz(path))
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"{path}: not a complete file of attention ({error!r}). Delete it and run the same "
                "command again."
            ) from error

    @classmethod
    def none(cls) -> "Attended":
        """Return the attention to nothing."""
        top, seconds = np.empty((0, MOST), np.float32), np.empty((0, 0), np.float32)
        return cls(top.astype(np.int64), top, seconds, np.empty(0, np.float32))


def attend(
    model: ActionModel, clips: Clips, *, batch: int, workers: int, device: torch.device
) -> Attended:
    """Return what a model attends to for each person of the clips' keyframes, in their order.

    Random testing attends to other rows in each draw; here the rows are those of the highest
    scores.

    Args:
        model: In evaluation mode.
        clips: Keyframes, with the bank if the model has an operator, and without draws.
        batch: Clips of a batch.
        workers: Data-loading processes.
        device: Device that computes.
    """
    operator: Any = model.operator
    if clips.bank is None or clips.window is None or not hasattr(operator, "attention"):
        return Attended.none()
    features = BankFeatures(clips.bank, model.backbone.channels, device)
    model.to(device)
    order = InOrder(clips.keyframes, batch)
    loaded = load(clips, order, workers, device)
    found = []
    with torch.inference_mode():
        for part in progress(loaded, "reading the attention", len(order)):
            part = part.to(device)
            clip = part.rois[:, 0].long()
            roi = model.roi_features(part.clips, part.rois)
            weights = operator.attention(roi, *features(part.rows), clip)
            found.append(
                _summary(weights.mean(1).cpu(), part.rows[clip].cpu(), clips.window.seconds)
            )
    return Attended(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _summary(
    weights: Tensor, rows: Tensor, seconds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the fields of ``Attended`` for weights (R, M) of the rows (R, M)."""
    real = torch.where(rows >= 0, weights, 0)
    top = real.topk(min(MOST, real.shape[1]), dim=1)
    row = torch.full((len(rows), MOST), -1)
    weight = torch.zeros(len(rows), MOST)
    row[:, : top.values.shape[1]] = torch.where(top.values > 0, rows.gather(1, top.indices), -1)
    weight[:, : top.values.shape[1]] = top.values
    each = real.reshape(len(rows), seconds, -1).sum(2)
    empty = (weights - real).sum(1)
    return row.numpy(), weight.numpy(), each.numpy(), empty.numpy()
