"""The data check: every fault of a data set at once, before the first frame or GPU job."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lfb.data.annotations import read_annotations, read_excluded, read_labels
from lfb.data.detector_csv import read_detections
from lfb.data.key_mismatch import difference, misspelled
from lfb.data.proposals import read_proposals
from lfb.errors import DataErrors, UserError
from lfb.files.csv_table import KEY
from lfb.files.videos import EXTENSIONS

_SHOWN = 10  # names that a warning lists before it says how many more there are


@dataclass(frozen=True)
class SplitFiles:
    """Files of one split; all but the annotations may be None."""

    annotations: Path
    proposals: Path | None = None
    excluded: Path | None = None
    detections: Path | None = None

    @property
    def people(self) -> Path | None:
        """Where detected people are told: the proposals or the detections, if there are any."""
        return self.proposals or self.detections


@dataclass
class _Split:
    files: SplitFiles
    faults: list[str] = field(default_factory=list)
    annotations: pd.DataFrame | None = None
    proposed: pd.MultiIndex | None = None  # keyframes with a proposal
    excluded: set[tuple[str, int]] = field(default_factory=set)


def find_videos(folder: str | Path) -> dict[str, Path]:
    """Video files of a folder (.mp4 .mkv .webm .avi .mov), by name without extension.

    Raises:
        DataErrors: There is no such folder, or files have the same name but for the extension.
    """
    videos, faults = _list_videos(folder)
    if faults:
        raise DataErrors(faults)
    return videos


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
    """Reads every file of a data set and compares them with each other and with the videos.

    Args:
        labels: Label list.
        unscored: Action ids that may occur though they are not in the label list.
        videos: Folder of video files; None where the frames are there already.
        first_second: What the annotations call the first second of the cut.
        start: Where the cut begins in a video file, s.
        seconds: Length of the cut, s; None: to the end of the video.
        fps: Frames a second of the extracted frames: a cut may lack one of them.
        expected: By split, the ``videos``, ``keyframes``, ``rows`` and ``proposals`` (keyframes
            with one) that there should be, as far as that is known; others are warned of.
        probe: Gives an object with the ``duration`` (s) of a video file or raises UserError;
            ``lfb.video.decoding.probe`` unless given.

    Returns:
        What was read, ready for JSON: for each of ``splits`` the numbers of videos, keyframes,
        boxes and excluded keyframes, the boxes of each class, and where there are proposals, the
        number of keyframes with one and the list of those without; and ``warnings``, a list of
        sentences.

    Raises:
        DataErrors: Every fault found, one line each.
    """
    faults = _version_faults(labels, splits.values())
    names = _gather(faults, lambda: read_labels(labels))
    faults += [
        f"{labels}: id {action} ('{names[action]}') is listed, and named under unscored; keep one"
        for action in sorted(set(names or ()) & set(unscored))
    ]
    read = {name: _read(files, names, unscored) for name, files in splits.items()}
    lengths = _video_lengths(read.values(), videos, start, seconds, fps, probe, faults)
    for split in read.values():
        naming = _naming_faults(split, fps, first_second)
        split.faults += [
            *(naming or _spelling_faults(split)),
            *_second_faults(split, lengths, first_second, proposed=not naming),
            *_exclusion_faults(split),
        ]
        faults += split.faults
    faults += _shared_videos(read)
    if faults or names is None:
        raise DataErrors(faults)
    summary = {name: _summary(split, names) for name, split in read.items()}
    warnings = [*_deviations(summary, expected), *_warnings(summary, names)]
    return {"splits": summary, "warnings": warnings}


def check_frames(
    seconds: Mapping[str, Iterable[int]], manifest: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Faults of extracted frames: the frame of every keyframe must be among them.

    The sampler moves what it takes before the first or after the last frame of a video onto these,
    so only the keyframes themselves, frame ``round(fps * (second - first_second)) + 1``, count.

    Args:
        seconds: Keyframe seconds of each video.
        manifest: ``{"videos": {video: {"frames": n, "fps": f, "first_second": s}}}``.
    """
    faults = []
    for video, wanted in seconds.items():
        info = manifest["videos"].get(video)
        if info is None:
            faults.append(f"video '{video}': has no frames; extract them")
            continue
        for second in sorted(set(wanted)):
            number = round(info["fps"] * (second - info["first_second"])) + 1
            if not 1 <= number <= info["frames"]:
                faults.append(
                    f"video '{video}': second {second} is frame {number} of {info['frames']}; "
                    "mend data.fps or first_second, extract a longer part or delete the keyframe"
                )
    return faults


