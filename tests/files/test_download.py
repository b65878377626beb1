"""Tests of lfb.files.download, with a server that fails in many ways."""

import hashlib
import io
import resource
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lfb.files.web
from lfb.errors import UserError
from lfb.files.download import download, received_bytes
from lfb.files.web import remote_size
from tests.web import Answer, Page, Server, serving

CONTENT = bytes(range(256)) * 4
OTHER = CONTENT[::-1]
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAMED = f"weights_20200704-{SHA256[:8]}.pth"


@pytest.fixture(scope="module")
def everywhere() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(everywhere: Server) -> Server:
    everywhere.pages.clear()
    everywhere.answers.clear()
    everywhere.heads.clear()
    everywhere.asked.clear()
    return everywhere


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the waits before further attempts; return the list of their seconds."""
    seconds: list[float] = []
    monkeypatch.setattr(lfb.files.web, "sleep", seconds.append)
    return seconds


def left(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


def refused(*texts: str):
    return pytest.raises(UserError, match="(?s)" + ".*".join(texts))


def test_a_file_is_downloaded(server, tmp_path):
    url = server.put("/a.bin", CONTENT)
    download(url, tmp_path / "in/folders/a.bin")
    assert (tmp_path / "in/folders/a.bin").read_bytes() == CONTENT
    assert left(tmp_path / "in/folders") == ["a.bin"]


def test_an_empty_file_is_downloaded(server, tmp_path):
    download(server.put("/a.bin", b""), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b""


def test_a_dropped_connection_is_resumed(server, tmp_path, waits):
    counts = []
    server.answers += [Answer(most=100), Answer(most=0), Answer(status=503), Answer(most=50)]
    url = server.put("/a.bin", CONTENT)
    download(url, tmp_path / "a.bin", on_progress=counts.append)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.asked == [
        "GET /a.bin",
        *["GET /a.bin bytes=99-"] * 3,
        "GET /a.bin bytes=148-",
    ]
    assert waits == [1, 2, 4, 1]
    assert counts == [100, 149, 1024]


def test_an_answer_in_chunks_is_downloaded_and_resumed(server, tmp_path):
    server.answers += [Answer(chunked=True, length=False, most=100)]
    server.answers += [Answer(chunked=True, length=False)] * 2
    url = server.put("/a.bin", CONTENT)
    download(url, tmp_path / "a.bin", sha256=SHA256)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.asked[1].startswith("GET /a.bin bytes=")


def test_after_six_failures_the_received_part_is_kept(server, tmp_path, waits):
    url = server.put("/a.bin", CONTENT)
    server.answers += [Answer(most=100), *[Answer(status=500)] * 5]
    with refused("a.bin: the server answers 500", "6 times"):
        download(url, tmp_path / "a.bin")
    assert waits == [1, 2, 4, 8, 16]
    assert left(tmp_path) == [".a.bin.partial"]
    assert received_bytes(url, tmp_path / "a.bin") == 100
    download(url, tmp_path / "a.bin")
    assert server.asked[-1] == "GET /a.bin bytes=99-"
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_an_unreachable_server_is_an_error(tmp_path, waits):
    with serving() as server:
        url = server.put("/a.bin", CONTENT)
    with refused("a.bin: .*Connection refused"):
        download(url, tmp_path / "a.bin")
    with refused("a.bin: .*Connection refused"):
        remote_size(url)
    assert left(tmp_path) == []


def test_a_file_that_changed_starts_again(server, tmp_path, waits):
    url = server.put("/a.bin", CONTENT)
    server.answers += [Answer(most=100), Answer(change=Page(OTHER, {"ETag": '"2"'}))]
    download(url, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == OTHER


@pytest.mark.parametrize(
    "second",
    [
        Answer(ranges=False),
        Answer(shift=3),
        Answer(shift=len(CONTENT)),  # 416
        Answer(headers={"ETag": '"2"'}),  # 206 of another version
        Answer(headers={"Content-Range": "bytes ?"}),
        Answer(status=206),
        Answer(status=204),
        Answer(change=Page(CONTENT[:-100], {"ETag": '"1"'})),
    ],
)
def test_a_wrong_answer_to_a_resumed_download_does_no_harm(server, tmp_path, waits, second):
    url = server.put("/a.bin", CONTENT)
    server.answers += [Answer(most=100), second]
    download(url, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == server.pages["/a.bin"].content


def test_a_download_resumes_by_etag_or_date_and_starts_again_without_either(
    server, tmp_path, waits
):
    date = formatdate(1, usegmt=True)
    for version, again in (
        ({"Last-Modified": date}, " bytes=99-"),
        ({"ETag": 'W/"1"', "Last-Modified": date}, " bytes=99-"),
        ({"ETag": 'W/"1"'}, ""),
        ({"Server": "unknown"}, ""),
    ):
        url = server.put("/a.bin", CONTENT, **version)
        server.answers.append(Answer(most=100))
        download(url, tmp_path / "a.bin")
        assert server.asked[-1] == f"GET /a.bin{again}"
        (tmp_path / "a.bin").unlink()
    assert left(tmp_path) == []


def test_a_part_from_another_address_is_not_resumed(server, tmp_path, waits):
    first, second = server.put("/a.bin", CONTENT), server.put("/b.bin", OTHER)
    server.answers += [Answer(most=100), *[Answer(status=503)] * 5]
    with refused("503"):
        download(first, tmp_path / "a.bin")
    assert received_bytes(second, tmp_path / "a.bin") == 0
    download(second, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == OTHER


def test_a_refused_file_is_not_requested_again(server, tmp_path, waits):
    for status in 404, 403, 410:
        server.answers.append(Answer(status=status))
        with refused(f"a.bin: the server answers {status}"):
            download(server.url("/a.bin"), tmp_path / "a.bin")
    assert waits == []
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("100000", 600, 600),
        (formatdate(time.time() + 10_000, usegmt=True), 600, 600),
        (formatdate(1, usegmt=True), 1, 1),
        ("soon", 1, 1),
    ],
)
def test_retry_after_is_respected_within_limits(server, tmp_path, waits, header, low, high):
    server.answers.append(Answer(status=429, headers={"Retry-After": header}))
    download(server.put("/a.bin", CONTENT), tmp_path / "a.bin")
    assert low <= waits[0] <= high


def test_a_silent_server_times_out(tmp_path, waits, monkeypatch):
    import socket

    monkeypatch.setattr(lfb.files.web, "TIMEOUT", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.bin"
        with refused("a.bin: .*timed out"):
            download(url, tmp_path / "a.bin")
    assert len(waits) == 5


def test_a_file_with_another_digest_is_deleted(server, tmp_path, waits):
    for name, sha256 in ("a.bin", SHA256), (NAMED, ""):
        url = server.put("/a.bin", CONTENT)
        server.answers.append(Answer(spoil=True))
        with refused("SHA-256 .* should begin with " + SHA256[:8]):
            download(url, tmp_path / name, sha256=sha256)
        assert left(tmp_path) == []
        download(url, tmp_path / name, sha256=sha256)
        (tmp_path / name).unlink()
    assert waits == []


def test_an_answer_that_is_not_the_file_is_requested_again(server, tmp_path, waits):
    url = server.put("/a.bin", CONTENT)
    server.answers += [
        Answer(html=True),
        Answer(headers={"Content-Encoding": "gzip"}),
        Answer(short=5),
        Answer(change=Page(CONTENT + b"!", {"ETag": '"2"'})),
        Answer(change=Page(CONTENT)),
    ]
    download(url, tmp_path / "a.bin", size=len(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert len(waits) == 4


def test_a_file_of_unknown_size_needs_a_size_or_a_digest(server, tmp_path, waits):
    url = server.put("/a.bin", CONTENT)
    server.answers.append(Answer(length=False))
    with refused("does not say how large the file is. Set `bytes` or `sha256`"):
        download(url, tmp_path / "a.bin")
    assert left(tmp_path) == []
    server.answers += [Answer(length=False, most=100), Answer(length=False)]
    download(url, tmp_path / "a.bin", size=len(CONTENT))
    server.answers.append(Answer(length=False))
    download(url, tmp_path / "b.bin", sha256=SHA256)
    server.answers += [Answer(length=False)] * 6
    with refused("the server sent 1024 bytes instead of 1000"):
        download(url, tmp_path / "c.bin", size=1000, sha256=SHA256)
    assert left(tmp_path) == ["a.bin", "b.bin"]


def test_an_existing_file_is_never_changed(server, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"mine")
    with refused("a.bin: .*left unchanged"):
        download(server.put("/a.bin", CONTENT), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"mine"
    assert left(tmp_path) == ["a.bin"]


def test_a_second_run_is_refused(server, tmp_path):
    url = server.put("/a.bin", CONTENT)

    def meanwhile(received: int) -> None:
        with refused("a.bin: another run is fetching it"):
            download(url, tmp_path / "a.bin")

    download(url, tmp_path / "a.bin", on_progress=meanwhile)
    assert left(tmp_path) == ["a.bin"]
    assert server.asked == ["GET /a.bin"]


def test_an_interrupted_run_keeps_the_received_part(server, tmp_path, monkeypatch):
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lfb.files.web, "sleep", interrupt)
    url = server.put("/a.bin", CONTENT)
    server.answers.append(Answer(most=100))
    with pytest.raises(KeyboardInterrupt):
        download(url, tmp_path / "a.bin")
    assert left(tmp_path) == [".a.bin.partial"]
    download(url, tmp_path / "a.bin")
    assert server.asked[-1] == "GET /a.bin bytes=99-"
    assert left(tmp_path) == ["a.bin"]


def test_a_full_disk_keeps_the_received_part(server, tmp_path):
    url = server.put("/a.bin", CONTENT * 1000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with refused("File too large.*kept"):
            download(url, tmp_path / "a.bin")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert received_bytes(url, tmp_path / "a.bin") == 500_000
    download(url, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT * 1000


def test_members_of_a_zip_are_saved_without_it(server, tmp_path):
    url = server.put("/all.zip", zipped())
    download(url, tmp_path / "all.zip", members=["a.csv", "b.csv"])
    assert left(tmp_path) == ["a.csv", "b.csv"]
    assert (tmp_path / "b.csv").read_text() == "b"
    (tmp_path / "b.csv").unlink()
    download(url, tmp_path / "all.zip", members=["a.csv", "b.csv"])
    assert left(tmp_path) == ["a.csv", "b.csv"]


def test_a_broken_or_incomplete_zip_is_an_error(server, tmp_path):
    whole = zipped()
    for content, members, text in (
        (CONTENT, ["a.csv"], "not a complete zip"),
        (whole[:-30], ["a.csv"], "not a complete zip"),
        (whole.replace(b"aaaa", b"aaab"), ["b.csv"], "f/a.csv is damaged"),
        (whole, ["a.csv", "c.csv"], "does not contain c.csv"),
    ):
        with refused("all.zip: .*" + text):
            download(server.put("/all.zip", content), tmp_path / "all.zip", members=members)
        assert left(tmp_path) == []


def test_an_existing_file_that_differs_from_a_member_is_an_error(server, tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    url = server.put("/all.zip", zipped())
    with refused("/a.csv: not as in http.*all.zip"):
        download(url, tmp_path / "all.zip", members=["a.csv", "b.csv"])
    assert left(tmp_path) == ["a.csv", "b.csv"]
    assert (tmp_path / "a.csv").read_text() == "mine"


def zipped() -> bytes:
    """Return a zip of a folder with two files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("f/a.csv", "aaaa")
        archive.writestr("f/b.csv", "b")
    return content.getvalue()


