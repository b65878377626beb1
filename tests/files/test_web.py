"""Tests of lfb.files.web; tests of lfb.files.download hold the rest."""

from collections.abc import Iterator

import pytest

import lfb.files.web
from lfb.errors import UserError
from lfb.files.web import remote_size, remote_text
from tests.web import Answer, Server, serving

CONTENT = bytes(range(256))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lfb.files.web, "sleep", lambda seconds: None)


def test_a_size_is_asked_for_without_the_file(server):
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
