"""Tests of lfb.data.check_boxes."""

import numpy as np
import pytest

from lfb.data.check_boxes import box_errors, clip_overshoot


def advice(boxes: list[list[float]]) -> set[str]:
    """Return what to do about the errors of boxes."""
    errors = box_errors(clip_overshoot(np.array(boxes))[0])
    return {error.partition("; ")[2] for _, error in errors}


def test_every_side_of_a_box_is_checked():
    boxes = np.array([[0, 0, 1, 1], [0.5, 0.6, 0.4, 0.6], [0, 0, 1, 2]])
    assert [(i, error.split(";")[0]) for i, error in box_errors(boxes)] == [
        (2, "y2 2.0 is outside [0, 1]"),
        (1, "x1 0.5 is right of x2 0.4"),
        (1, "y1 and y2 are both 0.6: the box is empty"),
    ]


@pytest.mark.parametrize(
    ("inverted", "valid", "advice"),
    [
        (1, 0, "swap them"),
        (2, 2, "swap them"),
        (3, 2, "are these width and height? Write x1,y1,x2,y2"),
    ],
)
def test_when_most_boxes_are_inverted_the_advice_is_about_width_and_height(inverted, valid, advice):
    boxes = np.array([[0.6, 0.1, 0.4, 0.6]] * inverted + [[0.1, 0.1, 0.4, 0.6]] * valid)
    assert box_errors(boxes) == [
        (i, f"x1 0.6 is right of x2 0.4; {advice}") for i in range(inverted)
    ]


@pytest.mark.parametrize(
    ("box", "clipped", "beyond"),
    [
        ([0, 0.25, 1, 0.5], [0, 0.25, 1, 0.5], 0),
        ([0.1, -0.0019, 0.5, 1], [0.1, 0, 0.5, 1], 0.0019),
        ([-0.1, 0, 1.1, 1], [0, 0, 1, 1], 0.1),
        ([-0.05, 0, 1.2, 1], [-0.05, 0, 1.2, 1], 0),
        ([-0.05, 0, 320, 200], [-0.05, 0, 320, 200], 0),
        ([np.nan] * 4, [np.nan] * 4, 0),
    ],
)
def test_only_boxes_that_leave_the_frame_a_little_are_clipped(box, clipped, beyond):
    boxes, parts = clip_overshoot(np.array([box]))
    np.testing.assert_array_equal(boxes, [clipped])
    np.testing.assert_allclose(parts, [beyond], atol=1e-12)


def test_a_box_outside_the_frame_is_empty():
    ((_, error),) = box_errors(clip_overshoot(np.array([[1.01, 0, 1.05, 1]]))[0])
    assert error.startswith("x1 and x2 are both 1.0: the box is empty")


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([[320, 200, 640, 360]], "are these pixels? Boxes are fractions of the frame: divide x by"),
        ([[0.1, 0.1, 1.3, 0.9]], "only parts up to 0.1 of the frame are clipped; fix the box"),
        ([[0.6, 0.7, 0.2, 0.1], [0.5, 0.4, 0.2, 0.3]], "are these width and height?"),
        ([[0.6, 0.9, 0.2, 0.7], [0.2, 0.4, 0.1, 0.3]], "is the order x1,x2,y1,y2?"),
        ([[0.6, 0.9, 0.2, 0.7], [0.9, 0.4, 0.7, 0.3]], "swap them"),
    ],
)
def test_the_advice_fits_the_mistake(boxes, expected):
    (found,) = advice(boxes)
    assert found.startswith(expected)
