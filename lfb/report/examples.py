"""Example keyframes: where models differ in being right, and what they attended to in the bank."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lfb.bank.features import BankFeatures
from lfb.data.boxes import Keyframe, PersonBoxes, box_iou, group_rows
from lfb.data.predictions import Predictions
from lfb.data.selection import training_keyframes
from lfb.data.split import Split
from lfb.learning.clips import Clips
from lfb.models.action_model import ActionModel

IOU = 0.5  # from which a box shows a person, as in the evaluation


@dataclass(frozen=True)
class People:
    """The true people of a split's keyframes, one after the other.

    Attributes:
        keyframes: Those that show a scored action; their boxes are the people.
        classes: (C,) ids of the scored actions.
        actions: (P, C) bool, which of them each person does.
        keyframe: (P,) the keyframe of each person.
    """

    keyframes: list[Keyframe]
    classes: np.ndarray
    actions: np.ndarray
    keyframe: np.ndarray

    @classmethod
    def of(cls, split: Split) -> "People":
        """Takes them from the ground truth, without excluded keyframes."""
        found = training_keyframes(
            split.annotations,
            PersonBoxes.none(),
            split.excluded,
            num_outputs=split.outputs,
            score=1,
            iou=1,
            most=len(split.annotations),
        )
        classes = np.array(sorted(split.labels))
        kept = []
        for keyframe in found.keyframes():
            assert keyframe.labels is not None
            some = keyframe.labels[:, classes].any(1)
            if some.any():
                kept.append(
                    Keyframe(
                        keyframe.video,
                        keyframe.second,
                        keyframe.boxes[some],
                        keyframe.scores[some],
                        keyframe.labels[some],
                    )
                )
        labels = [k.labels[:, classes] for k in kept if k.labels is not None]
        actions = np.concatenate([np.empty((0, len(classes)), bool), *labels]).astype(bool)
        return cls(kept, classes, actions, np.repeat(np.arange(len(kept)), list(map(len, labels))))

    def sum(self, values: np.ndarray) -> np.ndarray:
        """(K,) totals of each keyframe of what its people have, (P,)."""
        return np.bincount(self.keyframe, values, len(self.keyframes)).astype(int)

    @property
    def count(self) -> np.ndarray:
        """(P,) how many actions each person does."""
        return self.actions.sum(1)


@dataclass(frozen=True)
class Answers:
    """What a model says of the true people.

    A model is asked for as many actions as a person does, its best scored ones.

    Attributes:
        box: (P, 4) the box it scored, the one that overlaps the person most; NaN where none does.
        score: (P, C) its scores of them, NaN likewise.
        answer: (P, C) bool, the actions it says.
        right: (P,) how many of these are true.
    """

    box: np.ndarray
    score: np.ndarray
    answer: np.ndarray
    right: np.ndarray

    @property
    def detected(self) -> np.ndarray:
        """(P,) bool, whether a box shows the person."""
        return np.isfinite(self.box).all(1)

    @classmethod
    def of(cls, people: People, predictions: Predictions) -> "Answers":
        """Reads them from a model's predictions."""
        rows = _match(people, predictions)
        seen = rows >= 0
        box = np.full((len(rows), 4), np.nan, np.float32)
        score = np.full(people.actions.shape, np.nan, np.float32)
        box[seen] = predictions.box[rows[seen]]
        columns = np.searchsorted(predictions.classes, people.classes)
        score[seen] = predictions.score[np.ix_(rows[seen], columns)]
        order = np.argsort(-score, axis=1, kind="stable")
        asked = np.arange(len(people.classes)) < people.count[:, None]
        answer = np.zeros_like(people.actions)
        np.put_along_axis(answer, order, asked, 1)
        answer &= seen[:, None]
        return cls(box, score, answer, (answer & people.actions).sum(1))


@dataclass(frozen=True)
class Group:
    """Keyframes that show the same.

    Attributes:
        title: What they show.
        keyframes: Numbers of some, those that show it most.
        total: How many there are.
        interest: (P,) how much each person shows it.
    """

    title: str
    keyframes: list[int]
    total: int
    interest: np.ndarray


