"""Tests of lfb.data.boxes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfb.data.boxes import (
    PersonBoxes,
    RowIndex,
    box_iou,
    differs_from_previous,
    group_rows,
    ragged,
)
from tests.samples import NAMES, proposals_of

ROWS = st.lists(st.tuples(NAMES, st.integers(0, 3), st.sampled_from([0.25, 0.5, 1.0])), max_size=12)


@given(ROWS, st.lists(NAMES, max_size=3))
def test_rows_are_grouped_by_video_second_and_falling_score(rows, more):
    video, second, score = ([row[i] for row in rows] for i in range(3))
    order, index = group_rows(video, second, score, more)
    expected = sorted(range(len(rows)), key=lambda i: (video[i], second[i], -score[i]))
    assert order.tolist() == expected
    assert index.videos == sorted({*video, *more})
    keys = index.keys()
    assert keys == sorted(set(zip(video, second, strict=True)))
    assert index.multi_index().tolist() == keys
    assert len(index) == len(keys)
    assert (index.second.dtype, index.row_start.dtype) == (np.int32, np.int64)
    assert index.video_start.dtype == np.int64
    assert index.count.tolist() == [
        sum((v, s) == key for v, s in zip(video, second, strict=True)) for key in keys
    ]
    for v in index.videos:
        for s in range(5):
            found = order[index.rows(v, s)].tolist()
            assert found == [i for i in expected if (video[i], second[i]) == (v, s)]
    assert index.rows("~", 1) == slice(0)


def test_rows_without_scores_keep_their_order_within_a_keyframe():
    order, index = group_rows(["b", "a", "b", "a"], [1, 2, 1, 2])
    assert order.tolist() == [1, 3, 0, 2]
    assert index.row_start.tolist() == [0, 2, 4]


def test_a_keyframe_may_have_no_rows_and_a_video_no_keyframe():
    index = RowIndex.of(["a", "b", "c"], np.array([0, 0, 2]), [1, 3, 2], [2, 0, 1])
    assert index.video_start.tolist() == [0, 2, 2, 3]
    assert index.row_start.tolist() == [0, 2, 2, 3]
    assert index.video.tolist() == [0, 0, 2]
    assert index.keys() == [("a", 1), ("a", 3), ("c", 2)]
    assert index.rows("a", 3) == slice(2, 2)
    assert index.rows("a", 2) == index.rows("b", 1) == slice(0)


def test_an_index_of_columns_that_differ_in_length_is_refused():
    with pytest.raises(ValueError, match="2 videos, 1 seconds, 2 counts"):
        RowIndex.of(["a"], np.array([0, 0]), [1], [1, 1])


def test_keyframes_have_the_boxes_scores_and_labels_of_their_rows():
    people = proposals_of(("b", 1, 0, 0, 1, 1, 0.5), ("a", 2, *[0] * 4, 0.25), ("b", 1, *[0] * 5))
    found = people.keyframes()
    assert [(k.video, k.second, k.scores.tolist()) for k in found] == [
        ("a", 2, [0.25]),
        ("b", 1, [0.5, 0]),
    ]
    assert [k.boxes.shape for k in found] == [(1, 4), (2, 4)]
    assert found[0].labels is None
    labels = np.array([[1], [2], [3]], np.uint8)
    labelled = PersonBoxes(people.index, people.boxes, people.scores, labels).keyframes()
    assert [k.labels.tolist() for k in labelled if k.labels is not None] == [[[1]], [[2], [3]]]
    assert PersonBoxes.none().keyframes() == []


def test_boxes_that_reach_a_score_are_counted_for_each_keyframe():
    people = proposals_of(*(("a", s, 0, 0, 1, 1, score) for s, score in [(1, 0.5), (1, 1), (2, 0)]))
    assert people.passing(0.5).tolist() == [2, 0]
    assert people.passing(np.array([0.6, 0])).tolist() == [1, 1]


def test_a_row_is_compared_with_the_row_above_in_every_column():
    one, other = np.array([1, 1, 2, 2, 2]), np.array([5, 5, 5, 6, 6])
    assert differs_from_previous(one, other).tolist() == [True, False, True, True, False]
    assert differs_from_previous(np.array([])).tolist() == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=6))
def test_ragged_ranges_are_those_of_a_loop(ranges):
    start, count = np.array(ranges, int).reshape(-1, 2).T
    number, owner = ragged(start, count)
    expected = [(s + n, i) for i, (s, c) in enumerate(ranges) for n in range(c)]
    assert list(zip(number.tolist(), owner.tolist(), strict=True)) == expected


def test_iou_broadcasts_its_boxes():
    a = np.array([[0, 0, 1, 1], [0, 0, 0.5, 1], [0.5, 0.5, 0.5, 0.5]])
    b = np.array([[0, 0, 1, 0.5], [0.5, 0, 1, 1], [0.5, 0.5, 0.5, 0.5]])
    np.testing.assert_array_equal(box_iou(a, b), [0.5, 0, np.nan])
    np.testing.assert_array_equal(box_iou(a[:, None], b)[:2], [[0.5, 0.5, 0], [1 / 3, 0, 0]])


def test_iou_uses_the_precision_of_the_boxes_except_for_the_product():
    random = np.random.default_rng(0)
    low = random.uniform(0, 0.5, (2, 1000, 2)).astype(np.float32)
    a, b = np.concatenate([low, low + np.float32(0.3)], 2)
    sides = np.maximum(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0)
    areas = np.prod(a[:, 2:] - a[:, :2], 1) + np.prod(b[:, 2:] - b[:, :2], 1)
    assert sides.dtype == areas.dtype == np.float32
    for product, shared in ((None, np.prod(sides, 1)), (np.float64, sides.prod(1, np.float64))):
        found = box_iou(a, b, product)
        assert found.dtype == shared.dtype
        np.testing.assert_array_equal(found, shared / (areas - shared))
    assert (box_iou(a, b) != box_iou(a, b, np.float64)).any()


def test_the_module_needs_only_numpy():
    code = "import sys, lfb.data.boxes; sys.exit(not {'pandas', 'torch'}.isdisjoint(sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
