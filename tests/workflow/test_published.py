"""Imported models and banks instead of trained and built ones."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lfb.bank.store import Bank
from lfb.code_digest import digest_of_code
from lfb.files.digests import digest
from lfb.models.checkpoints import load_checkpoint
from tests.models.test_published import their_state
from tests.samples import Harmful
from tests.workflow.runs import CONFIG, TABLE, Running, Workflow
from tests.workflow.test_bad_input import refused
from tests.workflow.test_reruns import END, MODELS, of_models

PUBLISHED = "published"  # folder of the imported files
LFB = ["lfb_max", "lfb_nl"]
RESULTS = "results/seed-0"
BANK = f"{RESULTS}/bank/val.zarr"
MAX = f"{RESULTS}/lfb_max/checkpoint.safetensors"
PREDICTIONS = f"{RESULTS}/lfb_max/predictions.npz"


def configure(workflow: Workflow, changes: dict[str, Any]) -> None:
    """Change the values at some paths of the config."""
    config = yaml.safe_load(workflow.path(CONFIG).read_text())
    for place, value in changes.items():
        section = config
        *above, last = place.split(".")
        for key in above:
            section = section.setdefault(key, {})
        section[last] = value
    workflow.path(CONFIG).write_text(yaml.safe_dump(config))


def checkpoints(workflow: Workflow) -> dict[str, str]:
    """Write the three trained models as MMAction2 0.x, MMAction2 1.x and this workflow do."""
    workflow.path(PUBLISHED).mkdir()
    models = {m: workflow.path(f"{RESULTS}/{m}/checkpoint.safetensors") for m in MODELS}
    states = {m: their_state(load_checkpoint(models[m]).build()) for m in ("baseline", "lfb_max")}
    old = workflow.path(f"{PUBLISHED}/baseline.pth")
    content = {"meta": {"epoch": 20}, "state_dict": states["baseline"], "optimizer": {}}
    torch.save(content, old, _use_new_zipfile_serialization=False)
    old = old.rename(old.with_name(f"baseline_20201217-{digest(old)[:8]}.pth"))
    new = workflow.path(f"{PUBLISHED}/lfb_max.pth")
    torch.save({"message_hub": Harmful("touch ran"), "state_dict": states["lfb_max"]}, new)
    ours = workflow.path(f"{PUBLISHED}/lfb_nl.safetensors")
    shutil.copy(models["lfb_nl"], ours)
    files = {"baseline": old, "lfb_max": new, "lfb_nl": ours}
    return {model: f"{PUBLISHED}/{path.name}" for model, path in files.items()}


@pytest.fixture(scope="module")
def scored(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Return a run that scores the finished models, without a training split. Do not change it."""
    workflow = Workflow(tmp_path_factory.mktemp("scored") / "run")
    subprocess.run(["cp", "-a", finished.folder, workflow.folder], check=True)
    files = checkpoints(workflow)
    for folder in "results", "logs", ".snakemake", "resources/frames":
        shutil.rmtree(workflow.path(folder))
    for path in workflow.path("resources/demo").glob("train*"):
        path.unlink()
    for path in workflow.path("resources/demo/videos").glob("train*"):
        path.unlink()
    changes = {f"models.{model}.checkpoint": path for model, path in files.items()}
    changes |= {"data.train": None, "demo": None, "training": None, "bank.pieces": 1}
    configure(workflow, changes)
    jobs = {
        "check_data",
        "extract_frames",
        "select_keyframes val bank",
        "select_keyframes val testing",
        *of_models("import_checkpoint", MODELS),
        "build_bank_piece 0 val",
        "gather_bank 0 val",
        *of_models("predict", MODELS),
        *of_models("evaluate", MODELS),
        *END,
    }
    assert set(workflow.jobs()) == jobs
    result = workflow.run()
    assert result.code == 0, result.output
    assert not workflow.path("ran").exists()
    return workflow


@pytest.fixture
def scored_copy(scored: Workflow, tmp_path: Path) -> Workflow:
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-a", scored.folder, folder], check=True)
    return Workflow(folder)


def same_scores(one: Workflow, other: Workflow, models: list[str]) -> bool:
    """Return whether two runs have the same predictions and metrics, byte for byte."""
    return all(
        one.path(file).read_bytes() == other.path(file).read_bytes()
        for model in models
        for file in (f"{RESULTS}/{model}/predictions.npz", f"{RESULTS}/{model}/metrics.json")
    )


def test_imported_models_give_the_same_scores_without_a_training_split(
    scored: Workflow, finished: Workflow
) -> None:
    assert same_scores(scored, finished, MODELS)
    assert scored.path(TABLE).read_bytes() == finished.path(TABLE).read_bytes()
    about = load_checkpoint(scored.path(MAX)).about
    assert about["source"] == "lfb_max.pth"
    assert about["source_digest"] == digest(scored.path(f"{PUBLISHED}/lfb_max.pth"))
    log = scored.path("logs/seed-0/lfb_max/import.log").read_text()
    assert f"weights from {PUBLISHED}/lfb_max.pth; not used: nothing" in log
    assert "This run trained nothing" in scored.path("results/report.html").read_text()
    assert not list(scored.folder.rglob("history.jsonl"))
    assert set(scored.jobs()) == set()


