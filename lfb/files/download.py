"""Download a file: complete and checked under its name, or not there at all.

The bytes received so far lie in the folder ``.NAME.partial`` beside the file. When the file is
complete and has passed every check, it moves to its name in one step. A run that was killed
resumes.
"""

import fcntl
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from requests import Response

from lfb.errors import UserError
from lfb.files.atomic import atomic, write_json
from lfb.files.digests import digest, digest_in_name
from lfb.files.web import FailedAttempt, content_length, open_url, retry

CHUNK = 1 << 16


def download(
    url: str,
    path: Path,
    *,
    size: int | None = None,
    sha256: str = "",
    members: Sequence[str] = (),
    on_progress: Callable[[int], Any] = lambda received: None,
) -> None:
    """Download a file; resume where an earlier run stopped if the file is still the same.

    Args:
        url: Address of the file.
        path: Where to save it. With ``members``, only these are saved, in the same folder.
        size: Its size in bytes, if known.
        sha256: Its digest in hex, or the beginning of it; by default the one in the file name.
        members: Files to extract from a zip, by their names without folders.
        on_progress: Called often, with the number of bytes received so far.

    Raises:
        UserError: The file is unavailable or not the expected one, or the disk is full. Existing
            files are never changed.
    """
    partial, expected = _PartialFile(path, url), sha256 or digest_in_name(path)
    try:
        with partial.locked():
            retry(
                lambda: _receive(partial, size, bool(expected), on_progress),
                received=lambda: partial.received,
            )
            _check_digest(partial, expected)
            if members:
                _extract_members(partial, members)
            else:
                _move_to_place(partial)
    except OSError as error:  # of the disk; network errors are UserErrors by now
        raise UserError(
            f"{error.filename or path}: {error.strerror or error}. The received part of {url} is "
            "kept. Fix this and run the same command again."
        ) from error


def received_bytes(url: str, path: Path) -> int:
    """Return how many bytes of a file earlier runs have received and kept."""
    return _PartialFile(path, url).received


class _WrongFile(UserError):
    """A file is complete but unusable; ``_PartialFile`` then deletes it."""


class _PartialFile:
    """The bytes of a file received so far, and the version of the file that they belong to."""

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url
        self.folder = path.with_name(f".{path.name}.partial")
        self.body = self.folder / "body"
        self._version = self.folder / "source.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock out other runs. At the end, remove the folder unless it has bytes to keep."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with (self.folder / "lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise UserError(f"{self.path}: another run is fetching it.") from None
                except OSError:
                    pass  # this file system has no locks
                try:
                    yield
                except _WrongFile:
                    self.clear()
                    raise
                finally:
                    if not self.received:
                        self.clear()
                        Path(lock.name).unlink(missing_ok=True)
        finally:
            with suppress(OSError):  # the folder is not empty
                self.folder.rmdir()

    @property
    def version(self) -> dict[str, Any]:
        """``url``, ``bytes`` and ``validator`` (ETag or date) of the received bytes, or {}."""
        try:
            version = json.loads(self._version.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return version if version["url"] == self.url and version["validator"] else {}

    @property
    def received(self) -> int:
        """Number of received bytes that this run can keep."""
        return self.body.stat().st_size if self.version and self.body.exists() else 0

    def begin(self, size: int | None, validator: str) -> None:
        """Start from the first byte of a version."""
        self.body.write_bytes(b"")  # first, so that no byte of another version counts
        write_json(self._version, {"url": self.url, "bytes": size, "validator": validator})

    def clear(self) -> None:
        """Delete what was received."""
        self.body.unlink(missing_ok=True)
        self._version.unlink(missing_ok=True)


def _receive(
    partial: _PartialFile, size: int | None, has_digest: bool, on_progress: Callable[[int], Any]
) -> None:
    """Receive the missing bytes in one attempt; the file is complete when this returns."""
    url, version = partial.url, partial.version
    # Ask for the last byte again: a complete file has no other range left.
    start = max(0, partial.received - 1)
    headers = {"Range": f"bytes={start}-", "If-Range": version["validator"]} if start else {}
    with open_url(url, accepted={200, 206, 416}, **headers) as response:
        if response.status_code == 200:
            start, total = 0, content_length(response)
        elif start and _resumes(response, start, version):
            total = version["bytes"]
        else:
            partial.clear()
            raise FailedAttempt(f"{url}: the server does not resume where it stopped")
        if None not in (size, total) and size != total:
            raise FailedAttempt(f"{url}: the server sends {total} bytes instead of {size}")
        complete = size if total is None else total
        if complete is None and not has_digest:
            raise UserError(
                f"{url}: the server does not say how large the file is. Set `bytes` or `sha256` in "
                "the config, so that an incomplete file is noticed."
            )
        if start == 0:
            partial.begin(total, _validator(response))
        with partial.body.open("r+b") as file:
            reached = file.seek(start)
            # read1 returns what is there, so that a killed run loses nothing.
            while reached != complete and (chunk := response.raw.read1(CHUNK)):
                file.write(chunk)
                file.flush()
                reached += len(chunk)
                on_progress(reached)
            os.fsync(file.fileno())
    if complete is not None and reached != complete:
        if reached > complete:
            partial.clear()
        raise FailedAttempt(f"{url}: the server sent {reached} bytes instead of {complete}")


def _check_digest(partial: _PartialFile, expected: str) -> None:
    if expected and not (found := digest(partial.body)).startswith(expected):
        raise _WrongFile(
            f"{partial.url}: the SHA-256 of the file should begin with {expected} but begins with "
            f"{found[: len(expected)]}: it was damaged on the way, or is another file. Nothing was "
            "kept."
        )


def _move_to_place(partial: _PartialFile) -> None:
    if partial.path.exists():
        raise _WrongFile(f"{partial.path}: appeared in the meantime; it is left unchanged.")
    partial.body.replace(partial.path)


def _extract_members(partial: _PartialFile, names: Sequence[str]) -> None:
    different = []
    try:
        with zipfile.ZipFile(partial.body) as archive:
            members = {PurePosixPath(info.filename).name: info for info in archive.infolist()}
            if missing := [name for name in names if name not in members]:
                raise _WrongFile(f"{partial.url}: the zip does not contain {', '.join(missing)}")
            if damaged := archive.testzip():
                raise _WrongFile(f"{partial.url}: {damaged} is damaged in the zip")
            for name in names:
                content, path = archive.read(members[name]), partial.path.with_name(name)
                if not path.exists():
                    with atomic(path) as scratch:
                        scratch.write_bytes(content)
                elif path.read_bytes() != content:
                    different.append(str(path))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _WrongFile(f"{partial.url}: not a complete zip ({error})") from error
    if different:
        raise _WrongFile(
            f"{', '.join(different)}: not as in {partial.url}. Left unchanged. To replace a file, "
            "move it away and run the same command again."
        )
    partial.clear()


def _resumes(response: Response, start: int, version: Mapping[str, Any]) -> bool:
    """Return whether a response goes on at byte ``start`` of the same version of the file."""
    size = "*" if version["bytes"] is None else version["bytes"]
    sent = response.headers.get("Content-Range", "")
    return (
        response.status_code == 206
        and re.fullmatch(rf"bytes {start}-\d+/{re.escape(str(size))}", sent) is not None
        and _validator(response) in ("", version["validator"])
    )


def _validator(response: Response) -> str:
    """Return what identifies this version of the file, "" if the server does not say."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
