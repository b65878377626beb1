"""What a file of the data set contains: what the readers of these files return."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from lfb.errors import DataErrors, Problem

T = TypeVar("T")
_SHOWN = 3  # boxes that a warning names before it counts the rest
_ROUNDING = 1e-5  # detectors clip boxes to the frame in float32 pixels


@dataclass
class Findings:
    """What a part of the data check finds.

    Attributes:
        problems: Errors of the data.
        warnings: What else the user should know, one sentence each.
    """

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[str]:
        """The errors, one line each."""
        return [problem.text for problem in self.problems]

    def add(self, other: "Findings") -> None:
        """Add what another part of the check finds."""
        self.problems += other.problems
        self.warnings += other.warnings


@dataclass(kw_only=True)
class Contents(Findings, Generic[T]):
    """The content of a file, and what reading it found.

    Attributes:
        valid: What is valid of it.
    """

    valid: T

    def checked(self) -> T:
        """Return the valid content if there are no errors.

        Raises:
            DataErrors: All errors.
        """
        if self.problems:
            raise DataErrors(self.errors)
        return self.valid


def clipping_warnings(path: object, beyond: np.ndarray, where: Callable[[int], str]) -> list[str]:
    """Return a warning about the clipped boxes of a file, if there are any.

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
