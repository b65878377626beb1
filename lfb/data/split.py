"""One split's annotation files, read together, and the keyframes chosen from them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from lfb.data.annotations import read_annotations, read_excluded, read_labels
from lfb.data.boxes import PersonBoxes
from lfb.data.keyframes import Keyframes
from lfb.data.proposals import read_proposals
from lfb.data.selection import bank_keyframes, ground_truth, test_keyframes, training_keyframes
from lfb.errors import DataErrors

Purpose = Literal["training", "testing", "bank"]


@dataclass(frozen=True)
class Split:
    """The annotation files of one split.

    Attributes:
        labels: Names of the scored action ids.
        unscored: Other ids that may occur; they are trained on, as in MMAction2, but not scored.
        annotations: A row for each box and action.
        proposals: Detected people; None where nobody has looked for them.
        excluded: Seconds that take part neither in training nor in testing.
    """

    labels: dict[int, str]
    unscored: Collection[int]
    annotations: pd.DataFrame
    proposals: PersonBoxes | None
    excluded: set[tuple[str, int]]

    @classmethod
    def read(
        cls,
        labels: str | Path,
        unscored: Collection[int],
        annotations: str | Path,
        proposals: str | Path | None = None,
        excluded: str | Path | None = None,
    ) -> "Split":
        """Reads the files.

        Raises:
            DataErrors: Every fault in them.
        """
        names = read_labels(labels)
        rows, faults = read_annotations(annotations, names, unscored)
        boxes, more = read_proposals(proposals) if proposals else (None, [])
        seconds, most = read_excluded(excluded) if excluded else (set(), [])
        if faults or more or most:
            raise DataErrors([*faults, *more, *most])
        return cls(names, unscored, rows, boxes, seconds)

    def select(self, purpose: Purpose, boxes: Mapping[str, Any]) -> Keyframes:
        """The keyframes and people that a stage works on; MMAction2's values in brackets.

        Without proposals, training takes the ground-truth boxes alone, and they stand for proposals
        of score 1 in testing and in the bank.

        Args:
            purpose: ``training``, ``testing`` or ``bank``.
            boxes: For training, the least ``train_score`` (0.9) and ``train_iou`` (0.9) with a
                ground-truth box of a proposal, and ``train_most`` (32) boxes of a clip; for the
                bank, ``bank_score`` (0.9) and ``bank_seconds``, ``all`` with such a proposal or
                only ``annotated`` ones; for testing, ``test_score`` (0.9) and ``test_seconds``,
                only ``annotated`` ones or ``all`` with such a proposal.
        """
        people = self.proposals or ground_truth(self.annotations)
        if purpose == "training":
            found = training_keyframes(
                self.annotations,
                self.proposals or PersonBoxes.none(),
                self.excluded,
                num_outputs=self.outputs,
                score=boxes["train_score"],
                iou=boxes["train_iou"],
                most=boxes["train_most"],
            )
        elif purpose == "bank":
            found = bank_keyframes(
                people,
                self.annotations,
                score=boxes["bank_score"],
                seconds=boxes["bank_seconds"],
            )
        else:
            found = test_keyframes(
                self.annotations,
                people,
                self.excluded,
                score=boxes["test_score"],
                seconds=boxes["test_seconds"],
            )
        return Keyframes(found, sorted(self.labels), self.outputs)

    @property
    def outputs(self) -> int:
        """Outputs of the classifier: one for each id up to the highest, scored or not."""
        return max([*self.labels, *self.unscored]) + 1
