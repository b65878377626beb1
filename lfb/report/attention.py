"""What a model's operator attends to in the bank, for one person, and how the page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lfb.bank.features import BankFeatures
from lfb.data.boxes import Keyframe, box_iou
from lfb.data.split import Split
from lfb.files.csv_table import BOX
from lfb.learning.clips import Clips
from lfb.models.action_model import ActionModel
from lfb.report.formats import offset, percent
from lfb.report.pictures import jpeg_uri, person_image
from lfb.report.results import Data, Model
from lfb.scoring.evaluation import IOU

ENTRIES = 6  # bank entries shown below a model's attention
SECONDS_BETWEEN_TICKS = (1, 2, 5, 10, 30, 60, 120, 300, 600)
MOST_TICKS = 21  # labels that fit side by side


@dataclass(frozen=True)
class Attention:
    """What a model attends to for one person.

    Attributes:
        weights: (layers, seconds, per_second); each layer sums to 1.
        rows: (seconds, per_second) row numbers of the bank, -1 if a slot is empty.
        first: The first of these seconds, as the annotations count.
    """

    weights: np.ndarray
    rows: np.ndarray
    first: int

    def top(self, limit: int) -> list[tuple[int, int, float]]:
        """Return the rows with the highest weight: (second's number, row, mean over the layers).

        Rows with less than a tenth of the highest weight are left out.
        """
        weights = np.where(self.rows >= 0, self.weights.mean(0), -1)
        order = np.argsort(-weights, axis=None, kind="stable")[:limit]
        seconds, slots = np.unravel_index(order, weights.shape)
        least = max(weights.max() / 10, 0)
        return [
            (int(second), int(self.rows[second, slot]), float(weights[second, slot]))
            for second, slot in zip(seconds, slots, strict=True)
            if weights[second, slot] >= least
        ]


def attention_of(model: Model, keyframes: Sequence[Keyframe], data: Data) -> list[Attention] | None:
    """Return what a model attends to for the one person of each keyframe.

    Returns:
        None if the model's operator has no attention.
    """
    if data.bank is None or model.name == "baseline":
        return None
    action_model = model.checkpoint.build()
    if not hasattr(action_model.operator, "attention"):
        return None
    features = BankFeatures(data.bank, action_model.backbone.channels, torch.device("cpu"))
    clips = Clips(list(keyframes), data.manifest.open, data.clip, data.bank, data.window)
    return _read_attention(action_model, clips, features)


def attention_card(
    attention: Attention, model: str, video: str, second: int, data: Data
) -> dict[str, Any]:
    """Return what the template shows of a model's attention for a person of a keyframe."""
    assert data.bank is not None
    boxes = data.bank.read("box")
    real = np.where(attention.rows >= 0, attention.weights, 0).sum(2)
    empty = np.where(attention.rows < 0, attention.weights, 0).sum(2)
    top = attention.top(ENTRIES)
    entries = []
    for number, row, weight in top:
        place = video, attention.first + number, boxes[row]
        has_box = np.isfinite(boxes[row]).all()  # a published bank has no boxes
        entries.append(
            {
                "offset": offset(attention.first + number - second),
                "weight": 100 * weight,
                "image": jpeg_uri(person_image(data.manifest, *place)) if has_box else "",
                "actions": actions_in_box(data.split, *place) if has_box else [],
            }
        )
    return {
        "model": model,
        "strip": attention_strip(
            real, empty, attention.first - second, [number for number, _, _ in top]
        ),
        "entries": entries,
        "empty": [100 * float(share) for share in empty.sum(1)],
    }


def attention_strip(
    real: np.ndarray, empty: np.ndarray, first: int, marks: Sequence[int]
) -> dict[str, Any]:
    """Return a chart of attention over seconds, as the template draws it.

    Args:
        real: (layers, seconds) attention to rows of the bank.
        empty: (layers, seconds) attention to empty slots.
        first: The first second, from the keyframe.
        marks: Numbers of the seconds to mark with 1, 2, ...

    Returns:
        Heights in percent of the highest bar; columns count from 2, after that of the labels.
    """
    seconds = real.shape[1]
    highest = max(float((real + empty).max()), 1e-9)
    between = next((n for n in SECONDS_BETWEEN_TICKS if seconds <= n * MOST_TICKS), seconds)
    marked: dict[int, list[int]] = {}
    for number, second in enumerate(marks, start=1):
        marked.setdefault(second + 2, []).append(number)

    def bar(layer: int, second: int) -> dict[str, Any]:
        to_real, to_empty = float(real[layer, second]), float(empty[layer, second])
        text = f"{offset(first + second)}: {percent(100 * to_real)} %"
        return {
            "column": second + 2,
            "real": 100 * to_real / highest,
            "empty": 100 * to_empty / highest,
            "text": text + (f", empty slots {percent(100 * to_empty)} %" if to_empty else ""),
        }

    return {
        "highest": f"{highest:.0%}",
        "keyframe": 2 - first,
        "layers": [[bar(layer, i) for i in range(seconds)] for layer in range(len(real))],
        "ticks": {i + 2: offset(first + i) for i in range(seconds) if (first + i) % between == 0},
        "marks": dict(sorted(marked.items())),
    }


def actions_in_box(split: Split, video: str, second: int, box: np.ndarray) -> list[str]:
    """Return the names of the scored actions of the annotated person who overlaps a box most."""
    rows = split.annotations
    rows = rows[(rows["video"] == video) & (rows["second"] == second) & rows["action"].ge(1)]
    if rows.empty:
        return []
    overlap = box_iou(rows[BOX].to_numpy(np.float32), box)
    actions = rows["action"].to_numpy()[overlap >= max(IOU, overlap.max())]
    return [split.labels[action] for action in actions.tolist() if action in split.labels]


def _read_attention(model: ActionModel, clips: Clips, features: BankFeatures) -> list[Attention]:
    """Return what an operator with ``attention`` attends to, on the CPU.

    Args:
        clips: Keyframes of one person each, with the bank.
    """
    operator: Any = model.operator
    assert clips.window is not None
    seconds = clips.window.seconds
    found = []
    with torch.inference_mode():
        for number, keyframe in enumerate(clips.keyframes):
            item = clips[0, number]
            roi = model.roi_features(item.clips, item.rois)
            rows, real = features(item.rows)
            weights = operator.attention(roi, rows, real, item.rois[:, 0].long())
            found.append(
                Attention(
                    weights[0].reshape(weights.shape[1], seconds, -1).numpy(),
                    item.rows[0].reshape(seconds, -1).numpy(),
                    keyframe.second - seconds // 2,
                )
            )
    return found
