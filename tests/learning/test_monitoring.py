"""Tests of lfb.learning.monitoring, and of the validation and the event files in it."""

import dataclasses
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import lfb.learning.board
import lfb.learning.monitoring
from lfb.data.split import Split
from lfb.errors import UserError
from lfb.interruption import Stopped
from lfb.learning.jobs.validation import Validation, spread
from lfb.learning.kept import Trainings
from lfb.models.checkpoints import load_checkpoint
from lfb.scoring.evaluation import metrics
from tests.learning.test_jobs import INFERENCE, MODEL, Project, make_project

OPERATOR = {"name": "non_local", "width": 4, "layers": 1}
VALIDATION = {
    "epochs": 1,
    "share": 1.0,
    "protocol": "mmaction2",
    "unscored": [],
    "published": None,
    "prediction": MODEL | {"inference": INFERENCE},
}


class Killed(BaseException):
    """A stand-in for the end of the process."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return frames, keyframes, a baseline that was trained unwatched, and its bank."""
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project(made: Project) -> Iterator[Project]:
    """Yield a project whose trainings are validated."""
    before = set(made.folder.iterdir())
    yield watched(made)
    for folder in set(made.folder.iterdir()) - before:
        shutil.rmtree(folder)


def watched(project: Project, tensorboard: bool = False, **changes: Any) -> Project:
    monitoring = {"validation": VALIDATION | changes, "tensorboard": tensorboard}
    return dataclasses.replace(project, monitoring=monitoring)


def history(project: Project, name: str) -> list[dict[str, Any]]:
    text = (project.folder / name / "history.jsonl").read_text()
    assert text.endswith("\n")
    lines = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in line.items() if not k.endswith("seconds")} for line in lines]


def maps(project: Project, name: str) -> list[float | None]:
    return [line.get("validation_mAP") for line in history(project, name)]


def kept(project: Project, name: str) -> Path:
    """Return the folder of the training that was used last."""
    return Trainings(project.folder / name / "trainings").kept()[0].folder


def take_best(project: Project, name: str, scores: list[float], monkeypatch, **changes: Any) -> int:
    """Train with `take: best` and these validation mAPs; return the epoch of the checkpoint."""
    left = iter(scores)
    monkeypatch.setattr(Validation, "measure", lambda self, weights: {**FIELDS, MAP: next(left)})
    project.train(name, settings={"validation": project.monitoring["validation"]}, **changes)
    return load_checkpoint(project.checkpoint(name)).about["epoch"]


MAP = "validation_mAP"
FIELDS = {"validation_keyframes": 1, "validation_seconds": 0.0}


# Validation


@pytest.mark.parametrize("operator", [None, OPERATOR], ids=["baseline", "non_local"])
def test_all_keyframes_give_exactly_the_map_of_the_metrics(project, operator):
    bank = project.folder / "train.zarr" if operator else None
    project.train("a", operator, bank)
    predictions = project.predict("a", bank, project.checkpoint("baseline") if bank else None)
    files = project.validation_files(None)
    split = Split.read(files["labels"], [], files["annotations"])
    measured = metrics(predictions, split.annotations, classes=split.labels, excluded=set())
    assert maps(project, "a")[-1] == measured["mmaction2"]["mAP"]
    assert history(project, "a")[-1]["validation_keyframes"] == 12


def test_a_validation_and_event_files_change_no_weight(project):
    watched(project, tensorboard=True, share=0.3).train("a")
    made, expected = (load_file(project.checkpoint(name)) for name in ("a", "baseline"))
    assert made.keys() == expected.keys()
    assert all(torch.equal(made[name], expected[name]) for name in expected)
    about = [load_checkpoint(project.checkpoint(name)).about for name in ("a", "baseline")]
    assert about[0] == about[1]


def test_every_second_epoch_is_measured(project):
    watched(project, epochs=2).train("a", epochs=3)
    first, second, third = maps(project, "a")
    assert (first, third) == (None, None)
    assert second is not None


def test_the_chosen_keyframes_are_spread_evenly():
    places = [(video, second) for video in "ab" for second in range(10)]
    assert spread(places, 1) == set(places)
    assert sorted(spread(places, 0.2)) == [("a", 2), ("a", 7), ("b", 2), ("b", 7)]
    assert spread(reversed(places), 0.2) == spread(places, 0.2)
    assert len(spread(places, 0.001)) == 1
    assert spread([], 0.5) == set()


