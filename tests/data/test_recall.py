"""Tests of lfb.data.recall."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.data.recall import describe, measure, shifted_seconds
from tests.samples import annotation_table, proposals_of

LEFT, RIGHT = (0.1, 0.1, 0.4, 0.9), (0.6, 0.1, 0.9, 0.9)
ROWS = annotation_table(
    ("a", 1, *LEFT, 1, 0),
    ("a", 1, *LEFT, 3, 0),
    ("a", 1, *RIGHT, 1, 1),
    ("a", 2, *LEFT, 1, 0),
    ("b", 1, *LEFT, 1, 0),
    ("b", 2, *(np.nan,) * 4, -1, -1),
    ("b", 3, *LEFT, 1, 0),
)
FOUND = proposals_of(
    ("a", 1, 0.1, 0.1, 0.4, 0.5, 0.95),  # IoU 0.5
    ("a", 1, *LEFT, 0.4),
    ("a", 1, 0.6, 0.1, 0.9, 0.49, 0.99),  # IoU just below 0.5
    ("a", 2, *RIGHT, 0.99),
    ("b", 1, *LEFT, 0.8),
    ("c", 1, *LEFT, 0.8),
)
SCORES = {"test_score": 0.9, "bank_score": 0.8}


def test_found_people_are_counted_at_every_score():
    assert measure(ROWS, FOUND, {("b", 3)}, SCORES) == {
        "keyframes": 4,
        "without": 1,
        "proposals": 5,
        "boxes": 4,
        "found": 2,
        "test_score": 1,
        "bank_score": 2,
    }


def test_the_description_has_all_counts():
    assert describe(measure(ROWS, FOUND, {("b", 3)}, SCORES), SCORES) == (
        "recall at IoU 0.5: 50.0 % of 4 annotated people, 25.0 % with scores of 0.9 or more "
        "(boxes.test_score), 50.0 % with scores of 0.8 or more (boxes.bank_score); 1.25 boxes "
        "per keyframe; 1 of 4 keyframes have none"
    )


def test_a_score_with_two_purposes_is_described_once():
    scores = {"bank_score": 0.9, "test_score": 0.9}
    message = describe(measure(ROWS, FOUND, {("b", 3)}, scores), scores)
    assert ", 25.0 % with scores of 0.9 or more (boxes.bank_score, boxes.test_score); " in message


def test_keyframes_without_people_have_a_recall_of_0():
    measured = measure(ROWS[ROWS["action"] < 1], FOUND, set(), SCORES)
    assert (measured["boxes"], measured["without"]) == (0, 1)
    assert describe(measured, SCORES).startswith("recall at IoU 0.5: 0.0 % of 0 annotated people")


def test_seconds_shifted_by_one_give_a_warning():
    truth = [("a", t, 0.1, 0.05 * t, 0.4, 0.05 * t + 0.1, 1, 0) for t in range(1, 11)]
    rows = annotation_table(*truth)

    def warning(*shifts: int) -> str | None:
        guesses = [(v, t + shift, *box, 1.0) for v, t, *box, _, _ in truth for shift in shifts]
        return shifted_seconds(rows, proposals_of(*guesses), set())

    assert warning(1) == (
        "with the proposals' seconds 1 lower, 100.0 % of the annotated people would be found, not "
        "0.0 %: do both files count seconds in the same way, and is data.first_second right?"
    )
    assert (warning(-1) or "").startswith("with the proposals' seconds 1 higher, 100.0 % of")
    assert warning(0) is None
    assert warning(0, 1) is None
    assert shifted_seconds(rows[:0], FOUND, set()) is None


@given(st.integers(0, 10**6))
@settings(max_examples=40)
def test_recall_agrees_with_its_definition(seed):
    rng = np.random.default_rng(seed)

    def box() -> tuple[float, ...]:
        return (*rng.uniform(0, 0.4, 2), *rng.uniform(0.5, 1, 2))

    def key() -> tuple[str, int]:
        return "ab"[rng.integers(2)], int(rng.integers(1, 4))

    truth = {(*key(), *box()) for _ in range(8)}
    rows = annotation_table(*((*row, 1, 0) for row in sorted(truth)))
    guesses = [(*key(), *box(), float(rng.uniform())) for _ in range(12)]
    measured = measure(rows, proposals_of(*guesses), set(), {"test_score": 0.5})
    for name, least in ("found", 0), ("test_score", 0.5):
        expected = sum(
            any(g[:2] == t[:2] and g[6] >= least and iou(g[2:6], t[2:]) >= 0.5 for g in guesses)
            for t in truth
        )
        assert measured[name] == expected


def iou(a, b) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (total - width * height)
