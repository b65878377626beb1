"""Each model's answers for the annotated people, and keyframes that show the differences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lfb.data.boxes import Keyframe, PersonBoxes, box_iou, differs_from_previous, ragged
from lfb.data.predictions import Predictions
from lfb.data.selection import training_keyframes
from lfb.data.split import Split
from lfb.scoring.evaluation import IOU

SECONDS_APART = 5  # least distance of two keyframes to show of one video


@dataclass(frozen=True)
class People:
    """The annotated people of a split who do at least one scored action, keyframe by keyframe.

    Attributes:
        keyframes: Keyframes with such people; their boxes are the people.
        classes: (C,) ids of the scored actions.
        actions: (P, C) bool, the actions of each person.
        keyframe: (P,) number of each person's keyframe.
    """

    keyframes: list[Keyframe]
    classes: np.ndarray
    actions: np.ndarray
    keyframe: np.ndarray

    @classmethod
    def of(cls, split: Split) -> "People":
        """Return the people of the ground truth, without excluded keyframes."""
        annotated = training_keyframes(
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
        for keyframe in annotated.keyframes():
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

    @cached_property
    def boxes(self) -> np.ndarray:
        """(P, 4) box of each person."""
        boxes = [keyframe.boxes for keyframe in self.keyframes]
        return np.concatenate([np.empty((0, 4), np.float32), *boxes])

    @property
    def num_actions(self) -> np.ndarray:
        """(P,) number of actions of each person."""
        return self.actions.sum(1)

    def sum_by_keyframe(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of the people's values, (P,), in each keyframe: (K,) int."""
        return np.bincount(self.keyframe, values, len(self.keyframes)).astype(int)

    def in_keyframe(self, number: int) -> np.ndarray:
        """Return the numbers of the people in one keyframe, in the order of its boxes."""
        return np.flatnonzero(self.keyframe == number)


@dataclass(frozen=True)
class Matches:
    """Which scored boxes and annotated people belong together: those that overlap enough.

    Attributes:
        row: (P,) the scored box that overlaps each person most, -1 for none.
        person: (N,) the person whom each scored box overlaps most, -1 for none.
        counted: (N,) bool, whether the keyframe of a scored box has annotated people.
    """

    row: np.ndarray
    person: np.ndarray
    counted: np.ndarray

    @classmethod
    def of(cls, people: People, predictions: Predictions) -> "Matches":
        """Return the matches of one model's boxes."""
        number = {name: n for n, name in enumerate(predictions.videos)}
        keys = predictions.video.astype(np.int64) << 32 | predictions.second
        of_keyframe = np.array(
            [number.get(k.video, -1) << 32 | k.second for k in people.keyframes], np.int64
        )
        of_person = of_keyframe[people.keyframe]
        order = np.argsort(keys, kind="stable")
        start, end = (np.searchsorted(keys[order], of_person, side) for side in ("left", "right"))
        place, person = ragged(start, end - start)
        row = order[place]
        iou = box_iou(people.boxes[person], predictions.box[row])
        enough = np.flatnonzero(iou >= IOU)
        person, row, iou = person[enough], row[enough], iou[enough]
        return cls(
            _best(person, row, iou, len(people.actions)),
            _best(row, person, iou, len(keys)),
            np.isin(keys, of_keyframe),
        )


def _best(owner: np.ndarray, other: np.ndarray, iou: np.ndarray, count: int) -> np.ndarray:
    """Return (count,) the other that each owner overlaps most, the first of equals; -1 for none."""
    order = np.lexsort((other, -iou, owner))
    first = order[differs_from_previous(owner[order])] if len(order) else order
    best = np.full(count, -1)
    best[owner[first]] = other[first]
    return best


