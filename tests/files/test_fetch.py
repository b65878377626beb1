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

from lfb.errors import UserError
from lfb.files.fetch import fetch, places
from tests.web import Answer, Server, serving

CONTENT = bytes(range(256))
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "lfb")
    return caplog


def bring(*items, videos=None, annotations=None, threads=2):
    """Fetches without waiting."""
    fetch(
        items,
        videos=videos and str(videos),
        annotations=annotations or {},
        threads=threads,
        wait=lambda seconds: None,
    )


def faults(*items, **more) -> list[str]:
    """The lines of the error."""
    with pytest.raises(UserError, match="not everything could be fetched") as error:
        bring(*items, **more)
    return str(error.value).split("\n  ")[1:]


@pytest.fixture
def item(server, tmp_path):
    """Makes an entry of the config for a file on the server."""

    def make(name: str, content: bytes = CONTENT, **more):
        return {"url": server.put(f"/far/{name}", content), "to": str(tmp_path / "to"), **more}

    return make


@pytest.fixture
def films(server, tmp_path):
    """An entry for listed videos, four of them there, and an annotation file that names two."""
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
    bring(*items)
    names = ["a.pkl", "b c.pkl", f"w-{SHA256[:8]}.pth"]
    assert contents(tmp_path / "to") == dict.fromkeys(names, CONTENT)
    assert "files to fetch: 3, 768 bytes; there already: 0" in log.messages
    assert any(m.startswith(f"{tmp_path}/to: 768 bytes needed, ") for m in log.messages)
    server.asked.clear()
    bring(*items)
    assert sorted(server.asked) == ["HEAD /far/a.pkl", "HEAD /far/b%20c.pkl"]  # a digest is enough
    assert "files to fetch: 0, 0 bytes; there already: 3" in log.messages
    assert [str(place) for item in items for place in places(item)] == [
        f"{tmp_path}/to/{name}" for name in names
    ]


def test_a_file_that_is_there_and_another_is_told_and_left(item, server, tmp_path):
    (tmp_path / "to").mkdir()
    for name in "a.pkl", "b.pkl", "c.pkl", "w-12345678.pth":
        (tmp_path / "to" / name).write_bytes(b"mine")
    before = contents(tmp_path / "to")
    told = faults(
        item("a.pkl"),
        item("b.pkl", bytes=256),
        item("c.pkl", sha256=SHA256),
        item("w-12345678.pth"),
        item("d.pkl"),
    )
    assert [fault.split(". ")[0] for fault in told] == [
        f"{tmp_path}/to/a.pkl: has 4 bytes, and 256 are expected",
        f"{tmp_path}/to/b.pkl: has 4 bytes, and 256 are expected",
        f"{tmp_path}/to/c.pkl: its SHA-256 begins with {hashlib.sha256(b'mine').hexdigest()}, and "
        f"should begin with {SHA256}",
        f"{tmp_path}/to/w-12345678.pth: its SHA-256 begins with "
        f"{hashlib.sha256(b'mine').hexdigest()[:8]}, and should begin with 12345678",
    ]
    assert all("Move it away" in fault for fault in told)
    assert contents(tmp_path / "to") == {**before, "d.pkl": CONTENT}


def test_a_file_that_is_there_and_cannot_be_compared_is_taken(item, server, tmp_path, log):
    items = [item("a.pkl")]
    bring(*items)
    server.pages.clear()
    bring(*items)
    assert any("a.pkl is there, not compared with its source: " in m for m in log.messages)


def test_all_that_fails_is_told_after_the_rest_has_come(item, server, tmp_path):
    gone = {"url": server.url("/gone.pkl"), "to": str(tmp_path / "to")}
    told = faults(gone, item("w-12345678.pth"), item("a.pkl", bytes=9), item("b.pkl"), threads=1)
    assert [Path(fault.split(": ")[0]).name for fault in told] == [
        "gone.pkl",
        "w-12345678.pth",
        "a.pkl",
    ]
    assert "404" in told[0]
    assert contents(tmp_path / "to") == {"b.pkl": CONTENT}


def test_what_does_not_fit_is_not_begun(item, server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(511))
    with pytest.raises(UserError, match=r"too small for .*/to: 512 bytes needed, 511 bytes free"):
        bring(item("a.pkl"), item("b.pkl"))
    assert not any(asked.startswith("GET") for asked in server.asked)
    assert not (tmp_path / "to").exists()


def test_what_came_before_is_not_counted_again(item, server, tmp_path, log):
    server.answers += [Answer(most=100), *[Answer(status=503)] * 5]
    faults(item("a.pkl"))
    bring(item("a.pkl"))
    assert "files to fetch: 1, 156 bytes; there already: 0" in log.messages


def test_an_unknown_size_is_told(item, server, tmp_path, log):
    server.heads.append(Answer(status=405))
    bring(item("a.pkl"))
    assert "files to fetch: 1, 0 bytes and 1 of unknown size; there already: 0" in log.messages


