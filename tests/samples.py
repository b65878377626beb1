"""Small files and tables that several tests use."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from lfb.data.boxes import PersonBoxes
from lfb.data.contents import Contents

NAMES = st.text("abcXYZ-_ 019.é", min_size=1, max_size=6).filter(
    lambda name: name.strip() and name not in (".", "..")
)


def write(folder: Path, *rows: str, name: str = "train.csv") -> Path:
    """Write rows as the lines of a file, and return its path."""
    path = folder / name
    path.write_text("\n".join(rows) + "\n")
    return path


def parts(contents: Contents) -> tuple[Any, list[str]]:
    """Return what is valid of a file, and its errors."""
    return contents.valid, contents.errors


def annotation_table(*rows: tuple) -> pd.DataFrame:
    """Return a table of rows (video, second, x1, y1, x2, y2, action, person)."""
    columns = ["video", "second", "x1", "y1", "x2", "y2", "action", "person"]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.astype({"video": str, "second": int, "action": int, "person": int})
    return frame.assign(line=np.arange(1, len(frame) + 1))


def proposals_of(*rows: tuple) -> PersonBoxes:
    """Return proposals of rows (video, second, x1, y1, x2, y2, score)."""
    values = np.array([row[2:] for row in rows], dtype=float).reshape(-1, 5)
    videos, seconds = [row[0] for row in rows], [row[1] for row in rows]
    return PersonBoxes.from_rows(videos, seconds, values[:, :4], values[:, 4])


def boxes_at(people: PersonBoxes, video: str, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes and scores of a keyframe, empty if there is no such keyframe."""
    rows = people.index.rows(video, second)
    return people.boxes[rows], people.scores[rows]


class Harmful:
    """An object whose unpickling runs a shell command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)
