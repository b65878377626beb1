"""The check of extracted frames: the frame of every keyframe must be among them."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

log = logging.getLogger("lfb")


def check_frames(
    seconds: Mapping[str, Iterable[int]], manifest: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the errors of extracted frames, one line each.

    Only the frames of the keyframes themselves must exist, frame
    ``round(fps * (second - first_second)) + 1``. In place of frames before the first or after the
    last one of a video, the sampler takes the first or the last one.

    Args:
        seconds: Annotated seconds of each video.
        manifest: ``{"videos": {video: {"frames": n, "fps": f, "first_second": s}}}``.
    """
    errors = []
    for video, annotated in seconds.items():
        info = manifest["videos"].get(video)
        if info is None:
            errors.append(f"video '{video}': has no frames; extract them")
            continue
        for second in sorted(set(annotated)):
            number = round(info["fps"] * (second - info["first_second"])) + 1
            if not 1 <= number <= info["frames"]:
                errors.append(
                    f"video '{video}': second {second} is frame {number} of {info['frames']}; "
                    "fix data.fps or data.first_second, extract a longer part or delete the "
                    "keyframe"
                )
    return errors


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
    """Return one line for each video whose number of frames is not from ``low`` to ``high``."""
    return [
        f"video '{video}': {info['frames']} frames; {low} to {high} are expected"
        for video, info in manifest["videos"].items()
        if not low <= info["frames"] <= high
    ]
