"""The one exception that is meant for the person at the keyboard."""

from collections.abc import Sequence


class UserError(ValueError):
    """Something the user can put right: shown as its message alone, without a traceback.

    The message says what is wrong, where (file, line, key) and what to do.
    """


class DataFaults(UserError):
    """Every fault found in the user's data, one line each.

    Args:
        faults: Lines such as ``train.csv:17: box x1 0.8 is right of x2 0.2``.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        count = f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''} in the data:"
        super().__init__("\n  ".join([count, *self.faults]))

    def __reduce__(self) -> tuple[type["DataFaults"], tuple[list[str]]]:
        return DataFaults, (self.faults,)  # a pickle would hand __init__ the message
