"""Tests of lfb.files.download, against a server that fails in every way."""

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

import lfb.files.download
from lfb.errors import UserError
from lfb.files.download import come, download, remote_size, remote_text
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


@pytest.fixture
def waits() -> list[float]:
    return []


def left(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def refused(*said: str):
    return pytest.raises(UserError, match="(?s)" + ".*".join(said))


def test_a_file_comes_whole(server, tmp_path):
    url = server.put("/a.bin", CONTENT)
    download(url, tmp_path / "in/folders/a.bin")
    assert (tmp_path / "in/folders/a.bin").read_bytes() == CONTENT
    assert left(tmp_path / "in/folders") == ["a.bin"]


def test_an_empty_file_comes_too(server, tmp_path):
    download(server.put("/a.bin", b""), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b""


def test_dropped_connections_go_on_where_they_were(server, tmp_path, waits):
    counts = []
    server.answers += [Answer(most=100), Answer(most=0), Answer(status=503), Answer(most=50)]
    url = server.put("/a.bin", CONTENT)
    download(url, tmp_path / "a.bin", wait=waits.append, arrived=counts.append)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.asked == [
        "GET /a.bin",
        *["GET /a.bin bytes=99-"] * 3,
        "GET /a.bin bytes=148-",
    ]
    assert waits == [1, 2, 4, 1]
    assert counts == [100, 149, 1024]


def test_a_server_that_never_recovers_is_given_up_and_what_came_is_kept(server, tmp_path, waits):
    url = server.put("/a.bin", CONTENT)
    server.answers += [Answer(most=100), *[Answer(status=500)] * 5]
    with refused("a.bin: the server answers 500", "6 times"):
        download(url, tmp_path / "a.bin", wait=waits.append)
    assert waits == [1, 2, 4, 8, 16]
    assert left(tmp_path) == [".a.bin.partial"]
    assert come(url, tmp_path / "a.bin") == 100
    download(url, tmp_path / "a.bin")
    assert server.asked[-1] == "GET /a.bin bytes=99-"
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_no_server_is_an_error(tmp_path, waits):
    with serving() as server:
        url = server.put("/a.bin", CONTENT)
    with refused("a.bin: .*Connection refused"):
        download(url, tmp_path / "a.bin", wait=waits.append)
    with refused("a.bin: .*Connection refused"):
        remote_size(url, waits.append)
    assert left(tmp_path) == []


def test_a_file_that_changed_is_fetched_anew(server, tmp_path, waits):
    url = server.put("/a.bin", CONTENT)
    server.answers += [Answer(most=100), Answer(change=Page(OTHER, {"ETag": '"2"'}))]
    download(url, tmp_path / "a.bin", wait=waits.append)
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
def test_a_server_that_resumes_wrongly_is_not_trusted(server, tmp_path, waits, second):
    url = server.put("/a.bin", CONTENT)
    server.answers += [Answer(most=100), second]
    download(url, tmp_path / "a.bin", wait=waits.append)
    assert (tmp_path / "a.bin").read_bytes() == server.pages["/a.bin"].content


def test_a_date_tells_a_version_as_well_and_nothing_means_from_the_start(server, tmp_path, waits):
    date = formatdate(1, usegmt=True)
    for version, again in (
        ({"Last-Modified": date}, " bytes=99-"),
        ({"ETag": 'W/"1"', "Last-Modified": date}, " bytes=99-"),
        ({"ETag": 'W/"1"'}, ""),
        ({"Server": "unknown"}, ""),
    ):
        url = server.put("/a.bin", CONTENT, **version)
        server.answers.append(Answer(most=100))
        download(url, tmp_path / "a.bin", wait=waits.append)
        assert server.asked[-1] == f"GET /a.bin{again}"
        (tmp_path / "a.bin").unlink()
    assert left(tmp_path) == []


def test_what_came_from_another_address_is_not_gone_on_with(server, tmp_path, waits):
    first, second = server.put("/a.bin", CONTENT), server.put("/b.bin", OTHER)
    server.answers += [Answer(most=100), *[Answer(status=503)] * 5]
    with refused("503"):
        download(first, tmp_path / "a.bin", wait=waits.append)
    assert come(second, tmp_path / "a.bin") == 0
    download(second, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == OTHER


def test_a_file_that_is_not_there_is_told_at_once(server, tmp_path, waits):
    for status in 404, 403, 410:
        server.answers.append(Answer(status=status))
        with refused(f"a.bin: the server answers {status}"):
            download(server.url("/a.bin"), tmp_path / "a.bin", wait=waits.append)
    assert waits == []
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("told", "low", "high"),
    [
        ("7", 7, 7),
        ("100000", 600, 600),
        (formatdate(time.time() + 10_000, usegmt=True), 600, 600),
        (formatdate(1, usegmt=True), 1, 1),
        ("soon", 1, 1),
    ],
)
def test_a_busy_server_is_given_the_time_it_asks_for(server, tmp_path, waits, told, low, high):
    server.answers.append(Answer(status=429, headers={"Retry-After": told}))
    download(server.put("/a.bin", CONTENT), tmp_path / "a.bin", wait=waits.append)
    assert low <= waits[0] <= high


def test_a_silent_server_is_left(tmp_path, waits, monkeypatch):
    import socket

    monkeypatch.setattr(lfb.files.download, "TIMEOUT", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.bin"
        with refused("a.bin: .*timed out"):
            download(url, tmp_path / "a.bin", wait=waits.append)
    assert len(waits) == 5


def test_wrong_bytes_are_neither_placed_nor_gone_on_with(server, tmp_path, waits):
    for name, sha256 in ("a.bin", SHA256), (NAMED, ""):
        url = server.put("/a.bin", CONTENT)
        server.answers.append(Answer(spoil=True))
        with refused("SHA-256 .* should begin with " + SHA256[:8]):
            download(url, tmp_path / name, sha256=sha256, wait=waits.append)
        assert left(tmp_path) == []
        download(url, tmp_path / name, sha256=sha256, wait=waits.append)
        (tmp_path / name).unlink()
    assert waits == []


def test_an_error_page_is_not_the_file(server, tmp_path, waits):
    url = server.put("/a.bin", CONTENT)
    server.answers += [
        Answer(html=True),
        Answer(headers={"Content-Encoding": "gzip"}),
        Answer(short=5),
        Answer(change=Page(CONTENT + b"!", {"ETag": '"2"'})),
        Answer(change=Page(CONTENT)),
    ]
    download(url, tmp_path / "a.bin", size=len(CONTENT), wait=waits.append)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert len(waits) == 4


def test_a_size_that_is_not_told_has_to_be_known_otherwise(server, tmp_path, waits):
    url = server.put("/a.bin", CONTENT)
    server.answers.append(Answer(length=False))
    with refused("does not tell its size; set `bytes` or `sha256`"):
        download(url, tmp_path / "a.bin", wait=waits.append)
    assert left(tmp_path) == []
    server.answers += [Answer(length=False, most=100), Answer(length=False)]
    download(url, tmp_path / "a.bin", size=len(CONTENT), wait=waits.append)
    server.answers.append(Answer(length=False))
    download(url, tmp_path / "b.bin", sha256=SHA256)
    server.answers += [Answer(length=False)] * 6
    with refused("sends more than the 1000 bytes"):
        download(url, tmp_path / "c.bin", size=1000, sha256=SHA256, wait=waits.append)
    assert left(tmp_path) == ["a.bin", "b.bin"]


def test_what_is_there_is_never_changed(server, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"mine")
    with refused("a.bin: .*left as it is"):
        download(server.put("/a.bin", CONTENT), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"mine"
    assert left(tmp_path) == ["a.bin"]


def test_two_runs_do_not_mix(server, tmp_path):
    url = server.put("/a.bin", CONTENT)

    def meanwhile(come: int) -> None:
        with refused("a.bin: another run is fetching it"):
            download(url, tmp_path / "a.bin")

    download(url, tmp_path / "a.bin", arrived=meanwhile)
    assert left(tmp_path) == ["a.bin"]
    assert server.asked == ["GET /a.bin"]


def test_an_interrupted_run_leaves_what_came(server, tmp_path):
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    url = server.put("/a.bin", CONTENT)
    server.answers.append(Answer(most=100))
    with pytest.raises(KeyboardInterrupt):
        download(url, tmp_path / "a.bin", wait=interrupt)
    assert left(tmp_path) == [".a.bin.partial"]
    download(url, tmp_path / "a.bin")
    assert server.asked[-1] == "GET /a.bin bytes=99-"
    assert left(tmp_path) == ["a.bin"]


def test_a_disk_that_takes_no_more_keeps_what_came(server, tmp_path):
    url = server.put("/a.bin", CONTENT * 1000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with refused("File too large.*kept"):
            download(url, tmp_path / "a.bin")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert come(url, tmp_path / "a.bin") == 500_000
    download(url, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT * 1000


def test_members_of_a_zip_come_without_it(server, tmp_path):
    url = server.put("/all.zip", zipped())
    download(url, tmp_path / "all.zip", members=["a.csv", "b.csv"])
    assert left(tmp_path) == ["a.csv", "b.csv"]
    assert (tmp_path / "b.csv").read_text() == "b"
    (tmp_path / "b.csv").unlink()
    download(url, tmp_path / "all.zip", members=["a.csv", "b.csv"])
    assert left(tmp_path) == ["a.csv", "b.csv"]


def test_a_zip_that_is_none_or_lacks_a_file_is_an_error(server, tmp_path):
    whole = zipped()
    for content, members, said in (
        (CONTENT, ["a.csv"], "is no whole zip"),
        (whole[:-30], ["a.csv"], "is no whole zip"),
        (whole.replace(b"aaaa", b"aaab"), ["b.csv"], "f/a.csv is damaged"),
        (whole, ["a.csv", "c.csv"], "has no c.csv"),
    ):
        with refused("all.zip: .*" + said):
            download(server.put("/all.zip", content), tmp_path / "all.zip", members=members)
        assert left(tmp_path) == []


def test_a_member_that_is_another_file_already_is_left_and_told(server, tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    url = server.put("/all.zip", zipped())
    with refused("/a.csv: not as in http.*all.zip"):
        download(url, tmp_path / "all.zip", members=["a.csv", "b.csv"])
    assert left(tmp_path) == ["a.csv", "b.csv"]
    assert (tmp_path / "a.csv").read_text() == "mine"


def zipped() -> bytes:
    """A zip of a folder with two files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("f/a.csv", "aaaa")
        archive.writestr("f/b.csv", "b")
    return content.getvalue()


def test_sizes_are_asked_for_without_the_file(server, waits):
    url = server.put("/a.bin", CONTENT)
    assert remote_size(url) == len(CONTENT)
    server.heads += [Answer(status=405), Answer(length=False), Answer(status=503), Answer()]
    assert remote_size(url) is None
    assert remote_size(url) is None
    assert remote_size(url, waits.append) == len(CONTENT)
    with refused("404"):
        remote_size(server.url("/b.bin"))
    assert all(asked.startswith("HEAD") for asked in server.asked)


def test_a_text_comes_whole(server, waits):
    url = server.put("/list.txt", b"\xef\xbb\xbfa.mp4\nb.mp4\n")
    server.answers += [Answer(most=3), Answer(html=True)]
    assert remote_text(url, waits.append) == "a.mp4\nb.mp4\n"


def test_another_address_is_followed(server, tmp_path):
    url = server.put("/a.bin", CONTENT)
    moved = Answer(status=302, headers={"Location": url})
    server.answers += [moved, Answer(most=100), moved]
    download(server.url("/old.bin"), tmp_path / "a.bin", wait=lambda seconds: None)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.asked[-1] == "GET /a.bin bytes=99-"


def test_a_proxy_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setattr("urllib.request._opener", None)
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.pages["http://data.invalid/a.bin"] = Page(CONTENT)
    download("http://data.invalid/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    monkeypatch.setattr("urllib.request._opener", None)


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
def test_whatever_a_server_does_no_other_bytes_are_placed_where_a_digest_is_known(
    everywhere: Server, tmp_path_factory: pytest.TempPathFactory, answers: list[Answer], runs: int
):
    wanted = b"v1" * 15
    sha256 = hashlib.sha256(wanted).hexdigest()
    assert_right(everywhere, tmp_path_factory, answers, runs, {wanted}, sha256=sha256)


@given(answers=st.lists(FAITHFUL, max_size=8), runs=st.integers(1, 3))
@settings(max_examples=60)
def test_whatever_a_server_does_versions_are_not_mixed_where_only_the_size_is_known(
    everywhere: Server, tmp_path_factory: pytest.TempPathFactory, answers: list[Answer], runs: int
):
    assert_right(everywhere, tmp_path_factory, answers, runs, {b"v1" * 15, b"v2" * 15}, size=30)


def assert_right(server, factory, answers, runs, wanted, **known):
    folder = factory.mktemp("any")
    url = server.put("/a.bin", b"v1" * 15)
    server.answers[:] = answers
    for _ in range(runs):
        with suppress(UserError):
            download(url, folder / "a.bin", wait=lambda seconds: None, **known)
            break
        assert not (folder / "a.bin").exists()
    server.answers.clear()
    server.put("/a.bin", b"v1" * 15)
    if not (folder / "a.bin").exists():  # and a good server is enough for a good end
        with suppress(UserError):  # what is wrong from before is told once
            download(url, folder / "a.bin", **known)
        if not (folder / "a.bin").exists():
            download(url, folder / "a.bin", **known)
    assert (folder / "a.bin").read_bytes() in wanted
    assert left(folder) == ["a.bin"]
    shutil.rmtree(folder)
