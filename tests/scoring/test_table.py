"""Tests of lfb.scoring.table."""

import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd
import pytest

from lfb.scoring.table import COLUMNS, map_table

MODELS = {
    "baseline": {
        "operator": "none",
        "backbone": "slowonly",
        "training": "whole",
        "published_mAP": 20.0,
    },
    "lfb_max": {
        "operator": "max",
        "backbone": "slowonly",
        "training": "head",
        "published_mAP": None,
    },
}


def write_metrics(folder: Path, **values: list[float]) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = {}
    for model, seeds in values.items():
        for seed, value in enumerate(seeds):
            path = folder / f"{model}-{seed}.json"
            path.write_text(json.dumps({"mmaction2": one(value), "slowfast": one(-value)}))
            files.setdefault(model, []).append(path)
    return files


def one(*draws: float) -> dict[str, Any]:
    """Return the metrics of one protocol that the table uses."""
    spread = stdev(draws) if draws[1:] else None
    return {"mAP": mean(draws), "mAP_std": spread, "mAPs": draws, "classes": []}


def test_each_model_has_a_row_with_mean_deviation_gain_and_difference(tmp_path):
    metrics = write_metrics(tmp_path, lfb_max=[23.0, 25.0], baseline=[20.0, 21.0])
    table = map_table(metrics, MODELS, "mmaction2")
    assert tuple(table.columns) == COLUMNS
    assert table["model"].tolist() == ["baseline", "lfb_max"]
    assert table["operator"].tolist() == ["none", "max"]
    assert table["training"].tolist() == ["whole", "head"]
    assert table["seeds"].tolist() == [2, 2]
    assert table["mAP"].tolist() == [20.5, 24.0]
    assert table["mAP_std"].tolist() == pytest.approx([0.5**0.5, 2**0.5])
    assert table["gain"].tolist() == [0.0, 3.5]
    assert table["difference"][0] == 0.5
    assert table[["published_mAP", "difference"]].loc[1].isna().all()


def test_one_seed_has_no_deviation_and_the_protocol_chooses_the_number(tmp_path):
    table = map_table(write_metrics(tmp_path, baseline=[20.0], lfb_max=[21.0]), MODELS, "slowfast")
    assert table["mAP"].tolist() == [-20.0, -21.0]
    assert table["mAP_std"].isna().all()
    assert set(table["protocol"]) == {"slowfast"}


def test_columns_are_numeric_even_if_nothing_is_published(tmp_path):
    table = map_table(
        write_metrics(tmp_path, lfb_max=[1.0]), {"lfb_max": MODELS["lfb_max"]}, "mmaction2"
    )
    assert all(pd.api.types.is_float_dtype(table[name]) for name in COLUMNS[6:12])


def test_the_spread_over_draws_is_shown_beside_that_over_seeds(tmp_path):
    metrics = write_metrics(tmp_path, baseline=[20.0, 20.0], lfb_max=[0.0, 0.0])
    for path, draws in zip(metrics["lfb_max"], [(21, 22, 23), (24, 26, 28)], strict=True):
        path.write_text(json.dumps({"mmaction2": one(*draws)}))
    table = map_table(metrics, MODELS, "mmaction2")
    assert table["draws"].tolist() == [1, 3]
    assert table["mAP"].tolist() == [20, 24]
    assert table["mAP_std"].tolist() == pytest.approx([0, 8**0.5])  # deviation of 22 and 26
    assert table["mAP_std_draws"].isna().tolist() == [True, False]
    assert table["mAP_std_draws"][1] == pytest.approx(((1 + 4) / 2) ** 0.5)
