"""Requests to web servers, repeated while another attempt may succeed."""

import os
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from time import sleep
from typing import TypeVar

import requests
from urllib3 import Retry
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import InvalidHeader

from lfb.errors import UserError

TIMEOUT = 60.0  # seconds without a byte after which a connection counts as dropped
ATTEMPTS = 6  # in a row without a new byte
LONGEST_WAIT = 600.0  # seconds before another attempt, even if the server asks for more
TEMPORARY = {408, 416, 425, 429, 500, 502, 503, 504}  # error statuses worth another attempt

Value = TypeVar("Value")


class Unavailable(UserError):
    """The server does not deliver a file.

    Attributes:
        status: The HTTP status that refuses it, None if every attempt failed otherwise.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class FailedAttempt(Exception):
    """Another attempt may succeed, after ``pause`` seconds at the earliest."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


def remote_size(url: str) -> int | None:
    """Return the size of a file in bytes, None if the server does not say.

    Raises:
        UserError: The file does not exist, or the server is unreachable.
    """

    def ask() -> int | None:
        with open_url(url, "HEAD") as response:
            return content_length(response)

    try:
        return retry(ask, attempts=3)
    except Unavailable as error:
        if error.status in (None, 404, 410):
            raise
        return None  # the server may refuse HEAD alone


def remote_text(url: str) -> str:
    """Return the content of a small text file.

    Raises:
        UserError: The file is unavailable.
    """

    def read() -> str:
        with open_url(url) as response:
            return response.content.decode("utf-8-sig", "replace")

    return retry(read)


def retry(
    attempt: Callable[[], Value],
    attempts: int = ATTEMPTS,
    received: Callable[[], int] = lambda: 0,
) -> Value:
    """Call ``attempt`` until it succeeds, with longer and longer waits in between.

    Args:
        attempt: What may raise ``FailedAttempt``.
        attempts: Failures in a row after which to give up.
        received: Returns the bytes kept so far; new ones start the count of failures again.

    Raises:
        Unavailable: Every attempt failed.
    """
    failures = most = 0
    while True:
        try:
            return attempt()
        except FailedAttempt as error:
            failures = failures + 1 if received() <= most else 1
            most = max(most, received())
            if failures == attempts:
                raise Unavailable(
                    f"{error} ({attempts} times). Check the network, or run the same command later."
                ) from error
            sleep(min(LONGEST_WAIT, max(error.pause, 2.0 ** (failures - 1))))


@contextmanager
def open_url(
    url: str, method: str = "GET", accepted: Container[int] = (200,), **headers: str
) -> Iterator[requests.Response]:
    """Yield a server's answer, with its body still to be read.

    Raises:
        Unavailable: The server refuses.
        FailedAttempt: The connection fails, also while the body is read, or the answer is not
            the file.
    """
    headers = {"User-Agent": "lfb-workflow", "Accept-Encoding": "identity", **headers}
    # OpenSSL's own variable; requests reads REQUESTS_CA_BUNDLE alone.
    certificates = os.environ.get("SSL_CERT_FILE") or True
    try:
        with requests.request(
            method, url, headers=headers, timeout=TIMEOUT, stream=True, verify=certificates
        ) as response:
            if response.status_code not in accepted:
                answer = f"{url}: the server answers {response.status_code} {response.reason}"
                if response.status_code >= 400 and response.status_code not in TEMPORARY:
                    raise Unavailable(answer, response.status_code)
                raise FailedAttempt(answer, _retry_after(response))
            if response.headers.get("Content-Type", "").lower().startswith("text/html"):
                raise FailedAttempt(f"{url}: the server answers with a web page")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise FailedAttempt(f"{url}: the server sends the file encoded")
            yield response
    except (requests.RequestException, Urllib3Error) as error:
        cause = getattr(error.args[0], "reason", error) if error.args else error
        raise FailedAttempt(f"{url}: the connection failed: {cause}") from error


def content_length(response: requests.Response) -> int | None:
    """Return how many bytes a response announces, None if it does not say."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _retry_after(response: requests.Response) -> float:
    """Return how many seconds the server asks to wait, 0 if it does not say."""
    try:
        return Retry().get_retry_after(response.raw) or 0.0
    except (InvalidHeader, ValueError):
        return 0.0
