"""The data check: list all errors of a data set together, before frames are extracted.

Each part of the check is a module: ``check_split`` reads the files, ``check_boxes`` is what the
readers say about boxes, ``check_videos`` and ``check_folder`` find the frames, ``check_keys``,
``check_seconds`` and ``check_axes`` compare the files with each other and with the frames.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from lfb.data.annotations import read_labels
from lfb.data.check_axes import compare_axes
from lfb.data.check_folder import check_folder
from lfb.data.check_frames import ranges
from lfb.data.check_keys import (
    check_exclusions,
    check_shared_videos,
    compare_keys,
    compare_names,
)
from lfb.data.check_seconds import check_seconds, excluded_outside, unannotated_ends
from lfb.data.check_split import SplitContents, SplitFiles, collect, first_lines, read_split
from lfb.data.check_summary import gaps, summarize, unexpected_numbers
from lfb.data.check_videos import check_videos
from lfb.data.contents import Findings
from lfb.data.detector_csv import to_proposals
from lfb.data.footage import Footage
from lfb.data.left_out import Keys, leave_out
from lfb.errors import DataErrors, Problem


def check(
    *,
    splits: Mapping[str, SplitFiles],
    labels: str | Path,
    unscored: Collection[int],
    videos: str | Path | None,
    frames: Mapping[str, str] | None = None,
    first_second: int,
    start: float,
    seconds: float | None,
    fps: float,
    expected: Mapping[str, Mapping[str, int]],
    invalid_keyframes: Literal["error", "drop"] = "error",
    probe: Callable[[Path], Any] | None = None,
) -> dict[str, Any]:
    """Read all files of a data set and compare them with each other and with the frames.

    Args:
        splits: Files of each split.
        labels: Label list.
        unscored: Action ids that may occur though they are not in the label list.
        videos: Folder of video files, if frames are extracted from them.
        frames: ``folder`` and ``pattern`` of the frames, if they exist already.
        first_second: Number that the annotations give to the second that begins at ``start``.
        start: Second of a video file at which the part to extract begins.
        seconds: Length of the part, s; None: to the end of the video.
        fps: Frames per second of the frames. The part may be one frame too short.
        expected: By split, the expected numbers of ``videos``, ``keyframes``, ``rows`` and
            ``proposals`` (keyframes with one), as far as they are known. Other numbers give a
            warning.
        invalid_keyframes: ``drop`` leaves out each second with an error, in all files of a split,
            where it would be an error otherwise.
        probe: See ``check_videos``.

    Returns:
        Values for JSON. ``splits``: for each split the numbers of videos, keyframes, boxes and
        excluded keyframes, the boxes of each class and, if it has proposals, the number of
        keyframes with one and the list of those without; ``outside``, the (video, second) of
        excluded seconds outside of their video, if there are any; with ``drop``, ``left_out``, a
        list of (video, second). ``warnings``: a list of sentences. ``seconds``: the keyframes of
        each video without the excluded, as ``ranges``.

    Raises:
        DataErrors: All errors found, one line each.
    """
    findings = Findings()
    findings.problems += map(Problem, _mixed_versions(labels, splits.values()))
    names = collect(findings, lambda: read_labels(labels))
    findings.problems += map(Problem, _both_scored_and_unscored(labels, names or {}, unscored))
    read = [read_split(name, files, names, unscored) for name, files in splits.items()]

    footage = Footage()
    if videos is not None:
        footage = check_videos(
            first_lines(read), videos, start=start, seconds=seconds, fps=fps, probe=probe
        )
    elif frames is not None:
        footage = check_folder(
            first_lines(read),
            frames["folder"],
            frames["pattern"],
            fps=fps,
            first_second=first_second,
        )
    findings.add(footage.findings)

    for split in read:
        split.findings.add(_compare(split, footage, fps=fps, first_second=first_second))
    left_out: dict[str, Keys] = {}
    if invalid_keyframes == "drop":
        read, left_out = leave_out(read)
    for split in read:
        findings.add(split.findings)
    findings.add(check_shared_videos(read))
    if findings.problems or names is None:
        raise DataErrors(findings.errors)
    summary = {
        split.name: summarize(split.annotations, split.proposed, split.excluded, names)
        for split in read
        if split.annotations is not None
    }
    for split in read:
        outside = excluded_outside(split, footage.frames, fps=fps, first_second=first_second)
        if outside and split.name in summary:
            summary[split.name]["outside"] = [list(keyframe) for keyframe in outside]
    for name, keyframes in left_out.items():
        summary[name]["left_out"] = [list(keyframe) for keyframe in sorted(keyframes)]
    if frames is not None:
        findings.warnings += unannotated_ends(
            read, footage.frames, fps=fps, first_second=first_second
        )
    findings.warnings += [*unexpected_numbers(summary, expected), *gaps(summary, names)]
    return {
        "splits": summary,
        "warnings": findings.warnings,
        "seconds": _keyframes_by_video(read),
    }


def _compare(split: SplitContents, footage: Footage, *, fps: float, first_second: int) -> Findings:
    """Compare the files of a split with each other and with the frames."""
    findings = compare_keys(split, fps=fps, first_second=first_second)
    same_keys = not findings.problems
    if same_keys:
        findings.add(compare_names(split))
    findings.add(
        check_seconds(
            split,
            footage.frames,
            fps=fps,
            first_second=first_second,
            with_proposals=same_keys,
        )
    )
    findings.add(check_exclusions(split))
    people = split.proposals
    if split.detections is not None and split.files.detections is not None:
        placed = to_proposals(split.detections, split.files.detections, footage.sizes)
        findings.add(placed)
        people = placed.valid
    if same_keys and people is not None:
        findings.add(compare_axes(split, people))
    return findings


def _mixed_versions(labels: str | Path, splits: Iterable[SplitFiles]) -> list[str]:
    """Return an error if file names contain different versions of AVA, such as v2.1 and v2.2."""
    files = [labels]
    for split in splits:
        files += [split.annotations, *([split.excluded] if split.excluded else [])]
    versions: dict[str, list[str]] = {}
    for file in files:
        if version := re.search(r"_(v\d+\.\d+)", Path(file).name):
            versions.setdefault(version[1], []).append(str(file))
    if len(versions) < 2:
        return []
    listed = "; ".join(f"{version}: {', '.join(paths)}" for version, paths in versions.items())
    return [f"files of different versions are mixed; use one version: {listed}"]


def _both_scored_and_unscored(
    labels: str | Path, names: Mapping[int, str], unscored: Collection[int]
) -> list[str]:
    """Return an error for each action that is in the label list and under ``unscored``."""
    return [
        f"{labels}: id {action} ('{names[action]}') is in the label list and under unscored; "
        "remove one"
        for action in sorted(set(names) & set(unscored))
    ]


def _keyframes_by_video(splits: Iterable[SplitContents]) -> dict[str, list[list[int]]]:
    """Return the seconds of each annotated video whose frames are needed: without the excluded."""
    found: dict[str, list[int]] = {}
    for split in splits:
        for video, second in split.keyframes:
            found.setdefault(video, [])
            if (video, second) not in split.excluded:
                found[video].append(second)
    return {video: ranges(seconds) for video, seconds in sorted(found.items())}
