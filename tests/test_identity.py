"""Tests of tests.identity."""

import pytest

from tests.identity import idf1
from tests.samples import annotation_table

LEFT, RIGHT = (0.1, 0.1, 0.4, 0.9), (0.6, 0.1, 0.9, 0.9)


def table(*rows):
    """Return rows (video, second, box, person) as a table."""
    return annotation_table(*((video, second, *box, 1, n) for video, second, box, n in rows))


TRUTH = table(
    ("a", 1, LEFT, 0),
    ("a", 2, LEFT, 0),
    ("a", 3, LEFT, 0),
    ("a", 1, RIGHT, 1),
    ("a", 2, RIGHT, 1),
    ("b", 1, LEFT, 0),
)


def test_the_right_numbers_have_an_idf1_of_1_whatever_they_are():
    assert idf1(TRUTH, TRUTH.assign(person=7 - TRUTH["person"])) == 1


def test_a_hand_made_example():
    found = table(
        ("a", 1, LEFT, 5),
        ("a", 2, LEFT, 6),  # the number changes: two of three boxes at most are right
        ("a", 3, LEFT, 6),
        ("a", 1, RIGHT, 6),  # taken by the other person, who has more boxes of that number
        ("a", 2, (0.6, 0.1, 0.9, 0.4), 8),  # overlaps too little
        ("c", 1, LEFT, 0),  # another video
    )
    # Right: person 0 as number 6 (2 boxes). Then no number is left for person 1: 2 x 2 / (6 + 6).
    assert idf1(TRUTH, found) == pytest.approx(4 / 12)


def test_a_person_gets_the_number_that_is_best_for_all():
    found = table(
        ("a", 1, LEFT, 5),
        ("a", 2, LEFT, 5),
        ("a", 3, LEFT, 6),
        ("a", 1, RIGHT, 5),
        ("a", 2, RIGHT, 5),
    )
    # 5 for person 1 and 6 for person 0 (3 right) beats 5 for person 0 (2 right).
    assert idf1(TRUTH, found) == pytest.approx(2 * 3 / (6 + 5))
