"""Extract frames from videos into zips, and check folders of frames that you already have.

The same video gives the same bytes.
"""

import hashlib
import json
import logging
import multiprocessing
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from lfb.errors import DataErrors, UserError
from lfb.files.atomic import atomic
from lfb.files.locks import alone
from lfb.processes import die_with_parent
from lfb.video.frames import (
    FrameFolder,
    FrameInfo,
    FrameZip,
    Manifest,
    decoded_size,
    other_size,
)

log = logging.getLogger(__name__)

QUALITY = 95  # of JPEGs, on Pillow's scale


def extract(
    video: str | Path,
    target: str | Path,
    *,
    fps: float,
    first_second: int,
    start: float,
    seconds: float | None,
    quality: int = QUALITY,
) -> FrameInfo:
    """Extract the frames of a part of a video into a zip.

    ffmpeg's ``fps`` filter changes the frame rate; the size stays the video's own.

    Args:
        video: A file that FFmpeg can read.
        target: The zip. It appears only when complete.
        fps: Frames per second to resample to; AVA: 30.
        first_second: Annotated second of the first frame; AVA: 900.
        start: Second of the file where the part begins; AVA: 900.
        seconds: Length of the part, None for the rest of the file; AVA: 901.
        quality: JPEG quality (Pillow).

    Raises:
        UserError: The file is missing, not a video, truncated, damaged, or ends too early.
    """
    from lfb.video.decoding import decoder_version, jpegs, probe  # loads the decoder

    video = Path(video)
    found = probe(video)
    if found.duration <= start or (
        seconds is not None and found.duration < start + seconds - 1 / fps
    ):
        end = "" if seconds is None else f" to {start + seconds:g} s"
        raise UserError(
            f"{video}: ends early, at {found.duration:.2f} s, but the config asks for frames from "
            f"{start:g} s{end}. Fetch the whole video, or ask for a shorter part."
        )
    limit = None if seconds is None else round(seconds * fps)
    digest = hashlib.sha256()
    frames, size = 0, (0, 0)
    with atomic(target) as scratch, zipfile.ZipFile(scratch, "w") as zipped:
        for data, size in jpegs(video, fps, start, limit, quality):  # noqa: B007
            frames += 1
            digest.update(data)
            zipped.writestr(_member(f"{frames:06d}.jpg"), data)
        if limit is not None and frames < limit - 1:
            raise UserError(
                f"{video}: ends early: it has {frames} of {limit} frames. Copy the file again, or "
                "ask for a shorter part."
            )
        source = _source(video, start=start, seconds=seconds, quality=quality)
        info = FrameInfo(
            fps, first_second, frames, *size, decoder_version(), source, digest.hexdigest()
        )
        zipped.writestr(_member("info.json"), json.dumps(asdict(info), indent=2))
    return info


def extract_all(
    videos: Mapping[str, str | Path],
    folder: str | Path,
    *,
    fps: float,
    first_second: int,
    start: float,
    seconds: float | None,
    quality: int = QUALITY,
    processes: int = 1,
) -> dict[str, Any]:
    """Extract many videos into ``folder/{name}.zip``; arguments as in ``extract``.

    A zip is kept if it comes from a file of the same name and size with the same settings and is
    not older than that file, so a run that was killed continues where it stopped. With more than
    one process the calling script must have a ``__main__`` guard.

    Returns:
        The manifest: ``{"videos": {name: {frames, fps, first_second, width, height, bytes,
        decoder, digest}}}``, sorted by name; ``digest`` is the SHA-256 of all JPEGs in order.

    Raises:
        DataErrors: All videos that could not be extracted, after the others were.
    """
    settings = {
        "fps": fps,
        "first_second": first_second,
        "start": start,
        "seconds": seconds,
        "quality": quality,
    }
    jobs = {name: (Path(path), Path(folder) / f"{name}.zip") for name, path in videos.items()}
    return _manifest(_extract_one, jobs, settings, processes)


def verify_all(
    videos: Sequence[str],
    root: str | Path,
    pattern: str,
    *,
    fps: float,
    first_second: int,
    processes: int = 1,
) -> dict[str, Any]:
    """Decode every frame of folders of JPEGs; arguments as in ``FrameFolder``.

    Returns:
        A manifest like that of ``extract_all``.

    Raises:
        DataErrors: All frames that are missing, do not decode, differ in size, or count from 0.
    """
    settings = {"fps": fps, "first_second": first_second}
    return _manifest(
        _verify_one, {name: (Path(root), pattern) for name in videos}, settings, processes
    )


