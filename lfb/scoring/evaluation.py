"""AVA mean average precision at IoU 0.5, under the rules of three public evaluators.

An entry is a score of one box for one action: a row of an AVA submission. The evaluators share the
measure (PASCAL VOC). The entries of a class are ranked by falling score. Each is matched to the
ground-truth box of its keyframe and class that it overlaps most. It is a true positive if that IoU
is at least 0.5 and no entry before it took the box; otherwise it does not get another box. AP is
the area under the monotone precision envelope, mAP the mean over classes.

The evaluators differ in what they count: see ``Protocol`` and ``PROTOCOLS``.

This module differs from them in two points. Equal scores, which the public evaluators sort
unstably, are ranked by video name, then second, then the order of the entries. If an entry overlaps
two ground-truth boxes equally, it is matched to the one listed first; MMAction2 and ActivityNet
read the person ids of AVA's csv as scores and match the higher one. tests/test_peer_evaluation.py
compares everything else with MMAction2.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lfb.data.boxes import box_iou, differs_from_previous, ragged
from lfb.data.predictions import Entries, Predictions
from lfb.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

IOU = 0.5
_BOXES_AT_ONCE = 1 << 18  # bounds the memory of overlaps if each entry has its own box


@dataclass(frozen=True)
class Protocol:
    """What one public evaluator counts.

    Attributes:
        keyframes: Keyframes whose entries count. ``"scored"``: those with ground truth of a class
            in the label list. ``"listed"``: those with any row in the ground truth, even one
            without a box. ``"all"``: all.
        excluded: What does not count on excluded keyframes. ``"entries"``: the entries, but the
            ground-truth boxes still count in recall. ``"both"``: neither entries nor ground truth.
            ``"nothing"``: everything counts.
        coordinates: Precision in which sides and areas of boxes are computed.
        most: Entries to keep on a keyframe, those of the highest scores; None keeps all.
        empty_boxes: Whether entries whose box has no area count, as false positives.
        undetected: AP of a class with ground truth and no entry; NaN leaves it out of the mean.
        first_match: Which entry gets a ground-truth box that several match: the one of the highest
            ``"score"``, or the first ``"entry"`` of the keyframe in the order given.
    """

    keyframes: Literal["scored", "listed", "all"]
    excluded: Literal["entries", "both", "nothing"]
    coordinates: type[np.floating]
    most: int | None
    empty_boxes: bool
    undetected: float
    first_match: Literal["score", "entry"]


PROTOCOLS = {
    # MMAction2 `ava_eval`: the published table.
    "mmaction2": Protocol("scored", "entries", np.float32, None, True, math.nan, "score"),
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
        entries: Entries of each class that the protocol counts.
    """

    mAP: float
    ap: dict[int, float]
    ground_truth: dict[int, int]
    entries: dict[int, int]


def evaluate(
    predictions: Predictions | Entries,
    truth: "pd.DataFrame",
    *,
    classes: Collection[int],
    excluded: Collection[tuple[str, int]],
    protocol: str,
) -> Result:
    """Return the mAP of predictions under one protocol.

    Args:
        predictions: Predictions of a model, of which the first draw counts, or the entries of a
            submission.
        truth: Columns ``video, second, x1, y1, x2, y2, action``, a row for each box and action.
            A row whose action is not in ``classes`` (an unscored one, or -1 for a keyframe without
            a box) still makes its keyframe a listed one.
        classes: Ids of the classes to score: the label list.
        excluded: Excluded keyframes.
        protocol: ``"mmaction2"``, ``"slowfast"`` or ``"activitynet"``.

    Raises:
        UserError: The protocol is unknown, no class has ground truth, a score is not finite, or
            predictions and ground truth have no keyframe and class in common.
    """
    if protocol not in PROTOCOLS:
        raise UserError(f"protocol {protocol!r} is unknown; use one of {', '.join(PROTOCOLS)}.")
    return _evaluate(predictions, truth, classes, excluded, [protocol])[protocol]


