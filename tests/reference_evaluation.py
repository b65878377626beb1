"""A simple implementation of the three protocols: keyframe by keyframe, entry by entry.

It shares no code with ``lfb.scoring.evaluation``.
"""

import math
from collections import Counter, defaultdict
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
    entries: list[Found],
    truth: list[Real],
    classes: set[int],
    excluded: set[tuple[str, int]],
    protocol: str,
) -> dict[int, float]:
    """Return the AP of each class, NaN if the class is left out of the mean."""
    kept, real, to_find = counted(entries, truth, classes, excluded, protocol)
    result = {}
    for action in sorted(classes):
        if not to_find[action] or (not kept[action] and protocol == "mmaction2"):
            result[action] = math.nan
        else:
            result[action] = area(hits(kept[action], real, protocol), to_find[action])
    return result


def best_f1(
    entries: list[Found],
    truth: list[Real],
    classes: set[int],
    excluded: set[tuple[str, int]],
    protocol: str,
) -> dict[int, tuple[float, float | None]]:
    """Return the best F1 of each class and its highest threshold, by trying every score."""
    kept, real, to_find = counted(entries, truth, classes, excluded, protocol)
    result: dict[int, tuple[float, float | None]] = {}
    for action in sorted(classes):
        result[action] = 0.0, None
        for threshold in sorted({d.score for _, d in kept[action]}, reverse=True):
            chosen = [(place, d) for place, d in kept[action] if d.score >= threshold]
            right = sum(hits(chosen, real, protocol))
            f1 = 2 * right / (len(chosen) + to_find[action])
            if f1 > result[action][0]:
                result[action] = f1, threshold
    return result


def counted(
    entries: list[Found],
    truth: list[Real],
    classes: set[int],
    excluded: set[tuple[str, int]],
    protocol: str,
) -> tuple[dict[int, list[tuple[int, Found]]], dict[tuple, list], Counter[int]]:
    """Return what counts: the entries of each class, boxes to find, and their number by class.

    An entry has its place in the file; boxes are by class, video and second.
    """
    entries = [d for d in entries if d.action in classes]
    listed = {(t.video, t.second) for t in truth}
    truth = [t for t in truth if t.action in classes]
    scored = {(t.video, t.second) for t in truth}

    keyframes = {
        "mmaction2": scored - excluded,
        "slowfast": (scored | {(d.video, d.second) for d in entries}) - excluded,
        "activitynet": listed,
    }[protocol]
    if protocol == "slowfast":
        truth = [t for t in truth if (t.video, t.second) not in excluded]

    of_keyframe = defaultdict(list)  # entries of each keyframe, with their place in the file
    for place, d in enumerate(entries):
        of_keyframe[d.video, d.second].append((place, d))
    kept = defaultdict(list)
    for keyframe in sorted(keyframes):
        candidates = of_keyframe[keyframe]
        if protocol != "slowfast":
            candidates.sort(key=lambda entry: -entry[1].score)  # stable: of equal scores, the first
        if protocol == "activitynet":
            candidates = candidates[:50]
        for place, d in candidates:
            if protocol == "mmaction2" or (d.box[0] < d.box[2] and d.box[1] < d.box[3]):
                kept[d.action].append((place, d))

    real = defaultdict(list)
    for t in truth:
        real[t.action, t.video, t.second].append(t.box)
    return kept, real, Counter(t.action for t in truth)


def hits(kept: list[tuple[int, Found]], real: dict[tuple, list], protocol: str) -> list[bool]:
    """Return which entries of a class find a box, by falling score."""
    taken = set()
    result = []
    for place, d in kept:
        best, best_iou = None, -1.0
        for i, box in enumerate(real.get((d.action, d.video, d.second), [])):
            iou = overlap(d.box, box, single=protocol == "mmaction2")
            if iou > best_iou:
                best, best_iou = (d.video, d.second, i), iou
        hit = best_iou >= 0.5 and best not in taken
        if hit:
            taken.add(best)
        # Ties: by video, second and order in the file.
        result.append((-d.score, d.video, d.second, place, hit))
    return [hit for *_, hit in sorted(result)]


def overlap(a, b, *, single: bool) -> float:
    """Return the IoU; ``single`` computes sides and areas in float32, as MMAction2 does."""
    kind = np.float32 if single else float
    ax1, ay1, ax2, ay2 = (kind(x) for x in a)
    bx1, by1, bx2, by2 = (kind(x) for x in b)
    width = float(max(kind(0), min(ax2, bx2) - max(ax1, bx1)))
    height = float(max(kind(0), min(ay2, by2) - max(ay1, by1)))
    both = float((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1)) - width * height
    return width * height / both if both else 0.0


def area(hits: list[bool], real: int) -> float:
    """Return the area under the precision-recall curve, precision made monotone from the right."""
    points = []  # (recall, precision) after each entry
    positives = 0
    for n, hit in enumerate(hits, 1):
        positives += hit
        points.append((positives / real, positives / n))
    total, highest = 0.0, 0.0
    for n in reversed(range(len(points))):
        recall, precision = points[n]
        highest = max(highest, precision)
        total += (recall - (points[n - 1][0] if n else 0.0)) * highest
    return total
