"""The csv file of a person detector, in fractions of the frame or in pixels, as proposals."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.data.boxes import PersonBoxes
from lfb.data.check_boxes import PIXELS, box_errors, clip_overshoot, order_errors
from lfb.data.contents import Contents, clipping_warnings
from lfb.errors import Problem
from lfb.files.atomic import atomic
from lfb.files.csv_table import BOX, KEY, CsvTable, to_numbers

_SHOWN = 5  # lines that an error names before it counts the rest


def read_detections(path: str | Path) -> Contents[pd.DataFrame]:
    """Read ``video,second,x1,y1,x2,y2,score`` rows, without a header.

    There may be an empty field before the score, as in the authors' files. Boxes are in pixels if
    some have values of 2 or more. Boxes in fractions that leave the frame a little are clipped.

    Returns:
        The valid rows (video, second, x1, y1, x2, y2, score, line) in the order of the file.

    Raises:
        UserError: The file cannot be read.
    """
    table = CsvTable(path, [7, 8], "video,second,x1,y1,x2,y2,score")
    texts = table.columns
    eight = table.width == 8
    second, *box = (to_numbers(column) for column in texts[1:6])
    score_texts = np.where(eight, texts[7], texts[6])
    scores, boxes = to_numbers(score_texts), np.stack(box, axis=1)
    table.check_keys(second)
    table.add_errors(
        eight & (texts[6] != ""), "'{}' is before the score; leave that field empty", texts[6]
    )
    for name, column, text in zip(BOX, box, texts[2:6], strict=True):
        table.add_errors(np.isnan(column), f"{name} '{{}}' is not a number; fix it", text)
    table.add_errors(np.isnan(scores), "score '{}' is not a number; fix it", score_texts)
    table.add_errors(
        (scores < 0) | (scores > 1),
        "score {} is outside [0, 1]; write it as a probability",
        score_texts,
    )
    valid = table.valid()
    large = valid & _large(boxes)
    mixed = []
    if not large.any():
        boxes, beyond = clip_overshoot(boxes)
        warnings = clipping_warnings(path, beyond, lambda i: f"line {table.line[i]}")
        errors = box_errors(boxes)
    else:
        warnings, errors = [], order_errors(boxes)
        if (small := valid & ~large).any():
            mixed = [
                f"{path}: some boxes have values of {PIXELS:g} or more, as in pixels "
                f"({_lines(table.line[large])}), others have none, as in fractions of the frame "
                f"({_lines(table.line[small])}); use one unit in a file"
            ]
    table.errors += [(int(table.line[i]), text) for i, text in errors]
    valid = table.valid()
    rows = pd.DataFrame(
        {
            "video": pd.Series(texts[0][valid], dtype=str),
            "second": second[valid].astype(np.int64),
            **{name: column[valid] for name, column in zip(BOX, boxes.T, strict=True)},
            "score": scores[valid],
            "line": table.line[valid],
        }
    )
    problems = [*map(Problem, mixed), *table.problems()]
    if not len(table.line) and not problems:
        problems = [Problem(f"{path}: contains no box; run a person detector on the keyframes")]
    return Contents(problems, warnings, valid=rows)


def write_detections(path: str | Path, detections: pd.DataFrame) -> None:
    """Write a table of ``read_detections`` with all digits; it needs no column ``line``."""
    columns = (detections[name].tolist() for name in [*KEY, *BOX, "score"])
    with atomic(path) as scratch, scratch.open("w", encoding="utf-8") as file:
        for video, second, *numbers in zip(*columns, strict=True):
            file.write(f"{video},{second:04d},{','.join(map(repr, numbers))}\n")


def in_pixels(detections: pd.DataFrame) -> bool:
    """Return whether the boxes of ``read_detections`` are in pixels."""
    return bool(_large(detections[BOX].to_numpy()).any())


def to_proposals(
    detections: pd.DataFrame, path: str | Path, sizes: Mapping[str, tuple[int, int]]
) -> Contents[PersonBoxes]:
    """Return the boxes of ``read_detections`` in fractions of the frame.

    Boxes in pixels that leave the frame a little are clipped to it.

    Args:
        detections: Rows of the file.
        path: The file, for errors.
        sizes: Width and height of the frames of each video. Boxes of other videos are left out.
    """
    rows = detections[detections["video"].isin(sizes)].reset_index(drop=True)
    boxes, beyond = rows[BOX].to_numpy(), np.zeros(len(rows))
    outside: list[Problem] = []
    if in_pixels(detections):
        size = np.array([sizes[name] * 2 for name in rows["video"]], np.float64).reshape(-1, 4)
        turned = boxes[:, [1, 0, 3, 2]] / size
        boxes, beyond = clip_overshoot(boxes / size)
        outside = _outside(rows, boxes, turned, path, sizes)
    warnings = clipping_warnings(path, beyond, lambda i: f"line {rows['line'][i]}")
    inside = _inside(boxes)
    empty = [
        Problem(f"{path}:{rows['line'][i]}: {text}", _keyframes(rows.loc[[i]]))
        for i, text in order_errors(boxes)
        if inside[i]
    ]
    people = PersonBoxes.from_rows(
        rows["video"].to_numpy(), rows["second"].to_numpy(), boxes, rows["score"].to_numpy()
    )
    return Contents(outside + empty, warnings, valid=people)


def _outside(
    rows: pd.DataFrame,
    boxes: np.ndarray,
    turned: np.ndarray,
    path: str | Path,
    sizes: Mapping[str, tuple[int, int]],
) -> list[Problem]:
    """Return an error about all boxes that extend too far beyond their frames, if some do.

    Args:
        rows: Rows of ``read_detections``.
        boxes: (N, 4) their boxes in fractions of the frame, clipped.
        turned: (N, 4) the same with x and y swapped, not clipped.
        path: The file.
        sizes: Width and height of the frames of each video.
    """
    bad = rows[~_inside(boxes)]
    if bad.empty:
        return []
    advice = "run the detector on frames of this size"
    if _inside(clip_overshoot(turned)[0]).all():
        advice = "are x and y swapped? Write x1,y1,x2,y2"
    first = bad.iloc[0]
    width, height = sizes[first["video"]]
    more = ""
    if len(bad) > 1:
        more = f" ({len(bad)} such boxes, of {bad['video'].nunique()} videos)"
    return [
        Problem(
            f"{path}:{first['line']}: this box extends beyond the frame of video "
            f"'{first['video']}', {width}x{height} pixels{more}; {advice}",
            _keyframes(bad),
        )
    ]


def _inside(boxes: np.ndarray) -> np.ndarray:
    """Return (N,) bool: whether a box is in the frame."""
    return np.asarray(((boxes >= 0) & (boxes <= 1)).all(axis=1))


def _keyframes(rows: pd.DataFrame) -> frozenset[tuple[str, int]]:
    return frozenset(rows[KEY].itertuples(index=False, name=None))


def _large(boxes: np.ndarray) -> np.ndarray:
    """Return (N,) bool: whether a box has a value that no fraction of the frame has."""
    return boxes.max(axis=1, initial=-np.inf) >= PIXELS


def _lines(lines: np.ndarray) -> str:
    """Return line numbers as text, such as ``lines 3, 8 and 5 more``."""
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_SHOWN]))}{more}"
