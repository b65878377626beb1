"""The target ``verify``, through Snakemake."""

import shutil
from pathlib import Path

from lfb.models.checkpoints import load_checkpoint, save_checkpoint
from tests.workflow.runs import Workflow

# A file of each kind, and a place in it where a byte has a meaning.
DAMAGED = {
    "resources/frames/train_000.zip": b"\xff\xd8",
    "results/data/check.json": b"videos",
    "results/data/train-bank.npz": b"NUMPY",
    "results/seed-0/lfb_max/checkpoint.safetensors": b"F32",
    "results/seed-0/baseline/history.jsonl": b"epoch",
    "results/seed-0/lfb_max/metrics.json": b"mAP",
    "results/seed-0/lfb_nl/predictions.npz": b"NUMPY",
    "results/seed-0/lfb_nl/trainings/*/resume.pt": b"history",
    "results/report.html": b"mAP",
    "results/browse.html": b"html",
}
LOST = "results/seed-0/lfb_max/history.jsonl"
DAMAGED_BANK = "results/seed-0/bank/val.zarr"


def state(workflow: Workflow) -> dict[Path, tuple[int, int]]:
    """Return size and time of every file outside the logs."""
    return {
        path.relative_to(workflow.folder): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in workflow.folder.rglob("*")
        if path.is_file() and not {".snakemake", "logs", "__pycache__"} & {*path.parts}
    }


def damage(path: Path, text: bytes) -> None:
    """Change the byte after a text."""
    content = bytearray(path.read_bytes())
    content[content.index(text) + len(text) + 2] ^= 1
    path.write_bytes(content)


def test_verify_finds_nothing_in_a_finished_run_and_changes_nothing(copy: Workflow) -> None:
    before = state(copy)
    result = copy.run("verify")
    assert result.code == 0, result.output
    assert "all are complete, undamaged and fit together" in result.output
    assert state(copy) == before
    shutil.rmtree(copy.path("resources/demo"))  # you may delete videos and annotations
    result = copy.run("verify")
    assert result.code == 0, result.output
    assert "note: resources/demo/train.csv: missing, so nothing was compared" in result.output


def test_verify_lists_every_damaged_file_and_makes_none_again(copy: Workflow) -> None:
    damaged = {
        str(path.relative_to(copy.folder)): text
        for pattern, text in DAMAGED.items()
        for path in copy.folder.glob(pattern)
    }
    assert len(damaged) == len(DAMAGED)
    for name, text in damaged.items():
        damage(copy.path(name), text)
    damage(copy.path(DAMAGED_BANK) / "feature" / "c" / "0" / "0", b"")
    copy.path(LOST).unlink()
    before = state(copy)
    result = copy.run("verify")
    assert result.code == 1, result.output
    lines = copy.path("logs/verify.log").read_text().splitlines()
    for name in [*damaged, DAMAGED_BANK, LOST]:
        assert any(line.strip().startswith(name) for line in lines), (name, result.output)
    assert state(copy) == before


def test_verify_names_what_was_made_from_something_else(copy: Workflow) -> None:
    seed = copy.path("results/seed-0")
    shutil.copy(seed / "lfb_max/metrics.json", seed / "lfb_nl/metrics.json")
    shutil.copy(seed / "lfb_max/checkpoint.safetensors", seed / "lfb_nl/checkpoint.safetensors")
    baseline = seed / "baseline/checkpoint.safetensors"
    checkpoint = load_checkpoint(baseline)
    model = checkpoint.build()
    model.classifier.bias.data += 0.5
    save_checkpoint(baseline, model, checkpoint.about)
    result = copy.run("verify")
    assert result.code == 1
    for text in (
        "results/seed-0/bank/train.zarr: this bank was built with checkpoint ",
        "results/seed-0/lfb_nl/checkpoint.safetensors: a model with another operator",
        "results/seed-0/lfb_nl/metrics.json: damaged, or not the metrics of the predictions",
        "results/seed-0/baseline/predictions.npz: not the scores of the checkpoint and bank",
    ):
        assert text in result.output
