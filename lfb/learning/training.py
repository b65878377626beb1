"""Training: the learning-rate schedule, the loss and the loop."""

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from lfb.errors import UserError
from lfb.learning.clips import Shuffled
from lfb.learning.epoch import Epoch, Pauses
from lfb.learning.kept import STATE
from lfb.learning.optimizer import SGD
from lfb.learning.resume import load_state, save_state
from lfb.learning.team import Team
from lfb.learning.watcher import Watcher
from lfb.program import format_duration, progress
from lfb.randomness import seed_of

log = logging.getLogger("lfb")
_SILENT = Watcher()


@dataclass(frozen=True)
class Training:
    """How to train a model; the published values are in config/ava.yaml.

    Attributes:
        epochs: Passes over the training keyframes, or over ``epoch_clips`` of them.
        batch: Clips of a batch on each process.
        learning_rate: Base learning rate for a total batch of ``learning_rate_batch`` clips. It
            scales in proportion to the total batch (Goyal et al., 2017).
        learning_rate_batch: See ``learning_rate``.
        steps: Epochs at which the learning rate drops to a tenth.
        warmup_epochs: Epochs over which the learning rate rises with each iteration, from
            ``warmup_from`` times its value.
        warmup_from: See ``warmup_epochs``.
        momentum: Momentum of SGD.
        weight_decay: Weight decay of every parameter.
        clip_norm: Largest norm of the gradient; None for no limit.
        bfloat16: Whether to compute in bfloat16 where autocast considers it safe.
        channels_last: Whether clips and weights have the channels-last memory format.
        compile: Whether to compile the backbone.
        nesterov: Whether the momentum is Nesterov's.
        epoch_clips: Clips of an epoch, for a recipe that counts iterations; None for all keyframes.
    """

    epochs: int
    batch: int
    learning_rate: float
    learning_rate_batch: int
    steps: tuple[float, ...]
    warmup_epochs: float
    warmup_from: float
    momentum: float
    weight_decay: float
    clip_norm: float | None
    bfloat16: bool
    channels_last: bool = False
    compile: bool = False
    nesterov: bool = False
    epoch_clips: int | None = None

    def scaled(self, processes: int) -> float:
        """Return the base learning rate for the total batch of ``processes`` processes."""
        return self.learning_rate * self.batch * processes / self.learning_rate_batch


def learning_rate(training: Training, iteration: int, length: int, processes: int = 1) -> float:
    """Return the learning rate of one iteration.

    Args:
        iteration: Number of the iteration, from 0, over all epochs.
        length: Iterations of an epoch.
        processes: Number of processes that train together.
    """
    epoch = iteration // length
    rate = training.scaled(processes) * 0.1 ** sum(step <= epoch for step in training.steps)
    warmup = training.warmup_epochs * length
    if iteration < warmup:
        rate *= 1 - (1 - iteration / warmup) * (1 - training.warmup_from)
    return rate


