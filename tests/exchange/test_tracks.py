"""Tests of lfb.exchange.tracks."""

import pytest

from lfb.exchange.tracks import Film, Shape, Track, moments, upright

BOX, OTHER = (0.1, 0.1, 0.3, 0.5), (0.3, 0.1, 0.5, 0.5)
TRACK = Track(
    "3",
    (
        Shape(10, BOX, frozenset({"sit"})),
        Shape(20, OTHER, frozenset({"walk"})),
        Shape(30, OTHER, visible=False),
        Shape(40, BOX),
    ),
)


def test_a_box_moves_in_a_straight_line_and_actions_stay() -> None:
    shape = TRACK.at(15)
    assert shape is not None
    assert shape.box == pytest.approx((0.2, 0.1, 0.4, 0.5))
    assert (shape.frame, shape.actions) == (15, {"sit"})


def test_a_person_is_not_in_view_before_and_between() -> None:
    assert [TRACK.at(frame) is not None for frame in (0, 9, 10, 29, 30, 39, 40, 99)] == [
        *(False, False, True, True, False, False, True, True)
    ]
    assert list(TRACK.views(50)) == [(10, 30), (40, 50)]
    assert list(TRACK.views(40)) == [(10, 30)]


def test_an_action_is_added_to_a_part() -> None:
    track = TRACK.acting("drink", 15, 44)
    actions = {frame: sorted(s.actions) for frame in range(60) if (s := track.at(frame))}
    assert all(
        ("drink" in found) == (15 <= frame <= 44 and not 30 <= frame < 40)
        for frame, found in actions.items()
    )
    for frame in range(60):
        before, after = TRACK.at(frame), track.at(frame)
        assert (before is None) == (after is None)
        assert after is None or before is None or after.box == pytest.approx(before.box)


def test_moments_are_single_frames() -> None:
    track = Track(None, moments([Shape(7, OTHER), Shape(3, BOX), Shape(4, OTHER)]))
    assert list(track.views(20)) == [(3, 5), (7, 8)]


def test_a_quarter_turn_swaps_the_sides_in_pixels() -> None:
    film = Film("a", 30, 10, 200, 100)
    center = (0.5, 0.5)
    assert upright((0.4, 0.4, 0.6, 0.6), 90, center, film) == pytest.approx((0.45, 0.3, 0.55, 0.7))
    assert upright((0.4, 0.4, 0.6, 0.6), 0, center, film) == pytest.approx((0.4, 0.4, 0.6, 0.6))
