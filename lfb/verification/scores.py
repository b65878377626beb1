"""Compute numbers again, and compare them with the files."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfb.code_digest import digest_of_code
from lfb.data.boxes import Keyframe
from lfb.data.keyframes import Keyframes
from lfb.data.predictions import Predictions
from lfb.data.split import Split
from lfb.files.digests import digest, digest_json
from lfb.report.seal import SealBroken, sealed_origin
from lfb.scoring.evaluation import metrics
from lfb.scoring.table import map_table, table_csv
from lfb.scoring.thresholds import best_thresholds

_TOLERANCE = 0.02  # of a score: another device, and bfloat16
_AGAIN = "Delete it and run the same command again."


def check_predictions(path: Path, predictions: Predictions, keyframes: Keyframes) -> Iterator[str]:
    """Yield a line if predictions are not of the people in the keyframes for testing."""
    chosen = keyframes.keyframes
    names = np.array(predictions.videos, object)[predictions.video]
    pairs: list[tuple[Any, Any]] = [
        (names, [k.video for k in chosen for _ in k.boxes]),
        (predictions.second, [k.second for k in chosen for _ in k.boxes]),
        (predictions.box, np.concatenate([k.boxes for k in chosen])),
        (predictions.classes, keyframes.actions),
    ]
    if not all(np.array_equal(*pair) for pair in pairs):
        yield f"{path}: not of the people in the keyframes for testing. {_AGAIN}"


def check_scores(
    path: Path,
    predictions: Predictions,
    keyframes: Keyframes,
    again: Callable[[Sequence[Keyframe]], Predictions],
) -> Iterator[str]:
    """Score a few keyframes again; yield a line if their scores are others in the predictions.

    Args:
        path: The predictions.
        predictions: The predictions.
        keyframes: The keyframes for testing.
        again: Scores keyframes with the model and the bank that lie there now.
    """
    chosen = keyframes.keyframes
    some = [chosen[i] for i in sorted({0, len(chosen) // 2})]
    scored = again(some)
    names = np.array(predictions.videos, object)[predictions.video]
    rows = np.concatenate(
        [np.flatnonzero((names == k.video) & (predictions.second == k.second)) for k in some]
    )
    draws = zip(predictions.draws(), scored.draws(), strict=True)
    if any(np.abs(one.score[rows] - other.score).max() > _TOLERANCE for one, other in draws):
        yield f"{path}: not the scores of the checkpoint and bank that lie there now. {_AGAIN}"


def check_metrics(path: Path, predictions: Predictions, split: Split) -> Iterator[str]:
    """Yield a line if metrics are not those of the predictions."""
    expected = metrics(
        predictions, split.annotations, classes=split.labels, excluded=split.excluded
    )
    if _content(path) != json.loads(json.dumps(expected)):
        yield f"{path}: damaged, or not the metrics of the predictions beside it. {_AGAIN}"


def check_thresholds(
    path: Path, predictions: Predictions, split: Split, protocol: str
) -> Iterator[str]:
    """Yield a line if thresholds are not those of the predictions."""
    expected = best_thresholds(
        predictions,
        split.annotations,
        classes=split.labels,
        excluded=split.excluded,
        protocol=protocol,
    )
    if _content(path) != expected:
        yield f"{path}: damaged, or not the thresholds of the predictions beside it. {_AGAIN}"


def check_table(
    path: Path, settings: Mapping[str, Any], files: Mapping[str, Sequence[Path]]
) -> Iterator[str]:
    """Yield a line if the table, or the record of its origin, is not that of the metrics.

    Args:
        path: The table.
        settings: See ``lfb.config.settings.table_settings``.
        files: The metrics of each model, one file for each seed, in the order of the table.
    """
    about = {model: settings["models"][model] for model in files}
    table = map_table(files, about, settings["protocol"])
    if path.read_bytes().decode(errors="replace") != table_csv(table):
        yield f"{path}: damaged, or not the table of the metrics. {_AGAIN}"
    record = path.with_suffix(".json")
    expected = {
        "code": digest_of_code("scripts/map_table.py"),
        "settings": settings,
        "metrics": {str(file): digest(file) for of_model in files.values() for file in of_model},
    }
    if _content(record) != expected:
        yield f"{record}: damaged, or of other code or metrics than those that lie there. {_AGAIN}"


def check_report(path: Path, table: Path) -> Iterator[str]:
    """Yield a line if a page of the report is damaged, or shows another table."""
    try:
        origin = sealed_origin(path.read_bytes().decode(errors="replace"))
    except SealBroken:
        yield f"{path}: damaged, or made by an earlier release. {_AGAIN}"
        return
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    if origin != digest_json(rows):
        yield f"{path}: it shows another table than {table}. {_AGAIN}"


def _content(path: Path) -> Any:
    """Return the content of a JSON file, None if it is damaged."""
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None
