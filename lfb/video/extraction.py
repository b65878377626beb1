"""From video files to zips of frames, and the check of folders of frames the user already has.

The same video gives the same bytes.
"""

import hashlib
import io
import json
import logging
import multiprocessing
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lfb.errors import DataErrors, UserError
from lfb.files.whole import atomic
from lfb.processes import die_with_parent
from lfb.video.frames import FrameFolder, FrameInfo, FrameZip, decoded_size

if TYPE_CHECKING:  # imported where used: checking frames needs no decoder
    import av

logger = logging.getLogger(__name__)

QUALITY = 95  # of JPEGs, as Pillow counts
SLACK = 1.0  # seconds by which the length a container declares may exceed its last frame


@dataclass(frozen=True)
class Probe:
    """A video file at a glance: duration in seconds, frames a second, size in pixels."""

    duration: float
    fps: float
    width: int
    height: int


def probe(video: str | Path) -> Probe:
    """Looks at a video's header and its last packets, without decoding it.

    Raises:
        UserError: The file is missing, is no video, or ends before its header says.
    """
    import av

    with _open(video) as (container, stream):
        begin = (container.start_time or 0) / av.time_base
        declared = (container.duration or 0) / av.time_base
        last = pictures = 0.0  # end of the last packet of any stream, and of this one
        try:
            if declared > SLACK:
                container.seek(int((begin + declared - SLACK) * av.time_base), backward=True)
            for packet in container.demux():
                if packet.pts is not None and packet.time_base is not None:
                    end = float((packet.pts + (packet.duration or 0)) * packet.time_base) - begin
                    last = max(last, end)
                    if packet.stream_index == stream.index:
                        pictures = max(pictures, end)
        except av.error.FFmpegError as error:
            raise UserError(
                f"{video}: truncated or damaged near its end ({error.strerror}). Fetch the file "
                "again."
            ) from error
        if last < declared - SLACK:
            raise UserError(
                f"{video}: truncated: {declared:.1f} s long by its header, and the file ends "
                "before that. Fetch it again."
            )
        if pictures == 0:
            raise UserError(f"{video}: no picture with a time stamp. Convert it to mp4 or mkv.")
        return Probe(pictures, float(stream.average_rate or 0), stream.width, stream.height)


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
    """Writes the frames of a part of a video to a zip, whole or not at all.

    The frame rate is changed by ffmpeg's ``fps`` filter; the size stays the video's own.

    Args:
        video: A file FFmpeg can read.
        target: The zip.
        fps: Frames a second to resample to; AVA: 30.
        first_second: Annotated second of the first frame; AVA: 900.
        start: Second of the file where the part begins; AVA: 900.
        seconds: Length of the part, None for all the rest; AVA: 901.
        quality: JPEG quality (Pillow).

    Raises:
        UserError: The file is missing, is no video, is truncated or damaged, or ends too early.
    """
    import av

    video = Path(video)
    found = probe(video)
    if found.duration <= start or (
        seconds is not None and found.duration < start + seconds - 1 / fps
    ):
        wanted = "" if seconds is None else f" to {start + seconds:g} s"
        raise UserError(
            f"{video}: ends early, at {found.duration:.2f} s; frames from {start:g} s{wanted} are "
            "wanted. Fetch the whole video, or ask for a shorter part."
        )
    codec = ".".join(map(str, av.library_versions["libavcodec"]))
    decoder = f"PyAV {av.__version__} (libavcodec {codec})"
    most = None if seconds is None else round(seconds * fps)
    digest = hashlib.sha256()
    frames, size = 0, (0, 0)
    with atomic(target) as scratch, zipfile.ZipFile(scratch, "w") as zipped:
        for data, size in _jpegs(video, fps, start, most, quality):  # noqa: B007
            frames += 1
            digest.update(data)
            zipped.writestr(_member(f"{frames:06d}.jpg"), data)
        if most is not None and frames < most - 1:
            raise UserError(
                f"{video}: ends early: {frames} frames of the {most} wanted. Fetch the file "
                "again, or ask for a shorter part."
            )
        source = _source(video, start=start, seconds=seconds, quality=quality)
        info = FrameInfo(fps, first_second, frames, *size, decoder, source, digest.hexdigest())
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
    """Extracts many videos into ``folder/{name}.zip``; arguments as in :func:`extract`.

    A zip is kept if it came from a file of the same name and size with the same settings and is
    not older than that file; so a run that was killed goes on where it was. With more than one
    process the calling script must have a ``__main__`` guard.

    Returns:
        The manifest: ``{"videos": {name: {frames, fps, first_second, width, height, bytes,
        decoder, digest}}}``, sorted by name; ``digest`` is the SHA-256 of all JPEGs in order.

    Raises:
        DataErrors: Videos that could not be extracted, after all others have been.
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
    """Decodes every frame of folders of JPEGs; arguments as in ``FrameFolder``.

    Returns:
        A manifest as :func:`extract_all` gives.

    Raises:
        DataErrors: Frames that are missing, do not decode or differ in size, or count from 0.
    """
    settings = {"fps": fps, "first_second": first_second}
    return _manifest(
        _verify_one, {name: (Path(root), pattern) for name in videos}, settings, processes
    )


def some_frames(video: str | Path, *, fps: float, at: float, count: int) -> list[int]:
    """Bytes of the JPEGs of ``count`` frames from second ``at`` of a video file on.

    Raises:
        UserError: As ``extract``.
    """
    return [len(data) for data, _ in _jpegs(Path(video), fps, at, count, QUALITY)]


@contextmanager
def _open(video: str | Path) -> Iterator[tuple["av.container.InputContainer", "av.VideoStream"]]:
    import av

    if not Path(video).is_file():
        raise UserError(f"{video}: no such video file. Fetch it, or correct the path.")
    try:
        container = av.open(str(video))
    except (av.error.FFmpegError, OSError) as error:
        raise UserError(
            f"{video}: not a video, or truncated ({error.strerror}). Fetch the file again."
        ) from error
    with container:
        if not container.streams.video:
            raise UserError(f"{video}: has no video stream. Fetch the right file.")
        yield container, container.streams.video[0]


def _jpegs(
    video: Path, fps: float, start: float, most: int | None, quality: int
) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yields JPEG and (width, height) of every frame, one held in memory at a time."""
    from av.video.reformatter import VideoReformatter
    from PIL import Image

    # One for all frames: frame.to_image() would set a new one up for each, at 3 ms.
    reformatter = VideoReformatter()
    previous, data = None, b""
    for frame in islice(_resampled(video, fps, start), most):
        # A frame the filter repeats is the same buffer, and need not be encoded again.
        if previous is None or frame.planes[0].buffer_ptr != previous.planes[0].buffer_ptr:
            image = Image.fromarray(reformatter.reformat(frame, format="rgb24").to_ndarray())
            if frame.rotation:
                image = image.rotate(frame.rotation, expand=True)
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality)
            data = buffer.getvalue()
        previous = frame
        yield data, image.size


