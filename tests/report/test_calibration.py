from dataclasses import replace

import numpy as np
import pytest

from lfb.report.calibration import LEAST, Calibration, calibration_line
from lfb.report.examples import People
from tests.report.drawings import draw, of_class
from tests.report.finished_run import predict, split


def test_bins_hold_the_mean_score_and_the_share_of_right_scores() -> None:
    people, predictions = People.of(split()), predict({("bert", 5)})
    scores = np.where(predictions.score > 0.5, np.float32(0.85), np.float32(0.15))
    calibration = Calibration.of(people, replace(predictions, score=scores))
    # 34 people have a high score for each of their 51 actions, and low ones for the others. On one
    # keyframe of 2 people and 3 actions it is the reverse.
    low, high = 34 * 4 - 51 - 5 + 3, 51 - 3 + 5
    assert calibration.count.tolist() == [0, low, 0, 0, 0, 0, 0, 0, high, 0]
    assert calibration.score[[1, 8]] == pytest.approx([0.15, 0.85])
    assert calibration.true[[1, 8]] == pytest.approx([3 / low, 48 / high])
    distances = low * (0.15 - 3 / low) + high * (48 / high - 0.85)
    assert calibration.error == pytest.approx(distances / (34 * 4))


def test_a_box_without_a_person_is_wrong_for_all_actions() -> None:
    people, predictions = People.of(split()), predict(set())
    nowhere = np.full_like(predictions.box, 0.01)
    calibration = Calibration.of(people, replace(predictions, box=nowhere))
    assert calibration.count.sum() == 34 * 4
    assert np.nansum(calibration.true) == 0


def test_scores_of_zero_and_one_are_in_the_outer_bins() -> None:
    people, predictions = People.of(split()), predict(set())
    scores = (predictions.score > 0.5).astype(np.float32)
    calibration = Calibration.of(people, replace(predictions, score=scores))
    assert np.flatnonzero(calibration.count).tolist() == [0, 9]
    assert calibration.true[[0, 9]].tolist() == [0, 1]


def test_the_line_has_a_point_for_each_bin_that_is_filled() -> None:
    count = np.array([100, LEAST, LEAST - 1, *[0] * 7])
    calibration = Calibration(count, np.full(10, 0.25), np.full(10, 0.5))
    line = calibration_line(calibration)
    assert [point["text"] for point in line["points"]] == [
        "scores 0 to 0.1: 50.0% of 100 are right",
        "scores 0.1 to 0.2: 50.0% of 20 are right",
    ]
    drawing = draw("calibration", {"a": line, "b": {"points": []}}, {"a": "red", "b": "blue"})
    circles = [element for element in drawing.iter() if element.tag == "circle"]
    assert {(circle.get("cx"), circle.get("cy")) for circle in circles} == {("75", "150")}
    assert len(of_class(drawing, "diagonal")) == 1
