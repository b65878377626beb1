"""How many of the annotated people a person detector has found: the most that a model can score."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from lfb.data.proposals import Proposals
from lfb.data.selection import ground_truth, pairwise_iou, ragged
from lfb.files.csv_table import KEY

IOU = 0.5  # from which a proposal shows a person, as in the evaluation
_GAIN = 0.1  # of recall, from which on it is no chance that other seconds fit better


def measure(
    annotations: pd.DataFrame,
    proposals: Proposals,
    excluded: AbstractSet[tuple[str, int]],
    scores: Mapping[str, float],
) -> dict[str, Any]:
    """Counts the ground-truth boxes that a proposal overlaps with IoU of 0.5 or more.

    Args:
        excluded: Keyframes that do not count.
        scores: Least scores by what they are for, such as ``{"test_score": 0.9}``.

    Returns:
        Ready for JSON: ``keyframes``, those ``without`` a proposal, the ``proposals`` on them, the
        ground-truth ``boxes``, how many of these are ``found``, and for each name in ``scores`` how
        many are found by proposals that score as much.
    """
    annotations = annotations[~pd.MultiIndex.from_frame(annotations[KEY]).isin(excluded)]
    truth = ground_truth(annotations)
    keyframes = pd.MultiIndex.from_frame(annotations[KEY].drop_duplicates())
    counts = np.append(np.diff(proposals.start), 0)  # the appended 0 is for -1, unknown
    found = counts[proposals.index.get_indexer(keyframes)]

    known = proposals.index.get_indexer(truth.index)
    known = np.repeat(known, np.diff(truth.start))  # the proposals' keyframe of each box
    row, box = ragged(proposals.start[known], counts[known])
    overlap = pairwise_iou(truth.boxes[box], proposals.boxes[row])
    best = np.full(len(truth.boxes), -np.inf, np.float32)
    np.maximum.at(best, box, np.where(overlap >= IOU, proposals.scores[row], -np.inf))
    return {
        "keyframes": len(keyframes),
        "without": int((found == 0).sum()),
        "proposals": int(found.sum()),
        "boxes": len(best),
        "found": int((best >= 0).sum()),
        **{name: int((best >= np.float32(least)).sum()) for name, least in scores.items()},
    }


def moved(
    annotations: pd.DataFrame, proposals: Proposals, excluded: AbstractSet[tuple[str, int]]
) -> str | None:
    """A warning where proposals of a second earlier or later would find many people more."""
    measured = measure(annotations, proposals, excluded, {})
    video, second = (proposals.index.get_level_values(key) for key in KEY)
    found = {}
    for shift in 1, -1:
        index = pd.MultiIndex.from_arrays([video, second + shift], names=KEY)
        shifted = replace(proposals, index=index)
        found[shift] = measure(annotations, shifted, excluded, {})["found"]
    shift = max(found, key=lambda shift: found[shift])
    if found[shift] - measured["found"] < max(1, _GAIN * measured["boxes"]):
        return None
    now, then = (f"{100 * n / measured['boxes']:.1f} %" for n in (measured["found"], found[shift]))
    return (
        f"with the proposals' seconds 1 {'higher' if shift > 0 else 'lower'}, {then} of the "
        f"annotated people would be found, not {now}: do both count seconds alike, and is "
        "data.first_second right?"
    )


def sentence(measured: Mapping[str, Any], scores: Mapping[str, float]) -> str:
    """What ``measure`` found, for people to read."""

    def part(count: int) -> str:
        return f"{100 * count / max(1, measured['boxes']):.1f} %"

    named: dict[float, list[str]] = {}
    for name, least in scores.items():
        named.setdefault(least, []).append(name)
    stricter = "".join(
        f", {part(measured[names[0].removeprefix('boxes.')])} with scores from {least:g} up "
        f"({', '.join(f'boxes.{name}' for name in names)})"
        for least, names in named.items()
    )
    each = measured["proposals"] / max(1, measured["keyframes"])
    return (
        f"recall at IoU {IOU}: {part(measured['found'])} of {measured['boxes']} annotated people"
        f"{stricter}; {each:.2f} boxes a keyframe; {measured['without']} of "
        f"{measured['keyframes']} keyframes have none"
    )
