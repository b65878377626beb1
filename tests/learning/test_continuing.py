"""Tests of lfb.learning.continuing; test_jobs.py continues real trainings."""

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from lfb.errors import UserError
from lfb.learning.continuing import adopt, begin_training
from lfb.learning.kept import Trainings
from tests.teamwork import TRAINING

LENGTH = 4  # iterations of an epoch


@pytest.fixture
def trainings(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Trainings:
    caplog.set_level(logging.INFO, "lfb")
    return Trainings(tmp_path / "trainings")


def identity(code: str = "one", seed: int = 7, **training: Any) -> dict[str, Any]:
    """Return the identity of a training of 3 epochs, with changes of its settings."""
    settings = {"training": dataclasses.asdict(TRAINING) | training}
    made = {"code": code, "settings": settings, "seed": seed, "processes": 1}
    return json.loads(json.dumps(made))


def trained(trainings: Trainings, about: dict[str, Any], epochs: int, iteration: int = 0) -> Path:
    """Return the folder of a training that has done so many epochs and iterations."""
    trainings.begin(about)
    folder = trainings.folder(about)
    history = [{"epoch": number + 1} for number in range(epochs)]
    epoch = [{"iteration": iteration}] if iteration else []
    torch.save({"history": history, "epoch": epoch}, folder / "resume.pt")
    if epochs == about["settings"]["training"]["epochs"]:
        for name in "checkpoint.safetensors", "history.jsonl":
            (folder / name).touch()
        trainings.finish(about)
    return folder


def begun(trainings: Trainings, about: dict[str, Any]) -> list[int] | None:
    """Begin a training; return the epochs and iterations that it begins with, None for none."""
    begin_training(trainings, about, LENGTH, "lfb_max")
    state_file = trainings.folder(about) / "resume.pt"
    if not state_file.exists():
        return None
    state = torch.load(state_file)
    return [len(state["history"]), *(epoch["iteration"] for epoch in state["epoch"])]


def test_the_first_training_begins_at_the_beginning(trainings, caplog):
    assert begun(trainings, identity()) is None
    assert caplog.messages == []


def test_more_epochs_continue_a_finished_training(trainings, caplog):
    folder = trained(trainings, identity(), 3)
    assert begun(trainings, identity(epochs=5)) == [3]
    assert caplog.messages == [f"lfb_max: continues {folder}. Changed: training.epochs (3, now 5)"]
    assert trainings.is_finished(identity())


@pytest.mark.parametrize(
    "training",
    [
        {"steps": [2, 9]},
        {"epochs": 9, "steps": [2, 4]},
        {"learning_rate": 0.1, "learning_rate_batch": 8},
    ],
    ids=["steps", "epochs and steps", "rate and its batch"],
)
def test_a_schedule_that_differs_later_continues(trainings, training):
    trained(trainings, identity(), 3)
    assert begun(trainings, identity(**training)) == [3]


@pytest.mark.parametrize(
    ("training", "reason"),
    [
        (
            {"epochs": 5, "steps": [4]},
            "the learning rate in epoch 3 was 0.00375, and would be 0.0375",
        ),
        ({"epochs": 2}, "it has done 3 epochs already"),
        ({"warmup_from": 0.2}, "the learning rate in epoch 1 was 0.00375, and would be 0.0075"),
    ],
    ids=["steps", "fewer epochs", "warm-up"],
)
def test_a_schedule_that_differs_earlier_does_not_continue_and_says_why(
    trainings, caplog, training, reason
):
    folder = trained(trainings, identity(), 3)
    assert begun(trainings, identity(**training)) is None
    (message,) = caplog.messages
    assert message.startswith(
        f"lfb_max: does not continue {folder}, which differs only in training"
    )
    assert message.endswith(f": {reason}")


def test_an_unfinished_training_continues_in_the_middle_of_an_epoch_also_with_fewer_epochs(
    trainings,
):
    trained(trainings, identity(epochs=9), 1, iteration=2)
    assert begun(trainings, identity(epochs=2)) == [1, 2]


def test_the_training_that_has_done_most_is_continued(trainings):
    for epochs in 1, 3, 2:
        trained(trainings, identity(epochs=epochs), epochs)
    assert begun(trainings, identity(epochs=4)) == [3]


@pytest.mark.parametrize(
    "changes", [{"momentum": 0.5}, {"epochs": 4, "batch": 4}, {"seed": 8}, {"code": "two"}], ids=str
)
def test_another_training_is_not_continued(trainings, caplog, changes):
    trained(trainings, identity(), 3)
    assert begun(trainings, identity(**changes)) is None
    assert caplog.messages == []


def test_an_unfinished_training_continues_once_after_a_change_of_the_code(trainings, caplog):
    folder = trained(trainings, identity(), 1)
    assert begun(trainings, identity("two")) == [1]
    assert caplog.messages == [
        f"lfb_max: continues {folder}. Changed: code",
        f"warning: the code has changed since the epochs in {folder} were trained",
    ]
    assert not folder.exists()
    trained(trainings, identity("two"), 3)
    assert begun(trainings, identity("three")) is None


def test_a_training_continues_itself_first(trainings, caplog):
    trained(trainings, identity(epochs=5), 1)
    trained(trainings, identity(epochs=4), 4)
    assert begun(trainings, identity(epochs=5)) == [1]
    assert caplog.messages == []


def test_damaged_states_of_other_trainings_are_named_and_not_continued(trainings, caplog):
    folder = trained(trainings, identity(), 3)
    (folder / "resume.pt").write_bytes(b"damaged")
    (trained(trainings, identity(epochs=2), 2) / "resume.pt").unlink()
    (trained(trainings, identity(epochs=1), 1) / "identity.json").write_text("{")
    assert begun(trainings, identity(epochs=5)) is None
    (message,) = caplog.messages
    assert message.startswith(f"warning: {folder}/resume.pt: not a resume state")


def test_the_state_of_an_earlier_release_is_taken_over(trainings, tmp_path):
    adopt(trainings, tmp_path / "resume.pt")
    assert trainings.kept() == []
    state = {"identity": identity("old"), "history": [{"epoch": 1}], "epoch": []}
    torch.save(state, tmp_path / "resume.pt")
    adopt(trainings, tmp_path / "resume.pt")
    assert not (tmp_path / "resume.pt").exists()
    assert begun(trainings, identity("new")) == [1]


def test_a_damaged_state_of_an_earlier_release_is_an_error(trainings, tmp_path):
    (tmp_path / "resume.pt").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"resume\.pt: not a resume state"):
        adopt(trainings, tmp_path / "resume.pt")
