"""A web server whose answers a test controls, including broken connections."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Page:
    """A file on the server: its bytes, and the headers that identify its version."""

    content: bytes
    version: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})


@dataclass
class Answer:
    """How the server answers a request; the defaults make a good answer.

    Attributes:
        status: Answer this status without a file.
        most: Break the connection after this many bytes.
        hold: Keep the connection open instead, until the test is over.
        ranges: Whether the server supports ranges.
        shift: Start this many bytes too late.
        spoil: Change a byte.
        html: Send a web page instead.
        length: Whether the server announces the size.
        chunked: Send the body in chunks; set ``length`` to False.
        short: Leave out this many bytes at the end, and announce the smaller size.
        change: Replace the file by this one before answering.
        headers: Additional headers.
    """

    status: int = 0
    most: int | None = None
    hold: bool = False
    ranges: bool = True
    shift: int = 0
    spoil: bool = False
    html: bool = False
    length: bool = True
    chunked: bool = False
    short: int = 0
    change: Page | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    """A server of ``pages``; ``answers`` are for the next GET requests, ``heads`` for HEAD."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, Page] = {}
        self.answers: list[Answer] = []
        self.heads: list[Answer] = []
        self.over = Event()
        self.asked: list[str] = []  # such as "GET /a.bin bytes=3-"

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def put(self, path: str, content: bytes, **version: str) -> str:
        """Add a file and return its address."""
        self.pages[path] = Page(content, version) if version else Page(content)
        return self.url(path)

    def handle_error(self, *args: Any) -> None:
        """Print nothing when a client goes away."""


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server while the block runs."""
    with Server() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self._answer(self.server.heads, with_body=False)

    def do_GET(self) -> None:
        self._answer(self.server.answers, with_body=True)

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self, answers: list[Answer], with_body: bool) -> None:
        asked = self.headers.get("Range", "")
        self.server.asked.append(f"{self.command} {self.path} {asked}".strip())
        answer = answers.pop(0) if answers else Answer()
        if answer.change is not None:
            self.server.pages[self.path] = answer.change
        page = self.server.pages.get(self.path)
        if answer.status or page is None:
            self._head(answer.status or 404, answer.headers)
            return
        if answer.html:
            self._head(200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": "4"})
            if with_body:
                self.wfile.write(b"oops")
            return
        content = page.content[: len(page.content) - answer.short]
        asked_range = re.fullmatch(r"bytes=(\d+)-", asked)
        same = self.headers.get("If-Range") in {None, *page.version.values()}
        status, begin, headers = 200, 0, {**page.version, **answer.headers}
        if asked_range and same and answer.ranges:
            status, begin = 206, int(asked_range[1]) + answer.shift
            if begin >= len(content):
                self._head(416, {"Content-Range": f"bytes */{len(content)}"})
                return
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        body = content[begin:]
        if answer.length:
            headers["Content-Length"] = str(len(body))
        if answer.spoil and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        self._head(status, headers)
        if with_body:
            self.wfile.write(body[: answer.most])
            if answer.hold:
                self.server.over.wait()

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