def lengths(manifest: Mapping[str, Mapping[str, Any]]) -> str:
    """How many frames there are and how long that is: a wrong rate shows in the seconds."""
    videos = manifest["videos"].values()
    frames = sum(info["frames"] for info in videos)
    shortest, longest = (f"{end(i['frames'] / i['fps'] for i in videos):.1f}" for end in (min, max))
    span = longest if shortest == longest else f"{shortest} to {longest}"
    rate = next(iter(videos))["fps"]
    return f"{frames} frames of {len(videos)} videos: {span} s each at {rate:g} a second"


def deviating_frames(manifest: Mapping[str, Mapping[str, Any]], low: int, high: int) -> list[str]:
    """One line for each video whose number of frames is not from ``low`` to ``high``."""
    return [
        f"video '{video}': {info['frames']} frames; {low} to {high} are expected"
        for video, info in manifest["videos"].items()
        if not low <= info["frames"] <= high
    ]


def annotated_seconds(
    splits: Mapping[str, SplitFiles], labels: str | Path, unscored: Collection[int]
) -> dict[str, set[int]]:
    """The annotated seconds of each video of all splits."""
    names = read_labels(labels)
    wanted: dict[str, set[int]] = {}
    for files in splits.values():
        rows, faults = read_annotations(files.annotations, names, unscored)
        if faults:
            raise DataErrors(faults)
        for video, seconds in rows.groupby("video")["second"]:
            wanted.setdefault(str(video), set()).update(seconds.tolist())
    return wanted


def _version_faults(labels: str | Path, splits: Iterable[SplitFiles]) -> list[str]:
    """Files whose names say that they are of different versions of AVA, such as v2.1 and v2.2."""
    files = [labels]
    for split in splits:
        files += [split.annotations, *([split.excluded] if split.excluded else [])]
    versions: dict[str, list[str]] = {}
    for file in files:
        if version := re.search(r"_(v\d+\.\d+)", Path(file).name):
            versions.setdefault(version[1], []).append(str(file))
    if len(versions) < 2:
        return []
    told = "; ".join(f"{version}: {', '.join(named)}" for version, named in versions.items())
    return [f"files of different versions are mixed; take all from one: {told}"]


def _gather(faults: list[str], read: Callable[[], Any]) -> Any:
    """What ``read`` returns, or None with its UserError, or all faults, added to ``faults``."""
    try:
        return read()
    except DataErrors as error:
        faults += error.errors
    except UserError as error:
        faults.append(str(error))
    return None


def _read(files: SplitFiles, names: dict[int, str] | None, unscored: Collection[int]) -> _Split:
    split = _Split(files)

    def take(reader: Callable[..., tuple[Any, list[str]]], *args: Any) -> Any:
        value, faults = _gather(split.faults, lambda: reader(*args)) or (None, [])
        split.faults += faults
        return value

    split.annotations = take(read_annotations, files.annotations, names, unscored)
    if files.proposals is not None:
        proposals = take(read_proposals, files.proposals)
        if proposals is not None:
            split.proposed = proposals.index.multi_index()
    elif files.detections is not None:
        detections = take(read_detections, files.detections)
        if detections is not None:
            keys = detections[KEY].drop_duplicates()
            split.proposed = pd.MultiIndex.from_frame(keys).sort_values()
    if files.excluded is not None:
        split.excluded = take(read_excluded, files.excluded) or set()
    return split


def _list_videos(folder: str | Path) -> tuple[dict[str, Path], list[str]]:
    try:
        files = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in EXTENSIONS)
    except OSError as error:
        return {}, [f"{folder}: {error.strerror}; put the videos there or mend the config"]
    named: dict[str, list[Path]] = {}
    for path in files:
        named.setdefault(path.stem, []).append(path)
    faults = [
        f"{folder}: {', '.join(p.name for p in paths)} are all video '{name}'; keep one"
        for name, paths in named.items()
        if len(paths) > 1
    ]
    return {name: paths[0] for name, paths in named.items()}, faults


