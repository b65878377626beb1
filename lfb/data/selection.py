"""Which keyframes and people are trained on, scored and kept in the bank."""

import logging
from collections.abc import Set as AbstractSet
from typing import Literal

import numpy as np
import pandas as pd

from lfb.data.keyframes import Keyframe
from lfb.data.proposals import Proposals
from lfb.errors import UserError
from lfb.files.csv_table import BOX, KEY

log = logging.getLogger(__name__)

Seconds = Literal["all", "annotated"]


def ground_truth(annotations: pd.DataFrame) -> Proposals:
    """The people of the annotations as proposals of score 1."""
    rows = annotations[annotations["action"] >= 1].drop_duplicates([*KEY, *BOX])
    return Proposals.from_rows(
        rows["video"].to_numpy(),
        rows["second"].to_numpy(),
        rows[BOX].to_numpy(),
        np.ones(len(rows)),
    )


def training_keyframes(
    annotations: pd.DataFrame,
    proposals: Proposals,
    excluded: AbstractSet[tuple[str, int]],
    *,
    num_outputs: int,
    score: float,
    iou: float,
    most: int,
) -> list[Keyframe]:
    """Keyframes to train on, sorted by video and second: every annotated one that shows a person.

    The people are the ground-truth boxes (rows of one box merged), then, by falling score, the
    proposals with score >= ``score`` whose IoU with a ground-truth box is >= ``iou``; these take
    the labels of the box they overlap most. MMAction2's recipe: 0.9, 0.9 and 32 boxes.

    Args:
        num_outputs: Outputs of the classifier, one for each id from 0 to the highest, scored or
            not (MMAction2 trains on both); column a of the labels is action id a.
        most: Boxes to keep of a keyframe.

    Raises:
        UserError: An action id has no output.
    """
    rows = annotations[annotations["action"] >= 1]
    rows = rows[~pd.MultiIndex.from_frame(rows[KEY]).isin(excluded)]
    action = rows["action"].to_numpy()
    if action.max(initial=0) >= num_outputs:
        raise UserError(
            f"action id {action.max()} has no output: the classifier has {num_outputs} "
            "(0 is reserved); raise num_outputs above the highest id."
        )
    person = rows.groupby([*KEY, *BOX], sort=True).ngroup().to_numpy()
    _, first = np.unique(person, return_index=True)
    labels = np.zeros((len(first), num_outputs), dtype=np.uint8)
    labels[person, action] = 1
    boxes = rows[BOX].to_numpy(dtype=np.float32)[first]
    index = pd.MultiIndex.from_frame(rows[KEY].iloc[first])
    keyframes = index.unique()
    keyframe = keyframes.get_indexer(index)  # of each person
    people = np.bincount(keyframe, minlength=len(keyframes))

    known = proposals.index.get_indexer(keyframes)
    count = np.append(proposals.passing(score), 0)[known]  # the appended 0 is for -1, unknown
    row, owner = ragged(proposals.start[known], count)
    person, pair = ragged(np.cumsum(people)[owner] - people[owner], people[owner])
    overlap = pairwise_iou(boxes[person], proposals.boxes[row[pair]])
    order = np.lexsort((-overlap, pair))
    best = order[np.cumsum(people[owner]) - people[owner]]  # the pair of most overlap, each row's
    best = best[overlap[best] >= iou]
    near = pair[best]

    keyframe = np.append(keyframe, owner[near])
    order = np.argsort(keyframe, kind="stable")
    count = np.bincount(keyframe, minlength=len(keyframes))
    place, _ = ragged(np.zeros_like(count), count)
    order = order[place < most]
    return _keyframes(
        keyframes,
        np.minimum(count, most),
        np.concatenate([boxes, proposals.boxes[row[near]]])[order],
        np.append(np.ones(len(boxes), np.float32), proposals.scores[row[near]])[order],
        np.concatenate([labels, labels[person[best]]])[order],
    )


def test_keyframes(
    annotations: pd.DataFrame,
    proposals: Proposals,
    excluded: AbstractSet[tuple[str, int]],
    *,
    score: float,
    seconds: Seconds,
) -> list[Keyframe]:
    """Keyframes with the people to classify, sorted by video and second, none of them excluded.

    Args:
        score: The boxes are the proposals that have at least this.
        seconds: ``all``: every second of an annotated video with such a proposal (the authors);
            ``annotated``: the keyframes of the annotations. Where none passes, the boxes are then
            those with the best score of the keyframe; where there is none at all, the whole frame
            with score 1 (MMAction2).
    """
    if seconds == "all":
        found = bank_keyframes(proposals, annotations, score=score, seconds=seconds)
        return [keyframe for keyframe in found if (keyframe.video, keyframe.second) not in excluded]
    keyframes = pd.MultiIndex.from_frame(annotations[KEY].drop_duplicates()).sort_values()
    keyframes = keyframes[~keyframes.isin(excluded)]
    known = proposals.index.get_indexer(keyframes)
    best = proposals.scores[proposals.start[:-1]]
    total, none = len(known), (known < 0).sum()
    low = (best[known[known >= 0]] < np.float32(score)).sum()
    if none:
        log.info("%d of %d keyframes have no proposal: the whole frame is taken", none, total)
    if low:
        log.info("%d of %d have none of score %g: their best are taken", low, total, score)
    count = np.append(proposals.passing(np.minimum(best, np.float32(score))), 1)[known]
    start = np.where(known < 0, len(proposals.scores), proposals.start[known])
    row, _ = ragged(start, count)
    whole_frame = np.array([[0, 0, 1, 1]], np.float32)
    return _keyframes(
        keyframes,
        count,
        np.concatenate([proposals.boxes, whole_frame])[row],
        np.append(proposals.scores, np.float32(1))[row],
    )


def bank_keyframes(
    proposals: Proposals,
    annotations: pd.DataFrame,
    *,
    score: float,
    seconds: Seconds,
) -> list[Keyframe]:
    """Keyframes whose people enter the feature bank: the proposals with score >= ``score``.

    Args:
        seconds: ``all``: every second of an annotated video with such a proposal (the authors);
            ``annotated``: only the keyframes of the annotations (MMAction2).
    """
    count = proposals.passing(score)
    if seconds == "annotated":
        count[~proposals.index.isin(pd.MultiIndex.from_frame(annotations[KEY]))] = 0
    else:
        count[~proposals.index.isin(annotations["video"].unique(), level="video")] = 0
    row, _ = ragged(proposals.start[:-1], count)
    some = count > 0
    return _keyframes(
        proposals.index[some], count[some], proposals.boxes[row], proposals.scores[row]
    )


def _keyframes(
    index: pd.MultiIndex,
    count: np.ndarray,
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray | None = None,
) -> list[Keyframe]:
    """Cuts flat arrays into keyframes of ``count`` boxes each."""
    ends = np.cumsum(count).tolist()
    return [
        Keyframe(video, second, boxes[a:b], scores[a:b], None if labels is None else labels[a:b])
        for (video, second), a, b in zip(index, [0, *ends], ends, strict=False)
    ]


def ragged(start: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers start[i], start[i] + 1, ... (count[i] of them) for all i, and the i of each."""
    owner = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return np.arange(len(owner)) - before[owner] + start[owner], owner


def pairwise_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of (N, 4) boxes, pair by pair."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    return shared / (np.prod(a[:, 2:] - a[:, :2], 1) + np.prod(b[:, 2:] - b[:, :2], 1) - shared)
