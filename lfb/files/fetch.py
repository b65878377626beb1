"""Fetch the files that the config's ``fetch`` names and that are not there yet."""

import logging
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from lfb.errors import UserError
from lfb.files.digests import digest, digest_in_name
from lfb.files.disk import disks, format_size
from lfb.files.download import download, received_bytes
from lfb.files.remote_file import RemoteFile, unpack_command, unpacked_paths
from lfb.files.videos import list_videos
from lfb.files.web import Unavailable, remote_size, remote_text
from lfb.program import Progress

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


def fetch(
    items: Sequence[Mapping[str, Any]],
    *,
    videos: str | None,
    annotations: Mapping[str, str],
    threads: int = 1,
) -> None:
    """Fetch what is not there yet; existing files stay as they are.

    Args:
        items: Entries of the config's ``fetch``. Lists of videos come last, because the
            annotations say which of their videos are needed.
        videos: Folder of videos that the config reads, None if it reads frames. A list for
            another folder is skipped: you have the videos already.
        annotations: Annotation files by config key; of a list, their videos are fetched.
        threads: Number of files to fetch at a time.

    Raises:
        UserError: There are no items; the disk has too little room; or, after everything else was
            fetched, all files that are wrong or unavailable.
    """
    if not items:
        raise UserError(
            "config key fetch: names nothing to fetch. Provide the files that `data` names, or "
            "enable `demo`."
        )
    files, lists = [], []
    for item in items:
        if "list" not in item:
            files.append(RemoteFile.from_entry(item))
        elif videos is not None and Path(item["to"]) == Path(videos):
            lists.append(item)
        else:
            log.info("%s: nothing fetched; the config reads %s", item["to"], videos or "frames")
    errors = _fetch_files(files, threads) if files else []
    if lists:
        try:
            tried = {target for file in files for target in file.targets}
            listed, missing = _listed_videos(lists, _annotated_videos(annotations, tried))
            errors += missing + _fetch_files(listed, threads)
        except UserError as error:
            errors.append(str(error))
    for item in items:
        unpacked = all(path.exists() for path in unpacked_paths(item))
        if not unpacked and RemoteFile.from_entry(item).path.exists():
            log.info("now unpack what was fetched: %s", unpack_command(item))
    if errors:
        raise UserError("\n  ".join(["not everything could be fetched:", *errors]))


@dataclass(frozen=True)
class _Missing:
    """A file to download: its size and the bytes still to receive, None if unknown."""

    file: RemoteFile
    size: int | None
    remaining: int | None


def _fetch_files(files: Sequence[RemoteFile], threads: int) -> list[str]:
    """Fetch files side by side.

    Returns:
        One error message for each file that is wrong or unavailable.

    Raises:
        UserError: The disk has too little room.
    """
    # Threads of a pool end with an interrupted program; a download may be killed at any moment.
    with ThreadPool(threads) as pool:
        looked = list(pool.imap(partial(_or_error, _look), files))
        errors = [found for _, found in looked if isinstance(found, str)]
        missing = [found for _, found in looked if isinstance(found, _Missing)]
        _check_room(missing, len(files) - len(missing) - len(errors), len(errors))
        total = sum(one.remaining or 0 for one in missing)
        counted = Progress("fetched", total, write=format_size)
        work = partial(_or_error, partial(_download, counted=counted))
        for number, (one, error) in enumerate(pool.imap_unordered(work, missing), 1):
            result = "fetched" if error is None else "not fetched"
            for target in one.file.targets:
                log.info("%s: %s (%d of %d)", target, result, number, len(missing))
            if error is not None:
                errors.append(error)
    return errors


def _or_error(work: Callable[[Item], Result], item: Item) -> tuple[Item, Result | str]:
    """Return ``item``, and the result of ``work`` or its error message."""
    try:
        return item, work(item)
    except UserError as error:
        return item, str(error)
    except OSError as error:  # of the disk; network errors are UserErrors
        return item, f"{error.filename}: {error.strerror}" if error.filename else str(error)


def _look(file: RemoteFile) -> _Missing | None:
    """Return what to download, None if the file exists.

    Raises:
        UserError: Another file exists in its place, or it is unavailable.
    """
    if all(target.exists() for target in file.targets):
        if not file.members:
            _compare(file)
        return None
    with _advice(file):
        size = remote_size(file.url) if file.bytes is None else file.bytes
    received = received_bytes(file.url, file.path)
    return _Missing(file, size, None if size is None else max(0, size - received))


