"""Tests of lfb.learning.jobs: a baseline, its bank, and a model with an operator."""

import dataclasses
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import lfb.learning.jobs.training
import lfb.learning.training
from lfb.bank.store import Bank
from lfb.data.annotations import write_labels
from lfb.data.boxes import PersonBoxes, RowIndex
from lfb.data.keyframes import Keyframes
from lfb.data.predictions import Predictions, join_predictions
from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.interruption import SlurmJob, Stopped
from lfb.learning.jobs.inference import build_bank_piece, predict_split
from lfb.learning.jobs.training import train_model
from lfb.learning.team import Team
from lfb.models.checkpoints import load_checkpoint
from tests.pictures import CHANNELS, INPUT, OUTPUTS, TINY, VIDEOS, Film, make_keyframes
from tests.teamwork import TRAINING

CPU = torch.device("cpu")
UNWATCHED = {"validation": None, "tensorboard": False}
MODEL = {
    "backbone": TINY,
    "head": {"roi_size": 3},
    "input": dataclasses.asdict(INPUT),
    "window": {"seconds": 4, "per_second": 2},
}
INFERENCE = {
    "batch": 4,
    "bfloat16": False,
    "sampling": "random",
    "draws": 2,
    "scales": None,
    "flip": False,
}


@dataclasses.dataclass
class Project:
    """Frames and keyframes of three videos, and the outputs of jobs on them."""

    folder: Path
    monitoring: dict[str, Any] = dataclasses.field(default_factory=UNWATCHED.copy)

    def validation_files(self, bank: Path | None) -> dict[str, Any]:
        """Return the files of a validation: the training keyframes are those to validate."""
        return {
            "keyframes": self.folder / "keyframes.npz",
            "bank": bank,
            "labels": self.folder / "labels.pbtxt",
            "annotations": self.folder / "annotations.csv",
            "excluded": None,
        }

    @property
    def inputs(self) -> dict[str, Any]:
        return {
            "keyframes": self.folder / "keyframes.npz",
            "manifest": self.folder / "manifest.json",
            "workers": 0,
        }

    def checkpoint(self, name: str) -> Path:
        return self.folder / name / "checkpoint.safetensors"

    def train(
        self,
        name: str,
        operator: dict[str, Any] | None = None,
        bank: Path | None = None,
        settings: Mapping[str, Any] = MappingProxyType({}),
        **changes: Any,
    ) -> None:
        training = dataclasses.asdict(TRAINING) | {"epochs": 2} | changes
        settings = MODEL | {"operator": operator, "weights": None, "training": training} | settings
        train_model(
            json.loads(json.dumps(settings)),  # as they are read from a file
            name=name,
            seed=3,
            bank=bank,
            published=None,
            checkpoint=self.checkpoint(name),
            history=self.folder / name / "history.jsonl",
            team=Team(0, 1, CPU),
            monitoring={"files": self.validation_files(bank)} | self.monitoring,
            save_minutes=None,
            keep=2,
            **self.inputs,
        )

    def build(self, piece: slice, name: str, dtype: str = "float16") -> Path:
        path = self.folder / name
        build_bank_piece(
            MODEL | {"bank": {"dtype": dtype}, "inference": INFERENCE},
            checkpoint=self.checkpoint("baseline"),
            split="train",
            piece=piece,
            output=path,
            device=CPU,
            **self.inputs,
        )
        return path

    def predict(
        self,
        name: str,
        bank: Path | None,
        baseline: Path | None,
        piece: slice = slice(None),
    ) -> Predictions:
        path = self.folder / name / "predictions.npz"
        predict_split(
            MODEL | {"inference": INFERENCE},
            seed=3,
            checkpoint=self.checkpoint(name),
            bank=bank,
            published=None,
            baseline=baseline,
            piece=piece,
            output=path,
            device=CPU,
            **self.inputs,
        )
        return Predictions.load(path)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("project"))


