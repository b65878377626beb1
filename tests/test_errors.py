"""Tests of lfb.errors."""

import pickle

import pytest

from lfb.errors import DataErrors, UserError


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        (["a.csv:1: bad"], "1 error in the data:\n  a.csv:1: bad"),
        (["a.csv:1: bad", "b.csv:2: bad"], "2 errors in the data:\n  a.csv:1: bad\n  b.csv:2: bad"),
    ],
)
def test_errors_are_counted_and_each_is_on_its_line(errors, text):
    error = DataErrors(errors)
    assert isinstance(error, UserError)
    assert str(error) == text
    assert error.errors == errors


def test_a_file_with_many_errors_does_not_hide_the_others():
    pixels = [f"a.csv:{line}: x2 {line} is outside [0, 1]; divide it" for line in range(1, 5001)]
    others = ["a.csv:17: id 9 is not in the list; fix it", "b.csv:1: x2 9 is outside; divide it"]
    error = DataErrors(pixels + others)
    assert error.errors == pixels + others
    assert str(error).splitlines() == [
        "5002 errors in the data:",
        *(f"  {line}" for line in pixels[:20] + others),
        "  a.csv: 4980 more of these: divide it",
    ]


@pytest.mark.parametrize("error", [UserError("say"), DataErrors(["first", "second"])])
def test_an_error_survives_pickling(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)
