"""Tests of lfb.csv_file."""

import numpy as np
import pytest

from lfb.csv_file import Csv, box_faults, numbers, read_text, whole
from lfb.errors import UserError


def test_a_text_that_is_no_finite_number_becomes_nan():
    texts = np.array(["0902", "1e-3", "", "x", "inf", "nan"], dtype=object)
    np.testing.assert_array_equal(numbers(texts), [902, 0.001, *[np.nan] * 4])
    np.testing.assert_array_equal(numbers(texts[[4, 0]]), [np.nan, 902])  # all parse


def test_whole_numbers_begin_at_0_and_fit_31_bits():
    values = np.array([0, 902, -1, 0.5, 2**31 - 1, 2**31, np.nan])
    assert whole(values).tolist() == [True, True, False, False, True, False, False]


def test_faults_are_told_in_the_order_of_the_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,1\n\n,2\na,1,3\na,3\n")
    table = Csv(path, [2], "video,second")
    table.blame_keys(numbers(table.columns[1]))
    assert table.line.tolist() == [1, 3, 5]
    assert table.sound().tolist() == [True, False, True]
    assert table.report() == [
        f"{path}:3: has no video name; write it",
        f"{path}:4: has 3 fields; write video,second",
    ]


def test_every_side_of_a_box_is_checked():
    boxes = np.array([[0, 0, 1, 1], [0.5, 0.6, 0.4, 0.6], [0, 0, 1, 2]])
    assert [(i, fault.split(";")[0]) for i, fault in box_faults(boxes)] == [
        (2, "y2 2.0 is outside [0, 1]"),
        (1, "x1 0.5 is right of x2 0.4"),
        (1, "y1 and y2 are both 0.6: the box is empty"),
    ]


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.csv: No such file"):
        read_text(tmp_path / "gone.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfea,902")
    with pytest.raises(UserError, match=r"x\.csv: is not UTF-8"):
        read_text(tmp_path / "x.csv")
