"""What the report reads: the files of every model, and the data set."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

from lfb.bank.store import Bank
from lfb.data.predictions import Predictions
from lfb.data.split import Split
from lfb.learning.clips import Input, Window
from lfb.models.checkpoints import Checkpoint, load_checkpoint
from lfb.video.frames import Manifest


@dataclass(frozen=True, eq=False)
class Model:
    """The results of one model.

    Attributes:
        name: Its key in the config.
        metrics: ``lfb.scoring.evaluation.metrics`` of each seed.
        histories: Metrics of each epoch, for each seed; empty if the model is imported.
        predictions: Of the first seed.
        checkpoint: Of the first seed.
    """

    name: str
    metrics: Sequence[Mapping[str, Any]]
    histories: Sequence[Sequence[Mapping[str, float]]]
    predictions: Predictions
    checkpoint: Checkpoint

    @property
    def parameters(self) -> int:
        """Number of parameters, counted in the checkpoint."""
        return sum(tensor.numel() for tensor in self.checkpoint.weights.values())

    def mean_map(self, protocol: str) -> float:
        """Return the mean mAP over the seeds, in percent."""
        return mean(measured[protocol]["mAP"] for measured in self.metrics)


@dataclass(frozen=True, eq=False)
class Data:
    """The data set that the models are scored on.

    Attributes:
        name: What the page calls it.
        split: The validation split.
        manifest: Of the frames.
        clip: What a clip is.
        bank: Of the validation split, first seed; None if no model has an operator.
        window: What a model with an operator looks up in the bank.
        check: Summary that ``lfb.data.check`` writes.
    """

    name: str
    split: Split
    manifest: Manifest
    clip: Input
    bank: Bank | None
    window: Window
    check: Mapping[str, Any]


def load_models(
    names: Sequence[str],
    trained: Sequence[str],
    *,
    metrics: Sequence[str],
    histories: Sequence[str],
    predictions: Sequence[str],
    checkpoints: Sequence[str],
) -> list[Model]:
    """Load the results of all models.

    Args:
        names: Of all models.
        trained: Names of the models that are not imported, in the same order.
        metrics: Files by model, then seed.
        histories: Files of the trained models, by model, then seed.
        predictions: One file for each model.
        checkpoints: One file for each model.
    """
    seeds = len(metrics) // len(names)
    of_trained = dict(zip(trained, _groups(histories, seeds), strict=True))
    return [
        Model(
            name,
            [json.loads(Path(path).read_text()) for path in metrics_of_seeds],
            [_read_lines(path) for path in of_trained.get(name, ())],
            Predictions.load(prediction),
            load_checkpoint(checkpoint),
        )
        for name, metrics_of_seeds, prediction, checkpoint in zip(
            names, _groups(metrics, seeds), predictions, checkpoints, strict=True
        )
    ]


def day_of(paths: Sequence[str]) -> str:
    """Return the day, in UTC, on which the newest of some files was written: "2026-11-24".

    The files' own time, not the clock, so that the same files give the same page.
    """
    newest = max(Path(path).stat().st_mtime for path in paths)
    return datetime.fromtimestamp(newest, UTC).date().isoformat()


def _groups(paths: Sequence[str], size: int) -> list[Sequence[str]]:
    return [paths[start : start + size] for start in range(0, len(paths), size)]


def _read_lines(path: str) -> list[dict[str, float]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]
