"""Tests of lfb.learning.training."""

import dataclasses
import logging
import math
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import torch
from torch.nn import functional

import lfb.learning.training
from lfb.bank.store import Bank
from lfb.errors import UserError
from lfb.interruption import Stopped
from lfb.learning.clips import Clips, Shuffled, Window, load
from lfb.learning.team import Team
from lfb.learning.training import Training, action_loss, learning_rate, train
from lfb.randomness import seed_of
from tests.pictures import INPUT, Film, make_bank, make_keyframes, make_model
from tests.teamwork import NON_LOCAL, TRAINING

ALONE = Team(0, 1, torch.device("cpu"))

# The published recipe: 0.2 for 8 GPUs of 16 clips, 20 epochs.
PUBLISHED = dataclasses.replace(
    TRAINING,
    epochs=20,
    batch=16,
    learning_rate=0.2,
    learning_rate_batch=128,
    steps=(10, 15),
    warmup_epochs=5,
    warmup_from=0.1,
)


# Learning rate


@pytest.mark.parametrize(
    ("epoch", "iteration", "rate"),
    [
        (0, 0, 0.02),
        (0, 1, 0.02 + 0.18 / 500),
        (2, 50, 0.2 * (0.1 + 0.9 / 2)),
        (4, 99, 0.2 - 0.18 / 500),
        (5, 0, 0.2),
        (9, 99, 0.2),
        (10, 0, 0.02),
        (14, 99, 0.02),
        (15, 0, 0.002),
        (19, 99, 0.002),
    ],
)
def test_the_published_schedule_has_its_warm_up_and_its_steps(epoch, iteration, rate):
    assert learning_rate(PUBLISHED, epoch * 100 + iteration, 100, 8) == pytest.approx(rate)


def test_the_learning_rate_is_in_proportion_to_the_total_batch():
    assert PUBLISHED.scaled(8) == pytest.approx(0.2)
    assert PUBLISHED.scaled(1) == pytest.approx(0.025)
    twelve = dataclasses.replace(PUBLISHED, batch=12)  # the LFB models' batch and rate
    assert learning_rate(twelve, 600, 100, 8) == pytest.approx(0.15)


def test_without_warm_up_the_rate_begins_in_full_and_steps_need_no_order():
    training = dataclasses.replace(PUBLISHED, warmup_epochs=0, steps=(15, 10))
    rates = [learning_rate(training, epoch * 10, 10, 8) for epoch in (0, 9, 10, 15)]
    assert rates == pytest.approx([0.2, 0.2, 0.02, 0.002])


# Loss


def test_the_loss_is_the_mean_over_labelled_people_and_classes_from_1_up():
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0, 1, 0], [0, 0, 0], [0, 1, 1], [0, 0, 1]]).float()
    expected = [
        -math.log(1 / (1 + math.exp(-x))) if y else -math.log(1 - 1 / (1 + math.exp(-x)))
        for row, target in zip(logits[[0, 2, 3]].tolist(), labels[[0, 2, 3]].tolist(), strict=True)
        for x, y in zip(row[1:], target[1:], strict=True)
    ]
    assert action_loss(logits, labels).item() == pytest.approx(sum(expected) / len(expected))


def test_people_without_a_label_and_class_0_have_no_gradient():
    logits = torch.zeros(2, 3, requires_grad=True)
    action_loss(logits, torch.tensor([[0, 1, 0], [0, 0, 0]]).float()).backward()
    assert logits.grad is not None
    assert (logits.grad[0, 1:] != 0).all()
    assert (logits.grad[0, 0] == 0).all()
    assert (logits.grad[1] == 0).all()


def test_the_loss_of_bfloat16_scores_is_computed_in_float():
    logits, labels = torch.randn(5, 4).bfloat16(), torch.ones(5, 4)
    expected = functional.binary_cross_entropy_with_logits(logits[:, 1:].float(), labels[:, 1:])
    assert action_loss(logits, labels) == expected


# The loop


class Killed(BaseException):
    """A stand-in for the end of the process."""


@dataclasses.dataclass
class Run:
    """Repeated starts of a training program with the same folder."""

    folder: Path
    bank: Bank | None
    operator: dict[str, Any] | None
    training: Training = TRAINING
    save_minutes: float | None = None

    def start(
        self, weights: int = 0, stop: Callable[[], str | None] = lambda: None
    ) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
        torch.manual_seed(weights)
        model = make_model(self.operator)
        window = Window(6, 2) if self.bank is not None else None
        history = train(
            model,
            Clips(make_keyframes(), Film, INPUT, self.bank, window, 7),
            self.training,
            name="lfb_test",
            seed=7,
            team=ALONE,
            folder=self.folder,
            save_minutes=self.save_minutes,
            stop=stop,
        )
        return history, model.state_dict()


