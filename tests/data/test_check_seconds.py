"""Tests of lfb.data.check_seconds, in addition to those through lfb.data.check."""

import pytest

from lfb.data.check_seconds import check_seconds, unannotated_ends
from lfb.data.check_split import SplitContents, SplitFiles
from tests.samples import annotation_table


def ends(frames: dict[str, int], fps: float, last: dict[str, int]) -> list[str]:
    rows = [(v, t, 0, 0, 1, 1, 1, 0) for v, end in last.items() for t in range(1, end + 1)]
    split = SplitContents("val", SplitFiles("val.csv"), annotation_table(*rows))
    return unannotated_ends([split], frames, fps=fps, first_second=1)


def test_a_rate_that_is_too_low_is_noticed():
    assert ends({"a": 602, "b": 900}, 25, {"a": 20, "b": 30}) == [
        "the annotations end after 83% of each video, of 30.0 s at 25 frames per second: is "
        "data.fps right? At 30 both would end together"
    ]


@pytest.mark.parametrize(("first_second", "asked"), [(0, True), (1, False), (-1, False)])
def test_the_error_asks_for_first_second_if_all_seconds_are_one_higher(first_second, asked):
    rows = [("a", t, 0, 0, 1, 1, 1, 0) for t in range(1, 23)]
    split = SplitContents("val", SplitFiles("val.csv"), annotation_table(*rows))
    settings = {"fps": 30, "first_second": first_second, "with_proposals": False}
    (error,) = check_seconds(split, {"a": 602}, **settings).errors
    assert ("; the first second in this file is 1: is data.first_second 1?; fix" in error) is asked
    assert f"ends before {first_second + 20}.07" in error


@pytest.mark.parametrize(
    ("frames", "fps", "last"),
    [
        ({"a": 602, "b": 900}, 30, {"a": 20, "b": 30}),
        ({"a": 602, "b": 900}, 30, {"a": 20, "b": 29}),
        ({"a": 602, "b": 900}, 25, {"a": 20, "b": 12}),  # annotated in part
        ({"a": 602}, 25, {"a": 20}),  # one video says nothing
        ({}, 25, {"a": 20, "b": 12}),
    ],
)
def test_other_ends_say_nothing_about_the_rate(frames, fps, last):
    assert ends(frames, fps, last) == []
