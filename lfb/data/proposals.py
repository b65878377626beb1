"""Detected people: the boxes and scores of a person detector, keyframe by keyframe.

Boxes are x1, y1, x2, y2 in fractions of the frame. The reader returns what is sound together with
one line for every fault, so that the data check can list all of them at once.
"""

import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lfb.data.boxes import PersonBoxes, ragged
from lfb.errors import UserError
from lfb.files.array_pickle import read_arrays
from lfb.files.csv_table import CsvTable, box_errors, to_numbers
from lfb.files.whole import atomic

_OVERSHOOT = 1e-3  # detectors clip boxes to the frame in float32 pixels; this much is rounding


def read_proposals(path: str | Path) -> tuple[PersonBoxes, list[str]]:
    """Reads detected people: a pickle or, where the name ends in ``.csv``, a CSV.

    The pickle is a dict ``'<video>,<second>'`` -> N x 5 array x1, y1, x2, y2, score, read by an
    unpickler that builds numeric arrays and plain values and runs nothing else. A CSV row is
    ``video,second,x1,y1,x2,y2,,score``; where the seventh field holds a label, as in the authors'
    file of the training split, a box has a row for each of its labels and is taken once.

    Returns:
        The sound boxes, those up to 0.001 outside the frame clipped to it, and the faults.

    Raises:
        UserError: The file cannot be read, or the pickle holds anything else.
    """
    if Path(path).suffix == ".csv":
        video, second, rows, where, faults = _read_csv(path)
    else:
        video, second, rows, where, faults = _read_pickle(path)
    boxes, scores = rows[:, :4], rows[:, 4]
    near = (boxes >= -_OVERSHOOT) & (boxes <= 1 + _OVERSHOOT)
    boxes = np.where(near, np.clip(boxes, 0, 1), boxes)
    bad = np.zeros(len(rows), dtype=bool)
    for i in np.flatnonzero(np.isnan(rows).any(axis=1)).tolist():
        bad[i] = True
        faults.append(f"{where(i)}: box or score is not a number; mend it or delete the box")
    for i in np.flatnonzero((scores < 0) | (scores > 1)).tolist():
        bad[i] = True
        faults.append(f"{where(i)}: score {scores[i]} is outside [0, 1]; write it as a probability")
    for i, text in box_errors(boxes):
        bad[i] = True
        faults.append(f"{where(i)}: {text}")
    if not len(rows) and not faults:
        faults.append(f"{path}: holds no box; run a person detector on the keyframes.")
    return PersonBoxes.from_rows(video[~bad], second[~bad], boxes[~bad], scores[~bad]), faults


def join_proposals(paths: Sequence[str | Path]) -> PersonBoxes:
    """The boxes of several pickles that ``write_proposals`` wrote, in some of which may be none.

    Raises:
        UserError: All of them are empty.
    """
    parts = [_read_pickle(path) for path in paths]
    video, second, rows = (np.concatenate([part[i] for part in parts]) for i in range(3))
    if not len(rows):
        raise UserError(
            "the person detector found nobody: see to the frames, or to detector.score."
        )
    return PersonBoxes.from_rows(video, second, rows[:, :4], rows[:, 4])


def write_proposals(path: str | Path, proposals: PersonBoxes) -> None:
    """Writes a pickle or, where the name ends in ``.csv``, a CSV."""
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


def _read_csv(path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any, list[str]]:
    table = CsvTable(path, [8], "video,second,x1,y1,x2,y2,,score")
    second = to_numbers(table.columns[1])
    table.check_keys(second)
    values = np.stack([to_numbers(table.columns[c]) for c in (2, 3, 4, 5, 7)], axis=1)
    rows = pd.DataFrame(values).assign(video=table.columns[0], second=second)
    again = rows.duplicated().to_numpy() & (table.columns[6] != "")
    sound = table.valid() & ~again
    line = table.line[sound]

    def where(i: int) -> str:
        return f"{path}:{line[i]}"

    video, second = table.columns[0][sound], second[sound].astype(np.int64)
    return video, second, values[sound], where, table.error_lines()


def _read_pickle(
    path: str | Path,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any, list[str]]:
    table = read_arrays(path)
    if not isinstance(table, dict):
        raise UserError(
            f"{path}: holds a {type(table).__name__}, not a dict '<video>,<second>' -> N x 5 array "
            "of x1, y1, x2, y2, score; write it so."
        )
    faults: list[str] = []
    seen: dict[tuple[str, int], str] = {}
    parts: list[np.ndarray] = []
    for key, value in table.items():
        video, _, text = key.rpartition(",") if isinstance(key, str) else ("", "", "")
        try:
            part = np.array(value, dtype=np.float64)
        except (TypeError, ValueError):
            part = np.empty(())
        if not video or not re.fullmatch("[0-9]{1,9}", text):
            faults.append(f"{path}: key {key!r} is not '<video>,<second>', as in 'abc,0902'")
        elif (video, int(text)) in seen:
            twice = seen[video, int(text)]
            faults.append(f"{path}: keys {twice!r} and {key!r} name the same keyframe; merge them")
        elif part.size and (part.ndim != 2 or part.shape[1] != 5):
            faults.append(
                f"{path}: {key!r} has shape {'x'.join(map(str, part.shape)) or 'none'}, not N x 5: "
                "x1, y1, x2, y2, score; write it so"
            )
        else:
            seen[video, int(text)] = key
            parts.append(part.reshape(-1, 5))
    count = np.array([len(part) for part in parts], np.int64)
    place, keys = ragged(np.zeros_like(count), count)
    names = list(seen.values())

    def where(i: int) -> str:
        return f"{path}: {names[keys[i]]!r} box {place[i]} (from 0)"

    videos = np.array([video for video, _ in seen], dtype=object)[keys]
    seconds = np.array([second for _, second in seen], dtype=np.int64)[keys]
    return videos, seconds, np.concatenate([np.empty((0, 5)), *parts]), where, faults
