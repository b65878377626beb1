"""Brings what the config's ``fetch`` names, as far as it is not there already."""

import logging
import sys
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from lfb.errors import UserError
from lfb.files.digests import digest, named_digest
from lfb.files.disk import disks, in_words
from lfb.files.download import Unavailable, Wait, come, download, remote_size, remote_text

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A file to bring.

    Attributes:
        url: Where it is.
        folder: Where it goes, under the last part of ``url``.
        bytes: Its size, if known.
        sha256: Its digest in hex, if known.
        members: Files to take out of it; it is then a zip, and not kept.
    """

    url: str
    folder: Path
    bytes: int | None = None
    sha256: str = ""
    members: tuple[str, ...] = ()

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Source":
        """That of an entry of the config."""
        more = {key: item[key] for key in ("bytes", "sha256") if key in item}
        return cls(item["url"], Path(item["to"]), members=tuple(item.get("members", ())), **more)

    @property
    def path(self) -> Path:
        """Where the file itself goes."""
        return self.folder / unquote(Path(urlsplit(self.url).path).name)

    @property
    def places(self) -> list[Path]:
        """What is there in the end."""
        return [self.folder / name for name in self.members] or [self.path]


def places(item: Mapping[str, Any]) -> list[Path]:
    """The files that an entry of the config's ``fetch`` brings; of a list, the folder."""
    return [Path(item["to"])] if "list" in item else Source.of(item).places


def packed(item: Mapping[str, Any]) -> list[Path]:
    """The files that the user takes out of what an entry brings."""
    return [Path(item["to"]) / name for name in item.get("unrar", ())]


def unrar(item: Mapping[str, Any]) -> str:
    """The command for that."""
    return f"unrar e {Source.of(item).path} {item['to']}/"


def fetch(
    items: Sequence[Mapping[str, Any]],
    *,
    videos: str | None,
    annotations: Mapping[str, str],
    threads: int = 1,
    wait: Wait = time.sleep,
) -> None:
    """Brings what is not there yet; what is there stays as it is.

    Args:
        items: Entries of the config's ``fetch``. Lists come last, since what is wanted of them
            depends on the annotations.
        videos: Folder of videos that the config reads, None where it reads frames. A list that
            goes elsewhere is left out: the user has the films.
        annotations: Annotation files, by config key; their videos are wanted of a list.
        threads: How many files at a time.
        wait: As for ``lfb.download.download``.

    Raises:
        UserError: There are no items; the disk has too little room; or everything that is wrong or
            could not be had, after all else has been brought.
    """
    if not items:
        raise UserError(
            "config key fetch: names nothing to fetch. What `data` names is yours to bring, or the "
            "demo's to make."
        )
    files, lists = [], []
    for item in items:
        if "list" not in item:
            files.append(Source.of(item))
        elif videos is not None and Path(item["to"]) == Path(videos):
            lists.append(item)
        else:
            log.info("%s: nothing fetched; the config reads %s", item["to"], videos or "frames")
    faults = bring(files, threads, wait) if files else []
    if lists:
        try:
            tried = {place for source in files for place in source.places}
            found, lacking = _listed(lists, _annotated(annotations, tried), wait)
            faults += lacking + bring(found, threads, wait)
        except UserError as error:
            faults.append(str(error))
    for item in items:
        unpacked = all(place.exists() for place in packed(item))
        if not unpacked and Source.of(item).path.exists():
            log.info("now unpack what has come: %s", unrar(item))
    if faults:
        raise UserError("\n  ".join(["not everything could be fetched:", *faults]))


def bring(sources: Sequence[Source], threads: int = 1, wait: Wait = time.sleep) -> list[str]:
    """Brings files side by side.

    Returns:
        What is wrong or could not be had, a sentence each.

    Raises:
        UserError: The disk has too little room.
    """
    from tqdm import tqdm

    faults: list[str] = []
    wanted: list[_Wanted] = []
    # Its threads do not keep an interrupted program alive: a download may be killed at any moment.
    with ThreadPool(threads) as pool:
        for _, found in pool.imap(partial(_tried, partial(_look, wait=wait)), sources):
            if isinstance(found, str):
                faults.append(found)
            elif found is not None:
                wanted.append(found)
        _announce(wanted, len(sources) - len(wanted) - len(faults), len(faults))
        left = sum(one.left or 0 for one in wanted)
        with tqdm(
            total=left, unit="B", unit_scale=True, leave=False, disable=not sys.stderr.isatty()
        ) as bar:
            work = partial(_tried, partial(_bring, wait=wait, count=bar.update))
            for number, (one, fault) in enumerate(pool.imap_unordered(work, wanted), 1):
                for place in one.source.places:
                    done = "fetched" if fault is None else "not fetched"
                    log.info("%s: %s (%d of %d)", place, done, number, len(wanted))
                if fault is not None:
                    faults.append(fault)
    return faults


@dataclass(frozen=True)
class _Wanted:
    """A file that is not there, its size and the bytes of it still to come, as far as known."""

    source: Source
    size: int | None
    left: int | None


