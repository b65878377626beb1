"""Tests of lfb.data.key_mismatch."""

import pandas as pd
import pytest

from lfb.data.key_mismatch import difference, misspelled

VIDEOS = ["a", "b c.d"]


def keys(seconds, videos=VIDEOS) -> pd.MultiIndex:
    return pd.MultiIndex.from_product([videos, list(seconds)], names=["video", "second"])


def reason_for(proposed: pd.MultiIndex, **settings) -> str | None:
    found = difference(
        proposed, keys(range(902, 912)), **{"fps": 30, "first_second": 900} | settings
    )
    return found and found.words


@pytest.mark.parametrize("name", ["{}.mp4", "videos/{}.MKV", "C:\\films\\{}", "{}.webm"])
def test_names_with_a_folder_or_an_extension_are_recognized(name):
    proposed = keys(range(902, 912), [name.format(video) for video in VIDEOS])
    assert reason_for(proposed) == "video names are spelled differently"


def test_other_capitals_are_recognized():
    assert (
        reason_for(keys(range(902, 912), ["A", "B C.D"])) == "video names are spelled differently"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (range(2, 12), "seconds count from 0"),
        (range(1802, 1812), "seconds are 900 higher"),
        (range(895, 905), "seconds are 7 lower"),
        (range(61, 361, 30), "seconds look like frame numbers"),
        (range(60, 360, 30), "seconds look like frame numbers from 0"),
        (range(27061, 27361, 30), "seconds look like frame numbers of the whole video"),
        (range(27060, 27360, 30), "seconds look like frame numbers of the whole video from 0"),
        (range(1, 331), "seconds count from 0"),  # every frame: two explanations fit
    ],
)
def test_other_seconds_are_recognized(seconds, words):
    assert reason_for(keys(seconds)) == words


def test_two_differences_together_are_recognized():
    proposed = keys(range(61, 361, 30), [f"{video}.mp4" for video in VIDEOS])
    assert (
        reason_for(proposed)
        == "video names are spelled differently and seconds look like frame numbers"
    )


@pytest.mark.parametrize(
    "proposed",
    [
        keys(range(902, 912)),
        keys(range(902, 907)),  # half of the keyframes: some show no person
        keys(range(900, 903)),
        keys(range(902, 912), ["x", "y"]),
        keys([], ["a"]),
    ],
)
def test_no_difference_is_found_in_equal_or_unrelated_keys(proposed):
    assert reason_for(proposed) is None


def test_videos_with_different_spellings_are_paired_one_by_one():
    annotated = ["b c.d", "a", "cam1/x", "Ärger", "with", "lone"]
    proposed = [
        *("videos/B C.D.mp4", "a", "A.mp4", "cam2/x", "A\u0308rger", "with", "lonely"),
        "other.mp4",
    ]
    assert misspelled(proposed, annotated) == {
        "b c.d": "videos/B C.D.mp4",
        "Ärger": "A\u0308rger",
    }
