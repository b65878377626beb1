"""Films and stills of boxes, and the thresholds that those of predictions need."""

import json

from lfb.video.decoding import probe
from tests.workflow.runs import Workflow

FILMS = "results/films/val"
SHOWN = [f"{FILMS}/lfb_nl/val_000.html", f"{FILMS}/proposals/val_001.mp4"]


def test_predictions_and_proposals_are_shown_without_other_jobs(copy: Workflow) -> None:
    jobs = copy.jobs("thresholds", *SHOWN)
    assert {name.split()[0] for name in jobs} == {
        "choose_thresholds",
        "show_predictions",
        "show_data",
    }
    result = copy.run("thresholds", *SHOWN)
    assert result.code == 0, result.output
    assert copy.path(SHOWN[0]).read_text().count("<figure") > 3
    assert probe(copy.path(SHOWN[1])).duration > 3
    for model in "baseline", "lfb_max", "lfb_nl":
        chosen = json.loads(copy.path(f"results/seed-0/{model}/thresholds.json").read_text())
        assert len(chosen["classes"]) == 14
    assert set(copy.jobs("thresholds", *SHOWN)) == set()
