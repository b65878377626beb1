"""Tests of lfb.files.web; the tests of lfb.files.download cover the rest."""

from collections.abc import Iterator

import pytest

import lfb.files.web
from lfb.errors import UserError
from lfb.files.web import Unavailable, remote_size, remote_text
from tests.web import Answer, Server, serving

CONTENT = bytes(range(256))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the waits before further attempts; return the list of their seconds."""
    seconds: list[float] = []
    monkeypatch.setattr(lfb.files.web, "sleep", seconds.append)
    return seconds


def test_a_size_is_read_without_the_file(server):
    url = server.put("/a.bin", CONTENT)
    assert remote_size(url) == len(CONTENT)
    server.heads += [Answer(status=405), Answer(length=False), Answer(status=503), Answer()]
    assert remote_size(url) is None
    assert remote_size(url) is None
    assert remote_size(url) == len(CONTENT)
    with pytest.raises(UserError, match=r"b\.bin: the server answers 404"):
        remote_size(server.url("/b.bin"))
    assert all(asked.startswith("HEAD") for asked in server.asked)


def test_a_text_is_read_whole(server):
    url = server.put("/list.txt", b"\xef\xbb\xbfa.mp4\nb.mp4\n")
    server.answers += [Answer(most=3), Answer(html=True)]
    assert remote_text(url) == "a.mp4\nb.mp4\n"


def test_the_certificates_of_the_environment_are_used(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mine.pem"))
    with pytest.raises(OSError, match=r"mine\.pem"):
        remote_size("https://127.0.0.1:1/a.bin")


@pytest.mark.parametrize("status", [408, 416, 425, 429, 500, 502, 503, 504, 204, 304])
def test_a_temporary_status_is_tried_again(server, waits, status):
    server.answers.append(Answer(status=status))
    assert remote_text(server.put("/a.txt", b"a")) == "a"
    assert waits == [1]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 451, 501])
def test_a_permanent_status_is_an_error_at_once(server, waits, status):
    server.answers.append(Answer(status=status))
    with pytest.raises(Unavailable, match=f"the server answers {status}") as caught:
        remote_text(server.put("/a.txt", b"a"))
    assert (caught.value.status, waits) == (status, [])


def test_an_endless_redirect_is_an_error(server, waits):
    redirect = Answer(status=302, headers={"Location": server.url("/a.txt")})
    server.answers += [redirect] * 1000
    with pytest.raises(Unavailable, match=r"a\.txt: the connection failed: Exceeded 30 redirects"):
        remote_text(server.url("/a.txt"))
    assert len(waits) == 5


def test_an_invalid_address_is_an_error(waits):
    with pytest.raises(Unavailable, match="nowhere: the connection failed: Invalid URL"):
        remote_text("nowhere")
