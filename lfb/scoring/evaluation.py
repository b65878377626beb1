"""AVA mean average precision at IoU 0.5, as each of three public evaluators counts it.

They share the measure (PASCAL VOC): the detections of a class are ranked by falling score; each is
matched to the ground-truth box of its keyframe and class that it overlaps most; it is a true
positive if that IoU is at least 0.5 and the box is not taken yet. There is no second choice. AP is
the area under the monotone precision envelope, mAP the mean over classes.

They differ in what they look at: see `Protocol` and `PROTOCOLS`.

Tied scores, on which the public evaluators sort unstably, are ranked by video name, then second,
then the order of the entries as given. Of two ground-truth boxes that it overlaps equally, a
detection goes for the one listed first; MMAction2 and ActivityNet take the person ids of AVA's csv
for scores, and the higher one. Everything else is theirs, held by tests/test_peer_evaluation.py.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lfb.data.boxes import box_iou, differs_from_previous, ragged
from lfb.data.predictions import Detections, Predictions
from lfb.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

IOU = 0.5
_BOXES_AT_ONCE = 1 << 18  # bounds the memory of overlaps where each entry has a box of its own


@dataclass(frozen=True)
class Protocol:
    """What one public evaluator looks at.

    Attributes:
        keyframes: Whose detections count: ``"scored"`` keyframes have ground truth of a class in
            the label list, ``"listed"`` ones any row in the ground truth, even one without a box.
        excluded: What is left out on excluded keyframes: the ``"detections"`` (the boxes to be
            found still count in recall), ``"both"`` them and the ground truth, or ``"nothing"``.
        coordinates: Precision in which sides and areas of boxes are computed.
        most: Entries kept on a keyframe, those of the highest scores; None keeps all.
        empty_boxes: Whether detections without area count, as false positives.
        undetected: AP of a class with ground truth and no detection; NaN leaves it out of the mean.
        takes_turns: Who comes first to a ground-truth box: the highest ``"score"``, or the first
            ``"entry"`` of the keyframe as given.
    """

    keyframes: Literal["scored", "listed", "all"]
    excluded: Literal["detections", "both", "nothing"]
    coordinates: type[np.floating]
    most: int | None
    empty_boxes: bool
    undetected: float
    takes_turns: Literal["score", "entry"]


PROTOCOLS = {
    # MMAction2 `ava_eval`: the published table.
    "mmaction2": Protocol("scored", "detections", np.float32, None, True, math.nan, "score"),
    # PySlowFast `ava_eval_helper`: does not sort a keyframe's entries before matching them.
    "slowfast": Protocol("all", "both", np.float64, None, False, 0.0, "entry"),
    # ActivityNet `get_ava_performance.py`, the official script: has no list of exclusions.
    "activitynet": Protocol("listed", "nothing", np.float64, 50, False, 0.0, "score"),
}


@dataclass(frozen=True)
class Result:
    """Average precision under one protocol.

    Attributes:
        mAP: Mean of the APs that are not NaN, in 0..1.
        ap: AP of each class, in 0..1; NaN where the class is left out of the mean.
        ground_truth: Ground-truth boxes of each class.
        detections: Detections of each class that the protocol looked at.
    """

    mAP: float
    ap: dict[int, float]
    ground_truth: dict[int, int]
    detections: dict[int, int]


def evaluate(
    detections: Predictions | Detections,
    truth: "pd.DataFrame",
    *,
    classes: Collection[int],
    excluded: Collection[tuple[str, int]],
    protocol: str,
) -> Result:
    """Scores detections under one protocol, a key of `PROTOCOLS`.

    Args:
        detections: Dense predictions, of which the first draw counts, or entries read from a
            submission.
        truth: Columns ``video, second, x1, y1, x2, y2, action``, a row for each box and action.
            Rows whose action is not in ``classes`` (unscored, or -1 for a keyframe without a box)
            still say that the keyframe is listed.
        classes: Ids of the classes that are scored: the label list.
        excluded: Excluded keyframes.
        protocol: ``"mmaction2"``, ``"slowfast"`` or ``"activitynet"``.

    Raises:
        UserError: Unknown protocol, no ground truth of any class, scores that are not numbers, or
            nothing that detections and ground truth have in common.
    """
    if protocol not in PROTOCOLS:
        raise UserError(f"protocol {protocol!r} is not known; use one of {', '.join(PROTOCOLS)}.")
    return _evaluate(detections, truth, classes, excluded, [protocol])[protocol]


def metrics(
    detections: Predictions | Detections,
    truth: "pd.DataFrame",
    *,
    classes: Mapping[int, str],
    excluded: Collection[tuple[str, int]],
) -> dict[str, Any]:
    """What ``metrics.json`` holds: all protocols, in percent, class by class.

    Args:
        detections: As for `evaluate`, but every draw counts.
        truth: As for `evaluate`.
        classes: Name of each scored action id: the label list.
        excluded: Excluded keyframes.

    Returns:
        For each protocol ``mAP``, ``mAP_std`` and ``mAPs`` (the mean over the draws, their sample
        deviation, None for a single one, and each of them), ``left_out`` (names of the classes that
        do not enter the mean over classes) and ``classes``: a list of ``id, name, AP, ground_truth,
        detections``; AP is the mean over the draws, None if left out; detections are those of the
        first draw.

    Raises:
        UserError: As for `evaluate`.
    """
    draws = detections.draws() if isinstance(detections, Predictions) else [detections]
    results = [_evaluate(draw, truth, classes, excluded, list(PROTOCOLS)) for draw in draws]
    return {
        protocol: _summary([result[protocol] for result in results], classes)
        for protocol in PROTOCOLS
    }


def _summary(results: list[Result], classes: Mapping[int, str]) -> dict[str, Any]:
    """One protocol's part of ``metrics.json``, from the result of each draw."""
    maps = [100 * result.mAP for result in results]
    ap = {i: 100 * mean(result.ap[i] for result in results) for i in results[0].ap}
    return {
        "mAP": mean(maps),
        "mAP_std": stdev(maps) if maps[1:] else None,
        "mAPs": maps,
        "left_out": [classes[i] for i in ap if math.isnan(ap[i])],
        "classes": [
            {
                "id": i,
                "name": classes[i],
                "AP": None if math.isnan(ap[i]) else ap[i],
                "ground_truth": results[0].ground_truth[i],
                "detections": results[0].detections[i],
            }
            for i in ap
        ],
    }


