"""Models whose backbone starts from a file."""

import shutil

from lfb.files.digests import digest
from lfb.models.checkpoints import load_checkpoint
from tests.workflow.runs import Workflow
from tests.workflow.test_reruns import chain

WEIGHTS = "initial.safetensors"


def test_weights_are_loaded_logged_and_recorded_and_a_change_retrains(copy: Workflow) -> None:
    copy.replace(
        "tests/workflow/tiny.yaml",
        "    operator: {name: max}\n",
        f"    operator: {{name: max}}\n    weights: {WEIGHTS}\n",
    )
    missing = copy.run("lfb_max")
    assert missing.code == 1
    assert f"  models.lfb_max.weights: {WEIGHTS}\n" in missing.output
    assert "Traceback" not in missing.output

    models = copy.path("results/seed-0")
    shutil.copy(models / "baseline/checkpoint.safetensors", copy.path(WEIGHTS))
    assert set(copy.jobs("lfb_max")) == chain(["lfb_max"])
    before = load_checkpoint(models / "lfb_max/checkpoint.safetensors")
    result = copy.run("lfb_max")
    assert result.code == 0, result.output
    log = copy.path("logs/seed-0/lfb_max/train.log").read_text()
    assert f"backbone from {WEIGHTS}; not used: classifier.bias, classifier.weight" in log
    after = load_checkpoint(models / "lfb_max/checkpoint.safetensors")
    assert before.about["weights"] is None
    assert after.about["weights"] == digest(copy.path(WEIGHTS))
    name = "backbone.conv1.conv.weight"
    assert not after.weights[name].equal(before.weights[name])

    assert set(copy.jobs("lfb_max")) == set()
    shutil.copy(models / "lfb_nl/checkpoint.safetensors", copy.path(WEIGHTS))
    assert set(copy.jobs("lfb_max")) == chain(["lfb_max"])
