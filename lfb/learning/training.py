"""Training: the learning-rate schedule, the loop, and how a killed run goes on."""

import io
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from lfb.bank.features import BankFeatures
from lfb.errors import UserError
from lfb.files.atomic import atomic
from lfb.learning.clips import Batch, Clips, Shuffled, load
from lfb.learning.devices import Team
from lfb.learning.optimizer import SGD
from lfb.models.action_model import ActionModel
from lfb.program import progress
from lfb.randomness import seed_of

log = logging.getLogger("lfb")


@dataclass(frozen=True)
class Training:
    """How a model is trained; the published values are in config/ava.yaml.

    Attributes:
        epochs: Passes over the training keyframes, or over ``epoch_clips`` of them.
        batch: Clips of a batch on each process.
        learning_rate: For a total batch of ``learning_rate_batch`` clips; it scales in proportion
            to the total batch (Goyal et al., 2017).
        learning_rate_batch: See there.
        steps: Epochs at which the learning rate falls to a tenth.
        warmup_epochs: Over these it rises from ``warmup_from`` times its value, each iteration.
        momentum: Of SGD.
        weight_decay: On every parameter.
        clip_norm: Largest norm of the gradient; None for any.
        bfloat16: Whether to compute in bfloat16 where autocast holds it safe.
        channels_last: Whether clips and weights lie channels last.
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
    channels_last: bool
    compile: bool
    nesterov: bool = False
    epoch_clips: int | None = None

    def scaled(self, processes: int) -> float:
        """The base learning rate for the total batch of so many processes."""
        return self.learning_rate * self.batch * processes / self.learning_rate_batch


def learning_rate(training: Training, iteration: int, length: int, processes: int = 1) -> float:
    """The learning rate of one iteration.

    Args:
        iteration: From 0, over all epochs.
        length: Iterations of an epoch.
        processes: That train together.
    """
    epoch = iteration // length
    rate = training.scaled(processes) * 0.1 ** sum(step <= epoch for step in training.steps)
    warmup = training.warmup_epochs * length
    if iteration < warmup:
        rate *= 1 - (1 - iteration / warmup) * (1 - training.warmup_from)
    return rate


def action_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross entropy over classes 1.. of the people who have a label (MMAction2)."""
    labelled = labels.sum(1) > 0
    return functional.binary_cross_entropy_with_logits(
        logits[labelled, 1:].float(), labels[labelled, 1:]
    )


def train(
    model: ActionModel,
    clips: Clips,
    training: Training,
    *,
    seed: int,
    team: Team,
    identity: Mapping[str, Any],
    state_file: Path,
    workers: int = 0,
) -> list[dict[str, float]]:
    """Trains a model in place and returns the metrics of each epoch.

    Args:
        model: On the CPU or the team's device.
        clips: Training keyframes; their bank, if any, is read onto the device.
        training: See ``Training``.
        seed: Of the run.
        team: The processes that train together.
        identity: What the run depends on. A resume state of another identity is refused unless
            its training was finished; one that differs in ``code`` alone is told of.
        state_file: Written after each epoch, so that a killed run goes on from there. It stays:
            who is killed after the last epoch and before all is written has not trained in vain.
        workers: Processes that prepare the batches of each training process.

    Raises:
        UserError: The resume state is of another configuration, or the loss is not finite.
    """
    device = team.device
    model.to(device)
    if training.channels_last:
        model.to(memory_format=torch.channels_last_3d)
    optimizer = SGD(model.parameters(), training.momentum, training.weight_decay, training.nesterov)
    features = None
    if clips.bank is not None:
        features = BankFeatures(clips.bank, model.backbone.channels, device)
    history = _resume(state_file, identity, model, optimizer, device)
    if training.compile:
        model.backbone.compile()
    parallel = DistributedDataParallel(model) if team.size > 1 else model

    order = Shuffled(len(clips), training.batch, seed, team.rank, team.size, training.epoch_clips)
    loader = load(clips, order, workers, device)
    log.info(
        "learning rate %g = %g x %d clips x %d process(es) / %d clips",
        training.scaled(team.size),
        training.learning_rate,
        training.batch,
        team.size,
        training.learning_rate_batch,
    )

    for epoch in range(len(history), training.epochs):
        begin = time.monotonic()
        order.epoch = epoch
        torch.manual_seed(seed_of("dropout", seed, epoch, team.rank))
        model.train()
        loss_sum = torch.zeros((), device=device)
        norm_sum = torch.zeros((), device=device)
        batches = progress(loader, f"epoch {epoch + 1}/{training.epochs}", len(order))
        for number, batch in enumerate(batches):
            rate = learning_rate(training, epoch * len(order) + number, len(order), team.size)
            loss, norm = _step(parallel, batch.to(device), features, optimizer, rate, training)
            loss_sum += loss
            norm_sum += norm
        metrics = {
            "epoch": epoch + 1,
            "loss": team.mean(loss_sum.item() / len(order)),
            "gradient_norm": norm_sum.item() / len(order),
            "learning_rate": rate,
            "seconds": round(time.monotonic() - begin, 2),
        }
        if not math.isfinite(metrics["loss"]):
            raise UserError(
                f"epoch {epoch + 1}: the loss is {metrics['loss']}. Lower training.learning_rate "
                f"({training.learning_rate}) or lengthen training.warmup_epochs."
            )
        history.append(metrics)
        log.info(
            "epoch %d/%d: loss %.4f, gradient norm %.2f, learning rate %.4g, %.1f s, %.0f clips/s",
            epoch + 1,
            training.epochs,
            metrics["loss"],
            metrics["gradient_norm"],
            rate,
            metrics["seconds"],
            len(order) * training.batch * team.size / max(metrics["seconds"], 0.01),
        )
        if team.leads:
            _keep(state_file, identity, training, model, optimizer, history)
    return history


