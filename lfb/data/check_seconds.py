"""The check of seconds: annotated and proposed ones lie in their videos, and fill them."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.data.check_split import SplitContents
from lfb.data.contents import Findings
from lfb.errors import Problem
from lfb.files.csv_table import KEY

_SHOWN = 3  # videos that a line names before it counts the rest
_REST = 0.05  # part of a video that may follow its last annotated second
_EQUAL = 0.03  # by which that part may differ between videos if a wrong rate is the reason


def check_seconds(
    split: SplitContents,
    frames: Mapping[str, int],
    *,
    fps: float,
    first_second: int,
    with_proposals: bool,
) -> Findings:
    """Check that the frame of each annotated and proposed second is in the video.

    Excluded seconds may be outside: nothing is done with them.

    Args:
        split: The split.
        frames: Number of frames of each video, where it is known.
        fps: Frames per second.
        first_second: Number of the second at which a video begins.
        with_proposals: Whether the seconds of the proposals mean what those of annotations do.
    """
    findings = Findings()
    if split.annotations is None:
        return findings
    tables = [(split.files.annotations, split.annotations[[*KEY, "line"]])]
    if with_proposals and split.proposed is not None and split.files.detected_people is not None:
        keys = split.proposed.to_frame(index=False)
        keys = keys[keys["video"].isin(split.annotations["video"].unique())]
        tables.append((split.files.detected_people, keys))
    for file, keys in tables:
        bad = keys[_outside(keys, frames, fps, first_second)]
        bad = bad[~pd.MultiIndex.from_frame(bad[KEY]).isin(split.excluded)]
        if not bad.empty:
            lowest = int(keys["second"].min())
            text = _describe(file, bad, lowest, frames, fps, first_second, split.name)
            outside = frozenset(bad[KEY].itertuples(index=False, name=None))
            findings.problems.append(Problem(text, outside))
    return findings


def excluded_outside(
    split: SplitContents, frames: Mapping[str, int], *, fps: float, first_second: int
) -> list[tuple[str, int]]:
    """Return the excluded seconds that are outside of their video; arguments as above."""
    keys = pd.DataFrame(sorted(split.excluded), columns=KEY)
    outside = keys[_outside(keys, frames, fps, first_second)]
    return list(outside.itertuples(index=False, name=None))


def unannotated_ends(
    splits: Collection[SplitContents], frames: Mapping[str, int], *, fps: float, first_second: int
) -> list[str]:
    """Return a warning if the annotations of all videos end at the same part of their length.

    They do if ``data.fps`` is too low: a video then seems to be longer than it is.
    """
    last: dict[str, int] = {}
    for split in splits:
        if split.annotations is not None:
            last |= split.annotations.groupby("video")["second"].max().to_dict()
    known = [video for video in last if video in frames]
    if len(known) < 2:
        return []
    lengths = np.array([frames[video] / fps for video in known])
    ends = np.array([last[video] - first_second + 1 for video in known]) / lengths
    if ends.max() - ends.min() > _EQUAL or ends.max() > 1 - _REST:
        return []
    end = float(np.median(ends))
    return [
        f"the annotations end after {end:.0%} of each video, of {np.median(lengths):.1f} s at "
        f"{fps:g} frames per second: is data.fps right? At {fps / end:.3g} both would end together"
    ]


def _describe(
    file: Path,
    bad: pd.DataFrame,
    lowest: int,
    frames: Mapping[str, int],
    fps: float,
    first_second: int,
    split: str,
) -> str:
    """Return an error about rows with seconds outside their videos.

    If the ``lowest`` second of the file is the one after the first, it asks for ``first_second``:
    data sets count from 0 or from 1.
    """
    spans = bad.groupby("video", sort=False)["second"].agg(["min", "max"])
    video, (low, high) = spans.index[0], spans.iloc[0]
    where = f"{file}:{bad.iloc[0]['line']}" if "line" in bad else f"{file}"
    seconds = f"second {low} is" if low == high else f"seconds {low} to {high} are"
    extent = f"begins at second {first_second}"
    if video in frames:
        extent += f" and ends before {round(first_second + frames[video] / fps, 2):g}"
    others = [f"'{name}' {_span(*span)}" for name, span in spans.iloc[1:].T.items()]
    more = ""
    if others:
        rest = f" and {len(others) - _SHOWN} more videos" if len(others) > _SHOWN else ""
        more = f"; so it is with {', '.join(others[:_SHOWN])}{rest}"
    if lowest == first_second + 1:
        more += f"; the first second in this file is {lowest}: is data.first_second {lowest}?"
    return (
        f"{where}: {seconds} outside the video '{video}', which {extent}{more}; fix the seconds, "
        f"data.fps, data.first_second or data.seconds, list them in data.{split}.excluded, or set "
        "data.invalid_keyframes: drop"
    )


def _span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def _outside(
    keys: pd.DataFrame, frames: Mapping[str, int], fps: float, first_second: int
) -> pd.Series:
    """Return which seconds have a frame number that their video does not have, as far as known."""
    # As lfb.video.frames.FrameInfo.number counts them.
    number = (fps * (keys["second"].astype(float) - first_second)).round() + 1
    return (number < 1) | (number > keys["video"].map(frames).astype(float))
