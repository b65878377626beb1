"""A file from the web: whole and right under its name, or not at all.

What has come of it lies in the folder ``.NAME.partial`` beside its place, until it is whole and has
passed every check; then it takes its place in one step. A run that was killed goes on there.
"""

import fcntl
import json
import os
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from lfb.errors import UserError
from lfb.files.digests import digest, named_digest
from lfb.files.whole import atomic, write_json

TIMEOUT = 60.0  # seconds without a byte after which a connection counts as dropped
TRIES = 6  # without a new byte in between
LONGEST_WAIT = 600.0  # seconds before another try, whatever the server asks for
PASSING = {408, 425, 429, 500, 502, 503, 504}  # statuses that may be others a little later
OUT_OF_RANGE = 416
GONE = {404, 410}
CHUNK = 1 << 16

Wait = Callable[[float], None]
Value = TypeVar("Value")


def download(
    url: str,
    path: Path,
    *,
    size: int | None = None,
    sha256: str = "",
    members: Sequence[str] = (),
    wait: Wait = time.sleep,
    arrived: Callable[[int], Any] = lambda count: None,
) -> None:
    """Brings a file, going on where an earlier run was if the file is still the same.

    Args:
        url: Where it is.
        path: Where it goes, or would go: of a zip only ``members`` are kept, beside it.
        size: Bytes that it has, if known.
        sha256: Its digest in hex, or how that begins; without one, what the name tells.
        members: Files to take out of a zip, by their names without folders.
        wait: Called with the seconds to wait before another try.
        arrived: Called again and again with the number of bytes that have come.

    Raises:
        UserError: It cannot be had, is another file than it should be, or the disk is full. What is
            there already under a name to be written is never changed.
    """
    partial, wanted = _Partial(path, url), sha256 or named_digest(path)
    try:
        with partial.locked():
            try:
                _persistently(
                    lambda: _transfer(partial, size, bool(wanted), arrived), wait, partial
                )
                _check(partial, wanted)
                _take_members(partial, members) if members else _place(partial)
            except _Wrong:
                partial.clear()
                raise
    except OSError as error:  # those of the network are UserErrors by now
        raise UserError(
            f"{error.filename or path}: {error.strerror}. What has come of {url} is kept; mend "
            "that and run the same command again."
        ) from error


def come(url: str, path: Path) -> int:
    """Bytes of a file that an earlier run has brought, and that the next one need not."""
    return _Partial(path, url).come


def remote_size(url: str, wait: Wait = time.sleep) -> int | None:
    """Bytes that a file has, None where the server does not tell.

    Raises:
        UserError: There is no such file, or no server.
    """

    def ask() -> int | None:
        with _answer(url, "HEAD") as response:
            return _length(response)

    try:
        return _persistently(ask, wait, tries=3)
    except _Refused as error:
        if error.status in GONE:
            raise
        return None  # HEAD alone may be forbidden


def remote_text(url: str, wait: Wait = time.sleep) -> str:
    """A small text file.

    Raises:
        UserError: It cannot be had.
    """

    def read() -> str:
        with _answer(url) as response:
            try:
                return response.read().decode("utf-8-sig")
            except (OSError, HTTPException, UnicodeDecodeError) as error:
                raise _Again(f"{url}: {error!r}") from error

    return _persistently(read, wait)


class _Wrong(UserError):
    """Whole, but not what it should be."""


class Unavailable(UserError):
    """Something that cannot be had from where it is."""