@dataclass(frozen=True)
class Answers:
    """The answers of one model for the annotated people.

    For a person with n actions, the model's answer is the n actions that it scores highest.

    Attributes:
        box: (P, 4) the scored box that overlaps the person most; NaN if none overlaps enough.
        score: (P, C) the scores of that box; NaN if there is none.
        answer: (P, C) bool, the actions in the answer.
        correct: (P,) number of these that the person does.
    """

    box: np.ndarray
    score: np.ndarray
    answer: np.ndarray
    correct: np.ndarray

    @property
    def detected(self) -> np.ndarray:
        """(P,) bool, whether the model scored a box of the person."""
        return np.isfinite(self.box).all(1)

    @classmethod
    def of(cls, people: People, predictions: Predictions) -> "Answers":
        """Return the answers that a model's predictions contain."""
        rows = Matches.of(people, predictions).row
        detected = rows >= 0
        box = np.full((len(rows), 4), np.nan, np.float32)
        score = np.full(people.actions.shape, np.nan, np.float32)
        box[detected] = predictions.box[rows[detected]]
        columns = np.searchsorted(predictions.classes, people.classes)
        score[detected] = predictions.score[np.ix_(rows[detected], columns)]
        order = np.argsort(-score, axis=1, kind="stable")
        among_first = np.arange(len(people.classes)) < people.num_actions[:, None]
        answer = np.zeros_like(people.actions)
        np.put_along_axis(answer, order, among_first, 1)
        answer &= detected[:, None]
        return cls(box, score, answer, (answer & people.actions).sum(1))


@dataclass(frozen=True)
class Group:
    """Keyframes that show one kind of difference.

    Attributes:
        title: The difference.
        keyframes: Numbers of the keyframes to show, those with the largest difference.
        total: Number of all such keyframes.
        interest: (P,) size of the difference for each person.
    """

    title: str
    keyframes: list[int]
    total: int
    interest: np.ndarray


def choose_keyframes(
    people: People, answers: Mapping[str, Answers], best: str | None, limits: tuple[int, int, int]
) -> list[Group]:
    """Choose keyframes where the bank helps, where it misleads, and where every model fails.

    A group takes one keyframe of each video. If there are too few videos, it takes more of them, at
    least ``SECONDS_APART`` from each other. It takes none that an earlier group has. Equal
    differences are in the order of video and second. People without a scored box do not count as
    failures of the models: the person detector missed them.

    Args:
        people: The ground truth.
        answers: By model.
        best: The model to compare with the baseline; None if there is only the baseline.
        limits: Keyframes in each of the three groups. A lone baseline has two groups: where it is
            correct (first limit) and where it fails (last limit).
    """
    baseline = answers["baseline"]
    found = np.any([given.answer for given in answers.values()], axis=0)
    detected = np.all([given.detected for given in answers.values()], axis=0)
    missed = (people.actions & ~found & detected[:, None]).sum(1)
    if best is not None:
        gain = answers[best].correct - baseline.correct
        kinds = [
            (f"{best} finds more of the true actions than the baseline", gain, limits[0]),
            (f"{best} finds fewer of the true actions than the baseline", -gain, limits[1]),
            ("Every model misses an action of a detected person", missed, limits[2]),
        ]
    else:
        complete = people.sum_by_keyframe(people.num_actions - baseline.correct) == 0
        all_found = people.num_actions * complete[people.keyframe]
        kinds = [
            ("The baseline finds all of the true actions", all_found, limits[0]),
            ("The baseline misses an action of a detected person", missed, limits[2]),
        ]
    groups: list[Group] = []
    for title, interest, limit in kinds:
        size = people.sum_by_keyframe(interest)
        shown = {number for group in groups for number in group.keyframes}
        largest_first = np.argsort(-size, kind="stable")[: (size > 0).sum()].tolist()
        candidates = [number for number in largest_first if number not in shown]
        chosen = _far_apart(people.keyframes, candidates, limit)
        groups.append(Group(title, chosen, len(largest_first), interest))
    return groups


def _far_apart(keyframes: Sequence[Keyframe], candidates: Sequence[int], limit: int) -> list[int]:
    """Return the first candidates of different videos, then those far from each other."""
    chosen: list[int] = []
    for apart in (math.inf, SECONDS_APART):
        for number in candidates:
            if len(chosen) < limit and all(
                keyframes[number].video != keyframes[other].video
                or abs(keyframes[number].second - keyframes[other].second) >= apart
                for other in chosen
            ):
                chosen.append(number)
    return chosen
