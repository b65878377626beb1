"""Tests of lfb.exchange.ava."""

from typing import Any

import pytest

from lfb.exchange.ava import Clock, annotation_rows, people_of, proposal_rows
from lfb.exchange.findings import Findings
from lfb.exchange.tracks import Film, Recording, Shape, Track, moments

FILM = Film("hall", 30, 300, 640, 480)
LEFT, RIGHT, NEAR_LEFT = (0.1, 0.1, 0.3, 0.9), (0.6, 0.1, 0.8, 0.9), (0.11, 0.1, 0.31, 0.9)
SIT, WALK = frozenset({"sit"}), frozenset({"walk"})
LABELS = {1: "sit", 4: "walk"}


def track(person: str | None, *shapes: Shape, named: bool = True) -> Track:
    return Track(person, shapes, named)


def recording(*tracks: Track, source: str = "a.xml", **options: Any) -> Recording:
    return Recording(FILM, tracks, source, **options)


def rows(*recordings: Recording, clock: Clock | None = None) -> tuple[list[tuple], Findings]:
    """Return (second, action, person) of the annotations."""
    findings = Findings()
    people = people_of(recordings, clock or Clock(0), findings)
    table = annotation_rows(people, LABELS, findings)
    return list(zip(table["second"], table["action"], table["person"], strict=True)), findings


@pytest.mark.parametrize("fps", [8, 12.5, 23.976, 24, 25, 29.97, 30, 59.94])
def test_the_frame_of_a_second_has_this_second_as_nearest(fps: float) -> None:
    clock = Clock(900, start=0.5)
    for second in range(900, 960):
        frame = clock.frame(second, fps)
        assert clock.nearest(frame, fps)[0] == second
        assert clock.nearest(frame, fps)[1] == 0
        assert list(clock.seconds_within(frame, frame + 1, fps)) == [second]


def test_seconds_are_those_of_the_part_that_is_used() -> None:
    clock = Clock(5, start=2, seconds=3)
    assert [clock.frame(second, 30) for second in (5, 6, 7)] == [60, 90, 120]
    assert list(clock.seconds_within(0, 300, 30)) == [5, 6, 7]


def test_a_person_is_annotated_at_each_second_in_view() -> None:
    shapes = Shape(10, LEFT, SIT), Shape(60, RIGHT, WALK | SIT), Shape(91, RIGHT, SIT, False)
    found, findings = rows(recording(track("3", *shapes)))
    assert found == [(1, 1, 3), (2, 1, 3), (2, 4, 3), (3, 1, 3), (3, 4, 3)]
    assert findings == Findings()


def test_a_box_on_a_single_frame_counts_for_the_nearest_second() -> None:
    near = moments([Shape(32, LEFT, SIT), Shape(75, LEFT, SIT), Shape(91, RIGHT, WALK)])
    found, findings = rows(recording(track("3", *near)))
    assert found == [(1, 1, 3), (3, 4, 3)]
    assert findings.left_out == {"times in view without the beginning of a second": 1}


def test_of_two_single_frames_the_nearer_one_counts() -> None:
    found, _ = rows(recording(track("3", *moments([Shape(29, LEFT, SIT), Shape(31, LEFT, WALK)]))))
    assert found == [(1, 1, 3)]
    found, _ = rows(recording(track("3", *moments([Shape(30, LEFT, SIT), Shape(32, LEFT, WALK)]))))
    assert found == [(1, 1, 3)]


def test_a_moment_before_the_part_that_is_used_does_not_count() -> None:
    found, _ = rows(
        recording(track("3", *moments([Shape(30, LEFT, SIT)]))), clock=Clock(0, start=2)
    )
    assert found == []


def test_unknown_people_and_unnamed_ones_get_numbers() -> None:
    found, findings = rows(
        recording(
            track("7", Shape(0, LEFT, SIT), Shape(20, LEFT, SIT, False), named=False),
            track("Anna", Shape(0, RIGHT, SIT), Shape(20, RIGHT, SIT, False)),
            track("0", Shape(0, (0.4, 0.1, 0.5, 0.5), SIT), Shape(20, LEFT, SIT, False)),
            track(None, *moments([Shape(0, LEFT, WALK)])),
        )
    )
    assert found == [(0, 4, -1), (0, 1, 0), (0, 1, 1), (0, 1, 7)]
    assert findings.left_out == {"names of people: 'Anna' of hall": 1}


def test_tracks_of_one_person_are_joined() -> None:
    found, findings = rows(
        recording(
            track("3", Shape(0, LEFT, SIT), Shape(31, LEFT, SIT, False)),
            track("3", Shape(25, NEAR_LEFT, WALK), Shape(61, NEAR_LEFT, WALK, False)),
        )
    )
    assert found == [(0, 1, 3), (1, 1, 3), (1, 4, 3), (2, 4, 3)]
    assert findings == Findings()


def test_a_person_in_two_places_is_an_error() -> None:
    _, findings = rows(
        recording(track("3", Shape(0, LEFT, SIT)), track("3", Shape(0, RIGHT, WALK)))
    )
    (error,) = findings.errors
    assert error == (
        "a.xml: video 'hall', second 0: person '3' is in two places; give each person another name"
    )


def test_jobs_that_overlap_annotate_a_person_once() -> None:
    first = track("0", Shape(0, LEFT, SIT), Shape(61, LEFT, SIT, False), named=False)
    second = track("0", Shape(60, NEAR_LEFT, WALK), Shape(100, RIGHT, WALK, False), named=False)
    other = track("1", Shape(60, RIGHT, SIT), Shape(100, RIGHT, WALK, False), named=False)
    found, findings = rows(recording(first), recording(second, other, source="b.xml"))
    assert found == [(0, 1, 0), (1, 1, 0), (2, 1, 0), (2, 1, 1), (3, 4, 0), (3, 1, 1)]
    assert findings.left_out == {"boxes of people whom another export of the video has too": 1}


def test_actions_outside_of_the_label_list_are_left_out() -> None:
    shape = Shape(0, LEFT, frozenset({"sit", "male"}))
    found, findings = rows(recording(track("3", *moments([shape, Shape(30, LEFT)]))))
    assert found == [(0, 1, 3)]
    assert findings.left_out == {
        "actions 'male', which is not in the label list": 1,
        "boxes without an action; they are proposals only": 1,
    }


def test_boxes_are_clipped_to_the_frame() -> None:
    findings = Findings()
    beyond = Shape(0, (-0.2, 0.1, 0.3, 1.4), SIT), Shape(30, (1.2, 0.1, 1.3, 0.5), SIT)
    people = people_of([recording(track("3", *moments(beyond)))], Clock(0), findings)
    ((*_, shape),) = people.known
    assert shape.box == (0, 0.1, 0.3, 1)
    assert findings.left_out == {
        "parts of boxes outside of the frame": 1,
        "boxes outside of the frame": 1,
    }


def test_proposals_are_detected_boxes_or_else_annotated_ones() -> None:
    annotated = recording(track("3", *moments([Shape(0, LEFT, SIT), Shape(30, LEFT)])))
    detected = recording(
        track(None, *moments([Shape(30, RIGHT, score=0.75)])), source="det.txt", detected=True
    )
    table = proposal_rows(people_of([annotated], Clock(0), Findings()))
    assert table.to_numpy().tolist() == [["hall", 0, *LEFT, 1.0], ["hall", 1, *LEFT, 1.0]]
    table = proposal_rows(people_of([annotated, detected], Clock(0), Findings()))
    assert table.to_numpy().tolist() == [["hall", 1, *RIGHT, 0.75]]
