"""The people of a film that is only watched: it has no annotations, and is scored every second."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lfb.data.annotations import read_labels
from lfb.data.boxes import PersonBoxes
from lfb.data.detector_csv import read_detections, to_proposals
from lfb.data.keyframes import Keyframes
from lfb.data.proposals import read_proposals
from lfb.data.split import Purpose, Split
from lfb.errors import UserError
from lfb.video.frames import Manifest

_SHOWN = 3  # names that an error lists before it stops


def given_people(
    video: str,
    manifest: str | Path,
    *,
    proposals: str | Path | None,
    detections: str | Path | None,
) -> PersonBoxes:
    """Return the people of a film from a file of proposals or of a person detector.

    Raises:
        UserError: The file has errors, no box of the film, or one after its end.
    """
    frames = Manifest(manifest)
    if proposals:
        path, people = proposals, read_proposals(proposals).checked()
        named = people.index.videos
    else:
        assert detections
        path, rows = detections, read_detections(detections).checked()
        named = sorted(rows["video"].unique())
        about = frames.videos[video]
        sizes = {video: (about["width"], about["height"])}
        people = to_proposals(rows, detections, sizes).checked()
    if video not in named:
        others = ", ".join(named[:_SHOWN]) + (", ..." if len(named) > _SHOWN else "")
        raise UserError(
            f"{path}: no box of film '{video}'; it has boxes of {others}. Name the film there as "
            "its file, without the extension."
        )
    _check_seconds(video, people, frames, path)
    return people


def choose_people(
    people: PersonBoxes,
    video: str,
    purpose: Purpose,
    boxes: Mapping[str, Any],
    *,
    labels: str | Path,
    unscored: Collection[int],
) -> Keyframes:
    """Return the people of a film for ``testing`` or for the ``bank``.

    Args:
        people: All people, also of other films.
        video: Name of the film.
        purpose: See ``Split.select``.
        boxes: See ``Split.select``; all seconds are searched.
        labels: The label list.
        unscored: Ids that are trained but not scored.
    """
    seconds = pd.DataFrame({"video": [video], "second": [0]})
    split = Split(read_labels(labels), unscored, seconds, people, set())
    return split.select(purpose, boxes)


def _check_seconds(video: str, people: PersonBoxes, frames: Manifest, path: str | Path) -> None:
    info = frames.open(video).info
    index = people.index
    of_film = index.second[index.video == index.videos.index(video)] if len(index) else []
    last = max(of_film, default=0)
    if info.number(last) > info.frames:
        raise UserError(
            f"{path}: second {last} of film '{video}' is after its end, "
            f"{info.frames / info.fps:.1f} s. Count seconds from 0 at the beginning of the file."
        )