def test_a_split_without_ground_truth_gives_a_warning_and_trains(project, caplog):
    (project.folder / "none").mkdir()
    (project.folder / "none/annotations.csv").write_text("a,0902,0.1,0.1,0.2,0.2,9,0\n")
    files = project.validation_files(None)
    files["annotations"] = project.folder / "none/annotations.csv"
    monitoring = watched(project, unscored=[9]).monitoring | {"files": files}
    dataclasses.replace(project, monitoring=monitoring).train("a")
    assert maps(project, "a") == [None, None]
    assert "warning: a: no validation mAP: none of the 1 rows of the ground truth" in caplog.text


# The history as it happens


def test_the_history_is_whole_after_every_epoch_also_the_kept_one(project, monkeypatch):
    seen = []
    measure = Validation.measure

    def look(validation, weights):
        path = project.folder / "a/history.jsonl"
        seen.append(path.read_text().count("\n") if path.exists() else 0)
        if seen[-1]:
            assert path.samefile(kept(project, "a") / "history.jsonl")
        return measure(validation, weights)

    monkeypatch.setattr(Validation, "measure", look)
    project.train("a", epochs=3)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_training_killed_in_a_validation_continues_its_history_exactly(
    project, monkeypatch, epoch
):
    project.train("whole", epochs=3)
    measure, calls = Validation.measure, []

    def killed(validation, weights):
        calls.append(0)
        if len(calls) == epoch:
            raise Killed
        return measure(validation, weights)

    with monkeypatch.context() as patch:
        patch.setattr(Validation, "measure", killed)
        with pytest.raises(Killed):
            project.train("a", epochs=3)
    if (path := project.folder / "a/history.jsonl").exists():
        path.unlink()  # as Snakemake does
    project.train("a", epochs=3)
    assert history(project, "a") == history(project, "whole")


def test_a_signal_stops_a_training_in_a_validation(project, monkeypatch):
    project.train("whole")
    pause = Validation._pause

    def signalled(validation):
        os.kill(os.getpid(), signal.SIGTERM)
        pause(validation)

    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(Validation, "_pause", signalled)
        with pytest.raises(Stopped, match=r"a: saved and stopped in a validation \(signal SIGTERM"):
            project.train("a")
    project.train("a")
    assert history(project, "a") == history(project, "whole")


# The best epoch


def test_the_earliest_of_the_best_epochs_is_taken(project, monkeypatch):
    keys: dict[str, Any] = {"steps": (9,), "warmup_epochs": 0}
    project.train("short", epochs=2, **keys)
    scores = [10.0, 30.0, 30.0, 20.0]
    assert take_best(project, "a", scores, monkeypatch, epochs=4, **keys) == 2
    assert [line.get("best") for line in history(project, "a")] == [None, True, None, None]
    made, expected = (load_file(project.checkpoint(name)) for name in ("a", "short"))
    assert all(torch.equal(made[name], expected[name]) for name in expected)


