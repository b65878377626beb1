"""What a file of the data set contains: what the readers of these files return."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from lfb.errors import DataErrors, Problem

T = TypeVar("T")
_SHOWN = 3  # boxes that a note names before it counts the rest
_ROUNDING = 1e-5  # detectors clip boxes to the frame in float32 pixels


@dataclass(frozen=True, eq=False)
class Contents(Generic[T]):
    """The content of a file.

    Attributes:
        valid: What is valid of it.
        problems: Its errors.
        notes: What reading it changed, one sentence each.
    """

    valid: T
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[str]:
        """The errors, one line each."""
        return [problem.text for problem in self.problems]

    def checked(self) -> T:
        """Return the valid content if there are no errors.

        Raises:
            DataErrors: All errors.
        """
        if self.problems:
            raise DataErrors(self.errors)
        return self.valid


def clipping_notes(path: object, beyond: np.ndarray, where: Callable[[int], str]) -> list[str]:
    """Return a note about the clipped boxes of a file, if there are any.

    Args:
        path: The file.
        beyond: (N,) by which part of the frame each box left it.
        where: Returns where the file has box i, such as ``line 7``.
    """
    clipped = np.flatnonzero(beyond > _ROUNDING).tolist()
    if not clipped:
        return []
    more = f" and {len(clipped) - _SHOWN} more" if len(clipped) > _SHOWN else ""
    return [
        f"{path}: {len(clipped)} of {len(beyond)} boxes leave the frame, by {beyond.max():.2g} of "
        f"it at most; they are clipped to it: {', '.join(map(where, clipped[:_SHOWN]))}{more}"
    ]