@pytest.fixture(scope="module")
def banks(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the finished banks of both splits in MMAction2's format."""
    workflow = Workflow(tmp_path_factory.mktemp("exported") / "run")
    subprocess.run(["cp", "-a", finished.folder, workflow.folder], check=True)
    exported = {split: f"{RESULTS}/bank/lfb_{split}.pkl" for split in ("train", "val")}
    done = Running(workflow, *exported.values())
    assert done.wait() == 0
    assert sorted(done.done()) == ["export_bank 0 train", "export_bank 0 val"]
    return {split: workflow.path(path) for split, path in exported.items()}


def test_models_learn_and_score_the_same_with_published_banks(
    copy: Workflow, finished: Workflow, banks: dict[str, Path]
) -> None:
    copy.path(PUBLISHED).mkdir()
    for split, bank in banks.items():
        shutil.copy(bank, copy.path(PUBLISHED))
        configure(copy, {f"bank.published.{split}": f"{PUBLISHED}/{bank.name}"})
    shutil.copy(copy.path(f"{RESULTS}/lfb_nl/checkpoint.safetensors"), copy.path("nl.safetensors"))
    configure(copy, {"models.lfb_nl.checkpoint": "nl.safetensors"})
    assert set(copy.jobs(*LFB)) == {
        "import_bank 0 train",
        "import_bank 0 val",
        "train_lfb 0 lfb_max",
        "import_checkpoint 0 lfb_nl",
        *of_models("predict", LFB),
        *of_models("evaluate", LFB),
    }
    result = copy.run(*LFB)
    assert result.code == 0, result.output
    assert same_scores(copy, finished, LFB)
    before, after = (load_checkpoint(run.path(MAX)) for run in (finished, copy))
    assert all(after.weights[name].equal(value) for name, value in before.weights.items())
    train, val = (copy.path(f"{PUBLISHED}/lfb_{split}.pkl") for split in ("train", "val"))
    assert after.about["bank"] == digest(train)
    bank = Bank.open(copy.path(BANK))
    assert bank.attributes == {
        "split": "val",
        "source": "lfb_val.pkl",
        "source_digest": digest(val),
        "code": digest_of_code("scripts/import_bank.py"),
    }
    assert set(copy.jobs(*LFB)) == set()
    val.unlink()
    assert set(copy.jobs(*LFB)) == set()  # the import no longer needs it


def test_a_published_bank_replaces_the_built_one_without_a_training_split(
    scored_copy: Workflow, banks: dict[str, Path]
) -> None:
    source = scored_copy.path(f"{PUBLISHED}/lfb_val.pkl")
    shutil.copy(banks["val"], source)
    configure(scored_copy, {"bank.published.val": f"{PUBLISHED}/lfb_val.pkl"})
    again = {"import_bank 0 val", *of_models("predict", LFB), *of_models("evaluate", LFB), *END}
    assert set(scored_copy.jobs()) == again

    commands, content = scored_copy.jobs("--forceall"), torch.load(source)
    shutil.rmtree(scored_copy.path(BANK))
    torch.save({"val_000": content["val_000"], "x": {}}, source)
    message = f"{PUBLISHED}/lfb_val.pkl: no features of 1 videos of split val: val_001."
    refused(scored_copy, commands["import_bank 0 val"], BANK, message)
    torch.save({v: {s: [torch.ones(9)] for s in own} for v, own in content.items()}, source)
    assert scored_copy.shell(commands["import_bank 0 val"]).code == 0
    message = f"{BANK}: its features have 9 channels, the model's have "
    refused(scored_copy, commands["predict 0 lfb_max"], PREDICTIONS, message)


def test_one_model_is_imported_and_the_others_are_trained(copy: Workflow) -> None:
    shutil.copy(copy.path(MAX), copy.path("lfb_max.safetensors"))
    configure(copy, {"models.lfb_max.checkpoint": "lfb_max.safetensors"})
    again = {"import_checkpoint 0 lfb_max", "predict 0 lfb_max", "evaluate 0 lfb_max", *END}
    assert set(copy.jobs()) == again


def test_a_checkpoint_that_does_not_fit_is_refused(scored_copy: Workflow) -> None:
    commands = scored_copy.jobs("--forceall")
    command = commands["import_checkpoint 0 lfb_max"]
    published = f"{PUBLISHED}/lfb_max.pth"

    depth = '"depth": [\n      1,\n      1,\n      {},\n      1\n    ]'
    deeper = scored_copy.with_settings(command, depth.format(1), depth.format(2))
    message = f"{published}: the checkpoint does not fit the model. Another kind, depth or"
    refused(scored_copy, deeper, MAX, message, "backbone.layer3.1.conv1.bn.bias: missing")
    other = command.replace(published, f"{PUBLISHED}/lfb_nl.safetensors")
    refused(scored_copy, other, MAX, "lfb_nl.safetensors: the checkpoint does not fit the model")

    path = scored_copy.path(published)
    wrong = path.with_name("lfb_max_20210301-c0ffee00.pth")
    shutil.copy(path, wrong)
    other = command.replace(path.name, wrong.name)
    refused(scored_copy, other, MAX, f"{wrong.name}: the SHA-256 should begin with c0ffee00")
    os.truncate(path, path.stat().st_size // 2)
    refused(scored_copy, command, MAX, f"{published}: not a complete PyTorch file")

    path.unlink()
    scored_copy.path(MAX).unlink(missing_ok=True)
    result = scored_copy.run()
    assert result.code == 1
    assert f"models.lfb_max.checkpoint: {published}" in result.output
    assert "jobid" not in result.output


def test_training_a_model_needs_a_training_split(scored_copy: Workflow) -> None:
    config = yaml.safe_load(scored_copy.path(CONFIG).read_text())
    del config["models"]["lfb_nl"]["checkpoint"]
    scored_copy.path(CONFIG).write_text(yaml.safe_dump(config))
    result = scored_copy.run("-n")
    assert result.code == 1
    assert "config key data.train: missing; lfb_nl are trained." in result.output