@pytest.mark.parametrize("place", ["_write_history", "_keep"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("epoch", [1, 2])
def test_the_best_epoch_survives_a_kill_beside_each_write(
    project, monkeypatch, place, after, epoch
):
    whole = take_best(project, "whole", [10.0, 20.0, 15.0], monkeypatch, epochs=3)
    write, calls = getattr(lfb.learning.monitoring.Monitor, place), []

    def killed(monitor, *given):
        calls.append(0)
        if len(calls) == epoch and not after:
            raise Killed
        write(monitor, *given)
        if len(calls) == epoch:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(lfb.learning.monitoring.Monitor, place, killed)
        with pytest.raises(Killed):
            take_best(project, "a", [10.0, 20.0, 15.0], patch, epochs=3)
    scores = {(1, "_write_history", False): [10.0, 20.0, 15.0]}.get(
        (epoch, place, after), [20.0, 15.0] if epoch == 1 else [15.0]
    )
    if (epoch, place, after) == (2, "_write_history", False):
        scores = [20.0, 15.0]
    assert take_best(project, "a", scores, monkeypatch, epochs=3) == whole == 2
    made, expected = (load_file(project.checkpoint(name)) for name in ("a", "whole"))
    assert all(torch.equal(made[name], expected[name]) for name in expected)
    assert history(project, "a") == history(project, "whole")


def test_more_epochs_take_the_best_of_all(project, monkeypatch):
    keys: dict[str, Any] = {"steps": (9,), "warmup_epochs": 0}
    assert take_best(project, "a", [30.0, 10.0], monkeypatch, epochs=2, **keys) == 1
    assert take_best(project, "a", [20.0], monkeypatch, epochs=3, **keys) == 1  # one more epoch
    assert maps(project, "a") == [30.0, 10.0, 20.0]


@pytest.mark.parametrize("content", [None, "", "text", '{"epoch": 2}\n'])
def test_a_lost_history_is_an_error_if_it_decides_the_best_epoch(project, monkeypatch, content):
    assert take_best(project, "lost", [80, 50, 60], monkeypatch, epochs=3) == 1
    path = kept(project, "lost") / "history.jsonl"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match=r"history\.jsonl: damaged, .* best epoch is unknown"):
        take_best(project, "lost", [50], monkeypatch, epochs=3)


def test_a_lost_history_is_made_again_without_the_validations_if_the_last_epoch_is_taken(
    project, caplog
):
    project.train("made", epochs=3)
    expected = history(project, "made")
    (kept(project, "made") / "history.jsonl").write_text("text")
    project.train("made", epochs=3)
    assert "history.jsonl: damaged, or not the history of all 3 epochs done. The val" in caplog.text
    assert history(project, "made")[-1] == expected[-1]
    assert [line["loss"] for line in history(project, "made")] == [
        line["loss"] for line in expected
    ]


def test_the_best_epoch_depends_on_the_validation_data(project, monkeypatch):
    take_best(project, "a", [10.0, 20.0], monkeypatch)
    first = kept(project, "a")
    about = load_checkpoint(project.checkpoint("a")).about
    assert about["validation"].keys() == project.validation_files(None).keys()
    annotations = project.folder / "annotations.csv"
    text = annotations.read_text()
    try:
        annotations.write_text(text + "\n")
        assert take_best(project, "a", [20.0, 10.0], monkeypatch) == 1
    finally:
        annotations.write_text(text)
    assert kept(project, "a") != first


def test_a_best_epoch_without_a_map_is_an_error(project, monkeypatch):
    monkeypatch.setattr(Validation, "measure", lambda validation, weights: {})
    with pytest.raises(UserError, match=r"training\.take: best needs the validation mAP"):
        project.train("a", settings={"validation": project.monitoring["validation"]})


# TensorBoard


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the points that TensorBoard shows."""
    board = EventAccumulator(str(folder))
    board.Reload()
    return {
        tag: [(event.step, event.value) for event in board.Scalars(tag)]
        for tag in board.Tags()["scalars"]
    }


def test_event_files_have_each_point_once_also_after_kills(project, monkeypatch):
    monkeypatch.setattr(lfb.learning.board, "_SECONDS_BETWEEN_POINTS", 0)
    project = watched(project, tensorboard=True)
    project.train("whole", epochs=3)
    expected = scalars(kept(project, "whole") / "tensorboard")
    lines = history(project, "whole")
    assert expected["epochs/loss"] == [
        (4 * line["epoch"], pytest.approx(line["loss"])) for line in lines
    ]
    assert [y for _, y in expected["epochs/validation_mAP"]] == pytest.approx(
        maps(project, "whole")
    )
    assert {f"epochs/{name}" for name in ("gradient_norm", "learning_rate")} <= expected.keys()
    assert [step for step, _ in expected["epochs/clips_per_second"]] == [4, 8, 12]
    assert [step for step, _ in expected["iterations/loss"]] == list(range(12))
    mean = sum(loss for _, loss in expected["iterations/loss"][:4]) / 4
    assert mean == pytest.approx(lines[0]["loss"], rel=1e-5)

    write, calls = lfb.learning.board.Board.epoch, []

    def killed(board, metrics):
        write(board, metrics)
        calls.append(0)
        if len(calls) in (1, 3):  # the third start writes the second epoch again
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(lfb.learning.board.Board, "epoch", killed)
        for _ in range(2):
            with pytest.raises(Killed):
                project.train("a", epochs=3)
    project.train("a", epochs=3)
    found = scalars(kept(project, "a") / "tensorboard")
    for tag in "epochs/loss", "epochs/validation_mAP", "iterations/loss", "epochs/learning_rate":
        assert found[tag] == expected[tag], tag
    assert [step for step, _ in found["epochs/clips_per_second"]] == [4, 8, 12]


def test_without_the_package_the_error_says_what_to_do(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"training\.tensorboard: .*pip install tensorboard"):
        watched(project, tensorboard=True).train("a")