class _Refused(Unavailable):
    """An answer that will not be another a little later."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _Again(Exception):
    """Something that may pass: a dropped connection, a busy server."""

    def __init__(self, reason: str, after: float = 0.0, status: int = 0) -> None:
        super().__init__(reason)
        self.after = after  # seconds that the server asks to wait
        self.status = status


class _Partial:
    """What has come of a file, and of which version of it."""

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url
        self.folder = path.with_name(f".{path.name}.partial")
        self.body = self.folder / "body"
        self._source = self.folder / "source.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other runs away; afterwards nothing is left unless something has come."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with (self.folder / "lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise UserError(f"{self.path}: another run is fetching it.") from None
                except OSError:
                    pass  # a file system without locks
                try:
                    yield
                finally:
                    if not self.come:
                        self.clear()
                        Path(lock.name).unlink(missing_ok=True)
        finally:
            with suppress(OSError):  # there is something in it
                self.folder.rmdir()

    @property
    def source(self) -> dict[str, Any]:
        """``url``, ``bytes`` and ``validator`` (ETag or date) of what has come."""
        try:
            source = json.loads(self._source.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return source if source["url"] == self.url and source["validator"] else {}

    @property
    def come(self) -> int:
        """Bytes that need not be fetched again."""
        return self.body.stat().st_size if self.source and self.body.exists() else 0

    def begin(self, size: int | None, validator: str) -> None:
        """Starts anew, with no bytes."""
        self.body.write_bytes(b"")  # first, so that no byte of another version counts as this one's
        write_json(self._source, {"url": self.url, "bytes": size, "validator": validator})

    def clear(self) -> None:
        """Forgets what has come."""
        self.body.unlink(missing_ok=True)
        self._source.unlink(missing_ok=True)


def _persistently(
    attempt: Callable[[], Value], wait: Wait, partial: _Partial | None = None, tries: int = TRIES
) -> Value:
    """Tries until it works, longer and longer waits between, unless that brings nothing new."""
    failures = most = 0
    while True:
        try:
            return attempt()
        except _Again as error:
            come = partial.come if partial else 0
            failures = failures + 1 if come <= most else 1
            most = max(most, come)
            if failures == tries:
                raise Unavailable(
                    f"{error} ({tries} times). Check the network, or run the same command later."
                ) from error
            wait(min(LONGEST_WAIT, max(error.after, 2.0 ** (failures - 1))))


def _transfer(
    partial: _Partial, size: int | None, has_digest: bool, arrived: Callable[[int], Any]
) -> None:
    """One try to bring what is missing of a file; it is whole if that returns."""
    url, source = partial.url, partial.source
    # The last byte once more: of a file that has come whole there is no other range to ask for.
    begin = max(0, partial.come - 1)
    headers = {"Range": f"bytes={begin}-", "If-Range": source["validator"]} if begin else {}
    try:
        with _answer(url, **headers) as response:
            start, total = _extent(response)
            if None not in (size, total) and size != total:
                raise _Again(f"{url}: sends {total} bytes, and {size} are expected")
            if start == 0:
                partial.begin(total, _validator(response))
            elif (
                start != begin
                or total != source["bytes"]
                or _validator(response) not in ("", source["validator"])
            ):
                partial.clear()
                raise _Again(f"{url}: does not go on where it stopped")
            whole = size if total is None else total
            if whole is None and not has_digest:
                raise UserError(
                    f"{url}: the server does not tell its size; set `bytes` or `sha256` in the "
                    "config, so that a whole file is known from a part."
                )
            with partial.body.open("r+b") as file:
                file.seek(start)
                for chunk in _chunks(response):
                    file.write(chunk)
                    file.flush()  # a kill loses nothing
                    arrived(file.tell())
                    if whole is not None and file.tell() >= whole:
                        break
                os.fsync(file.fileno())
                reached = file.tell()
    except _Again as error:
        if error.status == OUT_OF_RANGE:
            partial.clear()
        raise
    if whole is not None and reached > whole:
        partial.clear()
        raise _Again(f"{url}: sends more than the {whole} bytes it promised")
    if whole is not None and reached < whole:
        raise _Again(f"{url}: the connection ended after {reached} of {whole} bytes")


def _check(partial: _Partial, wanted: str) -> None:
    if wanted and not (found := digest(partial.body)).startswith(wanted):
        raise _Wrong(
            f"{partial.url}: the SHA-256 of what came should begin with {wanted}, and begins with "
            f"{found[: len(wanted)]}: damaged on the way, or another file. Nothing of it was kept."
        )


def _place(partial: _Partial) -> None:
    if partial.path.exists():
        raise _Wrong(f"{partial.path}: has appeared in the meantime, and was left as it is.")
    partial.body.replace(partial.path)
    partial.clear()


def _take_members(partial: _Partial, names: Sequence[str]) -> None:
    try:
        with zipfile.ZipFile(partial.body) as archive:
            members = {PurePosixPath(info.filename).name: info for info in archive.infolist()}
            if lacking := [name for name in names if name not in members]:
                raise _Wrong(f"{partial.url}: has no {', '.join(lacking)} in it")
            if bad := archive.testzip():
                raise _Wrong(f"{partial.url}: {bad} is damaged in it")
            other = []
            for name in names:
                content, place = archive.read(members[name]), partial.path.with_name(name)
                if not place.exists():
                    with atomic(place) as scratch:
                        scratch.write_bytes(content)
                elif place.read_bytes() != content:
                    other.append(str(place))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _Wrong(f"{partial.url}: what came is no whole zip ({error})") from error
    if other:
        raise _Wrong(
            f"{', '.join(other)}: not as in {partial.url}. Left as found; move away what should be "
            "fetched, and run the same command again."
        )
    partial.clear()


@contextmanager
def _answer(url: str, method: str = "GET", **headers: str) -> Iterator[HTTPResponse]:
    """What the server says, if it is the file or a part of it."""
    own = {"User-Agent": "lfb-workflow", "Accept-Encoding": "identity"}
    request = Request(url, headers={**own, **headers}, method=method)
    try:
        response = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        with error:
            told = f"{url}: the server answers {error.code} {error.reason}"
            if error.code in {*PASSING, OUT_OF_RANGE}:
                raise _Again(told, _pause(error.headers.get("Retry-After")), error.code) from error
            raise _Refused(told, error.code) from error
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else repr(error)
        raise _Again(f"{url}: the server cannot be reached: {reason}") from error
    with response:
        if response.headers.get_content_type() == "text/html":
            raise _Again(f"{url}: the server answers with a web page")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise _Again(f"{url}: the server sends it encoded")
        yield response


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read1(CHUNK):
            yield chunk
    except (OSError, HTTPException) as error:
        raise _Again(f"{response.url}: {error!r}") from error


def _extent(response: HTTPResponse) -> tuple[int, int | None]:
    """Where in the file an answer begins, and the size of the whole file."""
    if response.status == 200:
        return 0, _length(response)
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if response.status != 206 or told is None:
        raise _Again(f"{response.url}: the server answers {response.status} {response.reason}")
    return int(told[1]), None if told[2] == "*" else int(told[2])


def _length(response: HTTPResponse) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _validator(response: HTTPResponse) -> str:
    """What tells this version of the file from others, empty if the server does not say."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _pause(told: str | None) -> float:
    """Seconds of a Retry-After, which may also be a date."""
    if told is None:
        return 0.0
    if told.strip().isdecimal():
        return float(told)
    try:
        return (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