@dataclass(frozen=True)
class _Scene:
    """Detections and ground truth by number of keyframe and class.

    Keyframes are numbered by (video name, second), classes by id; entries are sorted by keyframe,
    so that their order is the order of ties.
    """

    box: np.ndarray  # (N, 4)
    box_keyframe: np.ndarray  # (N,)
    row: np.ndarray  # (E,) box of an entry
    action: np.ndarray  # (E,) number of its class
    score: np.ndarray  # (E,)
    truth_box: np.ndarray  # (T, 4)
    truth_keyframe: np.ndarray  # (T,)
    truth_action: np.ndarray  # (T,)
    listed: np.ndarray  # (K,) bool
    scored: np.ndarray  # (K,) bool
    excluded: np.ndarray  # (K,) bool


def _evaluate(
    detections: Predictions | Detections,
    truth: "pd.DataFrame",
    classes: Collection[int],
    excluded: Collection[tuple[str, int]],
    protocols: list[str],
) -> dict[str, Result]:
    if isinstance(detections, Predictions):
        detections = detections.detections()
    ids = sorted(classes)
    scene = _scene(detections, truth, ids, excluded)
    rules = [PROTOCOLS[name] for name in protocols]
    overlaps = {
        kind: _best_overlaps(scene, len(ids), kind) for kind in {r.coordinates for r in rules}
    }
    to_find = [_to_find(scene, rule, len(ids)) for rule in rules]

    # Class by class, each class's entries side by side in memory and in the order of ties.
    by_class = np.argsort(scene.action, kind="stable")
    row, score = scene.row[by_class], scene.score[by_class]
    counted = [_counted(scene, rule)[by_class] for rule in rules]
    starts = np.searchsorted(scene.action[by_class], np.arange(len(ids) + 1))
    ap = np.full((len(rules), len(ids)), math.nan)
    found = np.zeros((len(rules), len(ids)), dtype=int)
    target = np.full(len(scene.box), -1, dtype=np.int32)  # of each box, for the class at hand
    for c in range(len(ids)):
        part = slice(starts[c], starts[c + 1])
        ranked = _falling(score[part])
        for p, rule in enumerate(rules):
            entries = ranked[counted[p][part][ranked]]
            found[p, c] = len(entries)
            if to_find[p][c] and not len(entries):
                ap[p, c] = rule.undetected
            elif to_find[p][c]:
                boxes, truths = overlaps[rule.coordinates][c]
                target[boxes] = truths
                ranks = _true_positives(entries, target[row[part][entries]], rule)
                target[boxes] = -1
                ap[p, c] = _average_precision(ranks, to_find[p][c])

    return {
        name: Result(
            mAP=float(np.nanmean(ap[p])),
            ap=dict(zip(ids, ap[p].tolist(), strict=True)),
            ground_truth=dict(zip(ids, to_find[p].tolist(), strict=True)),
            detections=dict(zip(ids, found[p].tolist(), strict=True)),
        )
        for p, name in enumerate(protocols)
    }


