"""Tests of lfb.data.keyframes."""

import dataclasses

import numpy as np
import pytest

from lfb.data.boxes import Keyframe, PersonBoxes, RowIndex
from lfb.data.keyframes import Keyframes
from lfb.errors import UserError
from tests.pictures import OUTPUTS, VIDEOS, make_keyframes


def chosen(labelled: bool = True) -> Keyframes:
    keyframes = make_keyframes()
    if not labelled:
        keyframes = [dataclasses.replace(k, labels=None) for k in keyframes]
    return Keyframes(people_of(keyframes, [*VIDEOS, "z"]), [1, 3], OUTPUTS)


def people_of(keyframes: list[Keyframe], videos: list[str]) -> PersonBoxes:
    number = np.array([videos.index(k.video) for k in keyframes], int)
    index = RowIndex.of(
        videos, number, [k.second for k in keyframes], [len(k.boxes) for k in keyframes]
    )
    labels = [k.labels for k in keyframes if k.labels is not None]
    return PersonBoxes(
        index,
        np.concatenate([np.empty((0, 4), np.float32), *(k.boxes for k in keyframes)]),
        np.concatenate([np.empty(0, np.float32), *(k.scores for k in keyframes)]),
        np.concatenate(labels) if labels else None,
    )


@pytest.mark.parametrize("labelled", [True, False])
def test_saved_keyframes_load_the_same_and_equal_ones_give_equal_bytes(tmp_path, labelled):
    expected = chosen(labelled)
    expected.save(tmp_path / "one.npz")
    found = Keyframes.load(tmp_path / "one.npz")
    assert (found.videos, found.actions, found.outputs) == ([*VIDEOS, "z"], [1, 3], OUTPUTS)
    for one, other in zip(found.keyframes, expected.keyframes, strict=True):
        assert (one.video, one.second) == (other.video, other.second)
        for name in "boxes", "scores", "labels":
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert found.keyframes[0].boxes.dtype == found.keyframes[0].scores.dtype == np.float32
    found.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_keyframes_without_people_and_an_empty_list_are_saved_too(tmp_path):
    empty = Keyframe("a", 902, np.empty((0, 4), np.float32), np.empty(0, np.float32))
    for keyframes in [], [empty]:
        Keyframes(people_of(keyframes, ["a"]), [1], 2).save(tmp_path / "x.npz")
        found = Keyframes.load(tmp_path / "x.npz")
        assert [(k.video, k.second, k.boxes.shape) for k in found.keyframes] == [
            (k.video, k.second, (0, 4)) for k in keyframes
        ]


def test_keyframes_of_some_videos_stay_in_order():
    found = chosen().of(["c", "a"])
    assert [k.video for k in found] == ["a"] * 4 + ["c"] * 4


@pytest.mark.parametrize("size", [None, 0, 100, -30])
def test_a_missing_or_broken_file_is_reported(tmp_path, size):
    path = tmp_path / "x.npz"
    if size is not None:
        chosen().save(path)
        path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(UserError, match=r"x\.npz: not a complete file of keyframes"):
        Keyframes.load(path)