def results(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in metrics.items() if k != "seconds"} for metrics in history]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "lost"])
@pytest.mark.parametrize("epoch", [1, 2, 3])
@pytest.mark.parametrize("operator", [None, NON_LOCAL], ids=["baseline", "non_local"])
def test_a_killed_run_ends_with_the_weights_of_one_never_killed(
    tmp_path, monkeypatch, operator, epoch, kept
):
    bank = make_bank(tmp_path) if operator else None
    history, weights = Run(tmp_path / "whole", bank, operator).start()

    keep = lfb.learning.training.save_state

    def killed(path, model, optimizer, history) -> None:
        last = len(history) == epoch
        if not last or kept:
            keep(path, model, optimizer, history)
        if last:
            raise Killed

    run = Run(tmp_path / "killed", bank, operator)
    with monkeypatch.context() as patch:
        patch.setattr(lfb.learning.training, "save_state", killed)
        with pytest.raises(Killed):
            run.start()
    # The next start draws other weights. It must use them only if no state was saved.
    again, resumed = run.start(weights=0 if epoch == 1 and not kept else 99)
    assert results(again) == results(history)
    assert resumed.keys() == weights.keys()
    assert all(torch.equal(resumed[name], weights[name]) for name in weights)


def after(iterations: int) -> Callable[[], str | None]:
    """Return a reason to stop, after some iterations of one start."""
    left = iter([None] * (iterations - 1))
    return lambda: next(left, "signal SIGTERM")


@pytest.mark.parametrize("iterations", [(1,), (3,), (4,), (6, 1, 4)])
@pytest.mark.parametrize("operator", [None, NON_LOCAL], ids=["baseline", "non_local"])
def test_a_run_stopped_within_epochs_ends_with_the_weights_of_one_never_stopped(
    tmp_path, operator, iterations
):
    bank = make_bank(tmp_path) if operator else None
    history, weights = Run(tmp_path / "whole", bank, operator).start()
    run = Run(tmp_path / "stopped", bank, operator)
    for number in iterations:  # an epoch has four
        with pytest.raises(Stopped, match=r"saved and stopped after iteration \d \(signal SIGTERM"):
            run.start(weights=99 if run.folder.exists() else 0, stop=after(number))
    again, resumed = run.start(weights=99)
    assert results(again) == results(history)
    assert all(torch.equal(resumed[name], weights[name]) for name in weights)


def test_a_run_killed_within_an_epoch_continues_from_its_last_save(tmp_path, monkeypatch):
    history, weights = Run(tmp_path / "whole", None, None).start()
    run = Run(tmp_path / "killed", None, None, save_minutes=0)
    step = lfb.learning.training.training_step
    steps = []

    def killed(*given: Any) -> Any:
        steps.append(given)
        if len(steps) == 7:
            raise Killed
        return step(*given)

    with monkeypatch.context() as patch:
        patch.setattr(lfb.learning.training, "training_step", killed)
        with pytest.raises(Killed):
            run.start()
    steps.clear()
    monkeypatch.setattr(
        lfb.learning.training, "training_step", lambda *given: steps.append(0) or step(*given)
    )
    again, resumed = run.start(weights=99)
    assert len(steps) == 12 - 6
    assert results(again) == results(history)
    assert all(torch.equal(resumed[name], weights[name]) for name in weights)


def test_clips_before_the_pause_are_not_decoded_again(tmp_path, monkeypatch):
    run = Run(tmp_path, None, None)
    with pytest.raises(Stopped):
        run.start(stop=after(11))
    read = []
    get = Clips.__getitem__
    monkeypatch.setattr(
        Clips, "__getitem__", lambda clips, item: read.append(item) or get(clips, item)
    )
    run.start()
    assert len(read) == TRAINING.batch  # one of the twelve iterations


def test_a_state_from_before_pauses_within_an_epoch_still_loads(tmp_path, monkeypatch):
    history, weights = Run(tmp_path / "whole", None, None).start()
    run = Run(tmp_path / "old", None, None)
    kill_after_the_first_epoch(run, monkeypatch)
    state = torch.load(run.folder / "resume.pt")
    del state["epoch"]
    torch.save(state, run.folder / "resume.pt")
    again, resumed = run.start(weights=99)
    assert results(again) == results(history)
    assert all(torch.equal(resumed[name], weights[name]) for name in weights)