def _video_lengths(
    splits: Collection[_Split],
    folder: str | Path | None,
    start: float,
    seconds: float | None,
    fps: float,
    probe: Callable[[Path], Any] | None,
    faults: list[str],
) -> dict[str, float]:
    """Length (s) of the cut of each annotated video, as far as it is known."""
    named: dict[str, str] = {}  # video -> where it is annotated first
    for split in splits:
        if split.annotations is not None:
            first = split.annotations.drop_duplicates("video")
            for video, line in zip(first["video"], first["line"], strict=True):
                named.setdefault(video, f"{split.files.annotations}:{line}")
    lengths = {} if seconds is None else dict.fromkeys(named, float(seconds))
    if folder is None:
        return lengths
    measure = probe or _probe
    files, folder_faults = _list_videos(folder)
    faults += folder_faults
    for video, where in named.items() if files or not folder_faults else ():
        if video not in files:
            wanted = f"no {video} with {', '.join(EXTENSIONS)} in {folder}"
            faults.append(f"{where}: {wanted}; {_advice(video, files)}")
            continue
        found = _gather(faults, partial(measure, files[video]))
        if found is None:
            continue
        end = start + (1 / fps if seconds is None else seconds - 1 / fps)
        if found.duration < end:
            faults.append(
                f"{files[video]}: ends early, at {found.duration:.2f} s, but the part from "
                f"{start:g} s to {end:.2f} s is wanted; fetch the whole video or change the part"
            )
        elif seconds is None:
            lengths[video] = found.duration - start
    return lengths


def _advice(video: str, files: Mapping[str, Path]) -> str:
    """What to do about a video that is not among the files."""
    if video.endswith(EXTENSIONS):
        return "name videos without the extension"
    same = {unicodedata.normalize("NFC", name): path for name, path in files.items()}
    if path := same.get(unicodedata.normalize("NFC", video)):
        return f"{path.name} looks the same, but its letters are encoded otherwise; rename it"
    if close := get_close_matches(video, files, 1):
        return f"is it {files[close[0]].name}? Name both alike, or delete its rows"
    return "fetch the video or delete its rows"


def _probe(path: Path) -> Any:
    from lfb.video.decoding import probe  # the decoder is needed only where there are videos

    return probe(path)


def _second_faults(
    split: _Split, lengths: dict[str, float], first_second: int, *, proposed: bool
) -> list[str]:
    """Annotated seconds, and ``proposed`` ones, that the cut of their video does not have."""
    faults: list[str] = []

    def blame(file: Path, keys: pd.DataFrame) -> None:
        """One fault for each line, or for a video that has none inside or no lines."""
        length = keys["video"].map(lengths).astype(float)
        outside = (keys["second"] < first_second) | (keys["second"] - first_second >= length)
        told = keys.assign(length=length)[outside]
        together = outside.groupby(keys["video"]).transform("all")[outside] | ("line" not in keys)
        for rows in [
            *(told.loc[[i]] for i in told.index[~together]),
            *(rows for _, rows in told[together].groupby("video", sort=False)),
        ]:
            first = rows.iloc[0]
            where = f"{file}:{first['line']}" if "line" in rows else f"{file}"
            seconds = f"second {first['second']} is"
            if rows["second"].nunique() > 1:
                seconds = f"seconds {rows['second'].min()} to {rows['second'].max()} are"
            span = f"begins at second {first_second}"
            if not np.isnan(first["length"]):
                span += f" and ends before {first_second + first['length']:g}"
            faults.append(
                f"{where}: {seconds} outside the video '{first['video']}', which {span}; mend the "
                "second, first_second or the length of the cut"
            )

    rows = split.annotations
    if rows is None:
        return faults
    blame(split.files.annotations, rows[[*KEY, "line"]])
    if split.proposed is not None and split.files.people is not None and proposed:
        keys = split.proposed.to_frame(index=False)
        keys = keys[keys["video"].isin(rows["video"].unique())]
        blame(split.files.people, keys)
    return faults


def _naming_faults(split: _Split, fps: float, first_second: int) -> list[str]:
    """Proposals on other keyframes than the annotated ones, as far as their keys tell why."""
    files, rows, proposed = split.files, split.annotations, split.proposed
    if rows is None or rows.empty or proposed is None or not len(proposed):
        return []
    keyframes = _keyframes(rows)
    without = keyframes[~keyframes.isin(proposed)]
    found = len(keyframes) - len(without)
    why = difference(proposed, keyframes, fps=fps, first_second=first_second)
    if found and why is None:
        return []  # a warning counts the others
    astray = proposed[~proposed.isin(keyframes)]
    return [
        f"{files.people}: {found or 'none'} of the {len(keyframes)} keyframes of "
        f"{files.annotations} have a proposal: one has keys like '{_key(astray[0])}', the other "
        f"like '{_key(without[0])}'; {f'its {why}: ' if why else ''}key both alike"
    ]