def _tried(work: Callable[[Any], Any], item: Any) -> tuple[Any, Any]:
    """An item and what ``work`` makes of it, or the words of its error."""
    try:
        return item, work(item)
    except UserError as error:
        return item, str(error)
    except OSError as error:  # of the disk; the network's are UserErrors
        return item, f"{error.filename}: {error.strerror}"


def _look(source: Source, wait: Wait) -> _Wanted | None:
    """What is to be brought; None if it is there."""
    path = source.path
    if all(place.exists() for place in source.places):
        if not source.members:
            _compare(source, wait)
        return None
    with _elsewhere(source):
        size = remote_size(source.url, wait) if source.bytes is None else source.bytes
    return _Wanted(source, size, None if size is None else max(0, size - come(source.url, path)))


@contextmanager
def _elsewhere(source: Source) -> Iterator[None]:
    """Adds to the error of a file that cannot be had where it goes."""
    try:
        yield
    except Unavailable as error:
        places = ", ".join(map(str, source.places))
        raise UserError(f"{error} Or get it elsewhere, and put it at {places}.") from error


def _compare(source: Source, wait: Wait) -> None:
    """Compares a file that is there with what is known of it.

    Raises:
        UserError: It is another one.
    """
    path, size = source.path, source.path.stat().st_size
    wanted, sha256 = source.bytes, source.sha256 or named_digest(path)
    if wanted is None and not sha256:
        try:
            wanted = remote_size(source.url, wait)
        except UserError as error:
            log.warning("warning: %s is there, not compared with its source: %s", path, error)
    if wanted is not None and size != wanted:
        fault = f"has {size} bytes, and {wanted} are expected"
    elif sha256 and not (found := digest(path)).startswith(sha256):
        fault = f"its SHA-256 begins with {found[: len(sha256)]}, and should begin with {sha256}"
    else:
        return
    raise UserError(f"{path}: {fault}. Move it away, if {source.url} should take its place.")


def _announce(wanted: Sequence[_Wanted], there: int, faults: int) -> None:
    """Says what will be brought, what will not, and what room there is.

    Raises:
        UserError: Not enough.
    """
    unknown = sum(one.left is None for one in wanted)
    log.info(
        "files to fetch: %d, %s%s; there already: %d%s",
        len(wanted),
        in_words(sum(one.left or 0 for one in wanted)),
        f" and {unknown} of unknown size" if unknown else "",
        there,
        f"; faults, told below: {faults}" if faults else "",
    )
    needs: dict[str, int] = {}
    for one in wanted:
        folder = str(one.source.folder)
        needs[folder] = needs.get(folder, 0) + (one.left or 0)
    for disk in disks(needs):
        log.info("%s", disk)
        if disk.needed > disk.free:
            raise UserError(f"the disk is too small for {disk}. Nothing was fetched.")


def _bring(one: _Wanted, wait: Wait, count: Callable[[int], Any]) -> None:
    source = one.source
    before = come(source.url, source.path)

    def arrived(now: int) -> None:
        nonlocal before
        count(now - before)
        before = now

    with _elsewhere(source):
        download(
            source.url,
            source.path,
            size=one.size,
            sha256=source.sha256,
            members=source.members,
            wait=wait,
            arrived=arrived,
        )


def _annotated(files: Mapping[str, str], tried: Container[Path]) -> set[str]:
    """The videos of annotation files, of which some were to be fetched before."""
    videos: set[str] = set()
    for key, path in files.items():
        if not Path(path).exists() and Path(path) in tried:
            raise UserError(
                f"config key {key}: the videos wait for {path}, which could not be fetched."
            )
        if not Path(path).exists():
            raise UserError(
                f"config key {key}: there is no {path} yet, which says what videos to fetch. "
                "Fetch the annotations first: target fetch_annotations."
            )
        lines = Path(path).read_text("utf-8-sig", "replace").splitlines()
        videos |= {line.split(",")[0] for line in lines if line.strip()}
    return videos


def _listed(
    items: Sequence[Mapping[str, Any]], videos: set[str], wait: Wait
) -> tuple[list[Source], list[str]]:
    """The files of videos, and a fault for the videos that no list has."""
    from lfb.files.videos import EXTENSIONS

    folders = {Path(item["to"]) for item in items}
    paths = (path for folder in folders for path in folder.glob("*"))
    there = {path.stem: path.name for path in paths if path.suffix.lower() in EXTENSIONS}
    sources: dict[str, Source] = {}
    for item in items:
        for name in filter(None, map(str.strip, remote_text(item["list"], wait).splitlines())):
            video = Path(name).stem
            if video in sources or Path(name).name != name:
                raise UserError(f"{item['list']}: {name} is no file name, or its video comes twice")
            if video in videos and there.get(video, name) == name:  # else there as mp4, say
                url = item["url"].replace("{name}", quote(name))
                sources[video] = Source(url, Path(item["to"]))
    lacking = sorted(videos - sources.keys() - there.keys())
    lists = ", ".join(item["list"] for item in items)
    fault = f"{lists}: lacks {len(lacking)} annotated videos: {', '.join(lacking)}"
    return list(sources.values()), [fault] if lacking else []