def test_the_history_has_every_epoch(tmp_path):
    history, _ = Run(tmp_path, None, None).start()
    assert [metrics["epoch"] for metrics in history] == [1, 2, 3]
    assert [metrics["learning_rate"] for metrics in history] == pytest.approx(
        [learning_rate(TRAINING, last, 4) for last in (3, 7, 11)]
    )
    assert all(metrics["gradient_norm"] > 0 for metrics in history)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"nesterov": True},
        {"weight_decay": 0.1, "clip_norm": 0.05},
        {"bfloat16": True, "channels_last": False},
        {"channels_last": False, "clip_norm": None, "epoch_clips": 7},
    ],
    ids=["plain", "nesterov", "decay", "bfloat16", "contiguous"],
)
def test_training_equals_a_plain_torch_loop_over_the_batches_of_each_epoch(tmp_path, changes):
    training = dataclasses.replace(TRAINING, **changes)
    history, weights = Run(tmp_path, None, None, training).start()

    torch.manual_seed(0)
    model = make_model(None)
    clips = Clips(make_keyframes(), Film, INPUT, seed=7)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=1,
        momentum=training.momentum,
        weight_decay=training.weight_decay,
        nesterov=training.nesterov,
    )
    losses, norms, iteration = [], [], 0
    for epoch in range(training.epochs):
        order = Shuffled(len(clips), training.batch, 7, clips=training.epoch_clips)
        order.epoch = epoch
        torch.manual_seed(seed_of("dropout", 7, epoch, 0))
        losses.append([])
        norms.append([])
        for batch in load(clips, order, 0, torch.device("cpu")):
            with torch.autocast("cpu", torch.bfloat16, enabled=training.bfloat16):
                logits = model(batch.clips, batch.rois)
            loss = action_loss(logits, batch.labels)
            optimizer.zero_grad()
            loss.backward()
            most = training.clip_norm or math.inf
            norms[-1].append(torch.nn.utils.clip_grad_norm_(model.parameters(), most).item())
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(training, iteration, len(order))
            optimizer.step()
            losses[-1].append(loss.item())
            iteration += 1
    assert [row["loss"] for row in history] == pytest.approx(list(map(mean, losses)), rel=1e-5)
    assert [row["gradient_norm"] for row in history] == pytest.approx(
        list(map(mean, norms)), rel=1e-4
    )
    for name, expected in model.state_dict().items():
        torch.testing.assert_close(weights[name], expected, rtol=1e-4, atol=1e-6)


def test_dropout_differs_in_each_epoch(tmp_path, monkeypatch):
    drawn = []
    seed = torch.manual_seed
    run = Run(tmp_path, make_bank(tmp_path), NON_LOCAL)
    monkeypatch.setattr(torch, "manual_seed", lambda number: drawn.append(number) or seed(number))
    run.start()
    assert (
        len(drawn) == len(set(drawn)) == 1 + TRAINING.epochs
    )  # the first one is drawn by the test


def test_a_model_in_evaluation_mode_trains_as_any_other(tmp_path, monkeypatch):
    bank = make_bank(tmp_path)
    _, expected = Run(tmp_path / "one", bank, NON_LOCAL).start()
    make = make_model
    monkeypatch.setattr(sys.modules[__name__], "make_model", lambda operator: make(operator).eval())
    _, weights = Run(tmp_path / "other", bank, NON_LOCAL).start()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_the_schedule_uses_epochs_of_epoch_clips(tmp_path):
    training = dataclasses.replace(TRAINING, epochs=4, epoch_clips=7)  # two batches of 3 clips
    history, _ = Run(tmp_path, None, None, training).start()
    assert [metrics["learning_rate"] for metrics in history] == pytest.approx(
        [learning_rate(training, last, 2) for last in (1, 3, 5, 7)]
    )


def test_without_clip_norm_gradients_are_not_clipped(tmp_path):
    runs = [
        Run(tmp_path / str(norm), None, None, dataclasses.replace(TRAINING, clip_norm=norm)).start()
        for norm in (None, 1e9, 0.01)
    ]
    (_, none), (_, large), (_, small) = runs
    assert all(torch.equal(none[name], large[name]) for name in none)
    assert not all(torch.equal(none[name], small[name]) for name in none)


def test_training_learns(tmp_path):
    training = dataclasses.replace(TRAINING, epochs=8, learning_rate=0.3, steps=())
    history, _ = Run(tmp_path, None, None, training).start()
    assert history[-1]["loss"] < 0.9 * history[0]["loss"]


