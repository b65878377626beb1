"""Files of proposals: the boxes and scores of a person detector on each keyframe.

Boxes are x1, y1, x2, y2 in fractions of the frame. The reader returns the valid boxes with all
errors of the file, so that the data check can list the errors of all files together.
"""

import pickle
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.data.boxes import PersonBoxes, ragged
from lfb.data.check_boxes import box_errors, clip_overshoot
from lfb.data.contents import Contents, clipping_warnings
from lfb.errors import Problem, UserError
from lfb.files.array_pickle import read_arrays
from lfb.files.atomic import atomic
from lfb.files.csv_table import OUTSIDE, CsvTable, is_inside, to_numbers


@dataclass(frozen=True, eq=False)
class _Rows:
    """Boxes as a file lists them.

    Attributes:
        video: (N,) names.
        second: (N,) int64.
        values: (N, 5) float64 x1, y1, x2, y2, score.
        where: Returns where the file has row i.
        problems: The parts of the file that could not be read.
    """

    video: np.ndarray
    second: np.ndarray
    values: np.ndarray
    where: Callable[[int], str]
    problems: list[Problem]


def read_proposals(path: str | Path) -> Contents[PersonBoxes]:
    """Read detected people from a pickle or, if the name ends in ``.csv``, from a CSV file.

    The pickle is a dict ``'<video>,<second>'`` -> N x 5 array x1, y1, x2, y2, score. Its unpickler
    builds numeric arrays and plain values and runs nothing else. A CSV row is
    ``video,second,x1,y1,x2,y2,,score``. If the seventh field has a label, as in the authors' file
    of the training split, a box has a row for each of its labels and counts once.

    Boxes that leave the frame a little are clipped to it.

    Raises:
        UserError: The file cannot be read, or the pickle contains anything else.
    """
    rows = _read_csv(path) if Path(path).suffix == ".csv" else _read_pickle(path)
    boxes, beyond = clip_overshoot(rows.values[:, :4])
    scores = rows.values[:, 4]
    errors = [
        (i, "box or score is not a number; fix it or delete the box")
        for i in np.flatnonzero(np.isnan(rows.values).any(axis=1)).tolist()
    ]
    errors += [
        (i, f"score {scores[i]} is outside [0, 1]; write it as a probability")
        for i in np.flatnonzero((scores < 0) | (scores > 1)).tolist()
    ]
    errors += box_errors(boxes)
    problems = rows.problems + [
        Problem(f"{rows.where(i)}: {text}", frozenset([(rows.video[i], int(rows.second[i]))]))
        for i, text in errors
    ]
    if not len(scores) and not problems:
        problems = [Problem(f"{path}: contains no box; run a person detector on the keyframes")]
    good = np.ones(len(scores), dtype=bool)
    good[[i for i, _ in errors]] = False
    people = PersonBoxes.from_rows(rows.video[good], rows.second[good], boxes[good], scores[good])
    warnings = clipping_warnings(
        path, beyond, lambda i: rows.where(i).removeprefix(f"{path}:").strip()
    )
    return Contents(problems, warnings, valid=people)


def join_proposals(paths: Sequence[str | Path]) -> PersonBoxes:
    """Return the boxes of several pickles of ``write_proposals``. Some of them may be empty.

    Raises:
        UserError: All of them are empty.
    """
    parts = [_read_pickle(path) for path in paths]
    video, second, values = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("video", "second", "values")
    )
    if not len(values):
        raise UserError(
            "the person detector found no people: check the frames, or lower detector.score."
        )
    return PersonBoxes.from_rows(video, second, values[:, :4], values[:, 4])


def write_proposals(path: str | Path, proposals: PersonBoxes) -> None:
    """Write a pickle or, if the name ends in ``.csv``, a CSV file."""
    rows = np.column_stack([proposals.boxes, proposals.scores])
    parts = np.split(rows, proposals.index.row_start[1:-1])
    keyed = {
        f"{video},{second:04d}": part
        for (video, second), part in zip(proposals.index.keys(), parts, strict=False)
    }
    with atomic(path) as scratch:
        if Path(path).suffix != ".csv":
            scratch.write_bytes(pickle.dumps(keyed, protocol=4))
        else:
            with scratch.open("w", encoding="utf-8") as file:
                for key, part in keyed.items():
                    for *box, score in part.tolist():
                        file.write(f"{key},{','.join(map(repr, box))},,{score!r}\n")


def _read_csv(path: str | Path) -> _Rows:
    table = CsvTable(path, [8], "video,second,x1,y1,x2,y2,,score")
    second = to_numbers(table.columns[1])
    table.check_keys(second)
    values = np.stack([to_numbers(table.columns[c]) for c in (2, 3, 4, 5, 7)], axis=1)
    rows = pd.DataFrame(values).assign(video=table.columns[0], second=second)
    again = rows.duplicated().to_numpy() & (table.columns[6] != "")
    valid = table.valid() & ~again
    line = table.line[valid]

    def where(i: int) -> str:
        return f"{path}:{line[i]}"

    video, second = table.columns[0][valid], second[valid].astype(np.int64)
    return _Rows(video, second, values[valid], where, table.problems())


def _read_pickle(path: str | Path) -> _Rows:
    table = read_arrays(path)
    if not isinstance(table, dict):
        raise UserError(
            f"{path}: contains a {type(table).__name__}; write a dict '<video>,<second>' -> N x 5 "
            "array of x1, y1, x2, y2, score."
        )
    problems: list[Problem] = []
    seen: dict[tuple[str, int], str] = {}
    parts: list[np.ndarray] = []
    for key, value in table.items():
        video, _, text = key.rpartition(",") if isinstance(key, str) else ("", "", "")
        try:
            part = np.array(value, dtype=np.float64)
        except (TypeError, ValueError):
            part = np.empty(())
        if not video or not re.fullmatch("[0-9]{1,9}", text):
            error = f"key {key!r} is not '<video>,<second>', such as 'abc,0902'"
            problems.append(Problem(f"{path}: {error}"))
            continue
        keyframe = video, int(text)
        if not is_inside(video):
            problems.append(Problem(f"{path}: {key!r}: video '{video}' {OUTSIDE}"))
        elif keyframe in seen:
            error = f"keys {seen[keyframe]!r} and {key!r} are the same keyframe; merge them"
            problems.append(Problem(f"{path}: {error}", frozenset([keyframe])))
        elif part.size and (part.ndim != 2 or part.shape[1] != 5):
            shape = "x".join(map(str, part.shape)) or "none"
            error = f"{key!r} has shape {shape}, not N x 5: x1, y1, x2, y2, score; fix it"
            problems.append(Problem(f"{path}: {error}", frozenset([keyframe])))
        else:
            seen[keyframe] = key
            parts.append(part.reshape(-1, 5))
    count = np.array([len(part) for part in parts], np.int64)
    place, keys = ragged(np.zeros_like(count), count)
    names = list(seen.values())

    def where(i: int) -> str:
        return f"{path}: {names[keys[i]]!r} box {place[i]} (from 0)"

    videos = np.array([video for video, _ in seen], dtype=object)[keys]
    seconds = np.array([second for _, second in seen], dtype=np.int64)[keys]
    return _Rows(videos, seconds, np.concatenate([np.empty((0, 5)), *parts]), where, problems)
