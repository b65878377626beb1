"""The mAP table: every model beside the baseline and the published number."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

COLUMNS = (
    "model",
    "operator",
    "backbone",
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


def map_table(
    metrics: Mapping[str, Sequence[str | Path]],
    models: Mapping[str, Mapping[str, Any]],
    protocol: str,
) -> pd.DataFrame:
    """A row for each model.

    Args:
        metrics: The ``metrics.json`` files of each model, one a seed.
        models: ``operator``, ``backbone`` and ``published_mAP`` of each model, in the table's
            order, the baseline first.
        protocol: Whose mAP to show.

    Returns:
        ``COLUMNS``; mAP in percent, the mean over the seeds and over each seed's draws from the
        bank; its sample deviation over the seeds (empty for one), and over the draws of a seed (the
        root mean square of the seeds'; empty for one draw); its gain over the baseline; and its
        difference from the published number.
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
