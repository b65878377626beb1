"""Tests of lfb.errors."""

import pickle

import pytest

from lfb.errors import DataFaults, UserError


@pytest.mark.parametrize(
    ("faults", "text"),
    [
        (["a.csv:1: bad"], "1 fault in the data:\n  a.csv:1: bad"),
        (["a.csv:1: bad", "b.csv:2: bad"], "2 faults in the data:\n  a.csv:1: bad\n  b.csv:2: bad"),
    ],
)
def test_faults_are_counted_and_each_has_its_line(faults, text):
    error = DataFaults(faults)
    assert isinstance(error, UserError)
    assert str(error) == text
    assert error.faults == faults


@pytest.mark.parametrize("error", [UserError("say"), DataFaults(["first", "second"])])
def test_an_error_comes_back_from_another_process_as_it_was(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)
