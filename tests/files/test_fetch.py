"""Tests of lfb.files.fetch."""

import hashlib
import io
import logging
import shutil
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

import lfb.files.web
from lfb.errors import UserError
from lfb.files.fetch import fetch
from lfb.files.remote_file import fetched_paths
from tests.web import Answer, Server, serving

CONTENT = bytes(range(256))
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lfb.files.web, "sleep", lambda seconds: None)


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "lfb")
    return caplog


def run(*items, videos=None, annotations=None, threads=2):
    """Fetch items of the config."""
    fetch(items, videos=videos and str(videos), annotations=annotations or {}, threads=threads)


def errors(*items, **more) -> list[str]:
    """Return the lines of the error."""
    with pytest.raises(UserError, match="not everything could be fetched") as error:
        run(*items, **more)
    return str(error.value).split("\n  ")[1:]


@pytest.fixture
def item(server, tmp_path):
    """Make an entry of the config for a file on the server."""

    def make(name: str, content: bytes = CONTENT, **more):
        return {"url": server.put(f"/far/{name}", content), "to": str(tmp_path / "to"), **more}

    return make


@pytest.fixture
def films(server, tmp_path):
    """Return an entry for four listed videos, and an annotation file that names two of them."""
    for name in "one.mp4", "-2%20%26.mkv", "three.webm", "four.mp4":
        server.put(f"/films/{name}", name.encode())
    server.put("/list.txt", b"one.mp4\r\n-2 &.mkv\r\nthree.webm\nfour.mp4\n\n")
    (tmp_path / "train.csv").write_text("one,0902,0,0,1,1,12,0\none,0903,0,0,1,1,12,0\n")
    (tmp_path / "val.csv").write_text("-2 &,0902,0,0,1,1,12,0\n")
    item = {
        "list": server.url("/list.txt"),
        "url": server.url("/films/{name}"),
        "to": str(tmp_path / "videos"),
    }
    annotations = {
        "data.train.annotations": str(tmp_path / "train.csv"),
        "data.val.annotations": str(tmp_path / "val.csv"),
    }
    return item, {"videos": tmp_path / "videos", "annotations": annotations}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_are_fetched_once(item, server, tmp_path, log):
    items = [item("a.pkl"), item("b%20c.pkl"), item(f"w-{SHA256[:8]}.pth")]
    run(*items)
    names = ["a.pkl", "b c.pkl", f"w-{SHA256[:8]}.pth"]
    assert contents(tmp_path / "to") == dict.fromkeys(names, CONTENT)
    assert "files to fetch: 3, 768 bytes; existing: 0" in log.messages
    assert any(m.startswith(f"{tmp_path}/to: 768 bytes needed, ") for m in log.messages)
    server.asked.clear()
    run(*items)
    assert sorted(server.asked) == ["HEAD /far/a.pkl", "HEAD /far/b%20c.pkl"]  # a digest is enough
    assert "files to fetch: 0, 0 bytes; existing: 3" in log.messages
    assert [str(place) for item in items for place in fetched_paths(item)] == [
        f"{tmp_path}/to/{name}" for name in names
    ]


def test_an_existing_file_that_differs_is_an_error_and_left_unchanged(item, server, tmp_path):
    (tmp_path / "to").mkdir()
    for name in "a.pkl", "b.pkl", "c.pkl", "w-12345678.pth":
        (tmp_path / "to" / name).write_bytes(b"mine")
    before = contents(tmp_path / "to")
    found = errors(
        item("a.pkl"),
        item("b.pkl", bytes=256),
        item("c.pkl", sha256=SHA256),
        item("w-12345678.pth"),
        item("d.pkl"),
    )
    assert [error.split(". ")[0] for error in found] == [
        f"{tmp_path}/to/a.pkl: has 4 bytes instead of 256",
        f"{tmp_path}/to/b.pkl: has 4 bytes instead of 256",
        f"{tmp_path}/to/c.pkl: its SHA-256 begins with {hashlib.sha256(b'mine').hexdigest()} "
        f"instead of {SHA256}",
        f"{tmp_path}/to/w-12345678.pth: its SHA-256 begins with "
        f"{hashlib.sha256(b'mine').hexdigest()[:8]} instead of 12345678",
    ]
    assert all("move it away" in error for error in found)
    assert contents(tmp_path / "to") == {**before, "d.pkl": CONTENT}


