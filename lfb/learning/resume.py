"""The resume state of a training, from which a killed run continues.

After an epoch it needs no random states, because every draw has a key. Within an epoch it has those
of dropout, whose key is that of the epoch.
"""

import io
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lfb.errors import UserError
from lfb.files.atomic import atomic
from lfb.files.torch_file import check_zip
from lfb.learning.optimizer import SGD

log = logging.getLogger("lfb")


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        history: Metrics of each epoch done.
        epoch: The state of each process in the epoch after those; empty at its beginning.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    epoch: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        within = f", iteration {self.epoch[0]['iteration']}" if self.epoch else ""
        return f"epoch {len(self.history) + bool(self.epoch)}{within}"


def save_state(
    path: Path,
    model: nn.Module,
    optimizer: SGD,
    history: list[dict[str, float]],
    epoch: list[dict[str, Any]] | None = None,
) -> None:
    """Write the state of a training.

    Args:
        history: Metrics of each epoch done.
        epoch: The state of each process within an epoch; see ``Progress``.
    """
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": history,
        "epoch": epoch or [],
    }
    content = io.BytesIO()  # torch.save to a file hides the cause of a disk error
    torch.save(state, content)
    with atomic(path) as scratch:
        scratch.write_bytes(content.getbuffer())


def load_state(path: Path, model: nn.Module, optimizer: SGD, device: torch.device) -> Progress:
    """Load the state of an earlier start of this run into a model and its optimizer.

    Returns:
        How far that start trained; nothing without a state.

    Raises:
        UserError: The file is broken.
    """
    if not path.exists():
        return Progress()
    state = read_state(path, device)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    progress = Progress(state["history"], state.get("epoch", []))  # older states have no "epoch"
    log.info("continuing after %s, from %s", progress, path)
    return progress


def read_state(path: Path, device: torch.device | str) -> dict[str, Any]:
    """Return the content of a resume state.

    Raises:
        UserError: The file is damaged or something else.
    """
    try:
        check_zip(path)
        state = torch.load(path, map_location=device, weights_only=True)
        return {**state, "history": list(state["history"])}
    except Exception as error:  # a file of unknown origin can make the reader raise anything
        raise UserError(
            f"{path}: not a resume state ({type(error).__name__}). Delete it to train from the "
            "beginning."
        ) from error