def test_a_zip_is_fetched_for_what_lacks(item, server, tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in "a.csv", "b.csv", "c.csv":
            archive.writestr(f"ava/{name}", name)
    wanted = item("ava.zip", content.getvalue(), members=["a.csv", "b.csv"])
    bring(wanted)
    assert contents(tmp_path / "to") == {"a.csv": b"a.csv", "b.csv": b"b.csv"}
    server.asked.clear()
    bring(wanted)
    assert server.asked == []
    assert [path.name for path in places(wanted)] == ["a.csv", "b.csv"]


def test_nothing_to_fetch_is_an_error():
    with pytest.raises(UserError, match="config key fetch: names nothing to fetch"):
        bring()


def test_what_is_to_be_unpacked_is_told_until_it_is(item, tmp_path, log):
    to, said = tmp_path / "to", f"now unpack what has come: unrar e {tmp_path}/to/a.rar"
    wanted = item("a.rar", unrar=["a.pkl"])
    bring(wanted)
    assert f"{said} {to}/" in log.messages
    log.clear()
    (to / "a.pkl").touch()
    bring(wanted)
    assert said not in log.text


def test_the_annotated_videos_of_a_list_are_fetched(films, server, tmp_path):
    item, more = films
    bring(item, **more)
    assert contents(tmp_path / "videos") == {"one.mp4": b"one.mp4", "-2 &.mkv": b"-2%20%26.mkv"}
    assert places(item) == [tmp_path / "videos"]


def test_videos_that_no_list_has_are_all_named(films, server, tmp_path):
    item, more = films
    (tmp_path / "val.csv").write_text("five,0902\n-2 &,0902\nsix,0902\n")
    (told,) = faults(item, **more)
    assert told == f"{item['list']}: lacks 2 annotated videos: five, six"
    assert set(contents(tmp_path / "videos")) == {"one.mp4", "-2 &.mkv"}
    (tmp_path / "videos/six.avi").touch()
    (told,) = faults(item, **more)
    assert told.endswith("lacks 1 annotated videos: five")


def test_a_video_that_is_there_in_another_format_is_not_fetched(films, server, tmp_path):
    item, more = films
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/one.avi").touch()
    bring(item, **more)
    assert set(contents(tmp_path / "videos")) == {"one.avi", "-2 &.mkv"}


def test_lists_wait_for_the_annotations(films, server, tmp_path):
    item, more = films
    train = (tmp_path / "train.csv").read_bytes()
    (tmp_path / "train.csv").unlink()
    (told,) = faults(item, **more)
    assert told.startswith(f"config key data.train.annotations: there is no {tmp_path}/train.csv")
    assert "fetch_annotations" in told
    csv = {"url": server.put("/train.csv", train), "to": str(tmp_path)}
    bring(item, csv, **more)
    assert set(contents(tmp_path / "videos")) == {"one.mp4", "-2 &.mkv"}


def test_videos_wait_for_annotations_that_could_not_be_fetched(films, server, tmp_path):
    item, more = films
    (tmp_path / "train.csv").unlink()
    csv = {"url": server.url("/train.csv"), "to": str(tmp_path)}
    gone, waiting = faults(item, csv, **more)
    assert "404" in gone
    assert waiting == (
        f"config key data.train.annotations: the videos wait for {tmp_path}/train.csv, which "
        "could not be fetched."
    )


def test_without_a_network_nothing_counts_as_there_and_the_place_is_told(item, tmp_path, log):
    with serving() as server:
        url = server.url("/a%20b.pkl")
    zipped = {"url": f"{url}.zip", "to": str(tmp_path / "to"), "members": ["a.csv", "b.csv"]}
    to = tmp_path / "to"
    told = faults({"url": url, "to": str(to)}, zipped, {**zipped, "bytes": 3})
    advice = "Check the network, or run the same command later. Or get it elsewhere, and put it at "
    assert all("the server cannot be reached: " in fault for fault in told)
    assert [fault.partition("times). ")[2] for fault in told] == [
        f"{advice}{to}/a b.pkl.",
        *[f"{advice}{to}/a.csv, {to}/b.csv."] * 2,
    ]
    assert "files to fetch: 1, 3 bytes; there already: 0; faults, told below: 2" in log.messages


def test_a_list_for_a_folder_that_is_not_read_is_left_out(films, server, tmp_path, log):
    item, more = films
    bring(item, **{**more, "videos": tmp_path / "mine"})
    bring(item, **{**more, "videos": None})
    assert server.asked == []
    assert f"{tmp_path}/videos: nothing fetched; the config reads {tmp_path}/mine" in log.messages
    assert f"{tmp_path}/videos: nothing fetched; the config reads frames" in log.messages


@pytest.mark.parametrize("text", [b"one.mp4\n../one.mp4\n", b"one.mp4\none.mkv\n"])
def test_a_list_with_a_path_or_a_video_twice_is_refused(films, server, tmp_path, text):
    item, more = films
    server.put("/list.txt", text)
    (told,) = faults(item, **more)
    assert "is no file name, or its video comes twice" in told
    assert not (tmp_path / "videos").exists()


def test_a_file_that_cannot_be_read_is_told(item, tmp_path):
    (tmp_path / "to" / f"w-{SHA256[:8]}.pth").mkdir(parents=True)
    (told,) = faults(item(f"w-{SHA256[:8]}.pth"))
    assert told == f"{tmp_path}/to/w-{SHA256[:8]}.pth: Is a directory"
