"""The mAP table: each model compared with the baseline and the published number."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

COLUMNS = (
    "model",
    "operator",
    "backbone",
    "training",
    "seeds",
    "draws",
    "mAP",
    "mAP_std",
    "mAP_std_draws",
    "gain",
    "published_mAP",
    "difference",
    "protocol",
)


def table_csv(table: pd.DataFrame) -> str:
    """Return a table as it is stored."""
    return table.to_csv(index=False, float_format="%.4f", lineterminator="\n")


def map_table(
    metrics: Mapping[str, Sequence[str | Path]],
    models: Mapping[str, Mapping[str, Any]],
    protocol: str,
) -> pd.DataFrame:
    """Return the table, a row for each model.

    Args:
        metrics: The ``metrics.json`` files of each model, one for each seed.
        models: ``operator``, ``backbone``, ``training`` (``whole`` or ``head``) and
            ``published_mAP`` of each model, in the table's order, the baseline first.
        protocol: Protocol whose mAP the table shows.

    Returns:
        ``COLUMNS``. ``mAP`` is in percent, the mean over seeds and over each seed's draws from the
        bank. ``mAP_std`` is the sample standard deviation over seeds (empty for one seed).
        ``mAP_std_draws`` is the one over the draws of a seed (the root mean square over seeds;
        empty for one draw). ``gain`` is over the baseline, ``difference`` from the published
        number.
    """
    rows: list[dict[str, Any]] = []
    for model, about in models.items():
        measured = pd.DataFrame(
            [json.loads(Path(path).read_text())[protocol] for path in metrics[model]]
        ).astype({"mAP_std": float})
        mean = measured["mAP"].mean()
        published = about["published_mAP"]
        rows.append(
            {
                "model": model,
                "operator": about["operator"],
                "backbone": about["backbone"],
                "training": about["training"],
                "seeds": len(measured),
                "draws": len(measured["mAPs"][0]),
                "mAP": mean,
                "mAP_std": measured["mAP"].std(),
                "mAP_std_draws": (measured["mAP_std"] ** 2).mean() ** 0.5,
                "gain": mean - (rows[0]["mAP"] if rows else mean),
                "published_mAP": published,
                "difference": None if published is None else mean - published,
                "protocol": protocol,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {"published_mAP": float, "difference": float}
    )