def action_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean binary cross entropy over labelled people and classes 1.. (MMAction2).

    Args:
        logits: (R, outputs).
        labels: (R, outputs) float, 1 where the person does the action.
    """
    labelled = labels.sum(1) > 0
    return functional.binary_cross_entropy_with_logits(
        logits[labelled, 1:].float(), labels[labelled, 1:]
    )


Inputs = Callable[[Any], tuple[Tensor, ...]]
"""The arguments of a model for a batch on its device."""


class Samples(Protocol):
    """The keyframes to train on: ``lfb.learning.clips.Clips``, or ``lfb.learning.heads.People``."""

    def __len__(self) -> int: ...

    def load(self, batches: Shuffled, workers: int, device: torch.device) -> Iterable[Any]:
        """Return the batches that ``batches`` lists, each time they are iterated."""
        ...

    def inputs(self, model: Any, device: torch.device) -> Inputs:
        """Return the function from a batch to the arguments of a model."""
        ...


def train(
    model: Any,
    clips: Samples,
    training: Training,
    *,
    name: str,
    seed: int,
    team: Team,
    folder: Path,
    save_minutes: float | None = None,
    stop: Callable[[], str | None] = lambda: None,
    watcher: Watcher = _SILENT,
    workers: int = 0,
) -> list[dict[str, float]]:
    """Train a model in place and return the metrics of each epoch.

    Args:
        model: An ``ActionModel`` or the ``Head`` of one, on the CPU or the team's device.
        clips: Training keyframes, with their bank if the model has an operator.
        training: See ``Training``.
        name: Name of the model in the log.
        seed: Seed of the run.
        team: The processes that train together.
        folder: Folder of this training, see ``lfb.learning.kept``. Its resume state is written
            after each epoch. It stays after the last one, so that a kill before the checkpoint is
            written loses nothing, and more epochs can continue from there.
        save_minutes: Minutes between two saves within an epoch; None for none.
        stop: Returns why the training has to stop; None to go on.
        watcher: Hears of each step.
        workers: Data-loading processes of each training process.

    Raises:
        UserError: The resume state is damaged, or the loss is not finite.
        Stopped: ``stop`` returned a reason, or the watcher stopped. The resume state is saved.
    """
    device = team.device
    model.to(device)
    if training.channels_last:
        model.to(memory_format=torch.channels_last_3d)
    optimizer = SGD(model.parameters(), training.momentum, training.weight_decay, training.nesterov)
    inputs = clips.inputs(model, device)
    state_file = folder / STATE
    done = load_state(state_file, model, optimizer, device)
    if len(set(team.gather(str(done)))) > 1:
        raise UserError(
            f"{state_file}: the processes see different versions of this file. Wait until the file "
            "system shows the same one on every node, and run the same command again."
        )
    if training.compile:
        model.backbone.compile()
    parallel = DistributedDataParallel(model) if team.size > 1 else model

    order = Shuffled(len(clips), training.batch, seed, team.rank, team.size, training.epoch_clips)
    loader = clips.load(order, workers, device)
    log.info(
        "%s: learning rate %g = %g x %d clips x %d process(es) / %d clips",
        name,
        training.scaled(team.size),
        training.learning_rate,
        training.batch,
        team.size,
        training.learning_rate_batch,
    )

    history = done.history
    save = partial(save_state, state_file, model, optimizer, history)
    pauses = Pauses(lambda states: save(epoch=states), save_minutes, stop, team)
    length, resumed = len(order), done.epoch[team.rank] if done.epoch else None
    epochs_before = len(history)
    watcher.start(history, model, resumed["iteration"] if resumed else 0)
    for number in range(epochs_before, training.epochs):
        what = f"{name}: epoch {number + 1}/{training.epochs}"
        epoch, resumed = Epoch(device, resumed), None
        order.epoch, order.first = number, epoch.iteration
        torch.manual_seed(seed_of("dropout", seed, number, team.rank))
        model.train()
        batches = iter(loader)  # draws a random number itself
        epoch.restore_random()
        later = length * (training.epochs - number - 1)
        for batch in progress(batches, f"{what}, batch", length, epoch.iteration, later):
            iteration = number * length + epoch.iteration
            rate = learning_rate(training, iteration, length, team.size)
            loss, norm = training_step(
                parallel, batch.to(device), inputs, optimizer, rate, training
            )
            epoch.add(loss, norm)
            watcher.iteration(iteration + 1, rate, loss)
            pauses.after(epoch, what)
        metrics = {
            "epoch": number + 1,
            "loss": team.mean(epoch.loss.item() / length),
            "gradient_norm": epoch.norm.item() / length,
            "learning_rate": learning_rate(training, (number + 1) * length - 1, length, team.size),
            "seconds": round(epoch.seconds, 2),
        }
        if not math.isfinite(metrics["loss"]):
            raise UserError(
                f"{name}, epoch {number + 1}: the loss is {metrics['loss']}. Lower "
                f"training.learning_rate ({training.learning_rate}) or raise "
                f"training.warmup_epochs ({training.warmup_epochs})."
            )
        history.append(metrics)
        remaining = training.epochs - len(history)
        left = mean(metrics["seconds"] for metrics in history[epochs_before:]) * remaining
        log.info(
            "%s, loss %.4f, %.0f clips/s%s",
            what,
            metrics["loss"],
            length * training.batch * team.size / max(metrics["seconds"], 0.01),
            f", {format_duration(left)} left" if remaining else "",
        )
        if team.leads:
            save()
        watcher.epoch(history, model)
    return history


def training_step(
    model: nn.Module,
    batch: Any,
    inputs: Inputs,
    optimizer: SGD,
    rate: float,
    training: Training,
) -> tuple[Tensor, Tensor]:
    """Run one iteration and return its loss and gradient norm."""
    clips, *others = inputs(batch)
    if training.channels_last:
        clips = clips.contiguous(memory_format=torch.channels_last_3d)
    with torch.autocast(clips.device.type, torch.bfloat16, enabled=training.bfloat16):
        logits = model(clips, *others)
    loss = action_loss(logits, batch.labels)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), training.clip_norm or math.inf)
    optimizer.step(rate)
    return loss.detach(), norm
