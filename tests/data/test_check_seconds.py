"""Tests of lfb.data.check_seconds, in addition to those through lfb.data.check."""

import pytest

from lfb.data.check_seconds import unannotated_ends
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