def metrics(
    predictions: Predictions | Entries,
    truth: "pd.DataFrame",
    *,
    classes: Mapping[int, str],
    excluded: Collection[tuple[str, int]],
) -> dict[str, Any]:
    """Return the content of ``metrics.json``: all protocols, in percent, class by class.

    Args:
        predictions: As for ``evaluate``, but every draw counts.
        truth: As for ``evaluate``.
        classes: Name of each scored action id: the label list.
        excluded: Excluded keyframes.

    Returns:
        For each protocol: ``mAP``, the mean over the draws; ``mAP_std``, their sample standard
        deviation, None for one draw; ``mAPs``, the mAP of each draw; ``left_out``, names of the
        classes that are not in the mean over classes; and ``classes``, a list of ``id, name, AP,
        ground_truth, detections``. There AP is the mean over the draws, None if left out, and
        detections is the number of entries of the first draw that count.

    Raises:
        UserError: As for ``evaluate``.
    """
    draws = predictions.draws() if isinstance(predictions, Predictions) else [predictions]
    results = [_evaluate(draw, truth, classes, excluded, list(PROTOCOLS)) for draw in draws]
    return {
        protocol: _summary([result[protocol] for result in results], classes)
        for protocol in PROTOCOLS
    }


def _summary(results: list[Result], classes: Mapping[int, str]) -> dict[str, Any]:
    """Return one protocol's part of ``metrics.json`` from the result of each draw."""
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
                "detections": results[0].entries[i],
            }
            for i in ap
        ],
    }


