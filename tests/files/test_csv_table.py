"""Tests of lfb.files.csv_table."""

import numpy as np
import pytest

from lfb.errors import UserError
from lfb.files.csv_table import Csv, box_faults, numbers, read_text, whole


def test_a_text_that_is_no_finite_number_becomes_nan():
    texts = np.array(["0902", "1e-3", "", "x", "inf", "nan"], dtype=object)
    np.testing.assert_array_equal(numbers(texts), [902, 0.001, *[np.nan] * 4])
    np.testing.assert_array_equal(numbers(texts[[4, 0]]), [np.nan, 902])  # all parse


def test_whole_numbers_begin_at_0_and_fit_31_bits():
    values = np.array([0, 902, -1, 0.5, 2**31 - 1, 2**31, np.nan])
    assert whole(values).tolist() == [True, True, False, False, True, False, False]


def test_faults_are_told_in_the_order_of_the_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,1\n\n,2\na,1,3\na,x\n")
    table = Csv(path, [2], "video,second")
    table.blame_keys(numbers(table.columns[1]))
    assert table.line.tolist() == [1, 3, 5]
    assert table.sound().tolist() == [True, False, False]
    assert table.report() == [
        f"{path}:3: has no video name; write it",
        f"{path}:4: has 3 fields; write video,second",
        f"{path}:5: second 'x' is not a whole number from 0; write it like 17 or 0017",
    ]


def test_every_side_of_a_box_is_checked():
    boxes = np.array([[0, 0, 1, 1], [0.5, 0.6, 0.4, 0.6], [0, 0, 1, 2]])
    assert [(i, fault.split(";")[0]) for i, fault in box_faults(boxes)] == [
        (2, "y2 2.0 is outside [0, 1]"),
        (1, "x1 0.5 is right of x2 0.4"),
        (1, "y1 and y2 are both 0.6: the box is empty"),
    ]


@pytest.mark.parametrize(
    ("inverted", "sound", "advice"),
    [
        (1, 0, "swap them"),
        (2, 2, "swap them"),
        (3, 2, "are these width and height? Write x1,y1,x2,y2"),
    ],
)
def test_boxes_of_which_most_are_inverted_are_taken_for_width_and_height(inverted, sound, advice):
    boxes = np.array([[0.6, 0.1, 0.4, 0.6]] * inverted + [[0.1, 0.1, 0.4, 0.6]] * sound)
    assert box_faults(boxes) == [
        (i, f"x1 0.6 is right of x2 0.4; {advice}") for i in range(inverted)
    ]


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.csv: No such file"):
        read_text(tmp_path / "gone.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfea,902")
    with pytest.raises(UserError, match=r"x\.csv: is not UTF-8"):
        read_text(tmp_path / "x.csv")
