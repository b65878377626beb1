"""Boxes and text over a film: which of them a moment shows, and where."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

NEXT = 1.25  # seconds to the next keyframe of a person, up to which the box moves from one to it
ALONE = 0.5  # seconds for which a box stays before its first keyframe and after its last


@dataclass(frozen=True)
class Line:
    """A line of text below a person's number; ``new`` stands out."""

    text: str
    new: bool = False


@dataclass(frozen=True, eq=False)
class Overlay:
    """A box, with text, on one keyframe of a film.

    Attributes:
        time: Seconds from the beginning of the film.
        person: Number of the person, which gives the colour; None if it is unknown.
        box: (4,) x1 y1 x2 y2 in fractions of the frame.
        lines: Text.
    """

    time: float
    person: int | None
    box: np.ndarray
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, eq=False)
class _Span:
    """The time from one keyframe of a person to the next, or around a lone one."""

    begin: float
    end: float
    first: Overlay
    last: Overlay

    def at(self, time: float) -> tuple[np.ndarray, Overlay]:
        """Return the box at a time, and the nearer of the two keyframes."""
        length = self.last.time - self.first.time
        share = (time - self.first.time) / length if length else 0.0
        box = self.first.box + share * (self.last.box - self.first.box)
        return box, self.last if share >= 0.5 else self.first


class Timeline:
    """The overlays of a film, by time.

    Between two keyframes of the same person that are at most a second apart, the box moves from one
    to the other, and the text is that of the nearer one. Elsewhere a box stays for half a second
    before and after its keyframe.

    Args:
        overlays: In any order.
    """

    def __init__(self, overlays: Iterable[Overlay]) -> None:
        people: dict[int, list[Overlay]] = defaultdict(list)
        spans: list[_Span] = []
        for overlay in overlays:
            if overlay.person is None:
                spans += [_before(overlay), _after(overlay)]
            else:
                people[overlay.person].append(overlay)
        for person in sorted(people):
            spans += _spans_of(sorted(people[person], key=lambda overlay: overlay.time))
        spans.sort(key=lambda span: span.begin)
        self._spans = spans
        self._begins = [span.begin for span in spans]
        self._longest = max((span.end - span.begin for span in spans), default=0.0)

    def at(self, time: float) -> list[tuple[np.ndarray, Overlay]]:
        """Return each box that is shown at a time, with its keyframe, by number of the person."""
        start = bisect_right(self._begins, time - self._longest - 1e-6)
        stop = bisect_right(self._begins, time)
        shown = [span.at(time) for span in self._spans[start:stop] if time < span.end]
        return sorted(shown, key=lambda item: (item[1].person is None, item[1].person or 0))


def _spans_of(overlays: list[Overlay]) -> Iterator[_Span]:
    """Yield the spans of one person, whose keyframes are sorted by time."""
    yield _before(overlays[0])
    for one, other in pairwise(overlays):
        if other.time - one.time <= NEXT:
            yield _Span(one.time, other.time, one, other)
        else:
            yield from (_after(one), _before(other))
    yield _after(overlays[-1])


def _before(overlay: Overlay) -> _Span:
    return _Span(overlay.time - ALONE, overlay.time, overlay, overlay)


def _after(overlay: Overlay) -> _Span:
    return _Span(overlay.time, overlay.time + ALONE, overlay, overlay)
