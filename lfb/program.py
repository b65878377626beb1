"""What every script does alike: log lines, one clear message for a user's error, an exit code."""

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from lfb.errors import UserError

Item = TypeVar("Item")
log = logging.getLogger("lfb")


@contextmanager
def program(log_file: str | Path | None) -> Iterator[None]:
    """Runs a script's work: what it logs goes to the terminal and, with times, to ``log_file``.

    A ``UserError`` ends the program with its message and exit code 1, Ctrl-C with a word and 130;
    anything else with its traceback, which the file keeps too.
    """
    log.setLevel(logging.INFO)
    log.addHandler(_Terminal())
    if log_file:
        Path(log_file).parent.mkdir(parents=True, exist_ok=True)
        to_file = logging.FileHandler(log_file, mode="a")
        to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        log.addHandler(to_file)
    try:
        yield
    except UserError as error:
        # From a loader's worker PyTorch hands it on with the worker's traceback in front.
        log.error("error: %s", str(error).rpartition(f"{UserError.__name__}: ")[2].strip())
        sys.exit(1)
    except KeyboardInterrupt:
        log.error("interrupted; the same command goes on from here")
        sys.exit(130)
    except Exception:
        log.exception("this is a fault of the workflow, not of your data:")
        sys.exit(2)


def progress(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Passes items on, with a bar and the time left where somebody watches a terminal."""
    from tqdm import tqdm

    return iter(tqdm(items, what, total, leave=False, disable=not sys.stderr.isatty()))


class _Terminal(logging.Handler):
    """Prints above a progress bar rather than through it."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr.isatty():
            from tqdm import tqdm

            tqdm.write(self.format(record), file=sys.stderr)
        else:
            print(self.format(record), file=sys.stderr, flush=True)
