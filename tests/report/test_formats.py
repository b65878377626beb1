import base64

import pytest

from lfb.report import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (18.64, "+18.6"),
        (-0.3, "\N{MINUS SIGN}0.3"),
        (0.04, "+0.0"),
        (-0.04, "+0.0"),
        (-0.06, "\N{MINUS SIGN}0.1"),
    ],
)
def test_differences_have_a_sign(value: float, text: str) -> None:
    assert formats.signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (100, "100"), (12.345, "12.35"), (0.004, "0"), (7.1, "7.1")]
)
def test_numbers_of_the_layout_are_short(value: float, text: str) -> None:
    assert formats.short(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (3, "+3 s"), (-12, "\N{MINUS SIGN}12 s")]
)
def test_offsets_count_from_the_keyframe(seconds: int, text: str) -> None:
    assert formats.offset(seconds) == text


def test_counts_and_percentages() -> None:
    assert formats.count(1024) == "1,024"
    assert formats.percent(73.85) == "73.8"


def test_an_address_contains_the_file() -> None:
    head, content = formats.data_uri(b"content", "image/jpeg").split(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(content) == b"content"
