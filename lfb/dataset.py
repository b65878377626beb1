"""A data set on disk as later stages take it up: one split's files, and the frames' manifest."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from lfb.annotations import read_annotations, read_excluded, read_labels
from lfb.errors import DataFaults, UserError
from lfb.files import digest
from lfb.frames import FrameFolder, FrameZip
from lfb.keyframes import Keyframe, bank_keyframes, test_keyframes, training_keyframes
from lfb.proposals import Proposals, read_proposals


@dataclass(frozen=True)
class Boxes:
    """Which boxes are people; MMAction2's values for AVA are 0.9, 0.9, 32, 0.9, 0.9, annotated.

    Attributes:
        train_score: Least score of a proposal to train on.
        train_iou: Least IoU of such a proposal with a ground-truth box.
        train_most: Most boxes of a training clip.
        bank_score: Least score of a proposal whose feature enters the bank.
        bank_seconds: ``all`` seconds with such a proposal, or ``annotated`` ones only.
        test_score: Least score of a proposal to score.
    """

    train_score: float
    train_iou: float
    train_most: int
    bank_score: float
    bank_seconds: str
    test_score: float


class Manifest:
    """The frames of a data set, as ``scripts/extract_frames.py`` describes them.

    Args:
        path: The JSON file: ``folder``, ``pattern`` (null for zips) and ``videos``.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            content = json.loads(self.path.read_text())
            self.folder, self.pattern = Path(content["folder"]), content["pattern"]
            self.videos: dict[str, dict[str, Any]] = content["videos"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path}: no manifest of frames ({error!r}). Delete it and extract the frames again."
            ) from error

    @cached_property
    def digest(self) -> str:
        """What stands for the data wherever its identity is recorded."""
        return digest(self.path)

    def open(self, video: str) -> FrameZip | FrameFolder:
        """The frames of a video.

        Raises:
            UserError: It has none.
        """
        about = self.videos.get(video)
        if about is None:
            raise UserError(f"{self.path}: no frames of video {video}. Extract the frames again.")
        if self.pattern is None:
            return FrameZip(self.folder / f"{video}.zip")
        return FrameFolder(
            self.folder, self.pattern, video, about["fps"], about["first_second"]
        )


@dataclass(frozen=True)
class Split:
    """The annotation files of one split.

    Attributes:
        labels: Names of the scored action ids.
        unscored: Other ids that may occur; they are trained on, as in MMAction2, but not scored.
        annotations: A row for each box and action.
        proposals: Detected people.
        excluded: Seconds that take part neither in training nor in testing.
    """

    labels: dict[int, str]
    unscored: Collection[int]
    annotations: pd.DataFrame
    proposals: Proposals
    excluded: set[tuple[str, int]]

    @classmethod
    def read(
        cls,
        labels: str | Path,
        unscored: Collection[int],
        annotations: str | Path,
        proposals: str | Path,
        excluded: str | Path | None,
    ) -> "Split":
        """Reads the files.

        Raises:
            DataFaults: Every fault in them.
        """
        names = read_labels(labels)
        rows, faults = read_annotations(annotations, names, unscored)
        boxes, more = read_proposals(proposals)
        seconds, most = read_excluded(excluded) if excluded else (set(), [])
        if faults or more or most:
            raise DataFaults([*faults, *more, *most])
        return cls(names, unscored, rows, boxes, seconds)

    @property
    def actions(self) -> list[int]:
        """Ids of the label list, rising."""
        return sorted(self.labels)

    @property
    def outputs(self) -> int:
        """Outputs of the classifier: one for each id up to the highest, scored or not."""
        return max([*self.labels, *self.unscored]) + 1

    def training(self, boxes: Boxes) -> list[Keyframe]:
        """Keyframes to train on."""
        return training_keyframes(
            self.annotations,
            self.proposals,
            self.excluded,
            num_outputs=self.outputs,
            score=boxes.train_score,
            iou=boxes.train_iou,
            most=boxes.train_most,
        )

    def testing(self, boxes: Boxes) -> list[Keyframe]:
        """Keyframes to score."""
        return test_keyframes(
            self.annotations, self.proposals, self.excluded, score=boxes.test_score
        )

    def bank(self, boxes: Boxes) -> list[Keyframe]:
        """Keyframes whose people enter the bank."""
        return bank_keyframes(
            self.proposals, self.annotations, score=boxes.bank_score, seconds=boxes.bank_seconds
        )

    def videos(self) -> list[str]:
        """Videos that are annotated, sorted."""
        return sorted(self.annotations["video"].unique())


def keep(keyframes: list[Keyframe], videos: Collection[str]) -> list[Keyframe]:
    """The keyframes of some videos, in order."""
    return [keyframe for keyframe in keyframes if keyframe.video in videos]


