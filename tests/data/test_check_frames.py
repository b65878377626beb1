"""Tests of lfb.data.check_frames."""

import logging

import pytest

from lfb.data.check_frames import (
    check_frames,
    describe_frames,
    left_out_frames,
    ranges,
    report_frames,
    unexpected_counts,
)


def test_the_length_of_the_videos_shows_a_wrong_rate():
    def manifest(fps: float, *frames: int) -> dict:
        return {"videos": {str(n): {"frames": count, "fps": fps} for n, count in enumerate(frames)}}

    assert describe_frames(manifest(25, 498, 499, 502)) == (
        "1499 frames of 3 videos: 19.9 to 20.1 s each at 25 per second"
    )
    assert (
        describe_frames(manifest(29.97, 300))
        == "300 frames of 1 videos: 10.0 s each at 29.97 per second"
    )


def test_videos_with_an_unexpected_number_of_frames_are_reported():
    frames = {"short": 26999, "least": 27000, "most": 27099, "long": 27100}
    manifest = {"videos": {video: {"frames": count} for video, count in frames.items()}}
    assert unexpected_counts(manifest, 27000, 27099) == [
        "2 of 4 videos do not have 27000 to 27099 frames, as data.expected.frames says: "
        "'short' 26999, 'long' 27100"
    ]


def test_frames_are_described_and_unexpected_numbers_are_warnings(caplog):
    manifest = {"videos": {"a": {"frames": 90, "fps": 30}, "b": {"frames": 91, "fps": 30}}}
    with caplog.at_level(logging.INFO, "lfb"):
        report_frames(manifest, {})
        report_frames(manifest, {"frames": [91, 92]})
        report_frames({"videos": {}}, {"frames": [91, 92]})
    described = "181 frames of 2 videos: 3.0 s each at 30 per second"
    assert caplog.messages == [
        described,
        described,
        "warning: 1 of 2 videos do not have 91 to 92 frames, as data.expected.frames says: 'a' 90",
        "this piece has no videos: there are more pieces than videos",
    ]


def test_seconds_are_stored_as_ranges():
    assert ranges([7, 3, 4, 5, 5, 9, 8]) == [[3, 5], [7, 9]]
    assert ranges([]) == []


@pytest.mark.parametrize(
    ("second", "valid"), [(899, False), (900, True), (902, True), (909, True), (910, False)]
)
def test_every_keyframe_must_be_among_the_frames(second, valid):
    manifest = {"videos": {"a": {"frames": 10, "fps": 1.0, "first_second": 900}}}
    assert (check_frames({"a": [[second, second]]}, manifest) == []) is valid


def test_one_missing_frame_is_enough_for_an_error():
    def errors(frames: int) -> list[str]:
        manifest = {"videos": {"a": {"frames": frames, "fps": 30.0, "first_second": 900}}}
        return check_frames({"a": [[902, 902]]}, manifest)

    assert errors(61) == []
    assert errors(60) == [
        "video 'a': second 902 is frame 61 of 60; fix data.fps or data.first_second, extract a "
        "longer part, list such seconds under `excluded`, or set data.invalid_keyframes: drop"
    ]


def test_keyframes_after_the_last_frame_are_one_line():
    manifest = {
        "videos": {v: {"frames": 60, "fps": 30.0, "first_second": 900} for v in ("a", "b", "c")}
    }
    assert check_frames({"a": [[901, 902]], "b": [[902, 903]], "c": [[901, 901]]}, manifest) == [
        "video 'a': second 902 is frame 61 of 60 (3 such seconds, of 2 videos); fix data.fps or "
        "data.first_second, extract a longer part, list such seconds under `excluded`, or set "
        "data.invalid_keyframes: drop"
    ]
    assert left_out_frames({"a": [[901, 901]], "b": [[902, 903]]}, manifest) == [
        "left out: video 'b': second 902 is frame 61 of 60 (2 such seconds, of 1 videos): the file "
        "promises more frames than it has (data.invalid_keyframes: drop)"
    ]
    assert left_out_frames({"a": [[901, 901]]}, manifest) == []


def test_a_video_without_frames_is_an_error():
    assert check_frames({"a": [[902, 902]]}, {"videos": {}}) == [
        "video 'a': has no frames; extract them"
    ]
