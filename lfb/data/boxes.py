"""Boxes of people by video and second, and the arithmetic on them that several modules share.

Rows are sorted by video, second and falling score, so the rows of a keyframe are one slice. A
``RowIndex`` says which. Proposals, the keyframes of a stage and the feature bank all use it.
Boxes are x1, y1, x2, y2 in fractions of the frame.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

if TYPE_CHECKING:  # data-loading workers look rows up without pandas
    import pandas as pd


@dataclass(frozen=True, eq=False)
class RowIndex:
    """Which rows belong to which second of which video.

    Attributes:
        videos: (V,) names, sorted. A video may have no keyframe.
        video_start: (V + 1,) int64. Video v has keyframes video_start[v] to video_start[v + 1] - 1.
        second: (K,) int32, the second of each keyframe, rising within a video.
        row_start: (K + 1,) int64. Keyframe k has rows row_start[k] to row_start[k + 1] - 1.
    """

    videos: list[str]
    video_start: NDArray[np.int64]
    second: NDArray[np.int32]
    row_start: NDArray[np.int64]

    @classmethod
    def of(
        cls, videos: Sequence[str], video: NDArray[Any], second: ArrayLike, count: ArrayLike
    ) -> "RowIndex":
        """Return the index of K keyframes, sorted by video and second.

        Args:
            videos: Names of the V videos, sorted.
            video: (K,) place in ``videos`` of each keyframe's video.
            second: (K,) its second.
            count: (K,) number of its rows.

        Raises:
            ValueError: The lengths differ.
        """
        second, count = np.asarray(second, np.int32), np.asarray(count, np.int64)
        if not len(video) == len(second) == len(count):
            raise ValueError(f"{len(video)} videos, {len(second)} seconds, {len(count)} counts")
        return cls(
            list(videos),
            np.searchsorted(video, np.arange(len(videos) + 1)),
            second,
            np.append(0, np.cumsum(count)),
        )

    def __len__(self) -> int:
        """Return K, the number of keyframes."""
        return len(self.second)

    @property
    def video(self) -> NDArray[np.int64]:
        """(K,) place in ``videos`` of each keyframe's video."""
        return np.repeat(np.arange(len(self.videos)), np.diff(self.video_start))

    @property
    def count(self) -> NDArray[np.int64]:
        """(K,) number of rows of each keyframe."""
        return np.diff(self.row_start)

    def keys(self) -> list[tuple[str, int]]:
        """Return (video, second) of each keyframe."""
        names = [self.videos[number] for number in self.video.tolist()]
        return list(zip(names, self.second.tolist(), strict=True))

    def multi_index(self) -> "pd.MultiIndex":
        """Return (video, second) of each keyframe, to compare with other tables in pandas."""
        import pandas as pd

        names = np.array(self.videos, object)[self.video]
        seconds = self.second.astype(np.int64)
        return pd.MultiIndex.from_arrays([names, seconds], names=["video", "second"])

    def rows(self, video: str, second: int) -> slice:
        """Return the rows of a keyframe, an empty slice if the index does not have it."""
        number = bisect_left(self.videos, video)
        if number == len(self.videos) or self.videos[number] != video:
            return slice(0)
        first, last = self.video_start[number : number + 2]
        keyframe = first + np.searchsorted(self.second[first:last], second)
        if keyframe == last or self.second[keyframe] != second:
            return slice(0)
        return slice(int(self.row_start[keyframe]), int(self.row_start[keyframe + 1]))


def group_rows(
    video: Sequence[str] | NDArray[Any],
    second: ArrayLike,
    score: ArrayLike | None = None,
    videos: Iterable[str] = (),
) -> tuple[NDArray[np.int64], RowIndex]:
    """Return the order of N rows by video, second and falling score, and their index.

    Args:
        video: (N,) name of the video of each row.
        second: (N,) second of each row.
        score: (N,) score of each row. Rows of equal score, or all of a keyframe without scores,
            keep their order.
        videos: Further videos that the index should list.

    Returns:
        (N,) the order that sorts the rows, and the index of the sorted rows.
    """
    names = sorted({*video, *videos})
    place = {name: number for number, name in enumerate(names)}
    number = np.fromiter((place[name] for name in video), np.int64, len(video))
    seconds = np.asarray(second, np.int32)
    falling = () if score is None else (-np.asarray(score),)
    order = np.lexsort((*falling, seconds, number))
    number, seconds = number[order], seconds[order]
    first = np.flatnonzero(differs_from_previous(number, seconds))
    count = np.diff(np.append(first, len(order)))
    return order, RowIndex.of(names, number[first], seconds[first], count)


