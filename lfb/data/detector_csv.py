"""The csv file of a person detector, in fractions of the frame or in pixels, as proposals."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.data.boxes import PersonBoxes
from lfb.errors import DataErrors
from lfb.files.csv_table import BOX, CsvTable, order_errors, to_numbers

_ROUNDING = 1e-3  # fraction of the frame by which a box may leave it
_LAST_PIXEL = 1.0  # the same in pixels: some tools count the last pixel, some the edge behind it
_SHOWN = 5  # lines that an error names before it counts the rest


def read_detections(path: str | Path) -> tuple[pd.DataFrame, list[str]]:
    """Read ``video,second,x1,y1,x2,y2,score`` rows, without a header.

    There may be an empty field before the score, as in the authors' files. Boxes are in pixels if
    some have values above 1.

    Returns:
        The valid rows (video, second, x1, y1, x2, y2, score, line) in the order of the file, and
        one line for every error.

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
    table.errors += [(int(table.line[i]), text) for i, text in order_errors(boxes)]
    valid = table.valid()
    large = valid & _beyond_one(boxes)
    pixels = bool(large.any())
    for name, column, text in zip(BOX, box, texts[2:6], strict=True):
        outside = valid & (column < -(_LAST_PIXEL if pixels else _ROUNDING))
        table.add_errors(outside, f"{name} {{}} is outside the frame; clip boxes to it", text)
    mixed = []
    if pixels and (small := valid & ~large).any():
        mixed = [
            f"{path}: some boxes have values above 1, as in pixels ({_lines(table.line[large])}), "
            f"others have none, as in fractions of the frame ({_lines(table.line[small])}); use "
            "one unit in a file"
        ]
    valid = table.valid()
    rows = pd.DataFrame(
        {
            "video": pd.Series(texts[0][valid], dtype=str),
            "second": second[valid].astype(np.int64),
            **{name: column[valid] for name, column in zip(BOX, box, strict=True)},
            "score": scores[valid],
            "line": table.line[valid],
        }
    )
    errors = [*mixed, *table.error_lines()]
    if not len(table.line) and not errors:
        errors = [f"{path}: contains no box; run a person detector on the keyframes"]
    return rows, errors


def in_pixels(detections: pd.DataFrame) -> bool:
    """Return whether the boxes of ``read_detections`` are in pixels."""
    return bool(_beyond_one(detections[BOX].to_numpy()).any())


def to_proposals(
    detections: pd.DataFrame, path: str | Path, sizes: Mapping[str, tuple[int, int]]
) -> PersonBoxes:
    """Return the boxes of ``read_detections`` in fractions of the frame.

    Args:
        detections: Rows of the file.
        path: The file, for errors.
        sizes: Width and height of the frames of each video. Boxes of other videos are left out.

    Raises:
        DataErrors: Boxes extend beyond the frame of their video.
    """
    pixels = in_pixels(detections)
    rows = detections[detections["video"].isin(sizes)]
    line, video, boxes = (rows[part].to_numpy() for part in ("line", "video", BOX))
    size = np.array([sizes[name] * 2 for name in video], np.float64).reshape(-1, 4)
    if not pixels:
        size = np.ones_like(size)
    beyond = (boxes > size + (_LAST_PIXEL if pixels else _ROUNDING)).any(axis=1)
    boxes = (boxes.clip(0, size) / size).astype(np.float32)
    errors = []
    for name, places in pd.Series(np.flatnonzero(beyond)).groupby(video[beyond]):
        width, height = sizes[str(name)]
        others = f" and {len(places) - 1} more extend" if len(places) > 1 else " extends"
        errors.append(
            f"{path}:{line[places.iloc[0]]}: this box{others} beyond the frame of video '{name}', "
            f"{width}x{height} pixels; run the detector on frames of this size"
        )
    errors += [f"{path}:{line[i]}: {text}" for i, text in order_errors(boxes) if not beyond[i]]
    if errors:
        raise DataErrors(errors)
    return PersonBoxes.from_rows(video, rows["second"].to_numpy(), boxes, rows["score"].to_numpy())


def _beyond_one(boxes: np.ndarray) -> np.ndarray:
    """Return (N,) bool: whether a box has a value that no fraction of the frame has."""
    return boxes.max(axis=1, initial=-np.inf) > 1 + _ROUNDING


def _lines(lines: np.ndarray) -> str:
    """Return line numbers as text, such as ``lines 3, 8 and 5 more``."""
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_SHOWN]))}{more}"