def test_an_existing_file_that_cannot_be_compared_is_kept(item, server, tmp_path, log):
    items = [item("a.pkl")]
    run(*items)
    server.pages.clear()
    run(*items)
    assert any("a.pkl exists; cannot compare it with its source: " in m for m in log.messages)


def test_all_errors_are_reported_after_the_other_files_are_fetched(item, server, tmp_path):
    gone = {"url": server.url("/gone.pkl"), "to": str(tmp_path / "to")}
    found = errors(gone, item("w-12345678.pth"), item("a.pkl", bytes=9), item("b.pkl"), threads=1)
    assert [Path(error.split(": ")[0]).name for error in found] == [
        "gone.pkl",
        "w-12345678.pth",
        "a.pkl",
    ]
    assert "404" in found[0]
    assert contents(tmp_path / "to") == {"b.pkl": CONTENT}


def test_nothing_is_fetched_when_the_disk_is_too_small(item, server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(511))
    with pytest.raises(UserError, match=r"too small for .*/to: 512 bytes needed, 511 bytes free"):
        run(item("a.pkl"), item("b.pkl"))
    assert not any(asked.startswith("GET") for asked in server.asked)
    assert not (tmp_path / "to").exists()


def test_bytes_of_an_earlier_run_are_not_counted_again(item, server, tmp_path, log):
    server.answers += [Answer(most=100), *[Answer(status=503)] * 5]
    errors(item("a.pkl"))
    run(item("a.pkl"))
    assert "files to fetch: 1, 156 bytes; existing: 0" in log.messages


def test_an_unknown_size_is_logged(item, server, tmp_path, log):
    server.heads.append(Answer(status=405))
    run(item("a.pkl"))
    assert "files to fetch: 1, 0 bytes and 1 of unknown size; existing: 0" in log.messages


