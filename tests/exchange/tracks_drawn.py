"""Random people in a video, for round trips, and their comparison frame by frame."""

import math
from collections import defaultdict

from hypothesis import strategies as st

from lfb.exchange.tracks import Box, Film, Recording, Shape, Track

FILM = Film("kitchen 2", 25, 50, 640, 480)
ACTIONS = ("stand", 'say "no" & <go>', "trinkt Öl")


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Return a box that may leave the frame a little."""
    x, y = draw(st.floats(-0.1, 0.9)), draw(st.floats(-0.1, 0.9))
    width, height = draw(st.floats(0.01, 0.5)), draw(st.floats(0.01, 0.5))
    return x, y, x + width, y + height


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    """Return people who come into view, change their actions and leave."""
    tracks = []
    for person in draw(st.lists(st.sampled_from(["3", "7", "Anna & <Jo>"]), unique=True)):
        frames = draw(st.sets(st.integers(0, FILM.frames - 1), min_size=1, max_size=6))
        shapes: list[Shape] = []
        for frame in sorted(frames):
            visible = not shapes or draw(st.booleans())
            box = draw(boxes())
            if not visible and not shapes[-1].visible:
                continue
            actions = frozenset(draw(st.sets(st.sampled_from(ACTIONS))))
            shapes.append(Shape(frame, box, actions if visible else shapes[-1].actions, visible))
        tracks.append(Track(person, tuple(shapes), named=True))
    return Recording(FILM, tuple(tracks), "drawn")


def states(recording: Recording) -> dict[tuple[str, int], tuple[Box, frozenset[str]]]:
    """Return box and actions of each person on each frame."""
    found = {}
    people = defaultdict(list)
    for track in recording.tracks:
        people[track.person].append(track)
    for person, tracks in people.items():
        for frame in range(FILM.frames):
            shapes = [shape for track in tracks if (shape := track.at(frame))]
            if shapes:
                actions = frozenset[str]().union(*(shape.actions for shape in shapes))
                found[str(person), frame] = shapes[0].box, actions
    return found


def same(a: Recording, b: Recording) -> bool:
    """Return whether every person is at the same place with the same actions on every frame."""
    one, other = states(a), states(b)
    return one.keys() == other.keys() and all(
        one[key][1] == other[key][1]
        and all(map(lambda x, y: math.isclose(x, y, abs_tol=1e-7), one[key][0], other[key][0]))
        for key in one
    )
