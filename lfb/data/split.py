"""The annotation files of a split, and the keyframes that each stage takes from them."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from lfb.data.annotations import read_annotations, read_excluded, read_labels
from lfb.data.boxes import PersonBoxes
from lfb.data.contents import Contents
from lfb.data.keyframes import Keyframes
from lfb.data.proposals import read_proposals
from lfb.data.selection import bank_keyframes, ground_truth, test_keyframes, training_keyframes
from lfb.errors import DataErrors, UserError

Purpose = Literal["training", "testing", "bank"]


@dataclass(frozen=True)
class Split:
    """The content of the annotation files of a split.

    Attributes:
        labels: Names of the scored action ids.
        unscored: Other ids that may occur. They are trained, as in MMAction2, but not scored.
        annotations: Table of ``read_annotations``, a row for each box and action.
        proposals: Detected people; None without a person detector.
        excluded: Keyframes that are neither trained on nor scored.
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
        *,
        drop: bool = False,
    ) -> "Split":
        """Read the files.

        Args:
            labels: Label list.
            unscored: Further action ids that may occur.
            annotations: Annotations.
            proposals: Detected people, if there are any.
            excluded: Excluded keyframes, if there are any.
            drop: Leave out rows with errors.

        Raises:
            DataErrors: All errors in them.
        """
        names = read_labels(labels)
        rows = read_annotations(annotations, names, unscored)
        people = read_proposals(proposals) if proposals else Contents(valid=None)
        keyframes = read_excluded(excluded) if excluded else Contents(valid=set())
        errors = rows.errors + people.errors + keyframes.errors
        if errors and not drop:
            raise DataErrors(errors)
        return cls(names, unscored, rows.valid, people.valid, keyframes.valid)

    def select(
        self,
        purpose: Purpose,
        boxes: Mapping[str, Any],
        outside: Collection[tuple[str, int]] = (),
    ) -> Keyframes:
        """Return the keyframes and people for a stage.

        Without proposals, training takes the ground-truth boxes alone. Testing and the bank then
        take them as proposals of score 1.

        Args:
            purpose: ``training``, ``testing`` or ``bank``.
            boxes: The config's ``boxes``, with MMAction2's values in brackets. Training:
                ``train_score`` (0.9), ``train_iou`` (0.9) and ``train_most`` (32). Bank:
                ``bank_score`` (0.9) and ``bank_seconds``. Testing: ``test_score`` (0.9) and
                ``test_seconds``. See ``lfb.data.selection``.
            outside: Excluded keyframes outside of their video: they have no place in the bank.
        """
        people = self.proposals or ground_truth(self.annotations)
        if purpose == "training":
            chosen = training_keyframes(
                self.annotations,
                self.proposals or PersonBoxes.none(),
                self.excluded,
                num_outputs=self.outputs,
                score=boxes["train_score"],
                iou=boxes["train_iou"],
                most=boxes["train_most"],
            )
        elif purpose == "bank":
            chosen = bank_keyframes(
                people,
                self.annotations,
                score=boxes["bank_score"],
                seconds=boxes["bank_seconds"],
                outside=outside,
            )
        else:
            chosen = test_keyframes(
                self.annotations,
                people,
                self.excluded,
                score=boxes["test_score"],
                seconds=boxes["test_seconds"],
            )
        return Keyframes(chosen, sorted(self.labels), self.outputs)

    @property
    def outputs(self) -> int:
        """Outputs of the classifier: one for each id up to the highest, scored or not."""
        return max([*self.labels, *self.unscored]) + 1


def read_outside(check: str | Path, split: str) -> list[tuple[str, int]]:
    """Return the excluded keyframes of a split that are outside of their video.

    Args:
        check: Summary of the data check, JSON.
        split: Name of the split.

    Raises:
        UserError: The file is not a summary of this split.
    """
    try:
        found = json.loads(Path(check).read_text())["splits"][split].get("outside", [])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{check}: not a summary of the data check ({error!r}). Delete it and run the same "
            "command again."
        ) from error
    return [(video, second) for video, second in found]
