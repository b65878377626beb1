"""What every program has in common: log lines, one clear error message, an exit code."""

import logging
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from lfb.errors import UserError

Item = TypeVar("Item")
log = logging.getLogger("lfb")

_BUG = "this is a bug in the workflow, not an error in your data:"
_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", re.MULTILINE)


@contextmanager
def program(log_file: str | Path | None) -> Iterator[None]:
    """Run the work of a program, and print its log lines.

    Lines go to the terminal, behind the name of the job, and to the end of ``log_file``, behind the
    time. A ``UserError`` ends the program with its message alone and exit code 1, Ctrl-C with one
    line and 130, any other exception with its traceback and 2.
    """
    log.setLevel(logging.INFO)
    terminal = _Terminal()
    log.addHandler(terminal)
    if log_file:
        path = Path(log_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        terminal.setFormatter(logging.Formatter(f"[{_job(path)}] %(message)s"))
        to_file = logging.FileHandler(path, mode="a")
        to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        log.addHandler(to_file)
    try:
        yield
    except UserError as error:
        # PyTorch puts the traceback of a data-loading process in front of the message.
        log.error("error: %s", str(error).rpartition(f"{UserError.__name__}: ")[2].strip())
        sys.exit(1)
    except KeyboardInterrupt:
        log.error("interrupted; run the same command to continue")
        sys.exit(130)
    except Exception:
        log.exception(_BUG)
        sys.exit(2)


def describe_failure(log_file: str | Path) -> str:
    """Return the error at the end of a failed program's log, or how the log ends without one."""
    path = Path(log_file)
    text = path.read_text() if path.exists() else ""
    last = _TIME.split(text)[-1].strip() if text else ""
    if last.startswith(("error: ", _BUG)):
        return last
    ending = "\n".join(text.splitlines()[-3:]) or "(the log is empty)"
    return f"it ended without an error message: killed, or out of memory? Its log ends:\n{ending}"


def progress(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Yield the items, and show a bar with the time left if stderr is a terminal."""
    from tqdm import tqdm

    return iter(tqdm(items, what, total, leave=False, disable=not sys.stderr.isatty()))


def _job(log_file: Path) -> str:
    """Return the name of a job: its log's path below the folder of all logs, without the suffix."""
    parts = log_file.with_suffix("").parts
    return "/".join(parts[1:] or parts)


class _Terminal(logging.Handler):
    """Prints log lines above a progress bar, not through it."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr.isatty():
            from tqdm import tqdm

            tqdm.write(self.format(record), file=sys.stderr)
        else:
            print(self.format(record), file=sys.stderr, flush=True)
