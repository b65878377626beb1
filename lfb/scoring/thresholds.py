"""The threshold of each class with the best F1, for a decision between yes and no.

Classes are so uneven that one threshold for all serves few of them.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lfb.data.boxes import differs_from_previous
from lfb.data.predictions import Entries, Predictions
from lfb.errors import UserError
from lfb.scoring.evaluation import IOU, Ranking, rankings

if TYPE_CHECKING:
    import pandas as pd


DEFAULT = 0.5  # of a class without a best threshold


def read_thresholds(path: str | Path) -> dict[int, float]:
    """Return the threshold of each action id from ``thresholds.json``.

    A class without a best threshold gets ``DEFAULT``.

    Raises:
        UserError: The file is missing or damaged.
    """
    try:
        classes = json.loads(Path(path).read_text())["classes"]
        best = {int(c["id"]): c["threshold"] for c in classes}
        return {i: DEFAULT if value is None else float(value) for i, value in best.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: not a complete file of thresholds ({error!r}). Delete it and run the same "
            "command again."
        ) from error


def best_thresholds(
    predictions: Predictions | Entries,
    truth: "pd.DataFrame",
    *,
    classes: Mapping[int, str],
    excluded: Collection[tuple[str, int]],
    protocol: str,
) -> dict[str, Any]:
    """Return the content of ``thresholds.json``.

    An entry of a class is a yes if its score is at least the threshold. Entries match ground truth
    as in ``lfb.scoring.evaluation``: of several that match a box, one is right.

    Args:
        predictions: Predictions of a model, of which the first draw counts, or a submission.
        truth: See ``lfb.scoring.evaluation.evaluate``.
        classes: Name of each scored action id: the label list.
        excluded: Excluded keyframes.
        protocol: Which entries and ground truth count.

    Returns:
        ``protocol``, ``iou`` and ``classes``, a list by rising id of ``id, name, threshold, F1,
        precision, recall, ground_truth, detections``. Detections are the entries at or above the
        threshold. Of thresholds with equal F1, the highest is taken. A class without ground truth,
        or whose entries match none, has only ``id, name, threshold`` (None), ``reason`` and
        ``ground_truth``.

    Raises:
        UserError: See ``lfb.scoring.evaluation.evaluate``.
    """
    found = rankings(predictions, truth, classes=classes, excluded=excluded, protocols=[protocol])
    return {
        "protocol": protocol,
        "iou": IOU,
        "classes": [
            {"id": i, "name": classes[i], **_best(ranking)}
            for i, (ranking,) in zip(sorted(classes), found, strict=True)
        ],
    }


def _best(ranking: Ranking) -> dict[str, Any]:
    """Return the threshold of a class, and what it finds."""
    matching = np.flatnonzero(ranking.target >= 0)
    _, first = np.unique(ranking.target[matching], return_index=True)
    right = np.zeros(len(ranking.score), np.int64)
    right[matching[first]] = 1
    counts = {"ground_truth": ranking.to_find}
    if not len(first):
        reason = "no detection matches ground truth" if ranking.to_find else "no ground truth"
        return {"threshold": None, "reason": reason, **counts}

    # Equal scores are above or below a threshold together, so it lies behind the last of them.
    last = np.flatnonzero(np.append(differs_from_previous(ranking.score)[1:], True))
    found, taken = np.cumsum(right)[last], last + 1
    f1 = 2 * found / (taken + ranking.to_find)
    best = int(f1.argmax())  # the first of equal ones has the highest threshold
    return {
        "threshold": float(ranking.score[last[best]]),
        "F1": float(f1[best]),
        "precision": float(found[best] / taken[best]),
        "recall": float(found[best] / ranking.to_find),
        **counts,
        "detections": int(taken[best]),
    }
