"""The three protocols, written slowly and plainly: one detection after the other.

Nothing here is shared with ``lfb.evaluation``, and nothing is fast.
"""

import math
from typing import NamedTuple

import numpy as np


class Found(NamedTuple):
    """One entry of a submission, in the order of the file."""

    video: str
    second: int
    box: tuple[float, float, float, float]
    action: int
    score: float


class Real(NamedTuple):
    """One row of the ground truth; ``action`` -1 and ``box`` None for a keyframe without a box."""

    video: str
    second: int
    box: tuple[float, float, float, float] | None
    action: int


def average_precisions(
    detections: list[Found],
    truth: list[Real],
    classes: set[int],
    excluded: set[tuple[str, int]],
    protocol: str,
) -> dict[int, float]:
    """AP of each class, NaN for one that is left out of the mean."""
    detections = [d for d in detections if d.action in classes]
    listed = {(t.video, t.second) for t in truth}
    truth = [t for t in truth if t.action in classes]
    scored = {(t.video, t.second) for t in truth}

    counted = {
        "mmaction2": scored - excluded,
        "slowfast": (scored | {(d.video, d.second) for d in detections}) - excluded,
        "activitynet": listed,
    }[protocol]
    if protocol == "slowfast":
        truth = [t for t in truth if (t.video, t.second) not in excluded]

    kept = []
    for keyframe in sorted(counted):
        here = [d for d in detections if (d.video, d.second) == keyframe]
        if protocol != "slowfast":
            here.sort(key=lambda d: -d.score)  # stable: of equal scores the first of the file
        if protocol == "activitynet":
            here = here[:50]
        if protocol != "mmaction2":
            here = [d for d in here if d.box[0] < d.box[2] and d.box[1] < d.box[3]]
        kept += here

    result = {}
    for action in sorted(classes):
        real = [t for t in truth if t.action == action]
        found = [d for d in kept if d.action == action]
        if not real or (not found and protocol == "mmaction2"):
            result[action] = math.nan
            continue

        taken = set()
        hits = []
        for d in found:
            best, best_iou = None, -1.0
            for i, t in enumerate(real):
                if (t.video, t.second) == (d.video, d.second):
                    iou = overlap(d.box, t.box, single=protocol == "mmaction2")
                    if iou > best_iou:
                        best, best_iou = i, iou
            hits.append(best_iou >= 0.5 and best not in taken)
            if hits[-1]:
                taken.add(best)

        # Ties: by video, second and order in the file, which `found` need not have anymore.
        place = {id(d): n for n, d in enumerate(detections)}
        ranked = sorted(
            zip(found, hits, strict=True),
            key=lambda pair: (-pair[0].score, pair[0].video, pair[0].second, place[id(pair[0])]),
        )
        result[action] = area([hit for _, hit in ranked], len(real))
    return result


def overlap(a, b, *, single: bool) -> float:
    """IoU; with ``single`` the sides and areas are computed in float32, as MMAction2 does."""
    kind = np.float32 if single else np.float64
    ax1, ay1, ax2, ay2 = (kind(x) for x in a)
    bx1, by1, bx2, by2 = (kind(x) for x in b)
    width = np.float64(max(kind(0), min(ax2, bx2) - max(ax1, bx1)))
    height = np.float64(max(kind(0), min(ay2, by2) - max(ay1, by1)))
    areas = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1)
    both = np.float64(areas) - width * height
    return float(width * height / both) if both else 0.0


def area(hits: list[bool], real: int) -> float:
    """Area under the precision-recall curve, precision made monotone from the right."""
    points = []  # (recall, precision) after each detection
    for n in range(1, len(hits) + 1):
        positives = sum(hits[:n])
        points.append((positives / real, positives / n))
    total, before = 0.0, 0.0
    for n, (recall, _) in enumerate(points):
        total += (recall - before) * max(precision for _, precision in points[n:])
        before = recall
    return total