def _resampled(video: Path, fps: float, start: float) -> Iterator["av.VideoFrame"]:
    import av

    with _open(video) as (container, stream):
        begin = (container.start_time or 0) / av.time_base
        graph = av.filter.Graph()
        source = graph.add_buffer(template=stream)
        rate = graph.add("fps", f"fps={fps}:start_time={begin + start}:round=near")
        graph.link_nodes(source, rate, graph.add("buffersink")).configure()
        time = start
        try:
            # From a second early: the filter drops what is too much, but cannot mend a late start.
            container.seek(int((begin + max(0.0, start - 1)) * av.time_base), backward=True)
            for frame in container.decode(stream):
                time = (frame.time or 0.0) - begin
                graph.push(frame)
                yield from _pulled(graph)
            graph.push(None)
            yield from _pulled(graph)
        except av.error.FFmpegError as error:
            raise UserError(
                f"{video}: damaged: decoding fails after {time:.2f} s ({error.strerror}). Fetch "
                "the file again."
            ) from error


def _pulled(graph: "av.filter.Graph") -> Iterator["av.VideoFrame"]:
    import av

    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # a fixed time: same video, same bytes


def _source(video: Path, **cut: Any) -> dict[str, Any]:
    return {"name": video.name, "size": video.stat().st_size, **cut}


def _entry(info: FrameInfo, size: int) -> dict[str, Any]:
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
        info = extract(video, target, **settings)
    return _entry(info, target.stat().st_size)


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
        return None  # broken: extracted again
    same = (info.fps, info.first_second, info.source) == (fps, first_second, _source(video, **cut))
    return info if same else None


def _verify_one(
    name: str, root: Path, pattern: str, *, fps: float, first_second: int
) -> dict[str, Any]:
    folder = FrameFolder(root, pattern, name, fps, first_second)
    if folder.path(0).exists():
        raise UserError(
            f"{folder.path(0)}: frames count from 1; number all frames of video {name} one higher, "
            "or delete this one if it is none of them."
        )
    info, faults = folder.info, []
    present = folder.numbers()
    digest, total = hashlib.sha256(), 0
    for number in range(1, max(present) + 1):
        path = folder.path(number)
        try:
            data = folder.read(number)
            size = decoded_size(data, path)
        except UserError as error:
            faults.append(str(error))
            continue
        if size != (info.width, info.height):
            faults.append(
                f"{path}: {size[0]}x{size[1]} pixels, and frame 1 has {info.width}x{info.height}. "
                "Extract the video again."
            )
        digest.update(data)
        total += len(data)
    if faults:
        raise DataErrors(faults)
    return _entry(replace(info, frames=max(present), digest=digest.hexdigest()), total)


def _manifest(
    work: Callable[..., dict[str, Any]],
    jobs: Mapping[str, tuple[Any, ...]],
    settings: Mapping[str, Any],
    processes: int,
) -> dict[str, Any]:
    """Runs ``work(name, *jobs[name], **settings)`` for every video; all faults at the end."""
    done: dict[str, dict[str, Any]] = {}
    faults: list[str] = []

    def take(name: str, result: Callable[[], dict[str, Any]]) -> None:
        try:
            done[name] = result()
        except DataErrors as error:
            faults.extend(error.errors)
        except UserError as error:
            faults.append(str(error))
        logger.info("%s: %d of %d videos", name, len(done), len(jobs))

    names = sorted(jobs)
    if processes == 1:
        for name in names:
            take(name, partial(work, name, *jobs[name], **settings))
    else:
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
        with ProcessPoolExecutor(processes, context, initializer=die_with_parent) as pool:
            futures = {pool.submit(work, name, *jobs[name], **settings): name for name in names}
            try:
                for future in as_completed(futures):
                    take(futures[future], future.result)
            except BrokenProcessPool as error:
                left = [name for name in names if name not in done]
                raise UserError(
                    "a process died, for want of memory or in the decoder, at one of: "
                    f"{', '.join(left)}. Run again with fewer processes; finished ones are kept."
                ) from error
            finally:
                pool.shutdown(cancel_futures=True)
    if faults:
        raise DataErrors(sorted(faults))
    return {"videos": {name: done[name] for name in names}}
