"""The jobs that run a trained model: prediction, and building a piece of a bank."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from lfb.bank.opening import open_bank
from lfb.bank.store import Bank
from lfb.code_digest import digest_of_code
from lfb.data.boxes import Keyframe
from lfb.data.keyframes import Keyframes
from lfb.data.predictions import Predictions
from lfb.files.digests import digest, digest_json
from lfb.learning.clips import Clips, Draws, Input, Window
from lfb.learning.inference import build_bank, predict
from lfb.models.action_model import ActionModel
from lfb.models.checkpoints import load_checkpoint
from lfb.video.frames import Manifest

File = str | Path


def predict_split(
    settings: Mapping[str, Any],
    *,
    seed: int,
    keyframes: File,
    manifest: File,
    checkpoint: File,
    bank: File | None,
    published: File | None,
    baseline: File | None,
    piece: slice = slice(None),
    output: File,
    device: torch.device,
    workers: int,
) -> None:
    """Score the boxes of some of a split's videos with one model and write the predictions.

    Args:
        settings: From ``lfb.config.settings.prediction_settings``.
        seed: Seed of the draws from the bank, if testing draws.
        keyframes: Keyframes to score, ``.npz``.
        manifest: Manifest of the frames.
        checkpoint: The model.
        bank: Bank of the split; None for the baseline.
        published: See ``open_bank``.
        baseline: See ``open_bank``.
        piece: Which of the split's videos, sorted by name.
        output: Predictions to write, ``.npz``.
        device: Device that computes.
        workers: Data-loading processes.
    """
    chosen, frames = Keyframes.load(keyframes), Manifest(manifest)
    rows = open_bank(bank, data=frames.digest, published=published, baseline=baseline)
    predictions = score_keyframes(
        settings,
        load_checkpoint(checkpoint).build(),
        chosen.of(chosen.videos[piece]),
        chosen.actions,
        frames,
        rows,
        seed=seed,
        device=device,
        workers=workers,
    )
    predictions.save(output)


def score_keyframes(
    settings: Mapping[str, Any],
    model: ActionModel,
    keyframes: Sequence[Keyframe],
    actions: Sequence[int],
    frames: Manifest,
    bank: Bank | None,
    *,
    seed: int,
    device: torch.device,
    workers: int,
    after_batch: Callable[[], None] = lambda: None,
) -> Predictions:
    """Return the scores of every box of some keyframes.

    Arguments are as in ``predict_split``. ``after_batch`` is called after each batch.
    """
    inference = settings["inference"]
    draws = None
    if bank and inference["sampling"] == "random":
        draws = Draws(inference["draws"], seed)
    clips = Clips(
        keyframes,
        frames.open,
        Input(**settings["input"]),
        bank,
        Window(**settings["window"]) if bank else None,
        draws=draws,
    )
    return predict(
        model,
        clips,
        actions,
        batch=inference["batch"],
        workers=workers,
        bfloat16=inference["bfloat16"],
        device=device,
        scales=inference["scales"],
        flip=inference["flip"],
        after_batch=after_batch,
    )


def build_bank_piece(
    settings: Mapping[str, Any],
    *,
    keyframes: File,
    manifest: File,
    checkpoint: File,
    split: str,
    piece: slice,
    output: File,
    device: torch.device,
    workers: int,
) -> None:
    """Write the features of some of a split's videos as a bank.

    Args:
        settings: From ``lfb.config.settings.bank_settings``.
        keyframes: Keyframes whose people enter the bank, ``.npz``.
        manifest: Manifest of the frames.
        checkpoint: The baseline.
        split: Name of the split, such as ``train``.
        piece: Which of the split's videos, sorted by name.
        output: Folder to write.
        device: Device that computes.
        workers: Data-loading processes.
    """
    chosen, frames = Keyframes.load(keyframes), Manifest(manifest)
    videos = chosen.videos[piece]
    build_bank(
        load_checkpoint(checkpoint).build(),
        Clips(chosen.of(videos), frames.open, Input(**settings["input"])),
        output,
        split=split,
        videos=videos,
        attributes={
            "checkpoint": digest(checkpoint),
            "data": frames.digest,
            "config": digest_json(settings),
            "code": digest_of_code("scripts/build_bank.py", [settings]),
        },
        dtype=settings["bank"]["dtype"],
        batch=settings["inference"]["batch"],
        workers=workers,
        bfloat16=settings["inference"]["bfloat16"],
        device=device,
    )