def make_project(folder: Path) -> Project:
    """Return a trained baseline, its bank, and the piece with videos a and c."""
    for video in VIDEOS:
        film = Film(video)
        (folder / "frames" / video).mkdir(parents=True)
        for number in range(1, film.frames + 1):
            (folder / "frames" / video / f"{number}.jpg").write_bytes(film.read(number))
    manifest = {
        "folder": str(folder / "frames"),
        "pattern": "{video}/{frame}.jpg",
        "videos": {video: {"fps": 10, "first_second": 900} for video in VIDEOS},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    keyframes = make_keyframes()
    index = RowIndex.of(
        list(VIDEOS),
        np.array([VIDEOS.index(keyframe.video) for keyframe in keyframes]),
        [keyframe.second for keyframe in keyframes],
        [len(keyframe.boxes) for keyframe in keyframes],
    )
    people = PersonBoxes(
        index, *(np.concatenate([getattr(k, n) for k in keyframes]) for n in ("boxes", "scores"))
    )
    labels = np.concatenate([keyframe.labels for keyframe in keyframes])
    people = dataclasses.replace(people, labels=labels)
    Keyframes(people, [1, 2, 3], OUTPUTS).save(folder / "keyframes.npz")
    write_labels(folder / "labels.pbtxt", {1: "stand", 2: "sit", 3: "wave"})
    rows = [
        f"{keyframe.video},{keyframe.second},{','.join(map(str, box))},{action},0\n"
        for keyframe in keyframes
        for box, own in zip(keyframe.boxes.tolist(), keyframe.labels, strict=True)
        for action in np.flatnonzero(own)
    ]
    (folder / "annotations.csv").write_text("".join(rows))
    project = Project(folder)
    project.train("baseline")
    project.build(slice(None), "train.zarr")
    project.build(slice(0, None, 2), "piece.zarr")
    return project


def test_a_checkpoint_records_its_origin(project):
    about = load_checkpoint(project.checkpoint("baseline")).about
    assert about["model"] == {
        "backbone": TINY,
        "head": {"roi_size": 3},
        "operator": None,
        "outputs": OUTPUTS,
    }
    assert (about["epoch"], about["seed"], about["processes"]) == (2, 3, 1)
    assert about["data"] == digest(project.folder / "manifest.json")
    assert about["keyframes"] == digest(project.folder / "keyframes.npz")
    assert (about["bank"], about["weights"]) == (None, None)
    assert about["settings"]["training"]["epochs"] == 2
    assert len(about["code"]) == 64


def test_the_history_has_a_line_for_each_epoch(project):
    lines = (project.folder / "baseline/history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_a_piece_of_the_bank_has_its_videos_and_the_digest_of_the_baseline(project):
    bank = Bank.open(project.folder / "piece.zarr")
    assert bank.index.videos == ["a", "c"]
    assert bank.attributes["checkpoint"] == digest(project.checkpoint("baseline"))
    assert bank.attributes["data"] == digest(project.folder / "manifest.json")


def test_a_model_with_an_operator_trains_on_the_bank_and_draws_from_it(project):
    bank, baseline = project.folder / "train.zarr", project.checkpoint("baseline")
    project.train("lfb_nl", {"name": "non_local", "width": 4, "layers": 1}, bank)
    checkpoint = load_checkpoint(project.checkpoint("lfb_nl"))
    assert checkpoint.about["bank"] == digest(baseline)
    assert checkpoint.weights["operator.project_bank.weight"].shape == (4, CHANNELS)
    predictions = project.predict("lfb_nl", bank, baseline)
    assert predictions.classes.tolist() == [1, 2, 3]
    assert predictions.further is not None
    assert predictions.further.shape == (1, *predictions.score.shape)


def test_pieces_have_the_predictions_of_the_whole(project):
    bank, baseline = project.folder / "train.zarr", project.checkpoint("baseline")
    if not project.checkpoint("lfb_nl").exists():
        project.train("lfb_nl", {"name": "non_local", "width": 4, "layers": 1}, bank)
    whole = project.predict("lfb_nl", bank, baseline)
    pieces = len(VIDEOS) + 1  # one piece is empty
    parts = [
        project.predict("lfb_nl", bank, baseline, slice(number, None, pieces))
        for number in range(pieces)
    ]
    whole.save(project.folder / "whole.npz")
    join_predictions(parts).save(project.folder / "joined.npz")
    assert len(parts[-1].box) == 0
    assert digest(project.folder / "whole.npz") == digest(project.folder / "joined.npz")


def test_the_baseline_predicts_without_a_bank(project):
    predictions = project.predict("baseline", None, None)
    assert len(predictions.score) == sum(len(k.boxes) for k in make_keyframes())
    assert predictions.further is None


def test_a_bank_of_another_baseline_is_an_error(project):
    with pytest.raises(UserError, match="this bank was built with checkpoint"):
        project.predict("baseline", project.folder / "train.zarr", project.folder / "manifest.json")


@pytest.fixture
def steps(monkeypatch) -> list[None]:
    """Return a list that gets an entry for each iteration of training."""
    done: list[None] = []
    step = lfb.learning.training.training_step

    def counted(*given: Any) -> Any:
        done.append(None)
        return step(*given)

    monkeypatch.setattr(lfb.learning.training, "training_step", counted)
    return done


def outputs(project: Project, name: str) -> list[bytes]:
    """Return the outputs of a training, and remove them as Snakemake does before a job."""
    paths = [project.checkpoint(name), project.folder / name / "history.jsonl"]
    content = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    return content


def weights(project: Project, name: str) -> dict[str, torch.Tensor]:
    return load_file(project.checkpoint(name))


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_going_back_to_an_earlier_setting_trains_nothing_and_gives_the_same_bytes(project, steps):
    project.train("kept")
    first = outputs(project, "kept")
    project.train("kept", momentum=0.5)
    other = outputs(project, "kept")
    trained = len(steps)
    project.train("kept")
    assert outputs(project, "kept") == first != other
    project.train("kept", momentum=0.5)
    assert outputs(project, "kept") == other
    assert len(steps) == trained
    project.train("kept", momentum=0.6)  # two stay
    outputs(project, "kept")
    project.train("kept")
    assert len(steps) == 2 * trained


def test_a_setting_that_fails_loses_nothing(project, steps):
    project.train("failing")
    first = outputs(project, "failing")
    for rate in 1e30, 1e31, 1e32:
        with pytest.raises(UserError, match=r"Lower training\.learning_rate"):
            project.train("failing", learning_rate=rate, warmup_epochs=0)
    trained = len(steps)
    project.train("failing")
    assert outputs(project, "failing") == first
    assert len(steps) == trained


def test_another_bank_of_the_same_baseline_is_another_training(project, steps):
    banks = [project.folder / "train.zarr", project.build(slice(None), "wide.zarr", "float32")]
    operator = {"name": "max"}
    project.train("banks", operator, banks[0])
    trained = len(steps)
    for bank in *banks, banks[0]:
        project.train("banks", operator, bank)
    assert len(steps) == 2 * trained


def test_more_epochs_continue_and_end_as_the_longer_training(project, steps):
    bank = project.folder / "train.zarr"
    operator = {"name": "non_local", "width": 4, "layers": 1, "dropout": 0.2}
    project.train("long", operator, bank, epochs=4)
    whole = len(steps)
    for epochs in 1, 2, 4:
        project.train("longer", operator, bank, epochs=epochs)
    assert len(steps) == 2 * whole
    assert equal(weights(project, "longer"), weights(project, "long"))
    histories = [
        [
            {key: value for key, value in json.loads(line).items() if key != "seconds"}
            for line in (project.folder / name / "history.jsonl").read_text().splitlines()
        ]
        for name in ("long", "longer")
    ]
    assert histories[0] == histories[1]
    assert load_checkpoint(project.checkpoint("longer")).about["epoch"] == 4


def test_a_damaged_kept_checkpoint_is_made_again_from_its_state(project, steps, caplog):
    project.train("damaged")
    first = outputs(project, "damaged")
    trained = len(steps)
    (path,) = (project.folder / "damaged").glob("trainings/*/checkpoint.safetensors")
    path.write_bytes(first[0][:-1] + b"#")
    project.train("damaged")
    assert f"warning: {path}: missing or damaged. It is made again." in caplog.text
    assert outputs(project, "damaged") == first
    assert len(steps) == trained


@pytest.mark.parametrize("place", ["save_checkpoint", "finish", "place", "keep"])
def test_a_training_killed_at_its_end_ends_with_the_same_bytes(project, monkeypatch, place, steps):
    project.train("undisturbed")
    trained = len(steps)
    jobs = lfb.learning.jobs.training

    def kill(*given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(jobs if place == "save_checkpoint" else jobs.Trainings, place, kill)
        with pytest.raises(KeyboardInterrupt):
            project.train("ended")
    project.train("ended")
    assert len(steps) == 2 * trained
    assert equal(weights(project, "ended"), weights(project, "undisturbed"))
    shutil.rmtree(project.folder / "ended")
    shutil.rmtree(project.folder / "undisturbed")


@pytest.fixture
def signalled(project, monkeypatch) -> Iterator[str]:
    """Let the second iteration of a new training get a signal; return the training's name."""
    step = lfb.learning.training.training_step
    steps = []

    def get_a_signal(*given: Any) -> Any:
        steps.append(given)
        if len(steps) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(*given)

    monkeypatch.setattr(lfb.learning.training, "training_step", get_a_signal)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    yield "stopped"
    shutil.rmtree(project.folder / "stopped")


def test_a_signal_stops_a_training_which_then_continues(project, signalled):
    message = "stopped: epoch 1/2: saved and stopped after iteration 2 (signal SIGTERM); run the"
    with pytest.raises(Stopped, match=re.escape(message)):
        project.train(signalled)
    project.train(signalled)
    made = load_file(project.checkpoint(signalled))
    expected = load_file(project.checkpoint("baseline"))
    assert all(torch.equal(made[name], expected[name]) for name in expected)


def test_under_slurm_a_stopped_training_requeues_its_job(project, signalled, monkeypatch, caplog):
    caplog.set_level("INFO", "lfb")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(SlurmJob, "seconds_left", lambda job: 1000)
    monkeypatch.setattr(SlurmJob, "requeue", lambda job: f"job {job.number} waits")
    with pytest.raises(SystemExit, match="1"):
        project.train(signalled)
    assert "after iteration 2 (signal SIGTERM); job 7 waits" in caplog.text
