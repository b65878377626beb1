"""Compare checkpoints and banks with what they were made from."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfb.bank.store import Bank
from lfb.data.keyframes import Keyframes
from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.learning.kept import STATE, Kept
from lfb.learning.resume import read_state
from lfb.models.checkpoints import Checkpoint


def check_origin(checkpoint: Checkpoint, expected: Mapping[str, str | None]) -> Iterator[str]:
    """Yield a line for each file that a checkpoint was made from and that is another one now.

    Args:
        checkpoint: The checkpoint.
        expected: Digests as the checkpoint records them, by key of its metadata.
    """
    for key, value in expected.items():
        if (found := checkpoint.about.get(key)) != value:
            yield (
                f"{checkpoint.path}: made from another file than the one that lies there now: "
                f"{key} is {_short(found)}, now {_short(value)}. Restore that file, or delete the "
                "checkpoint and run the same command again."
            )


def check_history(path: Path, checkpoint: Checkpoint, state_file: Path | None) -> Iterator[str]:
    """Yield what is wrong with the metrics of each epoch.

    Args:
        path: The metrics.
        checkpoint: The checkpoint of the training.
        state_file: Its resume state, to compare with; None if it is not there.
    """
    try:
        history = [json.loads(line) for line in path.read_text().splitlines()]
        epochs = [line["epoch"] for line in history]
    except (ValueError, KeyError, TypeError) as error:
        yield f"{path}: not the metrics of a training ({error!r}). {_AGAIN}"
        return
    taken = [line["epoch"] for line in history if line.get("best")] or epochs[-1:]
    if epochs != list(range(1, len(epochs) + 1)) or taken != [checkpoint.about["epoch"]]:
        yield f"{path}: it does not have all epochs of {checkpoint.path}. {_AGAIN}"
    elif state_file is not None:
        try:
            state = read_state(state_file, "cpu")
        except UserError as error:
            yield str(error)
            return
        trained = state["history"]  # without the validation
        if len(trained) != len(history) or not all(map(_contains, history, trained)):
            yield f"{path}: not the metrics in {state_file}. {_AGAIN}"


def check_training(kept: Kept) -> Iterator[str]:
    """Yield a line for each damaged file of a kept training that is not in use."""
    for path in kept.damaged():
        yield f"{path}: missing or damaged. Delete {kept.folder} to train again."
    state_file = kept.folder / STATE
    if state_file.exists():  # you may delete it
        try:
            read_state(state_file, "cpu")
        except UserError as error:
            yield str(error)


def check_bank(bank: Bank, keyframes: Keyframes | None) -> Iterator[str]:
    """Read all of a bank, and yield what is wrong with it.

    Args:
        bank: The bank.
        keyframes: The keyframes that it was built from; None for an imported bank.
    """
    try:
        for _ in bank.blocks(0, len(bank)):
            pass
        box, score = bank.read("box"), bank.read("score")
    except UserError as error:
        yield str(error)
        return
    if keyframes is None:
        return
    people, index = keyframes.people, bank.index
    pairs: list[tuple[Any, Any]] = [
        (bank.videos, people.index.videos),
        (index.video_start, people.index.video_start),
        (index.second, people.index.second),
        (index.row_start, people.index.row_start),
        (box, people.boxes),
        (score, people.scores),
    ]
    if not all(np.array_equal(*pair) for pair in pairs):
        yield (
            f"{bank.path}: its people are not those of the keyframes for the bank. Delete it and "
            "build it again."
        )


def check_source(bank: Bank, published: str | Path) -> Iterator[str]:
    """Yield a line if an imported bank is from another file than the one that lies there now."""
    if bank.attributes.get("source_digest") != digest(published):
        yield (
            f"{bank.path}: imported from another {published} than the one that lies there now. "
            "Restore that file, or delete the bank and run the same command again."
        )


def _contains(line: Mapping[str, Any], metrics: Mapping[str, Any]) -> bool:
    return metrics.items() <= line.items()


_AGAIN = "Delete it and the checkpoint beside it, and run the same command again."


def _short(value: Any) -> str:
    return value[:12] if isinstance(value, str) else str(value)
