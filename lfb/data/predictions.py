"""Scores of actions: dense predictions of a model, and entries of an AVA submission file."""

import csv
import logging
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lfb.data.check_boxes import PIXELS
from lfb.errors import DataErrors, UserError
from lfb.files.atomic import atomic
from lfb.files.npz import read_npz, write_npz

log = logging.getLogger("lfb")

MOST_ERRORS = 20  # lines of a broken submission that the error shows of each kind

_ARRAYS = {  # name: (kind of dtype, number of dimensions), as stored
    "videos": ("U", 1),
    "video": ("i", 1),
    "second": ("i", 1),
    "box": ("f", 2),
    "score": ("f", 2),
    "classes": ("i", 1),
    "further": ("f", 3),
}


@dataclass(frozen=True)
class Entries:
    """Boxes, and entries that each give one box a score for one action.

    A submission file holds entries in any order, and may score a box for some actions only.

    Attributes:
        videos: Names that ``video`` points into.
        video: (N,) int, the video of each box.
        second: (N,) int, its keyframe.
        box: (N, 4) float, x1 y1 x2 y2 in [0, 1].
        row: (E,) int, the box of each entry.
        action: (E,) int, its action id.
        score: (E,) float.
    """

    videos: list[str]
    video: np.ndarray
    second: np.ndarray
    box: np.ndarray
    row: np.ndarray
    action: np.ndarray
    score: np.ndarray


@dataclass(frozen=True)
class Predictions:
    """A score for every box and class.

    Attributes:
        videos: Names that ``video`` points into.
        video: (N,) int32, the video of each box.
        second: (N,) int32, its keyframe.
        box: (N, 4) float32, x1 y1 x2 y2 in [0, 1].
        score: (N, C) float32.
        classes: (C,) int32, the action id of each column of ``score``.
        further: (D - 1, N, C) float32, the scores with further draws from the bank, if there are
            any; ``score`` is then the first of D. It alone is written as a submission.
    """

    videos: list[str]
    video: np.ndarray
    second: np.ndarray
    box: np.ndarray
    score: np.ndarray
    classes: np.ndarray
    further: np.ndarray | None = None

    def draws(self) -> list["Predictions"]:
        """Return the predictions of each draw."""
        scores = [self.score, *(() if self.further is None else self.further)]
        return [replace(self, score=score, further=None) for score in scores]

    def entries(self) -> Entries:
        """Return the scores of the first draw as entries, box by box and class by class."""
        boxes, columns = self.score.shape
        return Entries(
            videos=self.videos,
            video=self.video,
            second=self.second,
            box=self.box,
            row=np.repeat(np.arange(boxes, dtype=np.int32), columns),
            action=np.tile(self.classes, boxes),
            score=self.score.reshape(-1),
        )

    def save(self, path: str | Path) -> None:
        """Write an ``.npz``. The same predictions give the same bytes.

        Raises:
            UserError: The disk is full.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        if self.further is None:
            del arrays["further"]
        arrays["videos"] = np.array(self.videos, dtype=np.str_)
        write_npz(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Predictions":
        """Read what ``save`` wrote.

        Raises:
            UserError: The file is missing, damaged or contains something else.
        """
        arrays = _read_arrays(Path(path))
        if error := _shape_error(arrays):
            raise UserError(
                f"{path}: not a file of predictions: {error}. Delete it and predict again."
            )
        return cls(**{**arrays, "videos": arrays["videos"].tolist()})

    def write_csv(self, path: str | Path) -> None:
        """Write the first draw as an AVA submission.

        A row is ``video,second,x1,y1,x2,y2,action_id,score``. Nine significant digits identify a
        float32, so the file has the same mAP as the predictions. MMAction2 writes 4 decimals,
        which makes many scores equal.

        Raises:
            UserError: The disk is full.
        """
        with atomic(path) as scratch, scratch.open("w", newline="\n") as file:
            ends = [f"{action},%.9g\n" for action in self.classes.tolist()]
            for video, second, box, score in zip(
                self.video.tolist(), self.second.tolist(), self.box, self.score, strict=True
            ):
                corners = ",".join(f"{x:.9g}" for x in box.tolist())
                start = f"{self.videos[video]},{second:04d},{corners},".replace("%", "%%")
                file.write("".join(start + end for end in ends) % tuple(score.tolist()))


def join_predictions(parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of all videos, from those of pieces of them.

    Raises:
        UserError: Two pieces have other actions or draws, or the same video.
    """
    videos = sorted(video for part in parts for video in part.videos)
    kinds = {(*part.classes.tolist(), len(part.draws())) for part in parts}
    if len(kinds) > 1 or len(set(videos)) < len(videos):
        raise UserError(
            "these are not pieces of the same predictions: delete all pieces and predict again."
        )
    place = {video: number for number, video in enumerate(videos)}
    numbers = [np.array([place[v] for v in part.videos], np.int32)[part.video] for part in parts]
    video = np.concatenate(numbers)
    order = np.argsort(video, kind="stable")  # a piece is sorted by video and second already

    def joined(name: str, axis: int = 0) -> np.ndarray:
        values = np.concatenate([getattr(part, name) for part in parts], axis)
        return values.take(order, axis)

    return Predictions(
        videos=videos,
        video=video[order],
        second=joined("second"),
        box=joined("box"),
        score=joined("score"),
        classes=parts[0].classes,
        further=None if parts[0].further is None else joined("further", 1),
    )


