"""What every program has in common: log lines, one clear error message, an exit code."""

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

from lfb.errors import UserError
from lfb.files.disk import explain_disk_error
from lfb.files.locks import alone
from lfb.processes import end_with_launcher

Item = TypeVar("Item")
log = logging.getLogger("lfb")

_SECONDS_BETWEEN_LINES = 60
_BUG = "this is a bug in the workflow, not an error in your data:"
_FAILED_JOB = re.compile(  # its rule, the cluster's message, and its logs
    r"^Error in rule\s(\w+):\n"
    r"(?:    message: (SLURM.*?)(?: Detailed.*|For further.*)?\n)?"
    r"(?:(?!Error in rule).*\n)*?"
    r"    log: (.*) \(check",
    re.MULTILINE,
)
_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", re.MULTILINE)


@contextmanager
def program(log_file: str | Path | None) -> Iterator[None]:
    """Run the work of a program, and print its log lines.

    Lines go to the terminal, behind the name of the job, and to the end of ``log_file``, behind the
    time. A ``UserError`` ends the program with its message alone and exit code 1, Ctrl-C with one
    line and 130, any other exception with its traceback and 2.

    A job is known by its log file. If the job runs already, because Snakemake was killed and the
    job was not, the program waits for its end. Of the processes that torchrun starts none waits:
    the program that started torchrun holds the lock, and they end with it.
    """
    log.setLevel(logging.INFO)
    terminal = _Terminal()
    log.addHandler(terminal)
    with ExitStack() as stack:
        try:
            if log_file:
                terminal.setFormatter(logging.Formatter(f"[{_job(Path(log_file))}] %(message)s"))
                Path(log_file).parent.mkdir(parents=True, exist_ok=True)
                log.addHandler(_LogFile(log_file))
            if "RANK" in os.environ:
                end_with_launcher()
            elif log_file:
                stack.enter_context(alone(log_file, _waiting, _without_locks))
            yield
        except UserError as error:
            # PyTorch puts the traceback of a data-loading process in front of the message.
            log.error("error: %s", str(error).rpartition(f"{UserError.__name__}: ")[2].strip())
            sys.exit(1)
        except KeyboardInterrupt:
            log.error("interrupted; run the same command to continue")
            sys.exit(130)
        except Exception as error:
            if isinstance(error, OSError):
                path = error.filename or "a file that this job writes"
                if explained := explain_disk_error(error, path):
                    log.error("error: %s", explained)
                    sys.exit(1)
            log.exception(_BUG)
            sys.exit(2)


def describe_failures(snakemake_log: str) -> list[str]:
    """Return the error of each failed job in the text of Snakemake's log.

    For a job on a cluster, this includes how the cluster ended it, and the file of the rest.
    """
    found = {}
    for rule, message, logs in _FAILED_JOB.findall(snakemake_log):
        file, *cluster_logs = logs.split(", ")
        if message.startswith("SLURM sbatch failed"):
            found[file] = f"{rule} was not submitted. {message}"
        else:
            lines = [f"{rule} failed, {file}:", describe_failure(file)]
            if message:
                lines.append(" ".join([message, *(f"See {path}." for path in cluster_logs)]))
            found[file] = "\n".join(lines)
    return list(found.values())


def describe_failure(log_file: str | Path) -> str:
    """Return the error at the end of a failed program's log, or how the log ends without one."""
    path = Path(log_file)
    text = path.read_text() if path.exists() else ""
    last = _TIME.split(text)[-1].strip() if text else ""
    if last.startswith(("error: ", _BUG)):
        return last
    ending = "\n".join(text.splitlines()[-3:]) or "(the log is empty)"
    return f"it ended without an error message: killed, or out of memory? Its log ends:\n{ending}"


class Progress:
    """Logs every minute how much of some work is done, and how long the rest takes.

    Every line stands alone, so the lines of jobs that run side by side stay readable.

    Args:
        what: Begins each line, up to the amount: ``epoch 1/20, batch``.
        total: All of it, in any unit.
        done: What is done already.
        later: Work of the same kind that follows, such as that of further epochs.
        write: Returns an amount as text.
    """

    def __init__(
        self,
        what: str,
        total: int,
        done: int = 0,
        later: int = 0,
        write: Callable[[int], str] = str,
    ) -> None:
        self._what, self._total, self._later, self._write = what, total, later, write
        self._before = self._done = done
        self._start = self._logged = time.monotonic()
        self._lock = Lock()

    def add(self, amount: int = 1) -> None:
        """Count some more as done. Threads may do this at the same time."""
        with self._lock:
            self._done += amount
            now = time.monotonic()
            due = now - self._logged >= _SECONDS_BETWEEN_LINES
            due = due and self._before < self._done < self._total
            if due:
                self._logged = now
        if due:
            log.info("%s", self._line(now - self._start))

    def _line(self, seconds: float) -> str:
        """Return how far the work is after these seconds."""
        pace = seconds / (self._done - self._before)
        left = self._total - self._done
        line = (
            f"{self._what} {self._write(self._done)} of {self._write(self._total)}, "
            f"{format_duration(left * pace)} left"
        )
        if self._later:
            line += f", {format_duration((left + self._later) * pace)} in all"
        return line


def progress(
    items: Iterable[Item], what: str, total: int, done: int = 0, later: int = 0
) -> Iterator[Item]:
    """Yield the items that are left, and log the progress; see ``Progress``."""
    counted = Progress(what, total, done, later)
    for item in items:
        yield item
        counted.add()


def format_duration(seconds: float) -> str:
    """Return a time such as ``2 h 10 min``, ``12 min`` or ``40 s``."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _job(log_file: Path) -> str:
    """Return the name of a job: its log's path below the folder of all logs, without the suffix."""
    parts = log_file.with_suffix("").parts
    return "/".join(parts[1:] or parts)


def _waiting(holder: str) -> None:
    log.warning("this job runs already: %s; waiting for its end", holder)


def _without_locks() -> None:
    log.warning(
        "warning: the file system of the logs has no locks. If Snakemake was killed, end its jobs "
        "before you start it again."
    )


class _LogFile(logging.FileHandler):
    """Appends log lines to a file, and says once if the disk takes no more of them."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, mode="a")
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))

    def handleError(self, record: logging.LogRecord) -> None:
        log.removeHandler(self)
        log.error("%s: cannot write more log lines (%s)", self.baseFilename, sys.exc_info()[1])
        with suppress(OSError):
            self.close()


class _Terminal(logging.Handler):
    """Prints log lines."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # the terminal is gone, and the log file has the line
            print(self.format(record), file=sys.stderr, flush=True)
