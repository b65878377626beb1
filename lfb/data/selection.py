"""Which keyframes and people train the models, are scored, and enter the feature bank."""

import logging
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import Literal

import numpy as np
import pandas as pd

from lfb.data.annotations import annotated_keyframes
from lfb.data.boxes import PersonBoxes, RowIndex, box_iou, ragged
from lfb.errors import UserError
from lfb.files.csv_table import BOX, KEY

log = logging.getLogger(__name__)

Seconds = Literal["all", "annotated"]


def ground_truth(annotations: pd.DataFrame) -> PersonBoxes:
    """Return the annotated people, each with score 1."""
    rows = annotations[annotations["action"] >= 1].drop_duplicates([*KEY, *BOX])
    return PersonBoxes.from_rows(
        rows["video"].to_numpy(),
        rows["second"].to_numpy(),
        rows[BOX].to_numpy(),
        np.ones(len(rows)),
    )


def training_keyframes(
    annotations: pd.DataFrame,
    proposals: PersonBoxes,
    excluded: AbstractSet[tuple[str, int]],
    *,
    num_outputs: int,
    score: float,
    iou: float,
    most: int,
) -> PersonBoxes:
    """Return the keyframes to train on: all annotated ones with a person, without the excluded.

    The people of a keyframe are first its ground-truth boxes; rows of the same box count as one
    person. Then come, by falling score, the proposals with score >= ``score`` and IoU >= ``iou``
    with a ground-truth box. A proposal takes the labels of the box that it overlaps most.
    MMAction2's recipe: 0.9, 0.9 and 32 boxes.

    Args:
        annotations: Table of ``read_annotations``.
        proposals: Detected people.
        excluded: Keyframes to leave out.
        num_outputs: Outputs of the classifier, one for each id from 0 to the highest, scored or
            not (MMAction2 trains on both). Column a of the labels is action id a.
        score: Lowest score of a proposal.
        iou: Lowest IoU of a proposal with a ground-truth box.
        most: Boxes to keep of a keyframe.

    Raises:
        UserError: An action id has no output.
    """
    rows = annotations[annotations["action"] >= 1]
    rows = rows[~pd.MultiIndex.from_frame(rows[KEY]).isin(excluded)]
    highest = rows["action"].to_numpy().max(initial=0)
    if highest >= num_outputs:
        raise UserError(
            f"action id {highest} has no output: the classifier has {num_outputs} "
            "(0 is reserved); raise num_outputs above the highest id."
        )
    truth = _labelled(rows, _videos(annotations), num_outputs)
    assert truth.labels is not None
    row, person = _near_truth(truth, proposals, score, iou)

    keyframe = np.repeat(np.arange(len(truth.index)), truth.index.count)
    keyframe = np.append(keyframe, keyframe[person])
    order = np.argsort(keyframe, kind="stable")
    count = np.bincount(keyframe, minlength=len(truth.index))
    place, _ = ragged(np.zeros_like(count), count)
    order = order[place < most]
    index = truth.index
    return PersonBoxes(
        RowIndex.of(index.videos, index.video, index.second, np.minimum(count, most)),
        np.concatenate([truth.boxes, proposals.boxes[row]])[order],
        np.append(truth.scores, proposals.scores[row])[order],
        np.concatenate([truth.labels, truth.labels[person]])[order],
    )


def test_keyframes(
    annotations: pd.DataFrame,
    proposals: PersonBoxes,
    excluded: AbstractSet[tuple[str, int]],
    *,
    score: float,
    seconds: Seconds,
) -> PersonBoxes:
    """Return the keyframes with people to classify, without the excluded ones.

    Args:
        annotations: Table of ``read_annotations``.
        proposals: Detected people.
        excluded: Keyframes to leave out.
        score: Lowest score of a proposal.
        seconds: ``all``: every second of an annotated video with such a proposal (the authors).
            ``annotated``: the annotated keyframes (MMAction2). If no proposal of a keyframe
            reaches ``score``, its boxes are those with its best score. If it has no proposal, its
            box is the whole frame with score 1.
    """
    if seconds == "all":
        count = _bank_counts(proposals, annotations, score, seconds)
        count[proposals.index.multi_index().isin(excluded)] = 0
        return _strongest(proposals, count, _videos(annotations))
    keyframes = annotated_keyframes(annotations)
    keyframes = keyframes[~keyframes.isin(excluded)]
    known = proposals.index.multi_index().get_indexer(keyframes)
    best = proposals.scores[proposals.index.row_start[:-1]]
    total, none = len(known), (known < 0).sum()
    low = (best[known[known >= 0]] < np.float32(score)).sum()
    if none:
        log.info("%d of %d keyframes have no proposal: the whole frame is scored", none, total)
    if low:
        log.info(
            "%d of %d keyframes have no proposal of score %g: their best ones are scored",
            low,
            total,
            score,
        )
    # The appended row is the whole frame, for keyframes without a proposal.
    count = np.append(proposals.passing(np.minimum(best, np.float32(score))), 1)[known]
    start = np.where(known < 0, len(proposals.scores), proposals.index.row_start[known])
    row, _ = ragged(start, count)
    whole_frame = np.array([[0, 0, 1, 1]], np.float32)
    return PersonBoxes(
        _index(keyframes, count, _videos(annotations)),
        np.concatenate([proposals.boxes, whole_frame])[row],
        np.append(proposals.scores, np.float32(1))[row],
    )