def read_csv(path: str | Path) -> Entries:
    """Read an AVA submission: ``video,second,x1,y1,x2,y2,action_id,score`` without a header.

    Numbers keep the full precision of the text. Nine million rows take about ten seconds. Blank
    lines are skipped. Boxes that seem to be in pixels give a warning.

    Raises:
        DataErrors: Rows that cannot be read, one line each.
        UserError: The file is missing or empty.
    """
    import pandas as pd

    numbers = ["second", "x1", "y1", "x2", "y2", "action", "score"]
    types: dict[str, Any] = {"video": "category", **dict.fromkeys(numbers, np.float64)}
    types |= {"second": np.int32, "action": np.int32}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row is too long
            table = pd.read_csv(
                path,
                header=None,
                names=list(types),
                dtype=types,
                index_col=False,
                keep_default_na=False,
                na_values=[],
                quoting=csv.QUOTE_NONE,
            )
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Predict first, or fix the path.") from None
    except (ValueError, OverflowError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DataErrors(_line_errors(path) or [f"{path}: {error}"]) from error
    if table.empty:
        raise UserError(f"{path}: is empty; write a row for each box and action.")

    video = table["video"].cat.codes.to_numpy()
    second, x1, y1, x2, y2, action, score = (table[name].to_numpy() for name in numbers)
    valid = np.isfinite(score) & (second >= 0) & (x1 <= x2) & (y1 <= y2)
    for corner in (x1, y1, x2, y2):
        valid &= np.isfinite(corner)
    if not valid.all():
        raise DataErrors(_line_errors(path))
    if max(x2.max(), y2.max()) >= PIXELS:
        log.warning(
            "warning: %s: has boxes with values up to %g: are these pixels? Boxes are fractions of "
            "the frame, and others match no ground truth",
            path,
            max(x2.max(), y2.max()),
        )

    # Entries of the same box share one row. The boxes are in the order of their first entry.
    row = pd.factorize(video.astype(np.int64) << 32 | second)[0]
    for corner in (x1, y1, x2, y2):
        place, values = pd.factorize(corner)
        row = pd.factorize(row * len(values) + place)[0]
    first = np.flatnonzero(np.diff(np.maximum.accumulate(row), prepend=-1))
    return Entries(
        videos=table["video"].cat.categories.tolist(),
        video=video[first].astype(np.int32),
        second=second[first],
        box=np.stack([corner[first] for corner in (x1, y1, x2, y2)], axis=1),
        row=row.astype(np.int32),
        action=action,
        score=score,
    )


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        return read_npz(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Predict first, or fix the path.") from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: not a complete file of predictions ({error}). Delete it and predict again."
        ) from error


def _shape_error(arrays: dict[str, np.ndarray]) -> str | None:
    """Return why the arrays are not predictions, None if they are."""
    for name, (kind, dimensions) in _ARRAYS.items():
        if name == "further" and name not in arrays:
            continue
        if name not in arrays:
            return f"`{name}` is missing"
        if arrays[name].dtype.kind != kind or arrays[name].ndim != dimensions:
            return f"`{name}` is {arrays[name].dtype} of shape {arrays[name].shape}"
    boxes = len(arrays["video"])
    shapes = {"second": (boxes,), "box": (boxes, 4), "score": (boxes, len(arrays["classes"]))}
    if "further" in arrays:
        shapes["further"] = (len(arrays["further"]), *shapes["score"])
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            return f"`{name}` has shape {arrays[name].shape}, not {shape}"
    if boxes and not 0 <= arrays["video"].min() <= arrays["video"].max() < len(arrays["videos"]):
        return "`video` points beyond the end of `videos`"
    return None


def _line_errors(path: str | Path) -> list[str]:
    """Return the errors of the first rows, of each kind, that are not rows of a submission."""
    errors = []
    found: Counter[str] = Counter()
    with Path(path).open(newline="", encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and (error := _row_error(line.rstrip("\r\n").split(","))):
                advice = error.partition("; ")[2]
                found[advice] += 1
                if found[advice] <= MOST_ERRORS:
                    errors.append(f"{path}:{number}: {error}")
    return errors


def _row_error(row: list[str]) -> str | None:
    """Return what is wrong with the fields of a row, None if nothing is."""
    if len(row) != 8:
        return f"{len(row)} columns; write video,second,x1,y1,x2,y2,action_id,score"
    for name, text, kind in zip(
        ["second", "x1", "y1", "x2", "y2", "action_id", "score"],
        row[1:],
        [int, float, float, float, float, int, float],
        strict=True,
    ):
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        valid = np.isfinite(value) and (kind is float or value.is_integer())
        valid &= name != "second" or value >= 0
        if not valid:
            number = "a whole number" if kind is int else "a finite number"
            return f"{name} is {text!r}; write {number} as {name}"
    x1, y1, x2, y2 = (float(text) for text in row[2:6])
    if x1 > x2 or y1 > y2:
        return f"box {x1:g},{y1:g},{x2:g},{y2:g} is inverted; write x1,y1,x2,y2"
    return None
