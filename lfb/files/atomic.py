"""Write files that appear under their name only when complete."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from lfb.errors import UserError
from lfb.files.disk import explain_disk_error


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a scratch path, and rename it to ``path`` when the block ends without an error.

    The block writes a file or a folder there. If it raises, the scratch is removed and ``path``
    stays as it was.

    Raises:
        UserError: The disk is full, or the folder cannot be written to.
    """
    path = Path(path)
    scratch = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(scratch)
        yield scratch
        if scratch.is_dir():
            _remove(path)  # a folder cannot be renamed over a folder that is not empty
        else:
            _flush(scratch)
        scratch.replace(path)
    except BaseException as error:
        with suppress(OSError):  # what went wrong first is the error
            _remove(scratch)
        if isinstance(error, OSError):
            ours = error.filename in (None, str(scratch))
            if explained := explain_disk_error(error, path if ours else error.filename):
                raise UserError(explained) from error
        raise


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON."""
    with atomic(path) as scratch:
        scratch.write_text(json.dumps(value, indent=2) + "\n")


def open_file(path: str | Path) -> BinaryIO:
    """Open a file to read bytes.

    Raises:
        UserError: It cannot be opened.
    """
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; fix the path in the config.") from None


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
