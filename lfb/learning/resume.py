"""The resume state of a training, written after each epoch so that a killed run continues from it.

It needs no random states, because every draw has a key.
"""

import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lfb.errors import UserError
from lfb.files.atomic import atomic
from lfb.learning.optimizer import SGD

log = logging.getLogger("lfb")


def save_state(
    path: Path,
    identity: Mapping[str, Any],
    model: nn.Module,
    optimizer: SGD,
    history: list[dict[str, float]],
    finished: bool,
) -> None:
    """Write the state after an epoch.

    Args:
        identity: What the run depends on; see ``load_state``.
        history: Metrics of each epoch so far.
        finished: Whether this was the last epoch.
    """
    state = {
        "identity": dict(identity),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": history,
        "finished": finished,
    }
    content = io.BytesIO()  # torch.save to a file hides the cause of a disk error
    torch.save(state, content)
    with atomic(path) as scratch:
        scratch.write_bytes(content.getbuffer())


def load_state(
    path: Path,
    identity: Mapping[str, Any],
    model: nn.Module,
    optimizer: SGD,
    device: torch.device,
) -> list[dict[str, float]]:
    """Load the state of an earlier start of this run into a model and its optimizer.

    A state of a finished run with another identity is ignored. If only ``code`` differs, the run
    continues with a warning.

    Returns:
        The metrics of the epochs done; an empty list without a state.

    Raises:
        UserError: The file is broken, or the state of an unfinished run with another identity.
    """
    if not path.exists():
        return []
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        other, finished = dict(state["identity"]), state["finished"]
    except Exception as error:  # a file of unknown origin can make the reader raise anything
        raise UserError(
            f"{path}: not a resume state ({type(error).__name__}). Delete it to train from the "
            "beginning."
        ) from error
    differing = [
        key for key in sorted(identity.keys() | other.keys()) if identity.get(key) != other.get(key)
    ]
    if differing and finished:
        return []  # that run has written its checkpoint, and this run makes another one
    if differing == ["code"]:
        log.warning("warning: the code has changed since the epochs in %s were trained", path)
    elif differing:
        raise UserError(
            f"{path}: an interrupted run with another configuration left this file. It differs in: "
            f"{', '.join(_differences(other, identity, differing))}. Restore that configuration to "
            "finish that run, or delete the file to train from the beginning."
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    log.info("continuing after epoch %d, from %s", len(state["history"]), path)
    return state["history"]


def _differences(old: Any, new: Any, keys: list[str]) -> list[str]:
    """Return the paths of values that differ: ``settings.training.epochs (8, now 12)``."""
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
