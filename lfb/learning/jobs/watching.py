"""The job that scores the people of a film that is only watched."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lfb.bank.opening import open_bank
from lfb.data.keyframes import Keyframes
from lfb.learning.attention import attend
from lfb.learning.clips import Clips, Input, Window
from lfb.learning.jobs.inference import score_keyframes
from lfb.models.checkpoints import load_checkpoint
from lfb.video.frames import Manifest

File = str | Path


def predict_film(
    settings: Mapping[str, Any],
    *,
    seed: int,
    keyframes: File,
    manifest: File,
    checkpoint: File,
    bank: File | None,
    baseline: File | None,
    output: File,
    attention: File,
    device: torch.device,
    workers: int,
) -> None:
    """Score the people of a film with one model, and write what its operator attends to.

    Arguments are as in ``lfb.learning.jobs.inference.predict_split``, and:

    Args:
        attention: What the operator attends to, ``.npz``; see ``lfb.learning.attention``.
    """
    chosen, frames = Keyframes.load(keyframes), Manifest(manifest)
    # In a film without people there is nothing to look up.
    rows = open_bank(bank, data=frames.digest, baseline=baseline) if chosen.keyframes else None
    model = load_checkpoint(checkpoint).build()
    predictions = score_keyframes(
        settings,
        model,
        chosen.keyframes,
        chosen.actions,
        frames,
        rows,
        seed=seed,
        device=device,
        workers=workers,
    )
    clips = Clips(
        chosen.keyframes,
        frames.open,
        Input(**settings["input"]),
        rows,
        Window(**settings["window"]) if rows else None,
    )
    batch = settings["inference"]["batch"]
    attended = attend(model, clips, batch=batch, workers=workers, device=device)
    replace(predictions, further=None).save(output)
    attended.save(attention)
