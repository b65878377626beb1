"""Exceptions with a message for the user."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = 20


class UserError(ValueError):
    """An error that the user can fix. Programs print its message alone, without a traceback.

    The message says what is wrong, where (file, line, key) and what to do.
    """


@dataclass(frozen=True)
class Problem:
    """An error in the user's data.

    Attributes:
        text: Its line for the user, as in ``DataErrors``.
        keyframes: The (video, second) pairs without which the data does not have this error; empty
            if more than some keyframes is wrong.
    """

    text: str
    keyframes: frozenset[tuple[str, int]] = frozenset()


class DataErrors(UserError):
    """All errors found in the user's data, one line each.

    The message shortens them: see ``shortened``.

    Args:
        errors: Lines such as ``train.csv:17: x1 0.8 is right of x2 0.2; swap them``.
    """

    def __init__(self, errors: Sequence[str]) -> None:
        self.errors = list(errors)
        count = f"{len(self.errors)} error{'s' if len(self.errors) != 1 else ''} in the data:"
        super().__init__("\n  ".join([count, *shortened(self.errors)]))

    def __reduce__(self) -> tuple[type["DataErrors"], tuple[list[str]]]:
        return DataErrors, (self.errors,)  # unpickling would pass the message to __init__


def shortened(errors: Sequence[str]) -> list[str]:
    """Return the first 20 lines of each file that give the same advice, and count the rest.

    Otherwise a file with thousands of errors would hide those of all other files.
    """
    found: Counter[tuple[str, str]] = Counter()
    lines = []
    for line in errors:
        kind = line.partition(":")[0], line.rpartition("; ")[2]  # file and advice
        found[kind] += 1
        if found[kind] <= _SHOWN:
            lines.append(line)
    rest = {kind: count - _SHOWN for kind, count in found.items() if count > _SHOWN}
    return lines + [f"{file}: {n} more of these: {advice}" for (file, advice), n in rest.items()]
