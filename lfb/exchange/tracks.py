"""The form between annotation tools and AVA's files: the people of a video, frame by frame.

Frames count from 0 at the frame rate of the tool. Boxes are x1, y1, x2, y2 in fractions of the
frame; they may leave it, as people do.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import cos, radians, sin

from lfb.errors import UserError

_SLACK = 0.02  # part by which tools may differ about the duration of a video

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Film:
    """A video as a tool sees it.

    Attributes:
        name: Name in AVA's files.
        fps: Frames per second.
        frames: Number of frames.
        width: Width of a frame in pixels.
        height: Its height.
    """

    name: str
    fps: float
    frames: int
    width: int
    height: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.fps

    def at_rate(self, fps: float, frames: int, where: str) -> "Film":
        """Return the video as a tool sees it that counts frames at another rate.

        Args:
            fps: The rate.
            frames: Number of frames at this rate.
            where: Place in the export, for the error.

        Raises:
            UserError: This is another duration.
        """
        other = replace(self, fps=fps, frames=frames)
        if abs(other.duration - self.duration) > max(1, _SLACK * self.duration):
            raise UserError(
                f"{where}: lasts {other.duration:.1f} s, but video '{self.name}' lasts "
                f"{self.duration:.1f} s; is it the video that you annotated?"
            )
        return other


@dataclass(frozen=True)
class Shape:
    """A person from one frame on, until the next shape of the track.

    Attributes:
        frame: The frame.
        box: The box there. Up to the next shape it moves in a straight line.
        actions: Names of the actions from here on.
        visible: Whether the person is in view from here on.
        score: Score of the detector; 1 for an annotated box.
    """

    frame: int
    box: Box
    actions: frozenset[str] = frozenset()
    visible: bool = True
    score: float = 1.0


@dataclass(frozen=True)
class Track:
    """A person in a video.

    Attributes:
        person: Name or number of the person; None if the tool does not know who it is.
        shapes: At least one, by rising frame.
        named: Whether an annotator named the person. Tracks with the same name are then the same
            person, in all exports of the video. Otherwise a name holds in one file.
    """

    person: str | None
    shapes: tuple[Shape, ...]
    named: bool = False

    def at(self, frame: int) -> Shape | None:
        """Return the person on a frame, None if the person is not in view."""
        number = bisect_right(self.shapes, frame, key=lambda shape: shape.frame) - 1
        if number < 0 or not self.shapes[number].visible:
            return None
        shape = self.shapes[number]
        if frame == shape.frame or number + 1 == len(self.shapes):
            return replace(shape, frame=frame)
        following = self.shapes[number + 1]
        part = (frame - shape.frame) / (following.frame - shape.frame)
        return replace(shape, frame=frame, box=_between(shape.box, following.box, part))

    def views(self, frames: int) -> Iterator[tuple[int, int]]:
        """Yield the first frame of each time in view, and the frame behind its last one.

        Args:
            frames: Number of frames of the video, where the last time in view ends.
        """
        first = None
        for shape in self.shapes:
            if shape.visible and first is None:
                first = shape.frame
            elif not shape.visible and first is not None:
                yield first, shape.frame
                first = None
        if first is not None and first < frames:
            yield first, frames

    def acting(self, action: str, first: int, last: int) -> "Track":
        """Return the track with one more action from frame ``first`` to frame ``last``."""
        shapes = {shape.frame: shape for shape in self.shapes}
        for frame in (first, last + 1):
            if frame not in shapes and (shape := self.at(frame)):
                shapes[frame] = shape
        return replace(
            self,
            shapes=tuple(
                replace(shape, actions=shape.actions | {action})
                if shape.visible and first <= frame <= last
                else shape
                for frame, shape in sorted(shapes.items())
            ),
        )


@dataclass(frozen=True)
class Recording:
    """The people of a video in one export.

    Attributes:
        film: The video.
        tracks: The people.
        source: The export.
        detected: Whether the boxes come from a person detector or tracker, and have no actions.
    """

    film: Film
    tracks: tuple[Track, ...]
    source: str
    detected: bool = False


def moments(boxes: Iterable[Shape]) -> tuple[Shape, ...]:
    """Return the shapes of a track that is in view only on the frames of these boxes."""
    shapes: dict[int, Shape] = {}
    for shape in sorted(boxes, key=lambda shape: shape.frame):
        shapes[shape.frame] = shape
        shapes[shape.frame + 1] = replace(shape, frame=shape.frame + 1, visible=False)
    return tuple(shapes.values())


def upright(box: Box, degrees: float, pivot: tuple[float, float], film: Film) -> Box:
    """Return the upright box around a box that is rotated clockwise around a point.

    Args:
        box: The box before the rotation.
        degrees: The angle.
        pivot: The point, in fractions of the frame.
        film: The video; an angle depends on the shape of its frames.
    """
    c, s = cos(radians(degrees)), sin(radians(degrees))
    px, py = pivot[0] * film.width, pivot[1] * film.height
    xs, ys = [], []
    for x, y in ((box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3])):
        dx, dy = x * film.width - px, y * film.height - py
        xs.append((px + c * dx - s * dy) / film.width)
        ys.append((py + s * dx + c * dy) / film.height)
    return min(xs), min(ys), max(xs), max(ys)


def _between(a: Box, b: Box, part: float) -> Box:
    x1, y1, x2, y2 = (low + part * (high - low) for low, high in zip(a, b, strict=True))
    return x1, y1, x2, y2
