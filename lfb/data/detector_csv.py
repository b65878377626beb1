"""A person detector's csv, in fractions of the frame or in pixels, and the proposals made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.data.proposals import Proposals
from lfb.errors import DataErrors
from lfb.files.csv_table import BOX, Csv, numbers, order_faults

_ROUNDING = 1e-3  # fraction of the frame by which a box may leave it
_LAST_PIXEL = 1.0  # the same in pixels: some count the last one, some the edge behind it
_SHOWN = 5  # lines that a fault names before it says how many more there are


@dataclass(frozen=True, eq=False)
class DetectorBoxes:
    """Boxes as a detector wrote them.

    Attributes:
        path: Of the file.
        line: (N,) where in it each box is.
        video: (N,) names.
        second: (N,) int64.
        boxes: (N, 4) float64 x1, y1, x2, y2.
        scores: (N,) float64.
        pixels: Whether the boxes are in pixels, not in fractions of the frame.
    """

    path: str | Path
    line: np.ndarray
    video: np.ndarray
    second: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    pixels: bool

    def keyed(self) -> Proposals:
        """The boxes as they are, keyframe by keyframe."""
        return Proposals.from_rows(self.video, self.second, self.boxes, self.scores)

    def proposals(self, sizes: Mapping[str, tuple[int, int]]) -> Proposals:
        """The boxes in fractions of the frame, keyframe by keyframe.

        Args:
            sizes: Width and height of the frames of each video; boxes of others are left out.

        Raises:
            DataErrors: Boxes that reach beyond the frame of their video.
        """
        known = pd.Series(self.video, dtype=object).isin(sizes).to_numpy()
        line, video, boxes = self.line[known], self.video[known], self.boxes[known]
        size = np.array([sizes[name] * 2 for name in video], np.float64).reshape(-1, 4)
        if not self.pixels:
            size = np.ones_like(size)
        beyond = (boxes > size + (_LAST_PIXEL if self.pixels else _ROUNDING)).any(axis=1)
        boxes = (boxes.clip(0, size) / size).astype(np.float32)
        faults = []
        for name, rows in pd.Series(np.flatnonzero(beyond)).groupby(video[beyond]):
            width, height = sizes[str(name)]
            who = f"and {len(rows) - 1} more reach" if len(rows) > 1 else "reaches"
            faults.append(
                f"{self.path}:{line[rows.iloc[0]]}: {who} beyond the frame of video '{name}', "
                f"{width}x{height} pixels; was the detector run on frames of this size?"
            )
        faults += [
            f"{self.path}:{line[i]}: {text}" for i, text in order_faults(boxes) if not beyond[i]
        ]
        if faults:
            raise DataErrors(faults)
        return Proposals.from_rows(video, self.second[known], boxes, self.scores[known])


def read_detections(path: str | Path) -> tuple[DetectorBoxes, list[str]]:
    """Reads ``video,second,x1,y1,x2,y2,score`` rows, without a header.

    An empty field may come before the score, as in the authors' files. Boxes are in pixels if they
    have values above 1.

    Returns:
        The sound boxes, and one line for every fault.

    Raises:
        UserError: The file cannot be read.
    """
    table = Csv(path, [7, 8], "video,second,x1,y1,x2,y2,score")
    texts = table.columns
    eight = table.width == 8
    second, *box = (numbers(column) for column in texts[1:6])
    score_texts = np.where(eight, texts[7], texts[6])
    scores, boxes = numbers(score_texts), np.stack(box, axis=1)
    table.blame_keys(second)
    table.blame(
        eight & (texts[6] != ""), "'{}' stands before the score; leave that field out", texts[6]
    )
    for name, column, text in zip(BOX, box, texts[2:6], strict=True):
        table.blame(np.isnan(column), f"{name} '{{}}' is not a number; mend it", text)
    table.blame(np.isnan(scores), "score '{}' is not a number; mend it", score_texts)
    table.blame(
        (scores < 0) | (scores > 1),
        "score {} is outside [0, 1]; write it as a probability",
        score_texts,
    )
    table.faults += [(int(table.line[i]), text) for i, text in order_faults(boxes)]
    sound = table.sound()
    large = sound & (boxes.max(axis=1, initial=-np.inf) > 1 + _ROUNDING)
    pixels = bool(large.any())
    for name, column, text in zip(BOX, box, texts[2:6], strict=True):
        outside = sound & (column < -(_LAST_PIXEL if pixels else _ROUNDING))
        table.blame(outside, f"{name} {{}} is outside the frame; clip boxes to it", text)
    mixed = []
    if pixels and (small := sound & ~large).any():
        mixed = [
            f"{path}: boxes with a side above 1, as in pixels ({_lines(table.line[large])}), and "
            f"boxes with none, as in fractions of the frame ({_lines(table.line[small])}); write "
            "all of a file alike"
        ]
    sound = table.sound()
    found = DetectorBoxes(
        path,
        table.line[sound],
        texts[0][sound],
        second[sound].astype(np.int64),
        boxes[sound],
        scores[sound],
        pixels,
    )
    faults = [*mixed, *table.report()]
    if not len(table.line) and not faults:
        faults = [f"{path}: holds no box; run a person detector on the keyframes."]
    return found, faults


def _lines(lines: np.ndarray) -> str:
    """Such as ``lines 3, 8 and 5 more``."""
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_SHOWN]))}{more}"
