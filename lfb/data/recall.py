"""How many of the annotated people a person detector finds. No model can find more."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from lfb.data.annotations import annotated_keyframes
from lfb.data.boxes import PersonBoxes, box_iou, ragged
from lfb.data.selection import ground_truth
from lfb.files.csv_table import KEY

IOU = 0.5  # at which a proposal shows a person, as in the evaluation
_GAIN = 0.1  # of recall, too large a difference between two seconds to be chance


def measure(
    annotations: pd.DataFrame,
    proposals: PersonBoxes,
    excluded: AbstractSet[tuple[str, int]],
    scores: Mapping[str, float],
) -> dict[str, Any]:
    """Count the ground-truth boxes that a proposal overlaps with IoU of 0.5 or more.

    Args:
        annotations: Table of ``read_annotations``.
        proposals: Detected people.
        excluded: Keyframes that do not count.
        scores: Lowest scores by what they are for, such as ``{"test_score": 0.9}``.

    Returns:
        Values for JSON: ``keyframes``; how many are ``without`` a proposal; ``proposals`` on them;
        ground-truth ``boxes``; how many of these are ``found``; and for each name in ``scores``,
        how many are found by proposals with that score or more.
    """
    annotations = annotations[~pd.MultiIndex.from_frame(annotations[KEY]).isin(excluded)]
    truth = ground_truth(annotations)
    keyframes = annotated_keyframes(annotations)
    proposed = proposals.index.multi_index()
    counts = np.append(proposals.index.count, 0)  # the appended 0 is for -1, unknown
    found = counts[proposed.get_indexer(keyframes)]

    known = proposed.get_indexer(truth.index.multi_index())
    known = np.repeat(known, truth.index.count)  # the proposals' keyframe of each box
    row, box = ragged(proposals.index.row_start[known], counts[known])
    overlap = box_iou(truth.boxes[box], proposals.boxes[row])
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


def shifted_seconds(
    annotations: pd.DataFrame, proposals: PersonBoxes, excluded: AbstractSet[tuple[str, int]]
) -> str | None:
    """Return a warning if proposals of a second earlier or later find many more people."""
    measured = measure(annotations, proposals, excluded, {})
    found = {}
    for shift in 1, -1:
        index = replace(proposals.index, second=proposals.index.second + shift)
        shifted = replace(proposals, index=index)
        found[shift] = measure(annotations, shifted, excluded, {})["found"]
    shift = max(found, key=lambda shift: found[shift])
    if found[shift] - measured["found"] < max(1, _GAIN * measured["boxes"]):
        return None
    now, shifted_share = (
        f"{100 * n / measured['boxes']:.1f} %" for n in (measured["found"], found[shift])
    )
    return (
        f"with the proposals' seconds 1 {'higher' if shift > 0 else 'lower'}, {shifted_share} of "
        f"the annotated people would be found, not {now}: do both files count seconds in the same "
        "way, and is data.first_second right?"
    )


def describe(measured: Mapping[str, Any], scores: Mapping[str, float]) -> str:
    """Return the counts of ``measure`` as a sentence for the log."""

    def share(count: int) -> str:
        return f"{100 * count / max(1, measured['boxes']):.1f} %"

    names_of: dict[float, list[str]] = {}
    for name, least in scores.items():
        names_of.setdefault(least, []).append(name)
    stricter = "".join(
        f", {share(measured[names[0].removeprefix('boxes.')])} with scores of {least:g} or more "
        f"({', '.join(f'boxes.{name}' for name in names)})"
        for least, names in names_of.items()
    )
    per_keyframe = measured["proposals"] / max(1, measured["keyframes"])
    return (
        f"recall at IoU {IOU}: {share(measured['found'])} of {measured['boxes']} annotated people"
        f"{stricter}; {per_keyframe:.2f} boxes per keyframe; {measured['without']} of "
        f"{measured['keyframes']} keyframes have none"
    )
