"""Tests of lfb.files.csv_table."""

import numpy as np
import pytest

from lfb.errors import UserError
from lfb.files.csv_table import CsvTable, is_whole, read_text, to_numbers


def test_a_text_that_is_not_a_finite_number_becomes_nan():
    texts = np.array(["0902", "1e-3", "", "x", "inf", "nan"], dtype=object)
    np.testing.assert_array_equal(to_numbers(texts), [902, 0.001, *[np.nan] * 4])
    np.testing.assert_array_equal(to_numbers(texts[[4, 0]]), [np.nan, 902])  # all parse


def test_whole_numbers_begin_at_0_and_fit_31_bits():
    values = np.array([0, 902, -1, 0.5, 2**31 - 1, 2**31, np.nan])
    assert is_whole(values).tolist() == [True, True, False, False, True, False, False]


def test_errors_are_listed_in_the_order_of_the_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,1\n\n,2\na,1,3\na,x\n")
    table = CsvTable(path, [2], "video,second")
    table.check_keys(to_numbers(table.columns[1]))
    assert table.line.tolist() == [1, 3, 5]
    assert table.valid().tolist() == [True, False, False]
    assert [problem.text for problem in table.problems()] == [
        f"{path}:3: has no video name; write it",
        f"{path}:4: has 3 fields; write video,second",
        f"{path}:5: second 'x' is not a whole number from 0; write it like 17 or 0017",
    ]


def test_another_separator_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a;1\na\t1\na 1\n")
    assert [problem.text for problem in CsvTable(path, [2], "video,second").problems()] == [
        f"{path}:1: has 1 fields, separated by semicolons; write video,second",
        f"{path}:2: has 1 fields, separated by tabs; write video,second",
        f"{path}:3: has 1 fields; write video,second",
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.csv: No such file"):
        read_text(tmp_path / "gone.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfea,902")
    with pytest.raises(UserError, match=r"x\.csv: is not UTF-8"):
        read_text(tmp_path / "x.csv")