def test_redirects_are_followed(server, tmp_path):
    url = server.put("/a.bin", CONTENT)
    redirect = Answer(status=302, headers={"Location": url})
    server.answers += [redirect, Answer(most=100), redirect]
    download(server.url("/old.bin"), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.asked[-1] == "GET /a.bin bytes=99-"


def test_a_proxy_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.pages["http://data.invalid/a.bin"] = Page(CONTENT)
    download("http://data.invalid/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


FAITHFUL = st.builds(
    Answer,
    status=st.sampled_from([0, 0, 0, 0, 206, 404, 416, 429, 503]),
    most=st.none() | st.integers(0, 40),
    ranges=st.booleans(),
    html=st.booleans(),
    length=st.booleans(),
    short=st.sampled_from([0, 0, 1, 9]),
    change=st.none() | st.sampled_from([Page(b"v2" * 15, {"ETag": '"2"'}), Page(b"v1" * 15)]),
)
FALSE = st.builds(Answer, spoil=st.booleans(), shift=st.integers(-3, 3), most=st.integers(0, 40))


@given(answers=st.lists(FAITHFUL | FALSE, max_size=8), runs=st.integers(1, 3))
@settings(max_examples=60)
def test_with_a_known_digest_no_server_can_give_other_bytes(
    everywhere: Server, tmp_path_factory: pytest.TempPathFactory, answers: list[Answer], runs: int
):
    expected = b"v1" * 15
    sha256 = hashlib.sha256(expected).hexdigest()
    assert_right(everywhere, tmp_path_factory, answers, runs, {expected}, sha256=sha256)


@given(answers=st.lists(FAITHFUL, max_size=8), runs=st.integers(1, 3))
@settings(max_examples=60)
def test_with_a_known_size_no_server_can_mix_versions(
    everywhere: Server, tmp_path_factory: pytest.TempPathFactory, answers: list[Answer], runs: int
):
    assert_right(everywhere, tmp_path_factory, answers, runs, {b"v1" * 15, b"v2" * 15}, size=30)


def assert_right(server, factory, answers, runs, expected, **known):
    folder = factory.mktemp("any")
    url = server.put("/a.bin", b"v1" * 15)
    server.answers[:] = answers
    for _ in range(runs):
        with suppress(UserError):
            download(url, folder / "a.bin", **known)
            break
        assert not (folder / "a.bin").exists()
    server.answers.clear()
    server.put("/a.bin", b"v1" * 15)
    if not (folder / "a.bin").exists():  # the last run has a good server
        with suppress(UserError):  # the first may fail on wrong bytes of earlier runs
            download(url, folder / "a.bin", **known)
        if not (folder / "a.bin").exists():
            download(url, folder / "a.bin", **known)
    assert (folder / "a.bin").read_bytes() in expected
    assert left(folder) == ["a.bin"]
    shutil.rmtree(folder)
