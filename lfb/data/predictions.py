"""What a detector says about keyframes: dense scores, and rows of an AVA submission file."""

import csv
import warnings
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lfb.errors import DataErrors, UserError
from lfb.files.whole import atomic, write_npz

MOST_FAULTS = 20  # lines of a broken submission that are quoted

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
class Detections:
    """Boxes, and entries that each give one box a score for one action.

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
        """Each draw by itself."""
        scores = [self.score, *(() if self.further is None else self.further)]
        return [replace(self, score=score, further=None) for score in scores]

    def detections(self) -> Detections:
        """The scores as entries, box by box and class by class; of the first draw."""
        boxes, columns = self.score.shape
        return Detections(
            videos=self.videos,
            video=self.video,
            second=self.second,
            box=self.box,
            row=np.repeat(np.arange(boxes, dtype=np.int32), columns),
            action=np.tile(self.classes, boxes),
            score=self.score.reshape(-1),
        )

    def save(self, path: str | Path) -> None:
        """Writes an ``.npz``; the same predictions give the same bytes.

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
        """Reads what `save` wrote.

        Raises:
            UserError: The file is missing, broken or holds something else.
        """
        arrays = _read_arrays(Path(path))
        fault = _fault(arrays)
        if fault:
            raise UserError(
                f"{path}: not a file of predictions: {fault}. Remove it and predict again."
            )
        return cls(**{**arrays, "videos": arrays["videos"].tolist()})

    def write_csv(self, path: str | Path) -> None:
        """Writes an AVA submission: ``video,second,x1,y1,x2,y2,action_id,score``.

        It has the first draw. Nine significant digits say exactly which float32 is meant, so that
        the file scores as the predictions do; MMAction2 writes 4 decimals, which ties many scores.

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


def read_csv(path: str | Path) -> Detections:
    """Reads an AVA submission: ``video,second,x1,y1,x2,y2,action_id,score`` without a header.

    Numbers keep the full precision of the text. Nine million rows take some ten seconds.

    Raises:
        DataErrors: Rows that cannot be read, by line.
        UserError: The file is missing or empty.
    """
    import pandas as pd

    numbers = ["second", "x1", "y1", "x2", "y2", "action", "score"]
    types: dict[str, Any] = {"video": "category", **dict.fromkeys(numbers, np.float64)}
    types |= {"second": np.int32, "action": np.int32}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row that is too long
            table = pd.read_csv(
                path,
                header=None,
                names=list(types),
                dtype=types,
                index_col=False,
                skip_blank_lines=False,
                keep_default_na=False,
                na_values=[],
                quoting=csv.QUOTE_NONE,
            )
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Predict first, or mend the path.") from None
    except (ValueError, OverflowError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DataErrors(_faulty_lines(path) or [f"{path}: {error}"]) from error
    if table.empty:
        raise UserError(f"{path}: empty; a submission has a row for each box and action.")

    video = table["video"].cat.codes.to_numpy()
    second, x1, y1, x2, y2, action, score = (table[name].to_numpy() for name in numbers)
    fine = np.isfinite(score) & (second >= 0) & (x1 <= x2) & (y1 <= y2)
    for corner in (x1, y1, x2, y2):
        fine &= np.isfinite(corner)
    if not fine.all():
        raise DataErrors(_faulty_lines(path))

    # Entries of the same box share one row; the boxes come in the order of their first entry.
    row = pd.factorize(video.astype(np.int64) << 32 | second)[0]
    for corner in (x1, y1, x2, y2):
        place, values = pd.factorize(corner)
        row = pd.factorize(row * len(values) + place)[0]
    first = np.flatnonzero(np.diff(np.maximum.accumulate(row), prepend=-1))
    return Detections(
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
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Predict first, or mend the path.") from None
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path}: not a whole file of predictions ({error}). Remove it and predict again."
        ) from error


def _fault(arrays: dict[str, np.ndarray]) -> str | None:
    """What keeps the arrays from being predictions, if anything."""
    for name, (kind, dimensions) in _ARRAYS.items():
        if name == "further" and name not in arrays:
            continue
        if name not in arrays:
            return f"`{name}` is missing"
        if arrays[name].dtype.kind != kind or arrays[name].ndim != dimensions:
            return f"`{name}` is {arrays[name].dtype} of shape {arrays[name].shape}"
    boxes = len(arrays["video"])
    wanted = {"second": (boxes,), "box": (boxes, 4), "score": (boxes, len(arrays["classes"]))}
    if "further" in arrays:
        wanted["further"] = (len(arrays["further"]), *wanted["score"])
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            return f"`{name}` has shape {arrays[name].shape}, not {shape}"
    if boxes and not 0 <= arrays["video"].min() <= arrays["video"].max() < len(arrays["videos"]):
        return "`video` points past the end of `videos`"
    return None


def _faulty_lines(path: str | Path) -> list[str]:
    """What is wrong with the first rows that are not those of a submission."""
    faults = []
    with Path(path).open(newline="", encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            fault = _faulty_row(line.rstrip("\r\n").split(","))
            if fault:
                faults.append(f"{path}:{number}: {fault}")
            if len(faults) == MOST_FAULTS:
                break
    return faults


def _faulty_row(row: list[str]) -> str | None:
    if len(row) != 8:
        return f"{len(row)} columns; a row is video,second,x1,y1,x2,y2,action_id,score"
    for name, text, kind in zip(
        ["second", "x1", "y1", "x2", "y2", "action_id", "score"],
        row[1:],
        [int, float, float, float, float, int, float],
        strict=True,
    ):
        try:
            fine = np.isfinite(kind(text)) and (name != "second" or int(text) >= 0)
        except ValueError:
            fine = False
        if not fine:
            wanted = "a whole number" if kind is int else "a finite number"
            return f"{name} is {text!r}; it must be {wanted}"
    x1, y1, x2, y2 = (float(text) for text in row[2:6])
    if x1 > x2 or y1 > y2:
        return f"box {x1:g},{y1:g},{x2:g},{y2:g} is inside out; the order is x1,y1,x2,y2"
    return None
