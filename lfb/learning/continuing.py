"""Which kept training another one continues.

A training begins with the state of another one if that makes no difference: they differ only in
the schedule of the learning rate, such as in the number of epochs, and every iteration done had the
learning rate that it would have now. An interrupted training also continues after a change of the
code.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfb.errors import UserError
from lfb.learning.kept import STATE, Kept, Trainings, remove
from lfb.learning.resume import read_state
from lfb.learning.training import Training, learning_rate

log = logging.getLogger("lfb")

CODE = "code"
SCHEDULE = {
    f"settings.training.{key}"
    for key in (
        "epochs",
        "learning_rate",
        "learning_rate_batch",
        "steps",
        "warmup_epochs",
        "warmup_from",
    )
}


@dataclass(frozen=True)
class _Candidate:
    """A kept training that another one may continue.

    Attributes:
        kept: The training.
        changes: What differs in the other one, as the log names it.
        iterations: Iterations that it has done.
        obstacle: Why the other one cannot continue it; None if it can.
    """

    kept: Kept
    changes: Mapping[str, str]
    iterations: int
    obstacle: str | None


def begin_training(
    trainings: Trainings, identity: Mapping[str, Any], length: int, name: str
) -> None:
    """Make the folder of a training, with the state of another one if it can continue that.

    Args:
        trainings: The kept trainings of this model and seed.
        identity: What the training depends on.
        length: Iterations of an epoch.
        name: Name of the model in the log.
    """
    if (trainings.folder(identity) / STATE).exists():
        trainings.begin(identity)
        return
    candidates = list(_candidates(trainings, identity, length))
    usable = [candidate for candidate in candidates if candidate.obstacle is None]
    chosen = max(usable, key=lambda candidate: candidate.iterations, default=None)
    trainings.begin(identity, chosen.kept if chosen else None)
    if chosen is None:
        for candidate in candidates:
            text = "%s: does not continue %s, which differs only in %s: %s"
            log.info(text, name, candidate.kept.folder, _join(candidate), candidate.obstacle)
        return
    log.info("%s: continues %s. Changed: %s", name, chosen.kept.folder, _join(chosen))
    if CODE in chosen.changes:
        folder = chosen.kept.folder
        log.warning("warning: the code has changed since the epochs in %s were trained", folder)
        remove(chosen.kept)  # a later change of the code must not continue it once more


def adopt(trainings: Trainings, state_file: Path) -> None:
    """Move the resume state of an earlier release, which lies beside the checkpoint, to its folder.

    Raises:
        UserError: The file is damaged.
    """
    if state_file.exists():
        identity = read_state(state_file, "cpu")["identity"]
        trainings.begin(identity)
        state_file.replace(trainings.folder(identity) / STATE)


def _candidates(
    trainings: Trainings, identity: Mapping[str, Any], length: int
) -> Iterator[_Candidate]:
    """Yield the trainings that differ only in the schedule, or only in code and are unfinished."""
    for kept in trainings.kept():
        changes = dict(_changes(kept.identity, identity))
        if not kept.identity or not (changes.keys() <= SCHEDULE or changes.keys() == {CODE}):
            continue
        iterations = _iterations(kept.folder / STATE, length)
        epochs = kept.identity["settings"]["training"]["epochs"]
        if CODE not in changes:
            obstacle = _obstacle(kept.identity, identity, iterations, length)
        elif iterations < epochs * length:
            obstacle = None
        else:
            continue
        if iterations:
            yield _Candidate(kept, changes, iterations, obstacle)


def _iterations(state_file: Path, length: int) -> int:
    """Return how many iterations a training has done; 0 if its state is missing or damaged."""
    if not state_file.exists():
        return 0
    try:
        state = read_state(state_file, "cpu")
    except UserError as error:
        log.warning("warning: %s", error)
        return 0
    epoch = state.get("epoch")
    return len(state["history"]) * length + (epoch[0]["iteration"] if epoch else 0)


def _obstacle(
    old: Mapping[str, Any], new: Mapping[str, Any], iterations: int, length: int
) -> str | None:
    """Return why a training cannot begin with iterations of another one; None if it can."""
    before, now = (Training(**identity["settings"]["training"]) for identity in (old, new))
    if iterations > now.epochs * length:
        return f"it has done {iterations / length:.4g} epochs already"
    for number in range(iterations):
        rates = [learning_rate(one, number, length, new["processes"]) for one in (before, now)]
        if rates[0] != rates[1]:
            epoch = number // length + 1
            return f"the learning rate in epoch {epoch} was {rates[0]:g}, and would be {rates[1]:g}"
    return None


def _changes(old: Any, new: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys whose values differ, and both values: ``training.epochs``, ``8, now 12``."""
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changes(before, after, f"{above}{key}.")
        elif before != after:
            yield f"{above}{key}", f"{json.dumps(before)}, now {json.dumps(after)}"


def _join(candidate: _Candidate) -> str:
    """Return what differs, without the digests of the code."""
    return ", ".join(
        key if key == CODE else f"{key.removeprefix('settings.')} ({values})"
        for key, values in candidate.changes.items()
    )
