"""Tests of lfb.learning.jobs.heads."""

import dataclasses
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lfb.learning.training
from lfb.bank.store import Bank
from lfb.bank.writing import write_bank
from lfb.data.predictions import Predictions, join_predictions
from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.interruption import Stopped
from lfb.learning.clips import Clips
from lfb.learning.inference import predict
from lfb.learning.jobs.heads import predict_head, train_head
from lfb.learning.lookup import Draws, Window
from lfb.learning.team import Team
from lfb.models.checkpoints import load_checkpoint, save_checkpoint
from tests.learning.test_heads import selected, store_people
from tests.pictures import CHANNELS, INPUT, OUTPUTS, TINY, VIDEOS, Film, make_model
from tests.teamwork import NON_LOCAL, TRAINING

CPU = torch.device("cpu")
WINDOW = {"seconds": 4, "per_second": 2}


@dataclasses.dataclass
class Project:
    """A baseline, its features of people, and its bank."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, seed: int = 0) -> "Project":
        """Write a baseline with random weights, and what it computes."""
        torch.manual_seed(seed)
        model = make_model().eval()
        about = {"backbone": TINY, "head": {"roi_size": 3}, "operator": None, "outputs": OUTPUTS}
        made = cls(folder)
        save_checkpoint(made.baseline, model, {"model": about})
        selected().save(folder / "keyframes.npz")
        store = store_people(folder / "people", model, digest(made.baseline))
        people = selected().people
        write_bank(
            folder / "bank",
            split="train",
            video=[VIDEOS[number] for number in np.repeat(people.index.video, people.index.count)],
            second=np.repeat(people.index.second, people.index.count),
            features=[store.feature()],
            channels=CHANNELS,
            box=people.boxes,
            score=people.scores,
            attributes={key: store.attributes[key] for key in ("checkpoint", "data")},
        )
        return made

    @property
    def baseline(self) -> Path:
        return self.folder / "baseline.safetensors"

    @property
    def inputs(self) -> dict[str, Any]:
        names = {"keyframes": "keyframes.npz", "people": "people"}
        files = {key: self.folder / name for key, name in names.items()}
        return {**files, "baseline": self.baseline, "published": None}

    def checkpoint(self, name: str) -> Path:
        return self.folder / name / "checkpoint.safetensors"

    def train(self, name: str, operator: dict[str, Any] | None = NON_LOCAL, **changes: Any) -> None:
        training = dataclasses.asdict(TRAINING)
        del training["channels_last"], training["compile"]  # of the backbone
        settings = {
            "backbone": TINY,
            "head": {"roi_size": 3},
            "window": WINDOW,
            "operator": operator,
            "training": training | {"epochs": 2},
        }
        files = self.inputs | {"bank": self.folder / "bank" if operator else None} | changes
        train_head(
            json.loads(json.dumps(settings)),  # as they are read from a file
            name=name,
            seed=3,
            checkpoint=self.checkpoint(name),
            history=self.folder / name / "history.jsonl",
            team=Team(0, 1, CPU),
            tensorboard=operator is None,
            save_minutes=None,
            keep=2,
            **files,
        )

    def predict(self, name: str, piece: slice = slice(None), **changes: Any) -> Predictions:
        inference = {"batch": 4, "bfloat16": False, "sampling": "random", "draws": 2}
        path = self.folder / name / "predictions.npz"
        predict_head(
            {"window": WINDOW, "inference": inference},
            seed=3,
            checkpoint=self.checkpoint(name),
            piece=piece,
            output=path,
            device=CPU,
            **(self.inputs | {"bank": self.folder / "bank"} | changes),
        )
        return Predictions.load(path)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with a trained head."""
    made = Project.make(tmp_path_factory.mktemp("project"))
    made.train("head")
    return made


def test_the_checkpoint_is_the_whole_model_and_scores_frames_as_the_head_does(project):
    checkpoint = load_checkpoint(project.checkpoint("head"))
    model = checkpoint.build()
    baseline = load_checkpoint(project.baseline).build()
    for name, weight in baseline.backbone.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[name], weight)
    bank, chosen = Bank.open(project.folder / "bank"), selected()
    clips = Clips(chosen.keyframes, Film, INPUT, bank, Window(**WINDOW), draws=Draws(2, 3))
    whole = predict(model, clips, chosen.actions, batch=3, workers=0, device=CPU)
    found = project.predict("head")
    for one, other in zip(found.draws(), whole.draws(), strict=True):
        np.testing.assert_allclose(one.score, other.score, atol=1e-6)
    assert checkpoint.about["weights"] == digest(project.baseline)
    history = (project.folder / "head" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in history] == [1, 2]


def test_pieces_of_the_predictions_join_to_the_whole(project):
    whole = project.predict("head")
    parts = [project.predict("head", slice(i, None, 2)) for i in (0, 1)]
    joined = join_predictions(parts)
    np.testing.assert_allclose(joined.score, whole.score, atol=1e-6)
    np.testing.assert_array_equal(joined.box, whole.box)
    assert joined.videos == whole.videos


def test_a_head_without_an_operator_needs_no_bank(project):
    project.train("plain", None)
    assert load_checkpoint(project.checkpoint("plain")).build().operator is None
    assert list(project.folder.glob("plain/trainings/*/tensorboard/*"))
    found = project.predict("plain", bank=None)
    assert len(found.score) == len(selected().people.boxes)


def test_a_finished_training_is_placed_again_and_a_stopped_one_continues(project, monkeypatch):
    before = project.checkpoint("head").read_bytes()
    step = lfb.learning.training.training_step
    monkeypatch.setattr(lfb.learning.training, "training_step", None)
    project.checkpoint("head").unlink()
    project.train("head")
    assert project.checkpoint("head").read_bytes() == before

    done = []

    def stopping(*arguments: Any) -> Any:
        done.append(0)
        if len(done) == 6:  # in the second epoch
            signal.raise_signal(signal.SIGTERM)
        return step(*arguments)

    monkeypatch.setattr(lfb.learning.training, "training_step", stopping)
    with pytest.raises(Stopped, match="SIGTERM"):
        project.train("again")
    project.train("again")
    assert len(done) == 8
    one, other = (load_checkpoint(project.checkpoint(name)) for name in ("head", "again"))
    assert all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_files_of_another_baseline_are_an_error(project, tmp_path):
    other = Project.make(tmp_path, seed=1)
    with pytest.raises(UserError, match="bank: this bank was built with checkpoint"):
        project.train("wrong", bank=other.folder / "bank")
    with pytest.raises(UserError, match="people: this bank was built with checkpoint"):
        project.train("wrong", people=other.folder / "people")
    with pytest.raises(UserError, match="bank: this bank was built with checkpoint"):
        project.predict("head", bank=other.folder / "bank")
    files = other.inputs | {"bank": other.folder / "bank"}
    with pytest.raises(UserError, match="trained on the features of another baseline"):
        project.predict("head", **files)
