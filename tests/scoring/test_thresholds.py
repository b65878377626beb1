"""Tests of lfb.scoring.thresholds."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.data.predictions import Predictions
from lfb.errors import UserError
from lfb.scoring.evaluation import PROTOCOLS
from lfb.scoring.thresholds import best_thresholds
from tests.evaluation_cases import CLASSES, entries, random_case, table
from tests.reference_evaluation import Found, Real, best_f1

LEFT, RIGHT = (0.0, 0.0, 0.4, 1.0), (0.6, 0.0, 1.0, 1.0)


def thresholds(found, real, protocol="mmaction2", excluded=()):
    """Return the thresholds of each class, by id."""
    content = best_thresholds(
        entries([Found(*f) for f in found]),
        table([Real(*r) for r in real]),
        classes=CLASSES,
        excluded=set(excluded),
        protocol=protocol,
    )
    assert content == json.loads(json.dumps(content))
    return {c["id"]: c for c in content["classes"]}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(
    seed=st.integers(0, 10**6),
    levels=st.sampled_from([None, 3]),
    most_boxes=st.sampled_from([3, 30]),
)
@settings(max_examples=15)
def test_no_threshold_has_a_higher_f1_and_none_with_the_same_is_higher(
    protocol, seed, levels, most_boxes
):
    found, real, excluded = random_case(seed, grid=6, levels=levels, most_boxes=most_boxes)
    expected = best_f1(found, real, set(CLASSES), excluded, protocol)
    try:
        chosen = thresholds(found, real, protocol, excluded)
    except UserError:  # nothing to find, or no common keyframe and class outside of the excluded
        return
    assert {i: (c.get("F1", 0.0), c["threshold"]) for i, c in chosen.items()} == expected


def test_the_numbers_of_a_threshold():
    real = [("v", 902, LEFT, 1), ("v", 903, LEFT, 1), ("v", 904, LEFT, 1), ("v", 904, RIGHT, 3)]
    found = [
        ("v", 902, LEFT, 1, 0.9),
        ("v", 902, LEFT, 1, 0.8),  # again: not right
        ("v", 903, LEFT, 1, 0.7),
        ("v", 904, RIGHT, 1, 0.6),
        ("v", 904, RIGHT, 1, 0.5),
        ("v", 904, LEFT, 1, 0.4),
        ("v", 904, LEFT, 4, 0.4),
    ]
    assert thresholds(found, real) == {
        1: {
            "id": 1,
            "name": "bend",
            "threshold": 0.7,
            "F1": 4 / 6,
            "precision": 2 / 3,
            "recall": 2 / 3,
            "ground_truth": 3,
            "detections": 3,
        },
        3: {
            "id": 3,
            "name": "crouch",
            "threshold": None,
            "reason": "no detection matches ground truth",
            "ground_truth": 1,
        },
        4: {
            "id": 4,
            "name": "dance",
            "threshold": None,
            "reason": "no ground truth",
            "ground_truth": 0,
        },
        80: {
            "id": 80,
            "name": "watch",
            "threshold": None,
            "reason": "no ground truth",
            "ground_truth": 0,
        },
    }


def test_equal_scores_are_taken_together():
    real = [("v", 902, LEFT, 1), ("v", 903, LEFT, 1)]
    found = [("v", second, box, 1, 0.5) for box in (LEFT, RIGHT) for second in (902, 903)]
    chosen = thresholds(found, real)[1]
    assert (chosen["threshold"], chosen["detections"], chosen["precision"]) == (0.5, 4, 0.5)


def test_a_threshold_compares_exactly_with_the_scores_of_the_file(tmp_path):
    score = np.array([[0.1], [0.30000001], [0.7]], np.float32)
    predictions = Predictions(
        videos=["v"],
        video=np.zeros(3, np.int32),
        second=np.array([902, 903, 904], np.int32),
        box=np.tile(np.float32(LEFT), (3, 1)),
        score=score,
        classes=np.array([1], np.int32),
    )
    real = table([Real("v", second, LEFT, 1) for second in (903, 904)])
    content = best_thresholds(
        predictions, real, classes={1: "bend"}, excluded=set(), protocol="mmaction2"
    )
    (chosen,) = json.loads(json.dumps(content))["classes"]
    assert (score[:, 0] >= chosen["threshold"]).tolist() == [False, True, True]
    assert chosen["F1"] == 1