def test_a_zip_is_fetched_while_a_member_is_missing(item, server, tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in "a.csv", "b.csv", "c.csv":
            archive.writestr(f"ava/{name}", name)
    entry = item("ava.zip", content.getvalue(), members=["a.csv", "b.csv"])
    run(entry)
    assert contents(tmp_path / "to") == {"a.csv": b"a.csv", "b.csv": b"b.csv"}
    server.asked.clear()
    run(entry)
    assert server.asked == []
    assert [path.name for path in fetched_paths(entry)] == ["a.csv", "b.csv"]


def test_nothing_to_fetch_is_an_error():
    with pytest.raises(UserError, match="config key fetch: names nothing to fetch"):
        run()


def test_the_unpack_command_is_logged_until_the_files_exist(item, tmp_path, log):
    to, advice = tmp_path / "to", f"now unpack what was fetched: unrar e {tmp_path}/to/a.rar"
    entry = item("a.rar", unrar=["a.pkl"])
    run(entry)
    assert f"{advice} {to}/" in log.messages
    log.clear()
    (to / "a.pkl").touch()
    run(entry)
    assert advice not in log.text


def test_the_annotated_videos_of_a_list_are_fetched(films, server, tmp_path):
    item, more = films
    run(item, **more)
    assert contents(tmp_path / "videos") == {"one.mp4": b"one.mp4", "-2 &.mkv": b"-2%20%26.mkv"}
    assert fetched_paths(item) == [tmp_path / "videos"]


def test_all_videos_missing_from_the_lists_are_named(films, server, tmp_path):
    item, more = films
    (tmp_path / "val.csv").write_text("five,0902\n-2 &,0902\nsix,0902\n")
    (found,) = errors(item, **more)
    assert found == f"{item['list']}: 2 annotated videos are not listed: five, six"
    assert set(contents(tmp_path / "videos")) == {"one.mp4", "-2 &.mkv"}
    (tmp_path / "videos/six.avi").touch()
    (found,) = errors(item, **more)
    assert found.endswith("1 annotated videos are not listed: five")


def test_a_video_that_exists_in_another_format_is_not_fetched(films, server, tmp_path):
    item, more = films
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/one.avi").touch()
    run(item, **more)
    assert set(contents(tmp_path / "videos")) == {"one.avi", "-2 &.mkv"}


def test_a_list_needs_the_annotations_first(films, server, tmp_path):
    item, more = films
    train = (tmp_path / "train.csv").read_bytes()
    (tmp_path / "train.csv").unlink()
    (found,) = errors(item, **more)
    assert found.startswith(f"config key data.train.annotations: {tmp_path}/train.csv, which")
    assert "fetch_annotations" in found
    csv = {"url": server.put("/train.csv", train), "to": str(tmp_path)}
    run(item, csv, **more)
    assert set(contents(tmp_path / "videos")) == {"one.mp4", "-2 &.mkv"}


def test_videos_are_not_fetched_without_their_annotations(films, server, tmp_path):
    item, more = films
    (tmp_path / "train.csv").unlink()
    csv = {"url": server.url("/train.csv"), "to": str(tmp_path)}
    gone, waiting = errors(item, csv, **more)
    assert "404" in gone
    assert waiting == (
        f"config key data.train.annotations: {tmp_path}/train.csv could not be fetched, so the "
        "videos that it names were not fetched either."
    )


def test_without_a_network_the_error_names_the_folders_for_the_files(item, tmp_path, log):
    with serving() as server:
        url = server.url("/a%20b.pkl")
    zipped = {"url": f"{url}.zip", "to": str(tmp_path / "to"), "members": ["a.csv", "b.csv"]}
    to = tmp_path / "to"
    found = errors({"url": url, "to": str(to)}, zipped, {**zipped, "bytes": 3})
    advice = "Check the network, or run the same command later. Or get it elsewhere and put it at "
    assert all("the connection failed: " in error for error in found)
    assert [error.partition("times). ")[2] for error in found] == [
        f"{advice}{to}/a b.pkl.",
        *[f"{advice}{to}/a.csv, {to}/b.csv."] * 2,
    ]
    assert "files to fetch: 1, 3 bytes; existing: 0; errors, listed below: 2" in log.messages


def test_a_list_for_an_unused_folder_is_skipped(films, server, tmp_path, log):
    item, more = films
    run(item, **{**more, "videos": tmp_path / "mine"})
    run(item, **{**more, "videos": None})
    assert server.asked == []
    assert f"{tmp_path}/videos: nothing fetched; the config reads {tmp_path}/mine" in log.messages
    assert f"{tmp_path}/videos: nothing fetched; the config reads frames" in log.messages


@pytest.mark.parametrize("text", [b"one.mp4\n../one.mp4\n", b"one.mp4\none.mkv\n"])
def test_a_list_with_a_path_or_a_video_twice_is_refused(films, server, tmp_path, text):
    item, more = films
    server.put("/list.txt", text)
    (found,) = errors(item, **more)
    assert "is not a file name, or a second file of its video" in found
    assert not (tmp_path / "videos").exists()


def test_a_file_that_cannot_be_read_is_an_error(item, tmp_path):
    (tmp_path / "to" / f"w-{SHA256[:8]}.pth").mkdir(parents=True)
    (found,) = errors(item(f"w-{SHA256[:8]}.pth"))
    assert found == f"{tmp_path}/to/w-{SHA256[:8]}.pth: Is a directory"
