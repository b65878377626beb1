"""Decode video files: a first look at one, and its frames as JPEGs at any frame rate."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.video.reformatter import VideoReformatter
from PIL import Image

from lfb.errors import UserError

SLACK = 1.0  # seconds by which the duration in the header may exceed the last frame


@dataclass(frozen=True)
class Probe:
    """Duration (s) and frames per second of a video file, and the size (pixels) of its frames."""

    duration: float
    fps: float
    width: int
    height: int


def probe(video: str | Path) -> Probe:
    """Read a video's header and its last packets, and decode its first picture only.

    Raises:
        UserError: The file is missing, not a video, or ends before its header says.
    """
    with opened(video) as (container, stream):
        begin = (container.start_time or 0) / av.time_base
        declared = (container.duration or 0) / av.time_base
        last = pictures = 0.0  # end (s) of the last packet of any stream, and of the pictures
        try:
            first = next(container.decode(stream), None)
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
                f"{video}: truncated or damaged, at its beginning or near its end "
                f"({error.strerror}). Copy the file again."
            ) from error
        if last < declared - SLACK:
            raise UserError(
                f"{video}: truncated: {declared:.1f} s long by its header, but the file ends "
                "earlier. Fetch it again."
            )
        if pictures == 0 or first is None:
            raise UserError(f"{video}: no picture has a time stamp. Convert it to mp4 or mkv.")
        return Probe(pictures, float(stream.average_rate or 0), *_upright_size(first))


def decoder_version() -> str:
    """Return the name and version of the decoder."""
    codec = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"PyAV {av.__version__} (libavcodec {codec})"


def jpegs(
    video: str | Path, fps: float, start: float, limit: int | None, quality: int
) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yield JPEG and (width, height) of every frame; one is in memory at a time.

    ffmpeg's ``fps`` filter changes the frame rate; the size stays the video's own.

    Args:
        video: A file that FFmpeg can read.
        fps: Frames per second to resample to.
        start: Second of the file to start at.
        limit: Number of frames to stop after, None for all.
        quality: JPEG quality (Pillow).

    Raises:
        UserError: The file is missing, not a video, or damaged.
    """
    # One for all frames: frame.to_image() creates one per frame, which takes 3 ms.
    reformatter = VideoReformatter()
    previous, data = None, b""
    for frame in islice(resampled(video, fps, start), limit):
        # A frame that the filter repeats has the same buffer; it is encoded once.
        if previous is None or frame.planes[0].buffer_ptr != previous.planes[0].buffer_ptr:
            image = Image.fromarray(reformatter.reformat(frame, format="rgb24").to_ndarray())
            if frame.rotation:
                image = image.rotate(frame.rotation, expand=True)
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality)
            data = buffer.getvalue()
        previous = frame
        yield data, image.size


@contextmanager
def opened(video: str | Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Yield a video file and its video stream.

    Raises:
        UserError: The file is missing, or not a video.
    """
    if not Path(video).is_file():
        raise UserError(f"{video}: no such video file. Fetch it, or fix the path.")
    try:
        container = av.open(str(video))
    except (av.error.FFmpegError, OSError) as error:
        raise UserError(
            f"{video}: not a video, or truncated ({error.strerror}). Copy or encode the file again."
        ) from error
    with container:
        if not container.streams.video:
            raise UserError(f"{video}: has no video stream. Fetch the right file.")
        yield container, container.streams.video[0]


def resampled(
    video: str | Path, fps: float | Fraction, start: float = 0.0
) -> Iterator[av.VideoFrame]:
    """Yield the frames of a video from second ``start`` on, at a constant rate, as it stores them.

    Raises:
        UserError: The file is missing, not a video, or damaged.
    """
    with opened(video) as (container, stream):
        begin = (container.start_time or 0) / av.time_base
        graph = av.filter.Graph()
        source = graph.add_buffer(template=stream)
        rate = graph.add("fps", f"fps={fps}:start_time={begin + start}:round=near")
        graph.link_nodes(source, rate, graph.add("buffersink")).configure()
        time = start
        try:
            # A second early: the filter drops frames before the start, but cannot add them.
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


def _upright_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Return width and height of a frame after it is rotated as the file says."""
    return (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)


def _pulled(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
