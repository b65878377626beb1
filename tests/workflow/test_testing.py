"""Random draws from the bank and several views, in a run of the workflow."""

import csv
import json
from statistics import mean, stdev

import pytest

from tests.workflow.runs import TABLE, Workflow
from tests.workflow.test_reruns import LFB, MODELS


def test_draws_and_views_give_means_and_deviations_and_are_repeatable(copy: Workflow) -> None:
    keys = "sampling: random, draws: 3, scales: [32, 40], flip: true"
    copy.append("tests/workflow/tiny.yaml", f"\ninference: {{{keys}}}\n")
    first = copy.run(TABLE)
    assert first.code == 0, first.output
    table = copy.path(TABLE).read_text().splitlines()
    rows = {row["model"]: row for row in csv.DictReader(table)}
    for model in MODELS:
        metrics = json.loads(copy.path(f"results/seed-0/{model}/metrics.json").read_text())
        maps = metrics["mmaction2"]["mAPs"]
        assert len(maps) == (3 if model in LFB else 1)
        assert float(rows[model]["mAP"]) == pytest.approx(mean(maps), abs=1e-4)
        if model in LFB:
            assert len(set(maps)) > 1
            assert float(rows[model]["mAP_std_draws"]) == pytest.approx(stdev(maps), abs=1e-4)
            log = copy.path(f"logs/seed-0/{model}/evaluate.log").read_text()
            assert f"± {stdev(maps):.2f} over 3 draws under protocol mmaction2" in log
        else:
            assert rows[model]["mAP_std_draws"] == ""
    name = "results/seed-0/lfb_nl/predictions.npz"
    scores = copy.path(name).read_bytes()
    again = copy.run("--forcerun", "predict", "--", name)
    assert again.code == 0, again.output
    assert copy.path(name).read_bytes() == scores
