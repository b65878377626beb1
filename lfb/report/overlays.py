"""What a film of a data set shows: the ground truth, proposals or predictions of one video.

Each function returns overlays with times in seconds of the annotations. ``lfb.data.tracks`` numbers
the people whose number is unknown.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.data.annotations import read_annotations
from lfb.data.boxes import PersonBoxes
from lfb.data.predictions import Predictions
from lfb.data.tracks import link
from lfb.errors import UserError
from lfb.files.csv_table import BOX
from lfb.report.watch.people import Watched, short
from lfb.video.frames import FrameInfo
from lfb.video.overlays import Line, Overlay
from lfb.video.single import similar

log = logging.getLogger("lfb")


def truth_overlays(
    annotations: pd.DataFrame,
    video: str,
    labels: Mapping[int, str],
    excluded: Collection[tuple[str, int]],
) -> list[Overlay]:
    """Return the annotated people of a video with their actions.

    Args:
        annotations: Table of ``read_annotations``.
        video: Name of the video.
        labels: Names of the scored action ids.
        excluded: Excluded keyframes, which are marked.
    """
    rows = annotations[(annotations["video"] == video) & (annotations["action"] >= 1)]
    people = rows.groupby(["second", "person", *BOX], sort=False)["action"].unique().reset_index()
    second, boxes = people["second"].to_numpy(), people[BOX].to_numpy()
    known = people["person"].to_numpy() >= 0
    number = people["person"].to_numpy().copy()
    number[~known] = number.max(initial=0) + _linked(second[~known], boxes[~known])
    names = {action: short(name) for action, name in labels.items()}
    lines = [
        tuple(Line(names.get(action, f"action {action} (not scored)")) for action in actions)
        + ((Line("excluded second"),) if (video, moment) in excluded else ())
        for moment, actions in zip(second.tolist(), people["action"], strict=True)
    ]
    return [
        Overlay(*item) for item in zip(second.tolist(), number.tolist(), boxes, lines, strict=True)
    ]


def proposal_overlays(proposals: PersonBoxes, video: str, least: float) -> list[Overlay]:
    """Return the detected people of a video with their scores.

    Boxes that score less than ``least`` have no number, and are grey in a film.
    """
    rows, second = _rows_of(proposals, video)
    boxes, scores = proposals.boxes[rows], proposals.scores[rows]
    used = scores >= np.float32(least)
    number = np.zeros(len(rows), int)
    number[used] = _linked(second[used], boxes[used])
    return [
        Overlay(time, person or None, box, (Line(f"{score:.2f}"),))
        for time, person, box, score in zip(
            second.tolist(), number.tolist(), boxes, scores.tolist(), strict=True
        )
    ]


def prediction_overlays(
    predictions: Predictions,
    video: str,
    labels: Mapping[int, str],
    thresholds: Mapping[int, float],
) -> list[Overlay]:
    """Return the scored people of a video, with the actions whose score reaches the threshold.

    The highest score comes first. Actions that the person did not do a second before stand out.

    Args:
        predictions: Of a model; the first draw counts.
        video: Name of the video.
        labels: Names of the action ids.
        thresholds: By action id; actions without one are not shown.
    """
    rows = np.flatnonzero(np.array(predictions.videos, object)[predictions.video] == video)
    rows = rows[np.argsort(predictions.second[rows], kind="stable")]
    second, boxes = predictions.second[rows], predictions.box[rows]
    people = Watched(
        video,
        second,
        _linked(second, boxes),
        boxes,
        predictions.classes,
        [labels[action] for action in predictions.classes.tolist()],
        {video: predictions.score[rows]},
        rows,
    )
    least = [thresholds.get(action, np.inf) for action in predictions.classes.tolist()]
    return people.overlays(video, np.array(least, np.float32))


def require_video(
    video: str, split: str, videos: Collection[str], others: Mapping[str, str | Path]
) -> None:
    """Raise an error that helps to find the right name if a split does not have a video.

    Args:
        video: Name of the video.
        split: Name of the split.
        videos: Names of the videos of the split.
        others: Annotation files of all splits.

    Raises:
        UserError: The split does not have the video.
    """
    if video in videos:
        return
    for other in others.keys() - {split}:
        if Path(others[other]).is_file() and video in set(
            read_annotations(others[other], None).valid["video"]
        ):
            raise UserError(
                f"video {video!r} is in split {other}, not in {split}: replace {split} in the name "
                f"of the file by {other}."
            )
    raise UserError(f"split {split} has no video {video!r}.{similar(video, videos)}")


def within(overlays: Sequence[Overlay], info: FrameInfo) -> list[Overlay]:
    """Return the overlays of seconds that the frames show, and warn of the others."""
    inside = [1 <= info.number(int(overlay.time)) <= info.frames for overlay in overlays]
    outside = {int(o.time) for o, shown in zip(overlays, inside, strict=True) if not shown}
    if outside:
        log.warning(
            "warning: %d seconds with boxes (%d to %d) are not shown: they are outside of the "
            "frames, which begin at second %d and last %.1f s. Check data.first_second, start, "
            "seconds and fps",
            *(len(outside), min(outside), max(outside)),
            *(info.first_second, info.frames / info.fps),
        )
    return [overlay for overlay, shown in zip(overlays, inside, strict=True) if shown]


def _linked(second: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the number of the person in each box of a video, from 1."""
    return 1 + link([""] * len(second), second, boxes)


def _rows_of(people: PersonBoxes, video: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a video and their seconds."""
    index = people.index
    number = index.videos.index(video)
    keyframes = slice(*index.video_start[number : number + 2].tolist())
    count = index.count[keyframes]
    start = index.row_start[index.video_start[number]]
    return start + np.arange(count.sum()), np.repeat(index.second[keyframes], count)
