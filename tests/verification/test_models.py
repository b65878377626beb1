"""Tests of lfb.verification.models."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from lfb.bank.store import Bank
from lfb.bank.writing import write_bank
from lfb.data.boxes import PersonBoxes
from lfb.data.keyframes import Keyframes
from lfb.files.digests import digest
from lfb.learning.kept import Trainings
from lfb.learning.optimizer import SGD
from lfb.learning.resume import save_state
from lfb.models.checkpoints import Checkpoint
from lfb.verification.models import (
    check_bank,
    check_history,
    check_origin,
    check_source,
    check_training,
)

HISTORY = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]
PEOPLE = PersonBoxes.from_rows(
    ["a", "a", "b"], [3, 3, 5], np.eye(4, dtype=np.float32)[:3], np.array([1, 0.9, 1])
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    about = {"data": "da7a", "bank": None, "epoch": 2}
    return Checkpoint(tmp_path / "checkpoint.safetensors", {}, about, True)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    write_bank(
        tmp_path / "val.zarr",
        split="val",
        video=["a", "a", "b"],
        second=[3, 3, 5],
        features=[np.ones((3, 2))],
        channels=2,
        box=PEOPLE.boxes,
        score=PEOPLE.scores,
        attributes={"source_digest": "5eed"},
    )
    return Bank.open(tmp_path / "val.zarr")


def test_a_checkpoint_made_from_another_file_is_named(checkpoint):
    assert list(check_origin(checkpoint, {"data": "da7a", "bank": None})) == []
    (problem,) = check_origin(checkpoint, {"data": "da7b" * 8, "bank": None})
    assert problem.startswith(f"{checkpoint.path}: made from another file")
    assert "data is da7a, now da7bda7bda7b." in problem


def test_the_metrics_of_epochs_are_those_of_the_resume_state(checkpoint, tmp_path):
    path = tmp_path / "history.jsonl"

    def problems(*lines: dict) -> list[str]:
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return list(check_history(path, checkpoint, state_file))

    other = [HISTORY[0], {"epoch": 2, "loss": 0.26}]
    state_file = None
    assert problems(*HISTORY) == problems(*other) == []  # there is no resume state to compare with
    state_file = tmp_path / "resume.pt"
    network = nn.Linear(1, 1)
    optimizer = SGD(network.parameters(), momentum=0.9, weight_decay=0)
    save_state(state_file, network, optimizer, HISTORY)
    assert problems(*HISTORY) == []
    validated = [line | {"validation_mAP": 50.0} for line in HISTORY]
    best = [validated[0], validated[1] | {"best": True}]
    assert problems(*validated) == problems(*best) == []
    for lines, text in (
        (other, "not the metrics in"),
        ([validated[0] | {"best": True}, validated[1]], "does not have all epochs"),
        (HISTORY[:1], "does not have all epochs"),
        ([{"loss": 1}], "not the metrics of a training"),
    ):
        (problem,) = problems(*lines)
        assert problem.startswith(f"{path}: {text}") or text in problem
    (tmp_path / "resume.pt").write_bytes(b"")
    (problem,) = problems(*HISTORY)
    assert problem.startswith(f"{tmp_path}/resume.pt: not a resume state")


def test_damaged_files_of_a_kept_training_are_named(tmp_path):
    trainings = Trainings(tmp_path / "trainings")
    trainings.begin({"seed": 1})
    folder = trainings.folder({"seed": 1})
    for name in "checkpoint.safetensors", "history.jsonl":
        (folder / name).write_text(name)
    trainings.finish({"seed": 1})
    assert list(check_training(trainings.kept()[0])) == []  # you may delete the resume state
    (folder / "history.jsonl").write_text("damaged")
    (folder / "resume.pt").write_text("damaged")
    problems = list(check_training(trainings.kept()[0]))
    assert [problem.partition(":")[0] for problem in problems] == [
        str(folder / name) for name in ("history.jsonl", "resume.pt")
    ]


def test_a_bank_of_the_same_people_is_fine_and_one_of_others_not(bank):
    chosen = Keyframes(PEOPLE, [1], 2)
    assert list(check_bank(bank, None)) == list(check_bank(bank, chosen)) == []
    others = replace(chosen, people=replace(PEOPLE, scores=PEOPLE.scores / 2))
    (problem,) = check_bank(bank, others)
    assert problem.startswith(f"{bank.path}: its people are not those of the keyframes")


@pytest.mark.parametrize("file", ["feature/c/0/0", "box/c/0/0", "score/c/0"])
def test_a_damaged_array_of_a_bank_is_named(bank, file):
    content = bytearray((bank.path / file).read_bytes())
    content[0] ^= 1
    (bank.path / file).write_bytes(content)
    (problem,) = check_bank(bank, None)
    assert f"{bank.path}: the bank is damaged: array {file.partition('/')[0]}" in problem


def test_a_bank_of_another_published_file_is_named(bank, tmp_path):
    source = tmp_path / "lfb_val.pkl"
    source.write_bytes(b"features")
    (problem,) = check_source(bank, source)
    assert problem.startswith(f"{bank.path}: imported from another {source}")
    bank.attributes["source_digest"] = digest(source)
    assert list(check_source(bank, source)) == []