@dataclass(frozen=True, eq=False)
class Keyframe:
    """One annotated second of a video and the people in it.

    Attributes:
        video: Name of the video.
        second: The second.
        boxes: (N, 4) float32.
        scores: (N,) float32 scores of the person detector; 1 for ground truth.
        labels: (N, outputs) uint8, 1 where the person does the action; None where unknown.
    """

    video: str
    second: int
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class PersonBoxes:
    """The people of many keyframes.

    Attributes:
        index: Which rows belong to which keyframe.
        boxes: (N, 4) float32.
        scores: (N,) float32 scores of the person detector; 1 for ground truth.
        labels: (N, outputs) uint8, 1 where the person does the action; None where unknown.
    """

    index: RowIndex
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray | None = None

    @classmethod
    def from_rows(
        cls,
        video: Sequence[str] | np.ndarray,
        second: Sequence[int] | np.ndarray,
        boxes: np.ndarray,
        scores: np.ndarray,
    ) -> "PersonBoxes":
        """Return N boxes sorted, from one row for each in any order."""
        scores = np.asarray(scores, np.float32)
        order, index = group_rows(video, second, scores)
        return cls(index, np.asarray(boxes, np.float32).reshape(-1, 4)[order], scores[order])

    @classmethod
    def none(cls) -> "PersonBoxes":
        """Return an empty set of boxes."""
        return cls.from_rows([], [], np.empty((0, 4)), np.empty(0))

    def keyframes(self) -> list[Keyframe]:
        """Return the keyframes one by one; their arrays are views."""
        ends = self.index.row_start.tolist()
        return [
            Keyframe(
                video,
                second,
                self.boxes[start:end],
                self.scores[start:end],
                None if self.labels is None else self.labels[start:end],
            )
            for (video, second), start, end in zip(
                self.index.keys(), ends[:-1], ends[1:], strict=True
            )
        ]

    def passing(self, score: float | np.ndarray) -> np.ndarray:
        """Return (K,) numbers of boxes that score at least ``score`` (one for all or one each)."""
        start = self.index.row_start
        least = np.repeat(np.broadcast_to(np.float32(score), len(self.index)), self.index.count)
        before = np.append(0, np.cumsum(self.scores >= least))
        return before[start[1:]] - before[start[:-1]]


def differs_from_previous(*columns: np.ndarray) -> np.ndarray:
    """Return (N,) bool: whether a row differs from the one above it. The first one does."""
    different = np.ones(len(columns[0]), bool)
    different[1:] = False
    for column in columns:
        different[1:] |= column[1:] != column[:-1]
    return different


def ragged(start: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers start[i], start[i] + 1, ... (count[i] of them) for all i, and their i."""
    owner = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return np.arange(len(owner)) + np.repeat(start - before, count), owner


def box_iou(a: np.ndarray, b: np.ndarray, product: DTypeLike | None = None) -> np.ndarray:
    """Return the intersection over union of boxes (..., 4), NaN where both are empty.

    Args:
        a: Boxes.
        b: Boxes that broadcast with ``a``: of the same shape, pair by pair.
        product: Precision in which the sides of the intersection are multiplied; None for that of
            the boxes. Everything else is computed in the precision of the boxes.
    """
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    sides = np.maximum(sides, 0)
    shared = np.multiply(sides[..., 0], sides[..., 1], dtype=product)
    with np.errstate(invalid="ignore"):
        return shared / (_area(a) + _area(b) - shared)


def _area(box: np.ndarray) -> np.ndarray:
    return (box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1])