def kill_after_the_first_epoch(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = lfb.learning.training.save_state

    def killed(*state) -> None:
        keep(*state)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(lfb.learning.training, "save_state", killed)
        with pytest.raises(Killed):
            run.start()


def test_a_finished_run_is_not_trained_again(tmp_path, monkeypatch):
    run = Run(tmp_path / "run", None, None)
    history, weights = run.start()
    with monkeypatch.context() as patch:
        patch.setattr(lfb.learning.training, "training_step", None)
        again, kept = run.start(weights=99)
    assert again == history
    assert all(torch.equal(kept[name], weights[name]) for name in weights)


@pytest.mark.parametrize("content", [b"", b"text", "cut", {"epoch": 1}, [1], {"identity": 3}])
def test_a_broken_resume_state_is_an_error_with_its_path(tmp_path, content):
    run = Run(tmp_path, None, None, dataclasses.replace(TRAINING, epochs=1))
    path = tmp_path / "resume.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "cut":
        run.start()
        path.write_bytes(path.read_bytes()[:-2000])
    else:
        torch.save(content, path)
    with pytest.raises(UserError, match=r"resume\.pt: not a resume state .* Delete it"):
        run.start()


def test_a_resume_state_cannot_run_code(tmp_path):
    torch.save({"identity": print}, tmp_path / "resume.pt")
    with pytest.raises(UserError, match="not a resume state"):
        Run(tmp_path, None, None).start()


def test_a_loss_that_is_not_finite_stops_the_run_and_is_not_saved(tmp_path):
    training = dataclasses.replace(TRAINING, learning_rate=1e30, warmup_epochs=0)
    with pytest.raises(
        UserError, match=r"lfb_test, epoch 1: the loss is .* Lower training\.learning_rate"
    ):
        Run(tmp_path, None, None, training).start()
    assert not (tmp_path / "resume.pt").exists()


def test_two_processes_end_with_the_same_weights(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.teamwork", str(tmp_path)],
            env={
                **os.environ,
                "RANK": str(rank),
                "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            },
            cwd=Path(__file__).parents[2],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [process.communicate(timeout=100)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], errors
    one, other = (torch.load(tmp_path / f"rank-{rank}.pt") for rank in range(2))
    assert one["mean"] == other["mean"] == 1.5  # the mean of 1 and 2
    assert one["dropout seed"] != other["dropout seed"]
    assert [(tmp_path / f"process-{rank}/resume.pt").exists() for rank in range(2)] == [True, False]
    assert one["losses"] == other["losses"]
    assert len(one["losses"]) == TRAINING.epochs
    length = len(make_keyframes()) // (2 * TRAINING.batch)
    expected = [learning_rate(TRAINING, length * epoch - 1, length, 2) for epoch in (1, 2, 3)]
    assert one["rates"] == pytest.approx(expected)
    weights, copy = one["weights"], other["weights"]
    assert all(torch.equal(weights[name], copy[name]) for name in weights)
    # Stopped within an epoch by the second process alone, and started again.
    assert one["resumed losses"] == one["losses"]
    assert all(torch.equal(weights[name], one["resumed weights"][name]) for name in weights)
    assert (tmp_path / "stopped/resume.pt").exists()

    # One process with the same total batch differs a little: in batch norms, dropout and the mean
    # over people. tests/test_bench_gpu.py compares without these differences.
    torch.manual_seed(0)
    model = make_model(NON_LOCAL)
    clips = Clips(make_keyframes(), Film, INPUT, make_bank(tmp_path / "alone"), Window(6, 2), 0)
    history = train(
        model,
        clips,
        dataclasses.replace(TRAINING, batch=2 * TRAINING.batch),
        name="lfb_test",
        seed=0,
        team=ALONE,
        folder=tmp_path / "alone",
    )
    assert one["losses"] == pytest.approx([metrics["loss"] for metrics in history], abs=0.03)


def test_a_log_line_has_the_model_the_loss_the_speed_and_the_time_left(tmp_path, caplog):
    caplog.set_level(logging.INFO, "lfb")
    Run(tmp_path, None, None).start()
    lines = [r.message for r in caplog.records if "epoch" in r.message]
    number = r"\d+\.\d{4}"
    for epoch, line in enumerate(lines, start=1):
        left = r", \d+ s left" if epoch < 3 else ""
        assert re.fullmatch(
            rf"lfb_test: epoch {epoch}/3, loss {number}, \d+ clips/s{left}", line
        ), line
    assert len(lines) == 3
