"""Which actions a model takes for which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfb.report.examples import Answers, People

SHOWN = 0.005  # least share of a class that has a colour in the matrix
MOST_LISTED = 10  # pairs that the page lists below the matrix
LEAST_LISTED = 2  # people of such a pair


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix of people who do several actions each.

    A person who does n actions has an answer of n actions (``Answers``), so as many are missed as
    are wrong. Each missed action counts as taken for the wrong ones, in equal parts. A row thus
    sums to the number of people who do its action. This is the matrix of Krstinić et al.,
    "Multi-label classifier performance evaluation with confusion matrix" (2020), for answers that
    are as long as the truth.

    Attributes:
        taken: (C, C) people who do the action of the row, by the action of the answer.
        undetected: (C,) people who do the action and have no scored box.
    """

    taken: np.ndarray
    undetected: np.ndarray

    @classmethod
    def of(cls, people: People, answers: Answers) -> "Confusion":
        """Return the confusions of one model."""
        does, detected = people.actions, answers.detected[:, None]
        missed = (does & ~answers.answer & detected).astype(float)
        wrong = (answers.answer & ~does).astype(float)
        share = wrong / np.maximum(wrong.sum(1, keepdims=True), 1)
        found = np.diag((does & answers.answer).sum(0))
        return cls(missed.T @ share + found, (does & ~detected).sum(0))

    @property
    def people(self) -> np.ndarray:
        """(C,) people who do each action."""
        return self.taken.sum(1) + self.undetected

    @property
    def shares(self) -> np.ndarray:
        """(C, C + 1) parts of each row that sum to 1, the undetected last; 0 without people."""
        rows = np.concatenate([self.taken, self.undetected[:, None]], 1)
        return rows / np.maximum(self.people, 1)[:, None]


def confusion_matrix(confusion: Confusion, names: Sequence[str]) -> dict[str, Any]:
    """Return a confusion matrix as the template draws it.

    Classes that nobody does have no row. Cells are shares in percent, None below ``SHOWN``.
    """
    shares, people = confusion.shares, confusion.people.round().astype(int)
    rows = [
        {
            "name": names[true],
            "people": int(people[true]),
            "number": true,
            "cells": [100 * float(s) if s >= SHOWN else None for s in shares[true]],
        }
        for true in np.flatnonzero(people).tolist()
    ]
    wrong = confusion.taken * ~np.eye(len(names), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_LISTED]
    pairs = [divmod(place, len(names)) for place in order.tolist()]
    return {
        "names": names,
        "rows": rows,
        "most": [
            {
                "true": names[true],
                "answer": names[answer],
                "people": float(wrong[true, answer]),
                "share": 100 * float(shares[true, answer]),
            }
            for true, answer in pairs
            if wrong[true, answer] >= LEAST_LISTED
        ],
    }