def _scene(
    detections: Detections,
    truth: "pd.DataFrame",
    ids: list[int],
    excluded: Collection[tuple[str, int]],
) -> _Scene:
    names = sorted({*detections.videos, *truth["video"].unique()})
    number = {name: n for n, name in enumerate(names)}

    def keys(video: np.ndarray, second: np.ndarray) -> np.ndarray:
        return video.astype(np.int64) << 32 | second

    videos = np.array([number[name] for name in detections.videos], dtype=np.int64)
    box_keys = keys(videos[detections.video], detections.second)
    truth_keys = keys(
        truth["video"].astype(object).map(number).to_numpy(np.int64),
        truth["second"].to_numpy(np.int64),
    )
    all_keys, keyframe = np.unique(np.concatenate([box_keys, truth_keys]), return_inverse=True)
    box_keyframe, listed_keyframe = np.split(keyframe.astype(np.int32), [len(box_keys)])
    excluded_keys = [number[v] << 32 | second for v, second in excluded if v in number]

    action = _class_numbers(detections.action, ids)
    entries = np.flatnonzero(action >= 0)
    entries = entries[np.argsort(box_keyframe[detections.row[entries]], kind="stable")]
    truth_action = _class_numbers(truth["action"].to_numpy(np.int64), ids)
    scored_rows = np.flatnonzero(truth_action >= 0)
    scored_rows = scored_rows[np.argsort(listed_keyframe[scored_rows], kind="stable")]

    def marked(keyframes: np.ndarray) -> np.ndarray:
        return np.bincount(keyframes, minlength=len(all_keys)) > 0

    scene = _Scene(
        box=detections.box,
        box_keyframe=box_keyframe,
        row=detections.row[entries],
        action=action[entries],
        score=detections.score[entries],
        truth_box=truth[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)[scored_rows],
        truth_keyframe=listed_keyframe[scored_rows],
        truth_action=truth_action[scored_rows],
        listed=marked(listed_keyframe),
        scored=marked(listed_keyframe[scored_rows]),
        excluded=np.isin(all_keys, np.array(excluded_keys, dtype=np.int64)),
    )
    _check(scene, detections, truth)
    return scene


def _class_numbers(actions: np.ndarray, ids: list[int]) -> np.ndarray:
    """(E,) int16 place of each action in ``ids``, -1 where it is not there."""
    table = np.full(max(ids) + 2, -1, dtype=np.int16)
    table[ids] = np.arange(len(ids))
    return table[np.clip(actions, -1, max(ids) + 1)]  # both ends of the clip are the last place


def _check(scene: _Scene, detections: Detections, truth: "pd.DataFrame") -> None:
    counted = scene.scored & ~scene.excluded
    if not counted.any():
        raise UserError(
            f"none of the {len(truth)} rows of the ground truth is of a class in the label list "
            "on a keyframe that is not excluded; check the action ids."
        )
    if not np.isfinite(scene.score).all():
        raise UserError("some scores are NaN or infinite: the model that gave them has diverged.")
    common = counted[scene.box_keyframe[scene.row]]
    detected = np.flatnonzero(np.bincount(scene.action[common]))
    if not np.isin(detected, scene.truth_action).any():
        seen = "there is no detection at all"
        if len(detections.row):
            row = detections.row[0]
            seen = (
                f"the first detection is of {detections.videos[detections.video[row]]!r}, "
                f"second {detections.second[row]}, action {detections.action[0]}"
            )
        first = truth.iloc[0]
        raise UserError(
            f"detections and ground truth have no keyframe and class in common: {seen}; the first "
            f"ground truth is of {first['video']!r}, second {first['second']}, action "
            f"{first['action']}. Check video names, seconds and action ids."
        )


