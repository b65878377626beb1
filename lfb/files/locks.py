"""Locks on names of files, which end with the process that holds them, even if it is killed."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


@contextmanager
def alone(
    path: str | Path,
    waiting: Callable[[str], object] = lambda holder: None,
    without: Callable[[], object] = lambda: None,
) -> Iterator[None]:
    """Run the block while no other process runs one for the same ``path``; wait for the other.

    The lock is the file ``.{name}.lock`` beside ``path``, which exists while it is held. It stays
    with the process if that replaces itself by another program (``os.execv``). Child processes do
    not get it.

    Args:
        path: Need not exist.
        waiting: Called once with the holder, such as ``process 123 on node7``, before waiting.
        without: Called if the file system has no locks. The block then runs without one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _take(path.with_name(f".{path.name}.lock"), waiting, without)
    os.set_inheritable(file.fileno(), True)  # subprocess and multiprocessing close it nevertheless
    try:
        yield
    finally:
        Path(file.name).unlink(missing_ok=True)
        file.close()


class RunLock:
    """Which runs that use a folder are alive: several may be, and a killed one is not.

    Starts take turns, from ``begin`` to ``started``.

    Args:
        folder: Folder of the two lock files; need not exist.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._alive = (self._folder / "runs.lock").open("a")

    def begin(self, waiting: Callable[[str], object]) -> bool | None:
        """Begin a start when no other one is under way; return whether another run is alive.

        None means unknown: the file system has no locks.
        """
        self._starting = _take(self._folder / "start.lock", waiting, lambda: None)
        try:
            fcntl.flock(self._alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        fcntl.flock(self._alive, fcntl.LOCK_UN)
        return False

    def started(self) -> None:
        """End the start: this run is alive until its process ends."""
        with suppress(OSError):
            fcntl.flock(self._alive, fcntl.LOCK_SH)
        self._starting.close()


def _take(path: Path, waiting: Callable[[str], object], without: Callable[[], object]) -> IO[str]:
    """Return the open lock file, which names this process."""
    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            waiting(file.read().strip() or "another process")
            waiting = _silently
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                file.close()
                raise
            without()
            return file
        if _is_at(file, path):
            break
        file.close()  # the process before this one has removed the file
    file.truncate(0)
    print(f"process {os.getpid()} on {os.uname().nodename}", file=file, flush=True)
    return file


def _silently(holder: str) -> None:
    pass


def _is_at(file: IO[str], path: Path) -> bool:
    """Return whether ``path`` is still the name of an open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