@dataclass(frozen=True)
class _Scene:
    """Entries and ground truth, by number of keyframe and of class.

    Keyframes are numbered by (video name, second), classes by id. Entries are sorted by keyframe,
    in which order equal scores are ranked.
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


@dataclass(frozen=True)
class Ranking:
    """The entries of one class that a protocol counts, by falling score.

    Attributes:
        score: (E,) their scores.
        entry: (E,) their places in the order given, keyframe by keyframe.
        target: (E,) the ground-truth box that each one matches, -1 for none.
        to_find: Number of ground-truth boxes that recall is measured against.
    """

    score: np.ndarray
    entry: np.ndarray
    target: np.ndarray
    to_find: int


def rankings(
    predictions: Predictions | Entries,
    truth: "pd.DataFrame",
    *,
    classes: Collection[int],
    excluded: Collection[tuple[str, int]],
    protocols: Sequence[str],
) -> Iterator[list[Ranking]]:
    """Yield the ranking under each protocol, for each class by rising id.

    See ``evaluate`` for arguments and errors.
    """
    entries = predictions.entries() if isinstance(predictions, Predictions) else predictions
    ids = sorted(classes)
    scene = _scene(entries, truth, ids, excluded)
    rules = [PROTOCOLS[name] for name in protocols]
    overlaps = {
        kind: _best_overlaps(scene, len(ids), kind) for kind in {r.coordinates for r in rules}
    }
    to_find = [_to_find(scene, rule, len(ids)) for rule in rules]

    # The entries of each class side by side in memory, in the order of equal scores.
    by_class = np.argsort(scene.action, kind="stable")
    row, score = scene.row[by_class], scene.score[by_class]
    counted = [_counted(scene, rule)[by_class] for rule in rules]
    starts = np.searchsorted(scene.action[by_class], np.arange(len(ids) + 1))
    target = np.full(len(scene.box), -1, dtype=np.int32)  # of each box, for the current class
    for c in range(len(ids)):
        part = slice(starts[c], starts[c + 1])
        ranked = _falling(score[part])
        found = []
        for p, rule in enumerate(rules):
            kept = ranked[counted[p][part][ranked]]
            boxes, truths = overlaps[rule.coordinates][c]
            target[boxes] = truths
            matched = target[row[part][kept]]
            target[boxes] = -1
            found.append(Ranking(score[part][kept], kept, matched, int(to_find[p][c])))
        yield found


def _evaluate(
    predictions: Predictions | Entries,
    truth: "pd.DataFrame",
    classes: Collection[int],
    excluded: Collection[tuple[str, int]],
    protocols: list[str],
) -> dict[str, Result]:
    ids = sorted(classes)
    rules = [PROTOCOLS[name] for name in protocols]
    ap = np.full((len(rules), len(ids)), math.nan)
    total = np.zeros((len(rules), len(ids)), dtype=int)
    to_find = np.zeros((len(rules), len(ids)), dtype=int)
    of_class = rankings(predictions, truth, classes=classes, excluded=excluded, protocols=protocols)
    for c, found in enumerate(of_class):
        for p, (rule, ranking) in enumerate(zip(rules, found, strict=True)):
            total[p, c], to_find[p, c] = len(ranking.entry), ranking.to_find
            if ranking.to_find and not len(ranking.entry):
                ap[p, c] = rule.undetected
            elif ranking.to_find:
                ranks = _true_positives(ranking, rule)
                ap[p, c] = _average_precision(ranks, ranking.to_find)

    return {
        name: Result(
            mAP=float(np.nanmean(ap[p])),
            ap=dict(zip(ids, ap[p].tolist(), strict=True)),
            ground_truth=dict(zip(ids, to_find[p].tolist(), strict=True)),
            entries=dict(zip(ids, total[p].tolist(), strict=True)),
        )
        for p, name in enumerate(protocols)
    }


def _scene(
    entries: Entries,
    truth: "pd.DataFrame",
    ids: list[int],
    excluded: Collection[tuple[str, int]],
) -> _Scene:
    names = sorted({*entries.videos, *truth["video"].unique()})
    number = {name: n for n, name in enumerate(names)}

    def keys(video: np.ndarray, second: np.ndarray) -> np.ndarray:
        return video.astype(np.int64) << 32 | second

    videos = np.array([number[name] for name in entries.videos], dtype=np.int64)
    box_keys = keys(videos[entries.video], entries.second)
    truth_keys = keys(
        truth["video"].astype(object).map(number).to_numpy(np.int64),
        truth["second"].to_numpy(np.int64),
    )
    all_keys, keyframe = np.unique(np.concatenate([box_keys, truth_keys]), return_inverse=True)
    box_keyframe, listed_keyframe = np.split(keyframe.astype(np.int32), [len(box_keys)])
    excluded_keys = [number[v] << 32 | second for v, second in excluded if v in number]

    action = _class_numbers(entries.action, ids)
    kept = np.flatnonzero(action >= 0)
    kept = kept[np.argsort(box_keyframe[entries.row[kept]], kind="stable")]
    truth_action = _class_numbers(truth["action"].to_numpy(np.int64), ids)
    scored_rows = np.flatnonzero(truth_action >= 0)
    scored_rows = scored_rows[np.argsort(listed_keyframe[scored_rows], kind="stable")]

    def marked(keyframes: np.ndarray) -> np.ndarray:
        return np.bincount(keyframes, minlength=len(all_keys)) > 0

    scene = _Scene(
        box=entries.box,
        box_keyframe=box_keyframe,
        row=entries.row[kept],
        action=action[kept],
        score=entries.score[kept],
        truth_box=truth[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)[scored_rows],
        truth_keyframe=listed_keyframe[scored_rows],
        truth_action=truth_action[scored_rows],
        listed=marked(listed_keyframe),
        scored=marked(listed_keyframe[scored_rows]),
        excluded=np.isin(all_keys, np.array(excluded_keys, dtype=np.int64)),
    )
    _check(scene, entries, truth)
    return scene


def _class_numbers(actions: np.ndarray, ids: list[int]) -> np.ndarray:
    """Return (E,) int16: the place of each action in ``ids``, -1 if it is not there."""
    table = np.full(max(ids) + 2, -1, dtype=np.int16)
    table[ids] = np.arange(len(ids))
    return table[np.clip(actions, -1, max(ids) + 1)]  # other ids read the last place, -1


def _check(scene: _Scene, entries: Entries, truth: "pd.DataFrame") -> None:
    """Raise UserError if the mAP would be meaningless."""
    counted = scene.scored & ~scene.excluded
    if not counted.any():
        raise UserError(
            f"none of the {len(truth)} rows of the ground truth has a class of the label list on a "
            "keyframe that is not excluded; check the action ids."
        )
    if not np.isfinite(scene.score).all():
        raise UserError("some scores are NaN or infinite: the training of this model diverged.")
    common = counted[scene.box_keyframe[scene.row]]
    detected = np.flatnonzero(np.bincount(scene.action[common]))
    if not np.isin(detected, scene.truth_action).any():
        seen = "there is no prediction"
        if len(entries.row):
            row = entries.row[0]
            seen = (
                f"the first prediction is of {entries.videos[entries.video[row]]!r}, "
                f"second {entries.second[row]}, action {entries.action[0]}"
            )
        first = truth.iloc[0]
        raise UserError(
            f"predictions and ground truth have no keyframe and class in common: {seen}; the first "
            f"ground truth is of {first['video']!r}, second {first['second']}, action "
            f"{first['action']}. Check video names, seconds and action ids."
        )


def _best_overlaps(
    scene: _Scene, classes: int, coordinates: type[np.floating]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each class the boxes with IoU >= 0.5, and the ground truth each overlaps most.

    Overlap depends on boxes only: all entries of a box share it.
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
            product=np.float64,  # for all coordinates, as in MMAction2
        )
        enough = np.flatnonzero(iou >= IOU)
        parts.append((box[enough], truth[enough], iou[enough]))
    box, truth, iou = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))

    action = scene.truth_action[truth]
    order = np.lexsort((-iou, box, action))  # stable: of equal overlaps, the first listed
    action, box, truth = action[order], box[order], truth[order]
    best = differs_from_previous(action, box)
    ends = np.searchsorted(action[best], np.arange(1, classes))
    return list(zip(np.split(box[best], ends), np.split(truth[best], ends), strict=True))


def _counted(scene: _Scene, rule: Protocol) -> np.ndarray:
    """Return (E,) bool: the entries that the protocol counts."""
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
        # An empty box uses up a place too: the official script drops it afterwards.
        counted &= _strongest(scene.box_keyframe[scene.row], scene.score, rule.most)
    return counted


def _strongest(keyframe: np.ndarray, score: np.ndarray, most: int) -> np.ndarray:
    """Return (E,) bool: whether an entry has one of the ``most`` highest scores of its keyframe.

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
    """Return (E,) places of the scores from highest to lowest; equal ones keep their order.

    NumPy's stable sort takes six times as long as its default. This sorts by the default and then
    puts equal scores in order, of which there are few.
    """
    order = np.argsort(-score)
    new = differs_from_previous(score[order])
    tied = np.flatnonzero(~(new & np.append(new, True)[1:]))
    order[tied] = order[tied][np.lexsort((order[tied], np.cumsum(new)[tied]))]
    return order


