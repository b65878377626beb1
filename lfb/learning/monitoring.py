"""Watch a training: the history as it happens, the validation mAP, TensorBoard, the best epoch.

Nothing here changes a weight. If the config takes the last epoch, no training depends on this file
and on what only it imports (``lfb.code_digest``).
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from lfb.bank.store import Bank
from lfb.errors import UserError
from lfb.files.atomic import atomic
from lfb.files.digests import digest
from lfb.learning.board import Board
from lfb.learning.jobs.validation import MAP, Validation, ValidationFiles
from lfb.learning.kept import HISTORY
from lfb.learning.team import Team
from lfb.learning.watcher import Watcher
from lfb.models.action_model import ActionModel
from lfb.models.checkpoints import load_checkpoint, load_weights, save_checkpoint
from lfb.program import format_duration
from lfb.video.frames import Manifest

log = logging.getLogger("lfb")

BEST = "best.safetensors"
BOARD = "tensorboard"


class Monitor(Watcher):
    """Watches one training, in every process of its team. The first process writes.

    ``history.jsonl`` has a line for each epoch: its metrics, and those of its validation if there
    is one. The file is replaced after each epoch, so it has whole lines at every moment.

    With ``keep_best``, ``best.safetensors`` has the weights of the epoch with the highest mAP, the
    earliest of equal ones. It is written after the line of the epoch. A start after a kill between
    the two writes it.

    Args:
        folder: Folder of the training, see ``lfb.learning.kept``.
        name: Name of the model in the log.
        team: The processes that train together.
        validation: Measures the mAP; None for no validation.
        board: Writes for TensorBoard; None for none.
        keep_best: Arguments of ``build_model``, to keep the best epoch; None to keep none.
        publish: Called when ``history.jsonl`` is written.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        team: Team,
        validation: Validation | None,
        board: Board | None,
        keep_best: Mapping[str, Any] | None,
        publish: Callable[[], None],
    ) -> None:
        self._folder, self._name, self._team = folder, name, team
        self._validation, self._board = validation, board
        self._described, self._publish = keep_best, publish
        self._measured: dict[int, dict[str, float]] = {}  # by epoch

    def start(self, history: Sequence[dict[str, Any]], model: ActionModel, iteration: int) -> None:
        done = len(history)
        lines = _read_history(self._folder / HISTORY)[:done]
        if self._team.leads and len(lines) < done - 1:  # a kill loses at most the last line
            self._say_lost(done)
        self._measured = {
            line["epoch"]: {
                key: value for key, value in line.items() if key.startswith("validation_")
            }
            for line in lines
            if MAP in line
        }
        between = done > 0 and not iteration  # the model is as it was after the last epoch
        if between:
            self._validate(done, model)  # a kill after that epoch may have prevented it
        if not self._team.leads:
            return
        if done:
            self._write_history(history)
        if between and self._is_best(done) and self._kept_epoch() != done:
            self._keep(done, model)
        if self._board:
            self._board.start(done, iteration)
            if between:
                self._board.epoch(self._lines(history)[-1])

    def iteration(self, number: int, rate: float, loss: Tensor) -> None:
        if self._board and self._team.leads:
            self._board.iteration(number, rate, loss)

    def epoch(self, history: Sequence[dict[str, Any]], model: ActionModel) -> None:
        self._validate(len(history), model)
        if not self._team.leads:
            return
        self._write_history(history)
        if self._is_best(len(history)):
            self._keep(len(history), model)
        if self._board:
            self._board.epoch(self._lines(history)[-1])

    def load_best(self, model: ActionModel) -> int:
        """Load the weights of the best epoch into the model, and return the epoch.

        Raises:
            UserError: The file of these weights is missing or damaged.
        """
        checkpoint = load_checkpoint(self._folder / BEST)
        load_weights(model, checkpoint.weights, checkpoint.path)
        return checkpoint.about["epoch"]

    def _say_lost(self, epochs: int) -> None:
        """Say that the history does not have the epochs done."""
        lost = f"{self._folder / HISTORY}: damaged, or not the history of all {epochs} epochs done"
        if self._described:
            raise UserError(
                f"{lost}, so the best epoch is unknown. Delete {self._folder} to train again."
            )
        log.warning("warning: %s. The validations of these epochs are lost.", lost)

    def _validate(self, epoch: int, model: ActionModel) -> None:
        """Measure the mAP after an epoch, if it is due and not known."""
        if self._validation is None or not self._validation.is_due(epoch):
            return
        if self._team.gather(epoch in self._measured)[0]:
            return
        found = self._validation.measure(model.state_dict())
        if not self._team.leads:
            return
        if found:
            self._measured[epoch] = found
            log.info(
                "%s: epoch %d, validation mAP %.2f (%d keyframes, %s)",
                self._name,
                epoch,
                found[MAP],
                found["validation_keyframes"],
                format_duration(found["validation_seconds"]),
            )
        elif self._described:
            raise UserError(
                f"{self._name}: config key training.take: best needs the validation mAP of each "
                "epoch that is validated. Give the validation split ground truth, raise "
                "training.validation_share, or set training.take: last."
            )

    def _best(self) -> int | None:
        """Return the epoch with the highest mAP, the earliest of equal ones; None without any."""
        found = self._measured
        return max(found, key=lambda epoch: (found[epoch][MAP], -epoch), default=None)

    def _is_best(self, epoch: int) -> bool:
        """Return whether to keep the weights of an epoch."""
        return self._described is not None and self._best() == epoch

    def _kept_epoch(self) -> int | None:
        """Return the epoch of the weights on disk."""
        path = self._folder / BEST
        return load_checkpoint(path).about["epoch"] if path.exists() else None

    def _keep(self, epoch: int, model: ActionModel) -> None:
        save_checkpoint(self._folder / BEST, model, {"model": self._described, "epoch": epoch})

    def _lines(self, history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the lines of the history."""
        return [
            metrics
            | self._measured.get(metrics["epoch"], {})
            | ({"best": True} if self._is_best(metrics["epoch"]) else {})
            for metrics in history
        ]

    def _write_history(self, history: Sequence[dict[str, Any]]) -> None:
        with atomic(self._folder / HISTORY) as scratch:
            scratch.write_text("".join(json.dumps(line) + "\n" for line in self._lines(history)))
        self._publish()


def _read_history(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a history; none if the file is missing or damaged."""
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
    except (OSError, ValueError):
        return []
    whole = [isinstance(line, dict) and line.get("epoch") == n for n, line in enumerate(lines, 1)]
    return lines if all(whole) else []


def watch(
    settings: Mapping[str, Any],
    *,
    folder: Path,
    publish: Callable[[], None],
    length: int,
    clips: int,
    frames: Manifest,
    described: Mapping[str, Any],
    keep_best: bool,
    name: str,
    seed: int,
    team: Team,
    stop: Callable[[], str | None],
    workers: int,
) -> Monitor:
    """Return the monitor of a training.

    Args:
        settings: From ``lfb.config.settings.monitoring_settings``, with the arguments of
            ``ValidationFiles`` as ``files``.
        length: Iterations of an epoch.
        clips: Clips of an epoch.
        described: Arguments of ``build_model``.
        keep_best: Whether to keep the weights of the best epoch.

    See ``Monitor`` and ``Validation`` for the others.
    """
    validation = None
    if settings["validation"]:
        validation = Validation(
            settings["validation"],
            ValidationFiles(**settings["files"]),
            frames=frames,
            described=described,
            name=name,
            seed=seed,
            team=team,
            stop=stop,
            workers=workers,
        )
    board = Board(folder / BOARD, length, clips) if settings["tensorboard"] else None
    best = described if keep_best else None
    return Monitor(folder, name, team, validation, board, best, publish)


def validation_digests(settings: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the digests of the files that decide which epoch is the best one, by kind."""
    found = {}
    for kind, path in settings["files"].items():
        if kind == "bank":
            found[kind] = Bank.open(path).identity() if path else None
        else:
            found[kind] = digest(path) if path else None
    return found