def bank_keyframes(
    proposals: PersonBoxes,
    annotations: pd.DataFrame,
    *,
    score: float,
    seconds: Seconds,
    outside: Collection[tuple[str, int]] = (),
) -> PersonBoxes:
    """Return the people who enter the feature bank: the proposals with score >= ``score``.

    Args:
        proposals: Detected people.
        annotations: Table of ``read_annotations``.
        score: Lowest score of a proposal.
        seconds: ``all``: every second of an annotated video with such a proposal (the authors);
            ``annotated``: only the annotated keyframes (MMAction2).
        outside: Keyframes outside of their video, to leave out.
    """
    count = _bank_counts(proposals, annotations, score, seconds)
    count[proposals.index.multi_index().isin(list(outside))] = 0
    return _strongest(proposals, count, _videos(annotations))


def _labelled(rows: pd.DataFrame, videos: list[str], num_outputs: int) -> PersonBoxes:
    """Return the people of some annotation rows, with a label for each action."""
    person = rows.groupby([*KEY, *BOX], sort=True).ngroup().to_numpy()
    _, first = np.unique(person, return_index=True)
    labels = np.zeros((len(first), num_outputs), np.uint8)
    labels[person, rows["action"].to_numpy()] = 1
    people = pd.MultiIndex.from_frame(rows[KEY].iloc[first])
    keyframes = people.unique()
    count = np.bincount(keyframes.get_indexer(people), minlength=len(keyframes))
    boxes = rows[BOX].to_numpy(dtype=np.float32)[first]
    index = _index(keyframes, count, videos)
    return PersonBoxes(index, boxes, np.ones(len(boxes), np.float32), labels)


def _near_truth(
    truth: PersonBoxes, proposals: PersonBoxes, score: float, iou: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the proposals near a ground-truth box, and the box that each overlaps most."""
    known = proposals.index.multi_index().get_indexer(truth.index.multi_index())
    count = np.append(proposals.passing(score), 0)[known]  # the appended 0 is for -1, unknown
    row, keyframe = ragged(proposals.index.row_start[known], count)
    people = truth.index.count[keyframe]
    person, pair = ragged(truth.index.row_start[keyframe], people)
    overlap = box_iou(truth.boxes[person], proposals.boxes[row[pair]])
    order = np.lexsort((-overlap, pair))
    best = order[np.cumsum(people) - people]  # the pair of most overlap of each proposal
    best = best[overlap[best] >= iou]
    return row[pair[best]], person[best]


def _bank_counts(
    proposals: PersonBoxes, annotations: pd.DataFrame, score: float, seconds: Seconds
) -> np.ndarray:
    """Return how many proposals of each keyframe enter the bank."""
    count = proposals.passing(score)
    keyframes = proposals.index.multi_index()
    if seconds == "annotated":
        count[~keyframes.isin(pd.MultiIndex.from_frame(annotations[KEY]))] = 0
    else:
        count[~keyframes.isin(annotations["video"].unique(), level="video")] = 0
    return count


def _strongest(proposals: PersonBoxes, count: np.ndarray, videos: list[str]) -> PersonBoxes:
    """Return ``count`` proposals of each keyframe, those of the highest scores.

    A keyframe with a count of 0 is left out.
    """
    row, _ = ragged(proposals.index.row_start[:-1], count)
    some = count > 0
    index = _index(proposals.index.multi_index()[some], count[some], videos)
    return PersonBoxes(index, proposals.boxes[row], proposals.scores[row])


def _videos(annotations: pd.DataFrame) -> list[str]:
    return sorted(annotations["video"].unique())


def _index(keyframes: pd.MultiIndex, count: np.ndarray, videos: list[str]) -> RowIndex:
    """Return the index of sorted keyframes with ``count`` rows each."""
    video = pd.Index(videos, dtype=object).get_indexer(keyframes.get_level_values("video"))
    return RowIndex.of(videos, video, keyframes.get_level_values("second"), count)