def _compare(file: RemoteFile) -> None:
    """Compare an existing file with what is known of it.

    Raises:
        UserError: It is another file.
    """
    path, size = file.path, file.path.stat().st_size
    expected, sha256 = file.bytes, file.sha256 or digest_in_name(path)
    if expected is None and not sha256:
        try:
            expected = remote_size(file.url)
        except UserError as error:
            log.warning("warning: %s exists; cannot compare it with its source: %s", path, error)
    if expected is not None and size != expected:
        difference = f"has {size} bytes instead of {expected}"
    elif sha256 and not (found := digest(path)).startswith(sha256):
        difference = f"its SHA-256 begins with {found[: len(sha256)]} instead of {sha256}"
    else:
        return
    raise UserError(f"{path}: {difference}. To replace it by {file.url}, move it away.")


@contextmanager
def _advice(file: RemoteFile) -> Iterator[None]:
    """Add to the error of an unavailable file where to put it."""
    try:
        yield
    except Unavailable as error:
        targets = ", ".join(map(str, file.targets))
        raise UserError(f"{error} Or get it elsewhere and put it at {targets}.") from error


def _check_room(missing: Sequence[_Missing], existing: int, errors: int) -> None:
    """Log what will be downloaded and how much room there is.

    Raises:
        UserError: A disk has too little room.
    """
    unknown = sum(one.remaining is None for one in missing)
    log.info(
        "files to fetch: %d, %s%s; existing: %d%s",
        len(missing),
        format_size(sum(one.remaining or 0 for one in missing)),
        f" and {unknown} of unknown size" if unknown else "",
        existing,
        f"; errors, listed below: {errors}" if errors else "",
    )
    needed: Counter[str] = Counter()
    for one in missing:
        needed[str(one.file.folder)] += one.remaining or 0
    for disk in disks(needed):
        log.info("%s", disk)
        if disk.needed > disk.free:
            raise UserError(f"the disk is too small for {disk}. Nothing was fetched.")


def _download(one: _Missing, counted: Progress) -> None:
    file = one.file
    received = received_bytes(file.url, file.path)

    def advance(now: int) -> None:
        nonlocal received
        counted.add(now - received)
        received = now

    with _advice(file):
        download(
            file.url,
            file.path,
            size=one.size,
            sha256=file.sha256,
            members=file.members,
            on_progress=advance,
        )


def _annotated_videos(files: Mapping[str, str], tried: Container[Path]) -> set[str]:
    """Return the videos of annotation files; ``tried`` are the files fetched before.

    Raises:
        UserError: An annotation file is missing.
    """
    videos: set[str] = set()
    for key, path in files.items():
        if not Path(path).exists() and Path(path) in tried:
            raise UserError(
                f"config key {key}: {path} could not be fetched, so the videos that it names were "
                "not fetched either."
            )
        if not Path(path).exists():
            raise UserError(
                f"config key {key}: {path}, which names the videos to fetch, does not exist yet. "
                "Fetch the annotations first: target fetch_annotations."
            )
        lines = Path(path).read_text("utf-8-sig", "replace").splitlines()
        videos |= {line.split(",")[0] for line in lines if line.strip()}
    return videos


def _listed_videos(
    items: Sequence[Mapping[str, Any]], videos: set[str]
) -> tuple[list[RemoteFile], list[str]]:
    """Return the files of videos, and an error for the videos that no list contains."""
    existing = {
        video: path.name for item in items for video, path in list_videos(item["to"])[0].items()
    }
    files: dict[str, RemoteFile] = {}
    for item in items:
        for name in filter(None, map(str.strip, remote_text(item["list"]).splitlines())):
            video = Path(name).stem
            if video in files or Path(name).name != name:
                raise UserError(
                    f"{item['list']}: {name} is not a file name, or a second file of its video. "
                    "Fix the list."
                )
            # Another name is the same video in another format.
            if video in videos and existing.get(video, name) == name:
                url = item["url"].replace("{name}", quote(name))
                files[video] = RemoteFile(url, Path(item["to"]))
    if not (missing := sorted(videos - files.keys() - existing.keys())):
        return list(files.values()), []
    lists = ", ".join(item["list"] for item in items)
    error = f"{lists}: {len(missing)} annotated videos are not listed: {', '.join(missing)}"
    return list(files.values()), [error]
