"""A web server that does what a test tells it, down to breaking off in the middle of a file."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Page:
    """A file on the server: its bytes, and headers that tell its version."""

    content: bytes
    version: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})


@dataclass
class Answer:
    """How the server answers a request; the defaults are how a good one does.

    Attributes:
        status: Another one than 200 or 206 comes without a file.
        most: Bytes after which the connection breaks off.
        hold: Whether it stays open then until the test is over.
        ranges: Whether the server knows ranges.
        shift: By how much the answer begins too late.
        spoil: Whether a byte is another.
        html: Whether a web page comes instead.
        length: Whether the size is told.
        short: Bytes that it leaves out at the end, and lies about.
        change: The file changes just before, to this.
        headers: More of them.
    """

    status: int = 0
    most: int | None = None
    hold: bool = False
    ranges: bool = True
    shift: int = 0
    spoil: bool = False
    html: bool = False
    length: bool = True
    short: int = 0
    change: Page | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    """Serves ``pages`` by path; ``answers`` are for the next requests with GET, ``heads`` HEAD."""

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
        """Adds a file; its address."""
        self.pages[path] = Page(content, version) if version else Page(content)
        return self.url(path)

    def handle_error(self, *args: Any) -> None:
        """A client that goes away is nothing to tell."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server at work."""
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
        wanted = re.fullmatch(r"bytes=(\d+)-", asked)
        same = self.headers.get("If-Range") in {None, *page.version.values()}
        status, begin, headers = 200, 0, {**page.version, **answer.headers}
        if wanted and same and answer.ranges:
            status, begin = 206, int(wanted[1]) + answer.shift
            if begin >= len(content):
                self._head(416, {"Content-Range": f"bytes */{len(content)}"})
                return
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        body = content[begin:]
        if answer.length:
            headers["Content-Length"] = str(len(body))
        if answer.spoil and body:
            body = bytes([body[0] ^ 1]) + body[1:]
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
