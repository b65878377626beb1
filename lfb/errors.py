"""The one exception that is meant for the person at the keyboard."""

from collections import Counter
from collections.abc import Sequence

_SHOWN = 20


class UserError(ValueError):
    """Something the user can put right: shown as its message alone, without a traceback.

    The message says what is wrong, where (file, line, key) and what to do.
    """


class DataFaults(UserError):
    """Every fault found in the user's data, one line each.

    The message shows the first 20 of a file that come with the same advice, and counts the others:
    a file that is wrong throughout would hide all else.

    Args:
        faults: Lines such as ``train.csv:17: x1 0.8 is right of x2 0.2; swap them``.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        found: Counter[tuple[str, str]] = Counter()
        lines = [f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''} in the data:"]
        for fault in self.faults:
            kind = fault.partition(":")[0], fault.rpartition("; ")[2]  # file and advice
            found[kind] += 1
            if found[kind] <= _SHOWN:
                lines.append(fault)
        for (file, advice), count in found.items():
            if count > _SHOWN:
                lines.append(f"{file}: {count - _SHOWN} more of these: {advice}")
        super().__init__("\n  ".join(lines))

    def __reduce__(self) -> tuple[type["DataFaults"], tuple[list[str]]]:
        return DataFaults, (self.faults,)  # a pickle would hand __init__ the message