def _best_overlaps(
    scene: _Scene, classes: int, coordinates: type[np.floating]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each class the boxes that overlap ground truth of it enough, and what they overlap most.

    Overlap depends on boxes only, so that all entries of a box share it.
    """
    first = np.searchsorted(scene.truth_keyframe, scene.box_keyframe, side="left")
    last = np.searchsorted(scene.truth_keyframe, scene.box_keyframe, side="right")
    parts = []
    for start in range(0, max(len(scene.box), 1), _BOXES_AT_ONCE):
        part = slice(start, start + _BOXES_AT_ONCE)
        truth, box = ragged(first[part], last[part] - first[part])
        box += start
        iou = box_iou(
            scene.box[box].astype(coordinates),
            scene.truth_box[truth].astype(coordinates),
            product=np.float64,  # whatever the coordinates are, as MMAction2 does it
        )
        enough = np.flatnonzero(iou >= IOU)
        parts.append((box[enough], truth[enough], iou[enough]))
    box, truth, iou = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))

    action = scene.truth_action[truth]
    order = np.lexsort((-iou, box, action))  # stable: of equal overlaps the first listed
    action, box, truth = action[order], box[order], truth[order]
    best = differs_from_previous(action, box)
    ends = np.searchsorted(action[best], np.arange(1, classes))
    return list(zip(np.split(box[best], ends), np.split(truth[best], ends), strict=True))


def _counted(scene: _Scene, rule: Protocol) -> np.ndarray:
    """(E,) which entries the protocol looks at."""
    keyframes = {
        "scored": scene.scored,
        "listed": scene.listed,
        "all": np.ones_like(scene.listed),
    }[rule.keyframes]
    if rule.excluded != "nothing":
        keyframes = keyframes & ~scene.excluded
    boxes = keyframes[scene.box_keyframe]
    if not rule.empty_boxes:
        boxes &= (scene.box[:, :2] < scene.box[:, 2:]).all(axis=1)
    counted = boxes[scene.row]
    if rule.most is not None:
        # An empty box takes up a place all the same: the official script drops it afterwards.
        counted &= _strongest(scene.box_keyframe[scene.row], scene.score, rule.most)
    return counted


def _strongest(keyframe: np.ndarray, score: np.ndarray, most: int) -> np.ndarray:
    """(E,) whether an entry is among the ``most`` of the highest scores of its keyframe.

    Keyframes with equally many entries are sorted together, as the rows of one matrix.
    """
    kept = np.ones(len(score), dtype=bool)
    counts = np.bincount(keyframe)
    starts = np.cumsum(counts) - counts
    for count in np.unique(counts[counts > most]):
        entries = starts[counts == count][:, None] + np.arange(count)
        falling = np.argsort(-score[entries], axis=1, kind="stable")
        kept[np.take_along_axis(entries, falling[:, most:], axis=1)] = False
    return kept


def _falling(score: np.ndarray) -> np.ndarray:
    """(E,) places of the scores from the highest to the lowest, equal ones as they stand.

    NumPy's stable sort takes six times as long as its quickest, which leaves little to mend.
    """
    order = np.argsort(-score)
    new = differs_from_previous(score[order])
    tied = np.flatnonzero(~(new & np.append(new, True)[1:]))
    order[tied] = order[tied][np.lexsort((order[tied], np.cumsum(new)[tied]))]
    return order


def _to_find(scene: _Scene, rule: Protocol, classes: int) -> np.ndarray:
    """(C,) ground-truth boxes that recall is measured against."""
    action = scene.truth_action
    if rule.excluded == "both":
        action = action[~scene.excluded[scene.truth_keyframe]]
    return np.bincount(action, minlength=classes)


def _true_positives(entries: np.ndarray, target: np.ndarray, rule: Protocol) -> np.ndarray:
    """Ranks, from 0, of the true positives among ``entries`` of falling score.

    ``target`` is the ground-truth box that each entry goes for, -1 for none: the first entry to
    come to a box takes it.
    """
    ranks = np.flatnonzero(target >= 0)
    if rule.takes_turns == "entry":
        ranks = ranks[np.argsort(entries[ranks])]
    _, first = np.unique(target[ranks], return_index=True)
    return np.sort(ranks[first])


def _average_precision(ranks: np.ndarray, to_find: int) -> float:
    """Area under the envelope, given the ranks (from 0) of the true positives."""
    found = np.arange(1, len(ranks) + 1)
    precision = np.append(found / (ranks + 1), 0.0)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    gain = np.diff(found / to_find, prepend=0.0, append=1.0)
    steps = gain > 0  # the last one is none when every box was found
    return float(np.sum(gain[steps] * envelope[steps]))
