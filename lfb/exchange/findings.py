"""What reading an export finds: errors, and what has no place in AVA's files."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lfb.errors import DataErrors, UserError


@dataclass
class Findings:
    """Errors and omissions of one or more exports.

    Attributes:
        errors: One line each, with the place in the file and what to do.
        left_out: How often the exports contain each thing that is not imported.
    """

    errors: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep the error of a part of an export, and go on behind the block."""
        try:
            yield
        except DataErrors as error:
            self.errors += error.errors
        except UserError as error:
            self.errors.append(str(error))
