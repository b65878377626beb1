"""The jobs of heads, which read the features of people and no frames: training and prediction."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lfb.bank.opening import open_bank
from lfb.code_digest import MONITORING, digest_of_code
from lfb.data.keyframes import Keyframes
from lfb.errors import UserError
from lfb.files.digests import digest, digest_json
from lfb.interruption import Interruption, SlurmJob
from lfb.learning.board import Board
from lfb.learning.clips import Shuffled
from lfb.learning.continuing import begin_training
from lfb.learning.heads import Head, People, open_people, predict_people
from lfb.learning.jobs.training import requeued
from lfb.learning.kept import CHECKPOINT, HISTORY, Trainings, link
from lfb.learning.lookup import Draws, Lookup, Window
from lfb.learning.monitoring import BOARD, Monitor
from lfb.learning.team import Team
from lfb.learning.training import Training, train
from lfb.models.action_model import ActionModel, build_model
from lfb.models.checkpoints import load_checkpoint, load_weights, save_checkpoint
from lfb.randomness import seed_of

log = logging.getLogger("lfb")
File = str | Path


def train_head(
    settings: Mapping[str, Any],
    *,
    name: str,
    seed: int,
    keyframes: File,
    people: File,
    baseline: File,
    bank: File | None,
    published: File | None,
    checkpoint: File,
    history: File,
    team: Team,
    tensorboard: bool,
    save_minutes: float | None,
    keep: int,
) -> None:
    """Train the head of a model, and write the whole model's checkpoint and its history.

    The training is kept, continued and stopped as that of a whole model; see
    ``lfb.learning.jobs.training.train_model``.

    Args:
        settings: From ``lfb.config.settings.training_settings``.
        name: Name of the model in the log.
        seed: Seed of the initial weights and of all draws.
        keyframes: Training keyframes, ``.npz``.
        people: Features of their people.
        baseline: Checkpoint of the baseline, which has the backbone.
        bank: Bank of the training split; None without an operator.
        published: See ``open_bank``.
        checkpoint: The checkpoint to write.
        history: JSON lines to write.
        team: This process alone, with its device.
        tensorboard: Whether to write for TensorBoard.
        save_minutes: Minutes between two saves within an epoch; None for none.
        keep: Finished trainings that stay, with this one.

    Raises:
        UserError: The features or the bank are of another checkpoint, or of other people.
    """
    chosen = Keyframes.load(keyframes)
    store = open_people(people, chosen, keyframes, baseline=baseline)
    rows = open_bank(bank, data=store.attributes["data"], published=published, baseline=baseline)
    lookup = Lookup(rows, Window(**settings["window"]), seed) if rows else None
    identity = {
        "code": digest_of_code("scripts/train_head.py", [settings], MONITORING),
        "settings": settings,
        "seed": seed,
        "data": store.attributes["data"],
        "keyframes": digest(keyframes),
        "people": digest_json([store.attributes, str(store.dtype)]),
        "bank": rows.origin if rows else None,
        "rows": rows.identity() if rows else None,
        "weights": digest(baseline),
        "processes": team.size,
    }
    trainings = Trainings(Path(checkpoint).with_name("trainings"))
    folder = trainings.folder(identity)
    if trainings.is_finished(identity):
        log.info("%s: trained already, in %s", name, folder)
    else:
        recipe = Training(**settings["training"])
        length = len(
            Shuffled(len(chosen.people.index), recipe.batch, seed, clips=recipe.epoch_clips)
        )
        begin_training(trainings, identity, length, name)
        described = {
            "backbone": settings["backbone"],
            "head": settings["head"],
            "operator": settings["operator"],
            "outputs": chosen.outputs,
        }
        torch.manual_seed(seed_of("weights", seed))
        model = build_model(**described)
        load_baseline(model, baseline)
        job = SlurmJob.current()
        monitor = Monitor(
            folder,
            name,
            team,
            validation=None,
            board=Board(folder / BOARD, length, length * recipe.batch) if tensorboard else None,
            keep_best=None,
            publish=lambda: link(folder / HISTORY, Path(history)),
        )
        with Interruption(job) as interruption, requeued(job, team):
            metrics = train(
                Head(model),
                People(chosen, store, lookup),
                recipe,
                name=name,
                seed=seed,
                team=team,
                folder=folder,
                save_minutes=save_minutes,
                stop=interruption.reason,
                watcher=monitor,
            )
        save_checkpoint(
            folder / CHECKPOINT, model, {"model": described, "epoch": len(metrics), **identity}
        )
        trainings.finish(identity)
    trainings.place(identity, Path(checkpoint), Path(history))
    trainings.keep(keep, identity)


def predict_head(
    settings: Mapping[str, Any],
    *,
    seed: int,
    keyframes: File,
    people: File,
    baseline: File,
    bank: File | None,
    published: File | None,
    checkpoint: File,
    piece: slice = slice(None),
    output: File,
    device: torch.device,
) -> None:
    """Score the people of some of a split's videos from their features, and write the predictions.

    Args:
        settings: From ``lfb.config.settings.head_prediction_settings``.
        seed: Seed of the draws from the bank, if testing draws.
        keyframes: Keyframes to score, ``.npz``.
        people: Features of their people.
        baseline: Checkpoint of the baseline.
        bank: Bank of the split; None without an operator.
        published: See ``open_bank``.
        checkpoint: The model.
        piece: Which of the split's videos, sorted by name.
        output: Predictions to write, ``.npz``.
        device: Device that computes.

    Raises:
        UserError: The features, the bank or the model's backbone are of another checkpoint, or the
            features are of other people.
    """
    chosen = Keyframes.load(keyframes)
    store = open_people(people, chosen, keyframes, baseline=baseline)
    rows = open_bank(bank, data=store.attributes["data"], published=published, baseline=baseline)
    inference = settings["inference"]
    lookup = None
    if rows:
        random = inference["sampling"] == "random"
        draws = Draws(inference["draws"], seed) if random else None
        lookup = Lookup(rows, Window(**settings["window"]), draws=draws)
    model = load_checkpoint(checkpoint)
    if model.about.get("weights") != digest(baseline):
        raise UserError(
            f"{checkpoint}: this head was trained on the features of another baseline than "
            f"{baseline}. Delete it and run the same command again."
        )
    index = chosen.people.index
    of_piece = np.zeros(len(index.videos), bool)
    of_piece[piece] = True
    predict_people(
        Head(model.build()).eval(),
        People(chosen, store, lookup),
        np.flatnonzero(of_piece[index.video]),
        chosen.actions,
        batch=inference["batch"],
        bfloat16=inference["bfloat16"],
        device=device,
    ).save(output)


def load_baseline(model: ActionModel, baseline: File) -> None:
    """Load the backbone of a baseline's checkpoint into a model.

    Raises:
        UserError: The file is damaged, or its backbone is another one.
    """
    weights = load_checkpoint(baseline).weights
    prefix = "backbone."
    own = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    load_weights(model.backbone, own, baseline)