def join_manifests(paths: Sequence[str | Path]) -> dict[str, Any]:
    """Return the manifest of all videos, from the manifests of pieces of them.

    Raises:
        UserError: A piece is broken, or two pieces have other frames or the same video.
    """
    parts = [Manifest(path) for path in paths]
    videos: dict[str, dict[str, Any]] = {}
    for part in parts:
        other = parts[0].folder, parts[0].pattern
        if (part.folder, part.pattern) != other or videos.keys() & part.videos.keys():
            raise UserError(
                f"{part.path}: not a piece of the same manifest as {parts[0].path}. Delete both "
                "and run the same command again."
            )
        videos |= part.videos
    first = json.loads(parts[0].path.read_text())
    return {**first, "videos": {name: videos[name] for name in sorted(videos)}}


def jpeg_sizes(video: str | Path, *, fps: float, start: float, count: int) -> list[int]:
    """Return the sizes in bytes of ``count`` JPEGs from second ``start`` of a video file.

    Raises:
        UserError: The file is missing, not a video, or damaged.
    """
    from lfb.video.decoding import jpegs  # loads the decoder

    return [len(data) for data, _ in jpegs(video, fps, start, count, QUALITY)]


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # a fixed time: same video, same bytes


def _source(video: Path, **cut: Any) -> dict[str, Any]:
    return {"name": video.name, "size": video.stat().st_size, **cut}


def manifest_entry(info: FrameInfo, size: int) -> dict[str, Any]:
    """Return what the manifest records of a video, whose frames take ``size`` bytes."""
    return {
        "frames": info.frames,
        "fps": info.fps,
        "first_second": info.first_second,
        "width": info.width,
        "height": info.height,
        "bytes": size,
        "decoder": info.decoder,
        "digest": info.digest,
    }


def _extract_one(name: str, video: Path, target: Path, **settings: Any) -> dict[str, Any]:
    info = _kept(video, target, **settings)
    if info is None:
        with alone(target):  # the jobs of other configs may share the folder
            info = _kept(video, target, **settings) or extract(video, target, **settings)
    return manifest_entry(info, target.stat().st_size)


def _kept(
    video: Path, target: Path, *, fps: float, first_second: int, **cut: Any
) -> FrameInfo | None:
    if not (video.is_file() and target.is_file()):
        return None
    if target.stat().st_mtime_ns < video.stat().st_mtime_ns:
        return None
    try:
        info = FrameZip(target).info
    except UserError:
        return None  # broken: extract it again
    same = (info.fps, info.first_second, info.source) == (fps, first_second, _source(video, **cut))
    return info if same else None


def _verify_one(
    name: str, root: Path, pattern: str, *, fps: float, first_second: int
) -> dict[str, Any]:
    folder = FrameFolder(root, pattern, name, fps, first_second)
    if folder.path(0).exists():
        raise UserError(
            f"{folder.path(0)}: frames count from 1; number all frames of video {name} one higher, "
            "or delete this file if it is not a frame."
        )
    info, errors = folder.info, []
    present = folder.numbers()
    digest, total = hashlib.sha256(), 0
    for number in range(1, max(present) + 1):
        path = folder.path(number)
        try:
            data = folder.read(number)
            size = decoded_size(data, path)
        except UserError as error:
            errors.append(str(error))
            continue
        if size != (info.width, info.height):
            errors.append(other_size(path, size, (info.width, info.height)))
        digest.update(data)
        total += len(data)
    if errors:
        raise DataErrors(errors)
    return manifest_entry(replace(info, frames=max(present), digest=digest.hexdigest()), total)


def _manifest(
    work: Callable[..., dict[str, Any]],
    jobs: Mapping[str, tuple[Any, ...]],
    settings: Mapping[str, Any],
    processes: int,
) -> dict[str, Any]:
    """Run ``work(name, *jobs[name], **settings)`` for every video; raise all errors at the end."""
    done: dict[str, dict[str, Any]] = {}
    errors: list[str] = []
    logged_every = max(1, len(jobs) // 20)  # AVA has hundreds of videos

    def collect(name: str, result: Callable[[], dict[str, Any]]) -> None:
        try:
            done[name] = result()
        except DataErrors as error:
            errors.extend(error.errors)
        except UserError as error:
            errors.append(str(error))
        finished = len(done)
        if finished % logged_every == 0 or finished == len(jobs):
            log.info("%s: %d of %d videos", name, finished, len(jobs))

    names = sorted(jobs)
    if processes == 1:
        for name in names:
            collect(name, partial(work, name, *jobs[name], **settings))
    else:
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
        with ProcessPoolExecutor(processes, context, initializer=die_with_parent) as pool:
            futures = {pool.submit(work, name, *jobs[name], **settings): name for name in names}
            try:
                for future in as_completed(futures):
                    collect(futures[future], future.result)
            except BrokenProcessPool as error:
                unfinished = [name for name in names if name not in done]
                raise UserError(
                    "a process died at one of these videos, out of memory or in the decoder: "
                    f"{', '.join(unfinished)}. Run again with fewer processes; finished videos are "
                    "kept."
                ) from error
            finally:
                pool.shutdown(cancel_futures=True)
    if errors:
        raise DataErrors(sorted(errors))
    return {"videos": {name: done[name] for name in names}}
