"""Links the people of neighbouring seconds, so that a person keeps one number through a film.

Second by second, people are assigned to the tracks of the last few seconds. A person and a track
must overlap. Their score is this overlap, plus the likeness of their features if there are any.
The assignment has the highest sum of scores. A person without a track begins one.

Seconds are long: people move and meet within one. Boxes therefore grow before they are compared. A
track overlaps with two boxes, half each: where the person was last, and where a steady walk leads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from lfb.data.boxes import box_iou, group_rows

GAP = 3  # seconds that a person may be unseen and keep the number
MARGIN = 0.25  # of its width and height by which a box grows on each side
OVERLAP = 0.1  # lowest IoU of a person and a track
LIKENESS = 0.3  # part by which the likeness of features raises or lowers the overlap
MEMORY = 0.8  # share of the earlier seconds in what a track remembers of the features


def link(
    video: Sequence[str] | NDArray[Any],
    second: ArrayLike,
    box: ArrayLike,
    feature: NDArray[Any] | None = None,
    *,
    gap: int = GAP,
) -> NDArray[np.int64]:
    """Return the number of the person in each of N boxes.

    Two boxes of the same second never have the same number. The order of the rows does not change
    the result, except among equal boxes of the same second. Time and memory are linear in N.

    Args:
        video: (N,) name of the video of each box.
        second: (N,) its second.
        box: (N, 4) one box for each person and second. An unknown box (NaN) is a new person.
        feature: (N, C) what the people look like, such as the features of a bank; None compares
            boxes only.
        gap: Seconds that a person may be unseen and keep the number.

    Returns:
        (N,) numbers, in each video from 0 in the order in which the people appear. People who
        appear in the same second are numbered from left to right.
    """
    seconds, boxes = np.asarray(second, np.int64), np.asarray(box, np.float64).reshape(-1, 4)
    if feature is None:
        feature = np.empty((len(boxes), 0), np.float32)  # all people look alike
    left_to_right = np.lexsort(boxes.T[::-1])
    order, index = group_rows(np.asarray(video, object)[left_to_right], seconds[left_to_right])
    order = left_to_right[order]
    number = np.empty(len(boxes), np.int64)
    for first, last in zip(index.video_start[:-1], index.video_start[1:], strict=True):
        start = index.row_start[first : last + 1]
        looks = _Looks(feature, order[start[0] : start[-1]])
        people = 0
        tracks: list[_Track] = []
        for begin, end in pairwise(start.tolist()):
            rows = order[begin:end]
            now = int(seconds[rows[0]])
            tracks = [track for track in tracks if now - track.second <= gap + 1]
            look = looks.of(rows)
            owner = _owners(_scores(tracks, now, boxes[rows], look))
            for place, row in enumerate(rows):
                if place in owner:
                    track = tracks[owner[place]]
                    track.move(now, boxes[row], look[place])
                else:
                    track = _Track(people, now, boxes[row], look[place])
                    tracks.append(track)
                    people += 1
                number[row] = track.number
    return number


@dataclass
class _Track:
    """One person.

    Attributes:
        number: The person's number.
        second: When the person was seen last.
        box: (4,) the box then.
        look: (C,) directions of the features so far, the later ones with more weight.
        step: (2,) how far the box moved in a second then.
        walk: (2,) the part of the step that continues the one before: what both have in common.
    """

    number: int
    second: int
    box: NDArray[np.float64]
    look: NDArray[np.float32]
    step: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    walk: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def move(self, second: int, box: NDArray[np.float64], look: NDArray[np.float32]) -> None:
        """Continue the track with the person's next box."""
        change = (box - self.box) / (second - self.second)
        step = (change[:2] + change[2:]) / 2
        shorter = np.minimum(np.abs(step), np.abs(self.step))
        self.walk = np.where(step * self.step > 0, np.sign(step) * shorter, 0)
        self.second, self.box, self.step = second, box, step
        self.look = MEMORY * self.look + (1 - MEMORY) * look

    def expected(self, second: int) -> NDArray[np.float64]:
        """Return the box (4,) of a later second if the person walks on."""
        return self.box + np.tile(self.walk, 2) * (second - self.second)


class _Looks:
    """Directions of the features of one video, seen from their mean.

    What all people of a video share, such as the scene, says nothing about who is who.

    Args:
        feature: (N, C) features of all videos.
        rows: Those of this video.
    """

    def __init__(self, feature: NDArray[Any], rows: NDArray[np.int64]) -> None:
        self._feature = feature
        self._mean = np.zeros(feature.shape[1])
        for row in rows:
            self._mean += feature[row] / len(rows)

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (n, C) directions."""
        return _directions((self._feature[rows] - self._mean).astype(np.float32))


def _scores(
    tracks: Sequence[_Track],
    second: int,
    boxes: NDArray[np.float64],
    look: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return (T, n): how well each person of a second continues each track; 0 if not at all."""
    if not tracks:
        return np.zeros((0, len(boxes)))
    grown = _grown(boxes)[None]
    last = np.stack([track.box for track in tracks])
    expected = np.stack([track.expected(second) for track in tracks])
    overlap = sum(box_iou(_grown(place)[:, None], grown) for place in (last, expected)) / 2
    cosine = _directions(np.stack([track.look for track in tracks])) @ look.T
    return np.where(overlap >= OVERLAP, overlap * (1 + LIKENESS * cosine), 0)


def _owners(score: NDArray[np.float64]) -> dict[int, int]:
    """Return the track of each person that continues one, for scores (T, n)."""
    tracks, people = linear_sum_assignment(score, maximize=True)
    pairs = zip(people.tolist(), tracks.tolist(), strict=True)
    return {person: track for person, track in pairs if score[track, person] > 0}


def _grown(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    margin = MARGIN * (boxes[..., 2:] - boxes[..., :2])
    return np.concatenate([boxes[..., :2] - margin, boxes[..., 2:] + margin], axis=-1)


def _directions(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, np.finfo(np.float32).tiny)
