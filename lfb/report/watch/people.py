"""The people of a film that is watched, with numbers and scores: its csv, and what it shows."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfb.data.annotations import read_labels
from lfb.data.predictions import Predictions
from lfb.data.tracks import link
from lfb.errors import UserError
from lfb.files.atomic import atomic
from lfb.video.overlays import Line, Overlay

HEADER = ("video", "second", "person", "x1", "y1", "x2", "y2", "action_id", "action", "score")
MOST_LINES = 6  # of text below a person


@dataclass(frozen=True, eq=False)
class Watched:
    """The people of one film, sorted by second and number.

    Attributes:
        video: Name of the film.
        second: (N,) second of each box, from the beginning of the film.
        person: (N,) number of the person, from 1; the same through the film.
        box: (N, 4) x1 y1 x2 y2 in fractions of the frame.
        classes: (C,) action ids.
        names: Their names.
        score: (N, C) by model.
        order: (N,) place of each row in the predictions.
    """

    video: str
    second: np.ndarray
    person: np.ndarray
    box: np.ndarray
    classes: np.ndarray
    names: list[str]
    score: Mapping[str, np.ndarray]
    order: np.ndarray

    @classmethod
    def of(cls, video: str, labels: str | Path, predictions: Mapping[str, str | Path]) -> "Watched":
        """Read the predictions of some models for one film, and number its people.

        Args:
            video: Name of the film.
            labels: The label list.
            predictions: File by model. All have the same boxes.

        Raises:
            UserError: A file is damaged, or two have other boxes.
        """
        loaded = {model: Predictions.load(path) for model, path in predictions.items()}
        first, *others = loaded.values()
        for path, other in zip(list(predictions.values())[1:], others, strict=True):
            if not np.array_equal(first.box, other.box):
                raise UserError(f"{path}: other boxes than those of the other models. Delete it.")
        names = read_labels(labels)
        person = 1 + link([video] * len(first.second), first.second, first.box)
        order = np.lexsort((person, first.second))
        return cls(
            video,
            first.second[order],
            person[order],
            first.box[order],
            first.classes,
            [names[action] for action in first.classes.tolist()],
            {model: one.score[order] for model, one in loaded.items()},
            order,
        )

    def write_csv(self, path: str | Path, model: str) -> None:
        """Write a row for each box and action with the scores of one model, highest first."""
        score = self.score[model]
        with atomic(path) as scratch, scratch.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            for row, best in enumerate(np.argsort(-score, axis=1, kind="stable").tolist()):
                corners = [f"{side:.4f}" for side in self.box[row].tolist()]
                place = (self.video, self.second[row], self.person[row], *corners)
                writer.writerows(
                    (*place, self.classes[i], self.names[i], f"{score[row, i]:.4f}") for i in best
                )

    def overlays(self, model: str, thresholds: np.ndarray) -> list[Overlay]:
        """Return what the film shows: for each box the actions at or above their thresholds.

        An action is new if it was not shown for the same person one second earlier.
        """
        score = self.score[model]
        shown = score >= thresholds
        before: dict[tuple[int, int], set[int]] = {}
        found = []
        for row in range(len(score)):
            second, person = int(self.second[row]), int(self.person[row])
            actions = np.flatnonzero(shown[row])
            actions = actions[np.argsort(-score[row, actions], kind="stable")][:MOST_LINES].tolist()
            earlier = before.get((second - 1, person), set())
            before[second, person] = set(np.flatnonzero(shown[row]).tolist())
            lines = tuple(
                Line(f"{short(self.names[i])} {score[row, i]:.2f}", i not in earlier)
                for i in actions
            )
            found.append(Overlay(second, person, self.box[row], lines))
        return found


def thresholds_of(classes: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Return the threshold of each action.

    Args:
        classes: (C,) action ids.
        settings: From ``lfb.config.watch.film_settings``.
    """
    chosen, other = settings["of_action"], settings["threshold"]
    return np.array([chosen.get(str(action), other) for action in classes.tolist()])


def short(name: str) -> str:
    """Return the name of an action without its examples: "talk to (e.g., self)" is "talk to"."""
    return name.split(" (e.g.")[0]
