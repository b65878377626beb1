"""Tests of lfb.data.tracks."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfb.data import tracks
from lfb.data.demo import PEOPLE, Stage, write_scene
from lfb.data.tracks import GAP, link
from lfb.files.csv_table import BOX, KEY
from tests.identity import CASES, idf1, scenes

LEFT, MIDDLE, RIGHT = (0.1, 0.2, 0.3, 0.8), (0.4, 0.2, 0.6, 0.8), (0.7, 0.2, 0.9, 0.8)


def linked(*rows, feature=None, **options):
    """Return the numbers of rows (second, box) of one video."""
    seconds, boxes = zip(*rows, strict=True)
    return link(["a"] * len(rows), seconds, boxes, feature, **options).tolist()


def numbered(table, feature=None):
    """Return a table with linked numbers as persons."""
    number = link(table["video"], table["second"], table[BOX], feature)
    return table.assign(person=number)


def test_people_keep_their_numbers_from_left_to_right():
    rows = [(second, box) for second in range(4) for box in (RIGHT, LEFT, MIDDLE)]
    assert linked(*rows) == [2, 0, 1] * 4


def test_one_person_and_no_person():
    assert linked((5, LEFT)) == [0]
    assert link([], [], np.empty((0, 4))).tolist() == []
    assert link([], [], np.empty((0, 4)), np.empty((0, 8))).tolist() == []


def test_each_video_counts_from_0():
    assert link(["b", "a", "b"], [1, 1, 2], [RIGHT, LEFT, RIGHT]).tolist() == [0, 0, 0]


def test_a_person_is_the_same_after_the_longest_gap_and_another_one_after_a_longer_gap():
    assert linked((1, LEFT), (2 + GAP, LEFT)) == [0, 0]
    assert linked((1, LEFT), (3 + GAP, LEFT)) == [0, 1]
    assert linked((1, LEFT), (2, LEFT), gap=0) == [0, 0]
    assert linked((1, LEFT), (3, LEFT), gap=0) == [0, 1]


def test_a_missed_second_does_not_disturb_the_others():
    rows = [(1, LEFT), (1, MIDDLE), (2, MIDDLE), (3, MIDDLE), (3, LEFT)]
    assert linked(*rows) == [0, 1, 1, 1, 0]


def test_boxes_far_from_all_tracks_are_new_people():
    assert linked((1, LEFT), (2, RIGHT), (2, LEFT)) == [0, 1, 0]


def test_equal_boxes_of_a_second_have_different_numbers():
    assert sorted(linked((1, LEFT), (1, LEFT), (1, LEFT))) == [0, 1, 2]
    steady = linked(*[(second, LEFT) for second in range(4) for _ in range(2)])
    assert [set(steady[i : i + 2]) for i in (0, 2, 4, 6)] == [{0, 1}] * 4


def test_a_box_that_is_there_twice_for_a_second_does_not_end_the_track():
    numbers = linked((1, LEFT), (2, LEFT), (2, LEFT), (3, LEFT), (4, LEFT))
    assert numbers[3:] == [0, 0]
    assert sorted(numbers[1:3]) == [0, 1]


def test_unknown_boxes_are_new_people():
    assert linked((1, LEFT), (2, (np.nan,) * 4), (2, LEFT), (3, (np.nan,) * 4)) == [0, 1, 0, 2]


def test_boxes_without_area_are_linked_where_they_lie_only():
    point = (0.5, 0.5, 0.5, 0.5)
    assert linked((1, LEFT), (2, point), (2, LEFT)) == [0, 1, 0]


def test_features_decide_between_boxes_that_overlap_alike():
    apart = [(0.3, 0.2, 0.5, 0.8), (0.5, 0.2, 0.7, 0.8)]
    rows = [(1, apart[0]), (1, apart[1]), (2, MIDDLE), (2, MIDDLE), (3, apart[0]), (3, apart[1])]
    feature = np.array([[5, 1], [5, 0], [5, 0], [5, 1], [5, 0], [5, 1]], np.float16)
    assert linked(*rows, feature=feature) == [0, 1, 1, 0, 1, 0]
    alike = linked(*rows, feature=np.ones((6, 2)))  # both pairings of a second are equally good
    assert [sorted(alike[i : i + 2]) for i in (0, 2, 4)] == [[0, 1]] * 3


def test_people_who_turn_round_where_they_meet_and_people_who_cross_are_told_apart_by_their_walk():
    width = np.array([0, 0, 0.2, 0.6])

    def films(*middles):
        return [(second, (m, 0.2, m, 0.8) + width * [0, 0, 1, 0]) for second, m in middles]

    crossing = films(*[(s, m) for s in range(6) for m in (0.1 + 0.1 * s, 0.65 - 0.1 * s)])
    assert linked(*crossing) == [0, 1] * 6
    turning = films(
        *[(s, m) for s, d in enumerate((3, 2, 1, 2, 3)) for m in (0.4 - 0.1 * d, 0.4 + 0.1 * d)]
    )
    assert linked(*turning) == [0, 1] * 5


@pytest.mark.parametrize("case", CASES)
def test_hard_cases(case):
    table, feature = scenes(case)
    ambiguous = case in ("crossing", "meeting")  # where boxes are equal, they say nothing
    assert idf1(table, numbered(table)) >= (0.85 if ambiguous else 0.95)
    assert idf1(table, numbered(table, feature)) >= 0.99


def test_the_people_of_the_demo_keep_their_numbers():
    random = np.random.default_rng(0)
    rows = []
    for number in range(8):
        stage = Stage(write_scene(number, 13, random), random)
        for second in range(13):
            for person in range(PEOPLE):
                box = stage.box(person, second)
                box = box + random.normal(0, 0.02, 4) * np.tile(box[2:] - box[:2], 2)
                if random.random() > 0.03:
                    rows.append((str(number), second, *box, person))
    table = pd.DataFrame(rows, columns=[*KEY, *BOX, "person"])
    assert idf1(table, numbered(table)) >= 0.98


BOXES = st.tuples(*[st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.5, 1), st.floats(0.5, 1)])
ROWS = st.tuples(st.sampled_from("ab"), st.integers(0, 8), BOXES)


@given(st.lists(ROWS, min_size=1, max_size=25, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_nobody_is_twice_in_a_second(rows, random):
    feature = np.array([[sum(box), box[0]] for _, _, box in rows])
    order = list(range(len(rows)))
    random.shuffle(order)
    columns = list(zip(*rows, strict=True))
    numbers = link(*columns, feature)
    shuffled = link(*([column[i] for i in order] for column in columns), feature[order])
    assert shuffled.tolist() == numbers[order].tolist()
    people = list(zip(columns[0], columns[1], numbers.tolist(), strict=True))
    assert len(set(people)) == len(people)
    first = defaultdict(lambda: 9)
    for video, second, number in people:
        first[video, number] = min(first[video, number], second)
    for name in set(columns[0]):
        seconds = [first[key] for key in sorted(first) if key[0] == name]
        assert seconds == sorted(seconds)


def test_the_work_of_a_second_does_not_grow_with_the_film(monkeypatch):
    sizes = []
    assign = tracks.linear_sum_assignment

    def observed(score, **options):
        sizes.append(score.shape)
        return assign(score, **options)

    monkeypatch.setattr(tracks, "linear_sum_assignment", observed)
    random = np.random.default_rng(0)
    corner = random.uniform(0, 0.9, (500, 2))
    link(["a"] * 500, np.arange(500), np.concatenate([corner, corner + 0.05], 1))
    assert len(sizes) == 500
    assert max(known for known, _ in sizes) <= GAP + 1
