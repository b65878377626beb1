import numpy as np
import pytest

from lfb.report.confusion import Confusion, confusion_matrix
from lfb.report.examples import Answers, People
from tests.report.finished_run import LABELS, predict, split

NAMES = [LABELS[i] for i in sorted(LABELS)]


def people_and_answers(does: list[list[int]], answer: list[list[int]]) -> tuple[People, Answers]:
    """Return people of one keyframe with actions by number; an empty answer is not detected."""

    def rows(numbers: list[list[int]]) -> np.ndarray:
        return np.array([[c in row for c in range(4)] for row in numbers])

    detected = np.array([bool(row) for row in answer])
    people = People([], np.arange(4), rows(does), np.zeros(len(does), int))
    box = np.where(detected[:, None], 0.5, np.nan) * np.ones((1, 4))
    correct = (rows(does) & rows(answer)).sum(1)
    return people, Answers(box, np.zeros((len(does), 4)), rows(answer), correct)


def test_a_missed_action_counts_as_taken_for_the_wrong_ones_in_equal_parts() -> None:
    confusion = Confusion.of(*people_and_answers([[0, 1, 2], [0], [0, 3]], [[0, 3, 1], [2], []]))
    expected = np.zeros((4, 4))
    expected[0, 0] = expected[1, 1] = 1  # person 1 finds 0 and 1
    expected[2, 3] = 1  # and takes 2 for 3
    expected[0, 2] = 1  # person 2 takes 0 for 2
    assert (confusion.taken == expected).all()
    assert confusion.undetected.tolist() == [1, 0, 0, 1]

    confusion = Confusion.of(*people_and_answers([[0, 1]], [[2, 3]]))
    assert confusion.taken[:2].tolist() == [[0, 0, 0.5, 0.5]] * 2


def test_every_person_counts_once_in_the_row_of_each_action() -> None:
    people = People.of(split())
    for predictions in predict(set()), predict({("bert", 5)}), predict(set(), people=1):
        confusion = Confusion.of(people, Answers.of(people, predictions))
        assert confusion.people == pytest.approx(people.actions.sum(0))
        sums = confusion.shares.sum(1)
        assert sums == pytest.approx([1, 1, 1, 0])  # nobody does the last action


def test_the_matrix_lists_shares_and_the_most_frequent_pairs() -> None:
    does = [[0]] * 5 + [[1]] * 2
    confusion = Confusion.of(*people_and_answers(does, [[0], [0], [1], [1], [], [1], [3]]))
    matrix = confusion_matrix(confusion, NAMES)
    assert [row["name"] for row in matrix["rows"]] == NAMES[:2]
    assert matrix["rows"][0]["cells"] == [40, 40, None, None, 20]
    assert matrix["rows"][1]["cells"] == [None, 50, None, 50, None]
    assert matrix["most"] == [{"true": NAMES[0], "answer": NAMES[1], "people": 2, "share": 40}]
