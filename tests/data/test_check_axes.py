"""Tests of lfb.data.check_axes."""

import numpy as np
import pytest

from lfb.data.check_axes import LEAST, compare_axes
from lfb.data.check_split import SplitContents, SplitFiles
from tests.samples import annotation_table, proposals_of

FILES = SplitFiles("val.csv", proposals="val.pkl")


def errors(boxes: np.ndarray, detected: np.ndarray) -> list[str]:
    truth = annotation_table(*(("a", t, *box, 1, 0) for t, box in enumerate(boxes)))
    people = proposals_of(*(("a", t, *box, 0.9) for t, box in enumerate(detected)))
    split = SplitContents("val", FILES, annotations=truth, proposals=people)
    return compare_axes(split, people).errors


def boxes(count: int) -> np.ndarray:
    """Return boxes right of the diagonal of the frame, so that swapping x and y moves them."""
    generator = np.random.default_rng(0)
    low = generator.uniform([0.5, 0], [0.6, 0.1], (count, 2))
    return np.hstack([low, low + generator.uniform(0.2, 0.3, (count, 2))])


def test_swapped_axes_are_an_error_if_nearly_all_boxes_overlap_then():
    right = boxes(LEAST)
    swapped = right[:, [1, 0, 3, 2]]
    assert errors(right, right) == []
    for pair in (right, swapped), (swapped, right):
        assert errors(*pair) == [
            "val.csv: 0% of its boxes overlap a box of val.pkl, with x and y swapped 100%: one of "
            "these files has x and y swapped; write x1,y1,x2,y2 in both"
        ]


@pytest.mark.parametrize("changed", ["few", "some overlap", "some never overlap"])
def test_what_is_not_certain_is_left(changed):
    right = boxes(LEAST - (changed == "few"))
    swapped = right[:, [1, 0, 3, 2]]
    if changed == "some overlap":
        swapped[:5] = right[:5]
    elif changed == "some never overlap":
        swapped[:5] = [0, 0.9, 0.1, 1]
    assert errors(right, swapped) == []


def test_only_seconds_with_proposals_count():
    right = boxes(3 * LEAST)
    assert len(errors(right, right[:LEAST, [1, 0, 3, 2]])) == 1
    assert errors(right, np.empty((0, 4))) == []