def choose(
    people: People, answers: Mapping[str, Answers], best: str | None, most: tuple[int, int, int]
) -> list[Group]:
    """Picks keyframes where the bank helps, where it misleads, and where every model fails.

    Failures are of people whom a box shows: the rest is the detector's.

    In a group at most one of each video; equals are taken in the order of video and second.

    Args:
        people: The truth.
        answers: Of each model.
        best: The model to compare with the baseline; None where there is only the baseline.
        most: Keyframes of each of the three groups. A lone baseline has two: where it is right
            takes the first number, where it fails the last.
    """
    baseline = answers["baseline"]
    found = np.any([given.answer for given in answers.values()], axis=0)
    seen = np.all([given.detected for given in answers.values()], axis=0)
    missed = people.actions & ~found & seen[:, None]
    if best is not None:
        gain = answers[best].right - baseline.right
        wanted = [
            (f"{best} finds more of the true actions than the baseline", gain, most[0]),
            (f"{best} finds fewer than the baseline", -gain, most[1]),
            ("No model finds what somebody does, though a box shows them", missed.sum(1), most[2]),
        ]
    else:
        whole = people.sum(people.count - baseline.right) == 0
        wanted = [
            (
                "The baseline finds all of the true actions",
                people.count * whole[people.keyframe],
                most[0],
            ),
            ("It misses what somebody does, though a box shows them", missed.sum(1), most[2]),
        ]
    groups: list[Group] = []
    for title, interest, limit in wanted:
        size = people.sum(interest)
        chosen: dict[str, int] = {}
        for number in np.argsort(-size, kind="stable").tolist():
            if size[number] <= 0 or len(chosen) == limit:
                break
            if not any(number in group.keyframes for group in groups):
                chosen.setdefault(people.keyframes[number].video, number)
        groups.append(Group(title, list(chosen.values()), int((size > 0).sum()), interest))
    return groups


@dataclass(frozen=True)
class Attention:
    """What a model attended to for one person.

    Attributes:
        weights: (layers, seconds, per_second), a layer's summing to 1.
        rows: (seconds, per_second) row numbers of the bank, -1 where a slot is empty.
        first: Second of the video of the first column.
    """

    weights: np.ndarray
    rows: np.ndarray
    first: int

    def top(self, most: int) -> list[tuple[int, int, float]]:
        """Rows attended to most: (column, row of the bank, mean weight over the layers).

        Those with less than a tenth of the first one's weight are left out.
        """
        weights = np.where(self.rows >= 0, self.weights.mean(0), -1)
        order = np.argsort(-weights, axis=None, kind="stable")[:most]
        columns, slots = np.unravel_index(order, weights.shape)
        least = max(weights.max() / 10, 0)
        return [
            (int(c), int(self.rows[c, s]), float(weights[c, s]))
            for c, s in zip(columns, slots, strict=True)
            if weights[c, s] >= least
        ]


def attend(model: ActionModel, clips: Clips, features: BankFeatures) -> list[Attention]:
    """Looks inside a model's operator, on the CPU.

    Args:
        model: With an operator that has ``attention``.
        clips: Keyframes of one box each, with the bank.
        features: Of that bank.
    """
    look: Any = model.operator
    assert clips.window is not None
    found = []
    with torch.inference_mode():
        for number, keyframe in enumerate(clips.keyframes):
            item = clips[0, number]
            roi = model.roi_features(item.clips, item.rois)
            rows, real = features(item.rows)
            weights = look.attention(roi, rows, real, item.rois[:, 0].long())
            seconds = clips.window.seconds
            found.append(
                Attention(
                    weights[0].reshape(weights.shape[1], seconds, -1).numpy(),
                    item.rows[0].reshape(seconds, -1).numpy(),
                    keyframe.second - seconds // 2,
                )
            )
    return found


def _match(people: People, predictions: Predictions) -> np.ndarray:
    """(P,) the prediction that overlaps each person most, -1 where none overlaps enough."""
    names = np.array(predictions.videos)[predictions.video]
    order, index = group_rows(names.tolist(), predictions.second)
    found = []
    for keyframe in people.keyframes:
        rows = order[index.rows(keyframe.video, keyframe.second)]
        matched = np.full(len(keyframe.boxes), -1)
        if len(rows):
            overlap = box_iou(keyframe.boxes[:, None], predictions.box[rows])
            matched = np.where(overlap.max(1) >= IOU, rows[overlap.argmax(1)], -1)
        found.append(matched)
    return np.concatenate([np.empty(0, int), *found])