def _spelling_faults(split: _Split) -> list[str]:
    """Annotated videos that the proposals have under a name spelled otherwise alone."""
    if split.annotations is None or split.proposed is None:
        return []
    proposed, annotated = split.proposed.unique("video"), split.annotations["video"].unique()
    return [
        f"{split.files.people}: video '{spelled}' is '{video}' in {split.files.annotations}, which "
        "has no proposal; name both alike"
        for video, spelled in misspelled(proposed, annotated).items()
    ]


def _exclusion_faults(split: _Split) -> list[str]:
    """Excluded seconds of other keyframes than the annotated ones, or of all of them."""
    files = split.files
    faults: list[str] = []
    if split.annotations is None or split.annotations.empty:
        return faults
    keyframes = _keyframes(split.annotations)
    videos = set(keyframes.get_level_values("video"))
    if split.excluded and videos.isdisjoint(video for video, _ in split.excluded):
        faults.append(
            f"{files.excluded}: excludes no video of {files.annotations}: one has keys like "
            f"'{_key(min(split.excluded))}', the other like '{_key(keyframes[0])}'; is it of "
            "another split?"
        )
    if split.excluded.issuperset(keyframes):
        faults.append(f"{files.excluded}: excludes every keyframe of {files.annotations}")
    return faults


def _shared_videos(read: dict[str, _Split]) -> list[str]:
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


def _keyframes(annotations: pd.DataFrame) -> pd.MultiIndex:
    keys = annotations[["video", "second"]].drop_duplicates()
    return pd.MultiIndex.from_frame(keys).sort_values()


def _key(keyframe: tuple[str, int]) -> str:
    return f"{keyframe[0]},{keyframe[1]:04d}"


def _summary(split: _Split, names: dict[int, str]) -> dict[str, Any]:
    rows, proposed = split.annotations, split.proposed
    assert rows is not None
    keyframes = _keyframes(rows)
    used = keyframes[~keyframes.isin(split.excluded)]
    boxed = rows[rows["action"] >= 1]
    count = boxed["action"].value_counts()
    summary = {
        "videos": int(rows["video"].nunique()),
        "keyframes": len(keyframes),
        "excluded": len(keyframes) - len(used),
        "rows": len(rows),
        "boxes": len(boxed.drop_duplicates(["video", "second", "x1", "y1", "x2", "y2"])),
        "boxes_of_class": {
            str(action): {"name": name, "boxes": int(count.get(action, 0))}
            for action, name in names.items()
        },
        "unscored_rows": int((~boxed["action"].isin(list(names))).sum()),
    }
    if proposed is not None:
        without = used[~used.isin(proposed)]
        summary |= {
            "proposals": len(proposed),
            "without_proposal": [_key(key) for key in without],
        }
    return summary


def _deviations(
    summary: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Mapping[str, int]]
) -> list[str]:
    what = {"proposals": "keyframes with proposals", "rows": "rows of annotations"}
    return [
        f"{split}: {summary[split][key]} {what.get(key, key)}; {count} are expected (config key "
        f"data.expected.{split}): is a file incomplete, or of another version?"
        for split in summary
        for key, count in expected.get(split, {}).items()
        if summary[split].get(key, count) != count
    ]


def _warnings(summary: dict[str, dict[str, Any]], names: dict[int, str]) -> list[str]:
    warnings = []
    for split, found in summary.items():
        absent = [
            f"{action} ({of['name']})"
            for action, of in found["boxes_of_class"].items()
            if not of["boxes"]
        ]
        if absent:
            warnings.append(
                f"{split}: {len(absent)} of {len(names)} classes have no ground truth, so they are "
                f"not learnt from it and left out of its mean: {', '.join(absent)}"
            )
        if keys := found.get("without_proposal"):
            more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
            warnings.append(
                f"{split}: {len(keys)} of {found['keyframes'] - found['excluded']} keyframes have "
                f"no proposal; a test takes the whole frame there: {' '.join(keys[:_SHOWN])}{more}"
            )
    return warnings
