"""The check of extracted frames: the frame of every keyframe must be among them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

log = logging.getLogger("lfb")

_SHOWN = 3  # videos that a line names before it counts the rest


def ranges(seconds: Iterable[int]) -> list[list[int]]:
    """Return the first and the last of each run of consecutive seconds, to store them shortly."""
    found: list[list[int]] = []
    for second in sorted(set(seconds)):
        if found and second == found[-1][1] + 1:
            found[-1][1] = second
        else:
            found.append([second, second])
    return found


def check_frames(
    seconds: Mapping[str, Iterable[Sequence[int]]], manifest: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the errors of extracted frames, one line each.

    Only the frames of the keyframes themselves must exist, frame
    ``round(fps * (second - first_second)) + 1``. In place of frames before the first or after the
    last one of a video, the sampler takes the first or the last one.

    Args:
        seconds: Annotated seconds of each video, as ``ranges``.
        manifest: ``{"videos": {video: {"frames": n, "fps": f, "first_second": s}}}``.
    """
    absent = [f"'{video}'" for video in seconds if video not in manifest["videos"]]
    errors = [f"video {_listed(absent)}: has no frames; extract them"] if absent else []
    return errors + [
        f"{text}; fix data.fps or data.first_second, extract a longer part, list such seconds "
        "under `excluded`, or set data.invalid_keyframes: drop"
        for text in _beyond(seconds, manifest)
    ]


def left_out_frames(
    seconds: Mapping[str, Iterable[Sequence[int]]], manifest: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return a warning about the seconds that ``data.invalid_keyframes: drop`` leaves out.

    The arguments are those of ``check_frames``.
    """
    return [
        f"left out: {text}: the file promises more frames than it has "
        "(data.invalid_keyframes: drop)"
        for text in _beyond(seconds, manifest)
    ]


def has_frame(video: str, second: int, manifest: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether a second has a frame, as far as the manifest lists its video."""
    info = manifest["videos"].get(video)
    return info is None or 1 <= _number(second, info) <= info["frames"]


def _beyond(
    seconds: Mapping[str, Iterable[Sequence[int]]], manifest: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return a line about the seconds without a frame, if there are any."""
    beyond = [
        (video, second, f"frame {_number(second, info)} of {info['frames']}")
        for video, info in manifest["videos"].items()
        for first, last in seconds.get(video, ())
        for second in range(first, last + 1)
        if not has_frame(video, second, manifest)
    ]
    if not beyond:
        return []
    (video, second, place), more = beyond[0], ""
    if len(beyond) > 1:
        videos = len({video for video, *_ in beyond})
        more = f" ({len(beyond)} such seconds, of {videos} videos)"
    return [f"video '{video}': second {second} is {place}{more}"]


def report_frames(manifest: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Any]) -> None:
    """Log how many frames there are, and warn of videos with an unexpected number of frames.

    Args:
        manifest: See ``check_frames``.
        expected: The config's ``data.expected``; ``frames``, if given, is the range of numbers.
    """
    log.info("%s", describe_frames(manifest))
    if "frames" in expected:
        for warning in unexpected_counts(manifest, *expected["frames"]):
            log.warning("warning: %s", warning)


def describe_frames(manifest: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how many frames there are and how many seconds: a wrong rate shows in the seconds."""
    videos = manifest["videos"].values()
    if not videos:
        return "this piece has no videos: there are more pieces than videos"
    frames = sum(info["frames"] for info in videos)
    shortest, longest = (f"{end(i['frames'] / i['fps'] for i in videos):.1f}" for end in (min, max))
    span = longest if shortest == longest else f"{shortest} to {longest}"
    rate = next(iter(videos))["fps"]
    return f"{frames} frames of {len(videos)} videos: {span} s each at {rate:g} per second"


def unexpected_counts(manifest: Mapping[str, Mapping[str, Any]], low: int, high: int) -> list[str]:
    """Return a line about the videos whose number of frames is not from ``low`` to ``high``."""
    videos = manifest["videos"]
    other = [
        f"'{video}' {info['frames']}"
        for video, info in videos.items()
        if not low <= info["frames"] <= high
    ]
    if not other:
        return []
    return [
        f"{len(other)} of {len(videos)} videos do not have {low} to {high} frames, as "
        f"data.expected.frames says: {_listed(other)}"
    ]


def _number(second: int, info: Mapping[str, Any]) -> int:
    return round(info["fps"] * (second - info["first_second"])) + 1


def _listed(videos: Sequence[str]) -> str:
    more = f" and {len(videos) - _SHOWN} more" if len(videos) > _SHOWN else ""
    return f"{', '.join(videos[:_SHOWN])}{more}"
