"""The data check: list all errors of a data set together, before frames are extracted."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lfb.data.annotations import annotated_keyframes, read_annotations, read_excluded, read_labels
from lfb.data.check_summary import gaps, key_text, summarize, unexpected_numbers
from lfb.data.check_videos import check_videos
from lfb.data.contents import Contents
from lfb.data.detector_csv import read_detections
from lfb.data.key_mismatch import difference, misspelled
from lfb.data.proposals import read_proposals
from lfb.errors import DataErrors, UserError
from lfb.files.csv_table import KEY


@dataclass(frozen=True)
class SplitFiles:
    """Files of one split; all but the annotations may be None."""

    annotations: Path
    proposals: Path | None = None
    excluded: Path | None = None
    detections: Path | None = None

    @property
    def detected_people(self) -> Path | None:
        """The file of the detected people, proposals or detections, if there is one."""
        return self.proposals or self.detections


@dataclass
class _Split:
    """What could be read of the files of a split, and the errors found in them."""

    files: SplitFiles
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    annotations: pd.DataFrame | None = None
    proposed: pd.MultiIndex | None = None  # keyframes with a proposal
    excluded: set[tuple[str, int]] = field(default_factory=set)


def check(
    *,
    splits: Mapping[str, SplitFiles],
    labels: str | Path,
    unscored: Collection[int],
    videos: str | Path | None,
    first_second: int,
    start: float,
    seconds: float | None,
    fps: float,
    expected: Mapping[str, Mapping[str, int]],
    probe: Callable[[Path], Any] | None = None,
) -> dict[str, Any]:
    """Read all files of a data set and compare them with each other and with the videos.

    Args:
        splits: Files of each split.
        labels: Label list.
        unscored: Action ids that may occur though they are not in the label list.
        videos: Folder of video files; None if the frames are already extracted.
        first_second: Number that the annotations give to the second that begins at ``start``.
        start: Second of a video file at which the part to extract begins.
        seconds: Length of the part, s; None: to the end of the video.
        fps: Frames per second of the extracted frames. The part may be one frame too short.
        expected: By split, the expected numbers of ``videos``, ``keyframes``, ``rows`` and
            ``proposals`` (keyframes with one), as far as they are known. Other numbers give a
            warning.
        probe: Returns an object with the ``duration`` (s) of a video file or raises UserError;
            None for ``lfb.video.decoding.probe``.

    Returns:
        Values for JSON. ``splits``: for each split the numbers of videos, keyframes, boxes and
        excluded keyframes, the boxes of each class and, if it has proposals, the number of
        keyframes with one and the list of those without. ``warnings``: a list of sentences.

    Raises:
        DataErrors: All errors found, one line each.
    """
    errors = _version_errors(labels, splits.values())
    names = _collect(errors, lambda: read_labels(labels))
    errors += [
        f"{labels}: id {action} ('{names[action]}') is in the label list and under unscored; "
        "remove one"
        for action in sorted(set(names or ()) & set(unscored))
    ]
    read = {name: _read(files, names, unscored) for name, files in splits.items()}
    annotated = _first_lines(read.values())
    lengths = {} if seconds is None else dict.fromkeys(annotated, float(seconds))
    if videos is not None:
        available, video_errors = check_videos(
            annotated, videos, start=start, seconds=seconds, fps=fps, probe=probe
        )
        lengths = lengths or available
        errors += video_errors
    for split in read.values():
        key_errors = _key_errors(split, fps, first_second)
        split.errors += key_errors or _spelling_errors(split)
        split.errors += _second_errors(split, lengths, first_second, with_proposals=not key_errors)
        split.errors += _exclusion_errors(split)
        errors += split.errors
    errors += _shared_videos(read)
    if errors or names is None:
        raise DataErrors(errors)
    summary = {
        name: summarize(split.annotations, split.proposed, split.excluded, names)
        for name, split in read.items()
        if split.annotations is not None
    }
    notes = [note for split in read.values() for note in split.notes]
    warnings = [*notes, *unexpected_numbers(summary, expected), *gaps(summary, names)]
    return {"splits": summary, "warnings": warnings}


def annotated_seconds(
    splits: Mapping[str, SplitFiles], labels: str | Path, unscored: Collection[int]
) -> dict[str, set[int]]:
    """Return the annotated seconds of each video of all splits.

    Raises:
        DataErrors: All errors in a file of annotations.
    """
    names = read_labels(labels)
    found: dict[str, set[int]] = {}
    for files in splits.values():
        rows = read_annotations(files.annotations, names, unscored).checked()
        for video, seconds in rows.groupby("video")["second"]:
            found.setdefault(str(video), set()).update(seconds.tolist())
    return found


def _version_errors(labels: str | Path, splits: Iterable[SplitFiles]) -> list[str]:
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


def _collect(errors: list[str], read: Callable[[], Any]) -> Any:
    """Return what ``read`` returns. If it raises, add its errors to the list and return None."""
    try:
        return read()
    except DataErrors as error:
        errors += error.errors
    except UserError as error:
        errors.append(str(error))
    return None


def _read(files: SplitFiles, names: dict[int, str] | None, unscored: Collection[int]) -> _Split:
    """Read the files of a split, as far as they are valid."""
    split = _Split(files)

    def collect(reader: Callable[..., Contents[Any]], *args: Any) -> Any:
        contents = _collect(split.errors, lambda: reader(*args)) or Contents(None)
        split.errors += contents.errors
        split.notes += contents.notes
        return contents.valid

    split.annotations = collect(read_annotations, files.annotations, names, unscored)
    if files.proposals is not None:
        proposals = collect(read_proposals, files.proposals)
        if proposals is not None:
            split.proposed = proposals.index.multi_index()
    elif files.detections is not None:
        detections = collect(read_detections, files.detections)
        if detections is not None:
            split.proposed = annotated_keyframes(detections)
    if files.excluded is not None:
        split.excluded = collect(read_excluded, files.excluded) or set()
    return split


def _first_lines(splits: Iterable[_Split]) -> dict[str, str]:
    """Return where each video is annotated first, such as ``train.csv:7``."""
    where: dict[str, str] = {}
    for split in splits:
        if split.annotations is not None:
            first = split.annotations.drop_duplicates("video")
            for video, line in zip(first["video"], first["line"], strict=True):
                where.setdefault(video, f"{split.files.annotations}:{line}")
    return where


def _second_errors(
    split: _Split, lengths: Mapping[str, float], first_second: int, *, with_proposals: bool
) -> list[str]:
    """Return the errors of annotations and proposals on seconds outside their video."""
    rows = split.annotations
    if rows is None:
        return []
    errors = _outside_errors(split.files.annotations, rows[[*KEY, "line"]], lengths, first_second)
    if with_proposals and split.proposed is not None and split.files.detected_people is not None:
        keys = split.proposed.to_frame(index=False)
        keys = keys[keys["video"].isin(rows["video"].unique())]
        errors += _outside_errors(split.files.detected_people, keys, lengths, first_second)
    return errors


def _outside_errors(
    file: Path, keys: pd.DataFrame, lengths: Mapping[str, float], first_second: int
) -> list[str]:
    """Return an error for each line with a second outside the part of its video.

    A video with all its seconds outside has one error; so has each video of a file without lines.
    """
    length = keys["video"].map(lengths).astype(float)
    outside = (keys["second"] < first_second) | (keys["second"] - first_second >= length)
    bad = keys.assign(length=length)[outside]
    together = outside.groupby(keys["video"]).transform("all")[outside] | ("line" not in keys)
    groups = [
        *(bad.loc[[i]] for i in bad.index[~together]),
        *(rows for _, rows in bad[together].groupby("video", sort=False)),
    ]
    errors = []
    for rows in groups:
        first = rows.iloc[0]
        where = f"{file}:{first['line']}" if "line" in rows else f"{file}"
        seconds = f"second {first['second']} is"
        if rows["second"].nunique() > 1:
            seconds = f"seconds {rows['second'].min()} to {rows['second'].max()} are"
        span = f"begins at second {first_second}"
        if not np.isnan(first["length"]):
            span += f" and ends before {first_second + first['length']:g}"
        errors.append(
            f"{where}: {seconds} outside the video '{first['video']}', which {span}; fix the "
            "second, data.first_second or data.seconds"
        )
    return errors


def _key_errors(split: _Split, fps: float, first_second: int) -> list[str]:
    """Return an error if the proposals are not on the annotated keyframes, with the likely reason.

    Without a likely reason, keyframes without a proposal are an error only if all are: a warning
    counts them otherwise.
    """
    files, rows, proposed = split.files, split.annotations, split.proposed
    if rows is None or rows.empty or proposed is None or not len(proposed):
        return []
    keyframes = annotated_keyframes(rows)
    without = keyframes[~keyframes.isin(proposed)]
    found = len(keyframes) - len(without)
    reason = difference(proposed, keyframes, fps=fps, first_second=first_second)
    if found and reason is None:
        return []
    other = proposed[~proposed.isin(keyframes)]
    return [
        f"{files.detected_people}: {found or 'none'} of the {len(keyframes)} keyframes of "
        f"{files.annotations} have a proposal: this file has keys like '{key_text(other[0])}', the "
        f"annotations have keys like '{key_text(without[0])}'; "
        f"{f'its {reason}: ' if reason else ''}use the same keys in both"
    ]


def _spelling_errors(split: _Split) -> list[str]:
    """Return an error for each annotated video that the proposals spell differently."""
    if split.annotations is None or split.proposed is None:
        return []
    proposed, annotated = split.proposed.unique("video"), split.annotations["video"].unique()
    return [
        f"{split.files.detected_people}: video '{spelled}' is '{video}' in "
        f"{split.files.annotations}, which has no proposal; use the same name in both"
        for video, spelled in misspelled(proposed, annotated).items()
    ]


def _exclusion_errors(split: _Split) -> list[str]:
    """Return an error if the excluded keyframes are of other videos, or are all keyframes."""
    files = split.files
    errors: list[str] = []
    if split.annotations is None or split.annotations.empty:
        return errors
    keyframes = annotated_keyframes(split.annotations)
    videos = set(keyframes.get_level_values("video"))
    if split.excluded and videos.isdisjoint(video for video, _ in split.excluded):
        errors.append(
            f"{files.excluded}: excludes no video of {files.annotations}: this file has keys like "
            f"'{key_text(min(split.excluded))}', the annotations have keys like "
            f"'{key_text(keyframes[0])}'; is it the file of another split?"
        )
    if split.excluded.issuperset(keyframes):
        errors.append(f"{files.excluded}: excludes every keyframe of {files.annotations}")
    return errors


def _shared_videos(read: Mapping[str, _Split]) -> list[str]:
    """Return an error for each video that two splits have."""
    first_line = {
        name: split.annotations.drop_duplicates("video").set_index("video")["line"]
        for name, split in read.items()
        if split.annotations is not None
    }
    return [
        f"{read[a].files.annotations}:{first_line[a][video]}: video '{video}' is in {a} and in {b} "
        f"({read[b].files.annotations}:{first_line[b][video]}); delete it from one"
        for a, b in combinations(first_line, 2)
        for video in first_line[a].index.intersection(first_line[b].index).sort_values()
    ]
