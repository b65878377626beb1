"""Tests of lfb.exchange.json_values."""

import pytest

from lfb.errors import UserError
from lfb.exchange.json_values import as_kind, as_number, number_at, read_json, value_at


def test_good_values_are_returned() -> None:
    content = read_json("a.json", b'\xef\xbb\xbf{"a": [1], "b": 2.5}')
    assert value_at(content, "a", list, "a.json") == [1]
    assert number_at(content, "b", "a.json") == 2.5


@pytest.mark.parametrize("value", [True, None, "1", float("nan"), float("inf"), [1]])
def test_what_is_no_number_is_an_error(value: object) -> None:
    with pytest.raises(UserError, match=r"^here is .*; write a number$"):
        as_number(value, "here")


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(UserError, match=r'^here is "x{39}\.\.\.; write a list$'):
        as_kind("x" * 100, list, "here")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UserError, match=r"^here: has no `a`; export the file again$"):
        value_at({}, "a", list, "here")
    with pytest.raises(UserError, match=r"^here: has no `a`; export the file again$"):
        number_at({}, "a", "here")