def _to_find(scene: _Scene, rule: Protocol, classes: int) -> np.ndarray:
    """Return (C,) numbers of ground-truth boxes that recall is measured against."""
    action = scene.truth_action
    if rule.excluded == "both":
        action = action[~scene.excluded[scene.truth_keyframe]]
    return np.bincount(action, minlength=classes)


def _true_positives(ranking: Ranking, rule: Protocol) -> np.ndarray:
    """Return the ranks, from 0, of the true positives.

    Args:
        ranking: The entries of a class.
        rule: The protocol, which says which entry gets a box that several match.
    """
    ranks = np.flatnonzero(ranking.target >= 0)
    if rule.first_match == "entry":
        ranks = ranks[np.argsort(ranking.entry[ranks])]
    _, first = np.unique(ranking.target[ranks], return_index=True)
    return np.sort(ranks[first])


def _average_precision(ranks: np.ndarray, to_find: int) -> float:
    """Return the area under the envelope, given the ranks (from 0) of the true positives."""
    found = np.arange(1, len(ranks) + 1)
    precision = np.append(found / (ranks + 1), 0.0)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    gain = np.diff(found / to_find, prepend=0.0, append=1.0)
    steps = gain > 0  # the last one is 0 if every box is found
    return float(np.sum(gain[steps] * envelope[steps]))
