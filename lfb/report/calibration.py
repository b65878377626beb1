"""How often a score is right: the calibration of a model."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lfb.data.predictions import Predictions
from lfb.report.examples import Matches, People

BINS = 10  # of the scores from 0 to 1, of equal width
LEAST = 20  # scores of a bin that is drawn


@dataclass(frozen=True)
class Calibration:
    """Scores in bins, and how many of them are of actions that the person does.

    Attributes:
        count: (BINS,) number of scores.
        score: (BINS,) their mean; NaN without scores.
        true: (BINS,) share of them whose box overlaps a person who does the action.
    """

    count: np.ndarray
    score: np.ndarray
    true: np.ndarray

    @classmethod
    def of(cls, people: People, predictions: Predictions) -> "Calibration":
        """Return the calibration of the scores on the annotated keyframes.

        Every score of every box counts. A box that matches no person is wrong for all actions.
        """
        matches = Matches.of(people, predictions)
        columns = np.searchsorted(predictions.classes, people.classes)
        score = predictions.score[np.ix_(matches.counted, columns)]
        person = matches.person[matches.counted]
        true = people.actions[person] & (person >= 0)[:, None]
        bins = np.clip(score * BINS, 0, BINS - 1).astype(np.intp).ravel()
        count = np.bincount(bins, minlength=BINS)
        with np.errstate(invalid="ignore"):
            return cls(
                count,
                np.bincount(bins, score.ravel(), BINS) / count,
                np.bincount(bins, true.ravel(), BINS) / count,
            )

    @property
    def error(self) -> float:
        """The expected calibration error (Guo et al., 2017): mean distance of score and truth."""
        distance = np.nan_to_num(np.abs(self.score - self.true))
        return float((self.count * distance).sum() / max(self.count.sum(), 1))


def calibration_line(calibration: Calibration) -> dict[str, Any]:
    """Return the line of a model as the template draws it, a point for each bin that is filled."""
    return {
        "error": calibration.error,
        "points": [
            {
                "score": 100 * float(calibration.score[i]),
                "true": 100 * float(calibration.true[i]),
                "text": f"scores {i / BINS:g} to {(i + 1) / BINS:g}: "
                f"{calibration.true[i]:.1%} of {calibration.count[i]:,} are right",
            }
            for i in np.flatnonzero(calibration.count >= LEAST).tolist()
        ],
    }
