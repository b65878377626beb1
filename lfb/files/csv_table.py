"""Read CSV files without a header, as AVA's are, and report every error with its line."""

import csv
import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.errors import Problem, UserError
from lfb.files.atomic import open_file

OUTSIDE = "may lead outside the folder of videos; name it without '..', '.' and empty folders"
KEY = ["video", "second"]
BOX = ["x1", "y1", "x2", "y2"]
_HEADER = "is this a header?"


class CsvTable:
    """The rows of a CSV file without a header, and their errors.

    Args:
        path: The file.
        widths: Numbers of fields that a row may have.
        layout: Format of a row, for the error about a wrong number of fields.

    Attributes:
        line: (N,) line numbers of the rows that have one of the ``widths``.
        width: (N,) their numbers of fields.
        columns: Object arrays (N,) of their texts, "" where a row has fewer fields.
        errors: (line, text) of every error found so far.

    Raises:
        UserError: The file cannot be read.
    """

    def __init__(self, path: str | Path, widths: Sequence[int], layout: str) -> None:
        self.path = path
        texts = read_text(path).replace("\r\n", "\n").split("\n")
        width = np.fromiter((text.count(",") for text in texts), np.int64, len(texts)) + 1
        good = np.isin(width, widths)
        self.line = np.flatnonzero(good) + 1
        self.width = width[good]
        self._second = np.full(len(self.line), np.nan)
        self._has_header = False
        self.columns = [np.empty(0, dtype=object)] * max(widths)
        self.errors = [
            (i + 1, f"has {width[i]} fields{_separator(texts[i])}; write {layout}")
            for i in np.flatnonzero(~good).tolist()
            if texts[i].strip()
        ]
        if len(self.line):
            table = pd.read_csv(
                io.StringIO("\n".join(itertools.compress(texts, good))),
                header=None,
                names=range(max(widths)),
                dtype=str,
                keep_default_na=False,
                quoting=csv.QUOTE_NONE,
                lineterminator="\n",
            )
            self.columns = [table[i].fillna("").to_numpy(dtype=object) for i in table]

    def add_errors(self, bad: np.ndarray, message: str, texts: np.ndarray) -> None:
        """Add an error for each row that is ``bad``: ``message``, with {} filled from ``texts``."""
        for i in np.flatnonzero(bad).tolist():
            self.errors.append((int(self.line[i]), message.format(texts[i])))

    def check_keys(self, second: np.ndarray) -> None:
        """Add an error for each row without a video name or a whole ``second``."""
        self._second = second
        bad = ~is_whole(second)
        header = np.isnan(second) & (self.line == 1)
        self._has_header = bool(header.any())
        self.add_errors(
            header,
            f"second '{{}}' is not a whole number: {_HEADER} These files have none; delete it",
            self.columns[1],
        )
        self.add_errors(
            bad & ~header,
            "second '{}' is not a whole number from 0; write it like 17 or 0017",
            self.columns[1],
        )
        videos = self.columns[0]
        self.add_errors(videos == "", "has no video name; write it", videos)
        outside = [name for name in pd.unique(videos) if name and not is_inside(name)]
        self.add_errors(np.isin(videos, outside), f"video '{{}}' {OUTSIDE}", videos)

    def valid(self) -> np.ndarray:
        """Return (N,) bool: the rows without an error."""
        return ~np.isin(self.line, [line for line, _ in self.errors])

    def problems(self) -> list[Problem]:
        """Return the errors as ``path:line: text``, in the order of the file."""
        return [
            Problem(f"{self.path}:{line}: {text}", self._keyframe(line))
            for line, text in sorted(self.errors)
            if not (self._has_header and line == 1) or _HEADER in text  # one error is enough there
        ]

    def _keyframe(self, line: int) -> frozenset[tuple[str, int]]:
        """Return the video and second of a line, if it has both."""
        row = np.searchsorted(self.line, line)
        if row == len(self.line) or self.line[row] != line or not is_whole(self._second[row]):
            return frozenset()
        video = self.columns[0][row]
        return frozenset([(video, int(self._second[row]))] if video else [])


def _separator(text: str) -> str:
    """Return what separates the fields of a row, if it is not a comma."""
    names = {";": "semicolons", "\t": "tabs"}
    found = [name for character, name in names.items() if character in text]
    return f", separated by {found[0]}" if found else ""


def read_text(path: str | Path) -> str:
    """Return the text of a file, without a byte order mark.

    Raises:
        UserError: It cannot be opened or is not UTF-8.
    """
    with open_file(path) as file:
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: is not UTF-8 text ({error}); save it as UTF-8.") from None


def to_numbers(texts: np.ndarray) -> np.ndarray:
    """Return each text as float64, NaN where it is not a finite number."""
    try:
        values = np.array(texts, dtype=np.float64)
    except ValueError:
        values = pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy(np.float64, copy=True)
    values[~np.isfinite(values)] = np.nan
    return values


def is_inside(video: str) -> bool:
    """Return whether the name of a video, such as ``day1/cam2``, stays inside any folder."""
    return not {"", ".", ".."} & set(video.split("/"))


def is_whole(values: np.ndarray) -> np.ndarray:
    """Return which values are whole numbers from 0 that fit in 31 bits."""
    return (values >= 0) & (values < 2**31) & (values == np.floor(values))
