"""Find how the keys of proposals differ from the keys of the same keyframes in annotations."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from lfb.files.csv_table import KEY
from lfb.files.videos import EXTENSIONS

HARDLY, NEARLY = 1 / 8, 7 / 8
"""Parts of the keyframes: a guess is certain if hardly any match before it and nearly all after."""


@dataclass(frozen=True)
class Difference:
    """A guess at how the keys of proposals differ from those of the annotated keyframes.

    Attributes:
        words: The difference, in words that follow "its".
        before: Part of the keyframes that have a proposal.
        after: Part of them that would have one without the difference.
    """

    words: str
    before: float
    after: float

    @property
    def certain(self) -> bool:
        """Whether hardly any keyframe matches before, and nearly all after."""
        return self.before <= HARDLY and self.after >= NEARLY


def difference(
    proposed: pd.MultiIndex, keyframes: pd.MultiIndex, *, fps: float, first_second: int
) -> Difference | None:
    """Guess how the keys of proposals differ from those of the annotated keyframes.

    It tries video names with a folder, an extension, other capitals or differently encoded letters,
    seconds that count from another one, and frame numbers in place of seconds.

    Args:
        proposed: (video, second) of the proposals.
        keyframes: (video, second) of the annotations.
        fps: Frames per second.
        first_second: Number that the annotations give to the first second.

    Returns:
        The first difference without which half of the keyframes or more, and twice as many as now,
        would have a proposal. None if there is none: detectors find nobody in some seconds.
    """
    before = _covered(keyframes, proposed)
    for name, spelling in ("", _same), ("video names are spelled differently", _bare):
        ours, theirs = _spelled(keyframes, spelling), _spelled(proposed, spelling)
        for second, renumbered in _seconds(ours, theirs, fps, first_second):
            after = _covered(renumbered, theirs)
            if after >= max(0.5, 2 * before):
                return Difference(" and ".join(filter(None, [name, second])), before, after)
    return None


def misspelled(proposed: Iterable[str], annotated: Iterable[str]) -> dict[str, str]:
    """Return the annotated videos whose name the proposals spell differently.

    ``cam1/x`` and ``cam2/x`` are two videos, but ``cam1/x`` may be ``x``.

    Returns:
        The proposals' name of each such video.
    """
    ours, theirs = set(annotated), set(proposed)
    others = {_bare(video): video for video in sorted(theirs - ours)}
    return {
        video: other
        for video in sorted(ours - theirs)
        if (other := others.get(_bare(video))) and not (_nested(other) and _nested(video))
    }


def _seconds(
    keyframes: pd.MultiIndex, proposed: pd.MultiIndex, fps: float, first_second: int
) -> Iterator[tuple[str, pd.MultiIndex]]:
    """Yield each way in which the seconds of proposals may differ, and the keyframes in it."""
    video, second = (keyframes.get_level_values(key) for key in KEY)
    count = second.to_numpy()
    first = (_first_seconds(proposed) - _first_seconds(keyframes)).median()
    shift = 0 if np.isnan(first) else round(first)
    yield "", keyframes
    for words, numbers in (
        ("seconds count from 0", count - first_second),
        (f"seconds are {abs(shift)} {'lower' if shift < 0 else 'higher'}", count + shift),
        ("seconds look like frame numbers", np.rint(fps * (count - first_second)) + 1),
        ("seconds look like frame numbers from 0", np.rint(fps * (count - first_second))),
        ("seconds look like frame numbers of the whole video", np.rint(fps * count) + 1),
        ("seconds look like frame numbers of the whole video from 0", np.rint(fps * count)),
    ):
        yield words, pd.MultiIndex.from_arrays([video, numbers.astype(np.int64)], names=KEY)


def _first_seconds(keys: pd.MultiIndex) -> pd.Series:
    """Return the lowest second of each video."""
    return keys.to_frame(index=False).groupby("video")["second"].min()


def _spelled(keys: pd.MultiIndex, spelling: Callable[[str], str]) -> pd.MultiIndex:
    video, second = (keys.get_level_values(key) for key in KEY)
    return pd.MultiIndex.from_arrays([video.map(spelling), second], names=KEY)


def _same(video: str) -> str:
    return video


def _bare(video: str) -> str:
    """Return a name without folder, extension, capitals and variants of encoding."""
    name = _path(unicodedata.normalize("NFC", video).casefold())
    return name.stem if name.suffix in EXTENSIONS else name.name


def _nested(video: str) -> bool:
    return len(_path(video).parts) > 1


def _path(video: str) -> PurePosixPath:
    return PurePosixPath(video.replace("\\", "/"))


def _covered(keyframes: pd.MultiIndex, proposed: pd.MultiIndex) -> float:
    """Return the fraction of keyframes with a proposal."""
    return float(keyframes.isin(proposed).mean())
