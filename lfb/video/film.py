"""Write a film with boxes and text over it: H.264 in an mp4 that browsers play.

The pictures stream from the decoder to the encoder, so memory does not grow with the length.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from lfb.errors import UserError
from lfb.files.atomic import atomic
from lfb.program import progress
from lfb.video.decoding import opened, probe, resampled
from lfb.video.drawing import Pen, Picture
from lfb.video.frames import FrameFolder, FrameZip
from lfb.video.overlays import Overlay, Timeline

SLOWEST, FASTEST = Fraction(10), Fraction(60)  # frames per second of a film
SMALLEST, LARGEST = 360, 1080  # pixels of the short side
ENCODER = {"preset": "veryfast", "crf": "21"}
SOUND_RATE = 48_000


@dataclass(frozen=True)
class Footage:
    """The pictures of a film, and where its sound is.

    Attributes:
        pictures: Frames at a constant rate, the first at time 0.
        fps: Their rate.
        count: Roughly how many there are.
        sound: File whose first audio stream is the film's sound; None for none.
    """

    pictures: Iterable[av.VideoFrame]
    fps: Fraction
    count: int
    sound: Path | None = None

    @classmethod
    def of_video(cls, video: str | Path) -> "Footage":
        """Return the pictures and the sound of a video file.

        The rate is the file's mean, not less than ``SLOWEST`` and not more than ``FASTEST``.

        Raises:
            UserError: The file is missing, not a video, or ends before its header says.
        """
        duration = probe(video).duration
        with opened(video) as (container, stream):
            mean = stream.average_rate or stream.guessed_rate or SLOWEST
            sound = Path(video) if container.streams.audio else None
        fps = min(max(Fraction(mean), SLOWEST), FASTEST).limit_denominator(1001)
        return cls(resampled(video, fps), fps, math.ceil(duration * fps), sound)

    @classmethod
    def of_frames(cls, frames: FrameZip | FrameFolder, name: str) -> "Footage":
        """Return the frames of a data set as a film without sound; ``name`` is for errors."""
        from lfb.video.images import decode_frame  # loads PyTorch

        fps = Fraction(frames.info.fps).limit_denominator(1001)
        pictures = (
            av.VideoFrame.from_ndarray(
                decode_frame(frames.read(number), name, number).permute(1, 2, 0).numpy(), "rgb24"
            )
            for number in range(1, len(frames) + 1)
        )
        return cls(pictures, fps, len(frames))


def write_film(
    footage: Footage, target: str | Path, overlays: Iterable[Overlay], *, threads: int = 0
) -> None:
    """Write a film with overlays as H.264 and AAC. It appears only when complete.

    Pictures with a short side below ``SMALLEST`` are enlarged, so that the text is legible. Those
    above ``LARGEST`` are reduced.

    Args:
        footage: Pictures and sound.
        target: The mp4.
        overlays: Boxes and text.
        threads: Of the encoder; 0 for one per core.

    Raises:
        UserError: The footage is damaged, or has no picture.
    """
    timeline, pen = Timeline(overlays), None
    options = {"movflags": "faststart"}
    with (
        atomic(target) as scratch,
        av.open(str(scratch), "w", format="mp4", options=options) as film,
    ):
        pictures = film.add_stream("libx264", rate=footage.fps, options=ENCODER)
        pictures.pix_fmt = "yuv420p"
        pictures.codec_context.thread_count = threads
        sound = _sound(footage.sound, film)
        shown = progress(_upright(footage.pictures), "writing the film", footage.count)
        for number, picture in enumerate(shown):
            time = float(number / footage.fps)
            if pen is None:
                pen = Pen(picture.width, picture.height)
                pictures.width, pictures.height = picture.width, picture.height
            pen.draw(picture, timeline.at(time))
            frame = av.VideoFrame.from_ndarray(picture.planes, "yuv420p")
            frame.pts, frame.time_base = number, 1 / footage.fps
            film.mux(pictures.encode(frame))
            sound.mux_until(time)
        if pen is None:
            raise UserError(f"{footage.sound or target}: the film has no picture.")
        film.mux(pictures.encode())
        sound.mux_until(math.inf)


def _upright(pictures: Iterable[av.VideoFrame]) -> Iterator[Picture]:
    """Yield each frame in the size of the film, turned as its file says."""
    reformatter = VideoReformatter()
    for frame in pictures:
        width, height = _size(frame.width, frame.height)
        scaled = reformatter.reformat(
            frame, width, height, "yuv420p", interpolation="BICUBIC", dst_color_range="MPEG"
        )
        planes = scaled.to_ndarray()
        turns = round(frame.rotation / 90) % 4  # counter-clockwise
        yield _turned(Picture(planes), turns) if turns else Picture(planes)


def _size(width: int, height: int) -> tuple[int, int]:
    """Return the size of the film: even, and with a short side within the limits."""
    short = min(width, height)
    scale = math.ceil(SMALLEST / short) if short < SMALLEST else min(1.0, LARGEST / short)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _turned(picture: Picture, turns: int) -> Picture:
    planes = [np.rot90(plane, turns) for plane in picture.views()]
    height, width = planes[0].shape
    flat = np.concatenate([plane.ravel() for plane in planes])
    return Picture(flat.reshape(height * 3 // 2, width))


class _Silence:
    """The sound of a film that has none."""

    def mux_until(self, time: float) -> None:
        """Write nothing."""


class _Sound:
    """The sound of a file, encoded into a film as AAC.

    Args:
        file: With an audio stream.
        film: Where it goes.
    """

    def __init__(self, file: Path, film: av.container.OutputContainer) -> None:
        self._film = film
        self._stream = film.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        self._packets = self._encoded(file)
        self._next: av.Packet | None = None

    def mux_until(self, time: float) -> None:
        """Write the sound up to a time in seconds, so that it lies beside its pictures."""
        while True:
            self._next = self._next or next(self._packets, None)
            if self._next is None or _begin(self._next) > time:
                return
            self._film.mux(self._next)
            self._next = None

    def _encoded(self, file: Path) -> Iterator[av.Packet]:
        with opened(file) as (container, _):
            begin = (container.start_time or 0) / av.time_base
            source = container.streams.audio[0]
            for packet in container.demux(source):
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:
                    continue  # a damaged packet is a moment of silence
                for frame in frames:
                    if frame.time is None or frame.time < begin:
                        continue
                    frame.pts = round((frame.time - begin) * frame.sample_rate)
                    frame.time_base = Fraction(1, frame.sample_rate)
                    yield from self._stream.encode(frame)
            yield from self._stream.encode(None)


def _begin(packet: av.Packet) -> float:
    """Return the time of a packet in seconds."""
    assert packet.pts is not None
    assert packet.time_base is not None
    return float(packet.pts * packet.time_base)


def _sound(file: Path | None, film: av.container.OutputContainer) -> _Sound | _Silence:
    return _Sound(file, film) if file else _Silence()
