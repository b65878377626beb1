"""Tests of lfb.video.overlays."""

import numpy as np

from lfb.video.overlays import Line, Overlay, Timeline


def overlay(time: float, person: int | None = 0, left: float = 0.0, text: str = "") -> Overlay:
    lines = (Line(text),) if text else ()
    return Overlay(time, person, np.array([left, 0.2, left + 0.1, 0.8]), lines)


def test_a_box_moves_from_one_keyframe_to_the_next() -> None:
    timeline = Timeline([overlay(5, left=0.4, text="late"), overlay(4, left=0.2, text="early")])
    for time, left, text in (4, 0.2, "early"), (4.25, 0.25, "early"), (4.75, 0.35, "late"):
        ((box, shown),) = timeline.at(time)
        np.testing.assert_allclose(box, [left, 0.2, left + 0.1, 0.8])
        assert shown.lines == (Line(text),)


def test_a_lone_box_stays_for_half_a_second_on_either_side() -> None:
    timeline = Timeline([overlay(4)])
    assert [len(timeline.at(time)) for time in (3.4, 3.6, 4, 4.4, 4.6)] == [0, 1, 1, 1, 0]


def test_no_box_moves_over_a_gap() -> None:
    timeline = Timeline([overlay(4, left=0.2), overlay(6, left=0.4)])
    assert [len(timeline.at(time)) for time in (4.4, 4.6, 5.4, 5.6)] == [1, 0, 0, 1]
    np.testing.assert_allclose(timeline.at(5.9)[0][0][0], 0.4)


def test_every_person_is_shown_once_in_order_and_unknown_ones_last() -> None:
    people = [2, 0, 1, None]
    timeline = Timeline([overlay(second, person) for person in people for second in range(3)])
    for time in 0, 0.5, 1, 1.99, 2:
        numbers = [shown.person for _, shown in timeline.at(time)]
        assert numbers[:3] == [0, 1, 2]
        assert set(numbers[3:]) == {None}


def test_boxes_of_unknown_people_do_not_move() -> None:
    timeline = Timeline([overlay(4, None, 0.2), overlay(5, None, 0.4)])
    ((box, _),) = timeline.at(4.4)
    assert box[0] == 0.2


def test_a_film_without_boxes_shows_none() -> None:
    assert Timeline([]).at(1) == []