def _step(
    model: nn.Module,
    batch: Batch,
    features: BankFeatures | None,
    optimizer: SGD,
    rate: float,
    training: Training,
) -> tuple[Tensor, Tensor]:
    """One iteration: (loss, gradient norm)."""
    rows = features(batch.rows) if features is not None else ()
    clips = batch.clips
    if training.channels_last:
        clips = clips.contiguous(memory_format=torch.channels_last_3d)
    with torch.autocast(clips.device.type, torch.bfloat16, enabled=training.bfloat16):
        logits = model(clips, batch.rois, *rows)
    loss = action_loss(logits, batch.labels)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), training.clip_norm or math.inf)
    optimizer.step(rate)
    return loss.detach(), norm


def _keep(
    path: Path,
    identity: Mapping[str, Any],
    training: Training,
    model: nn.Module,
    optimizer: SGD,
    history: list[dict[str, float]],
) -> None:
    """Writes the resume state. Random states need no place in it: every draw is keyed."""
    state = {
        "identity": dict(identity),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": history,
        "finished": len(history) == training.epochs,
    }
    content = io.BytesIO()  # torch.save into a file would hide what went wrong with the disk
    torch.save(state, content)
    with atomic(path) as scratch:
        scratch.write_bytes(content.getbuffer())


def _resume(
    path: Path,
    identity: Mapping[str, Any],
    model: nn.Module,
    optimizer: SGD,
    device: torch.device,
) -> list[dict[str, float]]:
    """Takes up the resume state, if there is one; returns the metrics of the epochs done."""
    if not path.exists():
        return []
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        other, finished = dict(state["identity"]), state["finished"]
    except Exception as error:  # whatever a file of unknown origin makes the reader raise
        raise UserError(
            f"{path}: not a resume state ({type(error).__name__}). Delete it to train from the "
            "beginning."
        ) from error
    differing = [
        key for key in sorted(identity.keys() | other.keys()) if identity.get(key) != other.get(key)
    ]
    if differing and finished:
        return []  # it has given its checkpoint, and another one is wanted
    if differing == ["code"]:
        log.warning("warning: the code has changed since the epochs kept in %s", path)
    elif differing:
        raise UserError(
            f"{path}: this run was interrupted under another configuration; it differs in: "
            f"{', '.join(_differences(other, identity, differing))}. Go back to it to let that "
            "run end, or delete the file to train from the beginning."
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    log.info("going on after epoch %d, kept in %s", len(state["history"]), path)
    return state["history"]


def _differences(old: Any, new: Any, keys: list[str]) -> list[str]:
    """Paths of the values that differ, with both: ``settings.training.epochs (8, now 12)``."""
    found = []
    for key in keys:
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            below = [
                name
                for name in sorted(before.keys() | after.keys())
                if before.get(name) != after.get(name)
            ]
            found += [f"{key}.{text}" for text in _differences(before, after, below)]
        else:
            found.append(f"{key} ({before}, now {after})")
    return found
