"""Tests of lfb.verification.scores."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from lfb.code_digest import digest_of_code
from lfb.data.boxes import PersonBoxes
from lfb.data.keyframes import Keyframes
from lfb.data.predictions import Predictions
from lfb.data.split import Split
from lfb.files.digests import digest, digest_json
from lfb.report.seal import seal
from lfb.scoring.evaluation import metrics
from lfb.scoring.table import map_table, table_csv
from lfb.scoring.thresholds import best_thresholds
from lfb.verification.scores import (
    check_metrics,
    check_predictions,
    check_report,
    check_scores,
    check_table,
    check_thresholds,
)
from tests.samples import annotation_table

PEOPLE = PersonBoxes.from_rows(
    ["a", "b"], [3, 5], np.array([[0, 0, 0.5, 0.5], [0, 0, 1, 1]]), np.ones(2)
)
PREDICTIONS = Predictions(
    videos=["a", "b"],
    video=np.array([0, 1], np.int32),
    second=np.array([3, 5], np.int32),
    box=PEOPLE.boxes,
    score=np.array([[0.5], [0.25]], np.float32),
    classes=np.array([1], np.int32),
)
MODELS = {
    "baseline": {
        "operator": "none",
        "backbone": "slowonly",
        "training": "whole",
        "published_mAP": None,
    }
}
TABLE = {"protocol": "mmaction2", "models": MODELS}


def make_metrics(folder: Path) -> tuple[Path, Split]:
    """Write the metrics of the predictions; return them and the split."""
    truth = annotation_table(("a", 3, 0, 0, 0.5, 0.5, 1, 0), ("b", 5, 0, 0, 1, 1, 1, 0))
    split = Split({1: "stand"}, [], truth, None, set())
    measured = metrics(PREDICTIONS, truth, classes=split.labels, excluded=set())
    (folder / "metrics.json").write_text(json.dumps(measured))
    return folder / "metrics.json", split


def test_predictions_of_other_people_are_named():
    path, keyframes = Path("predictions.npz"), Keyframes(PEOPLE, [1], 2)
    assert list(check_predictions(path, PREDICTIONS, keyframes)) == []
    other = dataclasses.replace(PREDICTIONS, box=PREDICTIONS.box / 2)
    (problem,) = check_predictions(path, other, keyframes)
    assert problem.startswith("predictions.npz: not of the people in the keyframes for testing")


def test_predictions_of_another_model_are_named():
    path, keyframes = Path("predictions.npz"), Keyframes(PEOPLE, [1], 2)

    def scorer(difference: float):
        changed = dataclasses.replace(PREDICTIONS, score=PREDICTIONS.score + difference)
        return lambda some: changed

    assert list(check_scores(path, PREDICTIONS, keyframes, scorer(0.01))) == []
    (problem,) = check_scores(path, PREDICTIONS, keyframes, scorer(0.03))
    assert problem.startswith("predictions.npz: not the scores of the checkpoint and bank")


def test_metrics_of_other_predictions_are_named(tmp_path):
    path, split = make_metrics(tmp_path)
    assert list(check_metrics(path, PREDICTIONS, split)) == []
    text = path.read_text()
    for changed in text.replace("100.0", "100.5", 1), text[:-1]:
        path.write_text(changed)
        (problem,) = check_metrics(path, PREDICTIONS, split)
        assert problem.startswith(f"{path}: damaged, or not the metrics of the predictions")


def test_thresholds_of_other_predictions_are_named(tmp_path):
    _, split = make_metrics(tmp_path)
    path = tmp_path / "thresholds.json"
    chosen = best_thresholds(
        PREDICTIONS,
        split.annotations,
        classes=split.labels,
        excluded=set(),
        protocol="mmaction2",
    )
    for text, correct in ((json.dumps(chosen), True), ("{}", False), ("{", False)):
        path.write_text(text)
        problems = list(check_thresholds(path, PREDICTIONS, split, "mmaction2"))
        assert correct == (not problems)
        assert all(p.startswith(f"{path}: damaged, or not the thresholds") for p in problems)


def test_a_table_of_other_metrics_is_named(tmp_path):
    path, record = tmp_path / "map_table.csv", tmp_path / "map_table.json"
    measured, _ = make_metrics(tmp_path)
    files = {"baseline": [measured]}
    text = table_csv(map_table(files, MODELS, "mmaction2"))
    path.write_text(text)
    origin = {
        "code": digest_of_code("scripts/map_table.py"),
        "settings": TABLE,
        "metrics": {str(measured): digest(measured)},
    }
    record.write_text(json.dumps(origin))
    assert list(check_table(path, TABLE, files)) == []
    path.write_bytes(text.encode().replace(b"1", b"\xff", 1))
    record.write_text(json.dumps({**origin, "metrics": {str(measured): "c0ffee"}}))
    one, two = check_table(path, TABLE, files)
    assert one.startswith(f"{path}: damaged, or not the table of the metrics")
    assert two.startswith(f"{record}: damaged, or of other code or metrics")


def test_a_page_of_another_table_is_named(tmp_path):
    page, table = tmp_path / "report.html", tmp_path / "map_table.csv"
    table.write_text("model,mAP\nbaseline,1.5\n")
    page.write_text(seal("<html>\n", digest_json([{"model": "baseline", "mAP": "1.5"}])))
    assert list(check_report(page, table)) == []
    table.write_text("model,mAP\nbaseline,1.6\n")
    (problem,) = check_report(page, table)
    assert problem.startswith(f"{page}: it shows another table than {table}")
    page.write_text("<html>\n")
    (problem,) = check_report(page, table)
    assert problem.startswith(f"{page}: damaged, or made by an earlier release")
