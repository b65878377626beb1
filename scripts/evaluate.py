"""Measure a model's predictions under the three public protocols."""

import argparse
import logging
from collections.abc import Mapping
from typing import Any

from lfb.data.predictions import Predictions, read_csv
from lfb.files.atomic import write_json
from lfb.scoring.evaluation import metrics
from scripts.annotation_arguments import add_split, read_split

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_split(parser)
    parser.add_argument("--predictions", required=True, help=".npz, or a submission as .csv")
    parser.add_argument("--output", required=True, help="metrics to write, JSON")


def run(arguments: argparse.Namespace) -> None:
    split = read_split(arguments)
    load = read_csv if arguments.predictions.endswith(".csv") else Predictions.load
    measured = metrics(
        load(arguments.predictions),
        split.annotations,
        classes=split.labels,
        excluded=split.excluded,
    )
    log.info("%s", "; ".join(_map_text(protocol, found) for protocol, found in measured.items()))
    for names, protocols in _left_out(measured).items():
        log.warning(
            "warning: left out of the mean under protocol %s: %s",
            ", ".join(protocols),
            ", ".join(names),
        )
    write_json(arguments.output, measured)


def _map_text(protocol: str, found: Mapping[str, Any]) -> str:
    """Return the mAP under a protocol, with its spread if there are several draws."""
    spread = ""
    if found["mAP_std"] is not None:
        spread = f" ± {found['mAP_std']:.2f} over {len(found['mAPs'])} draws"
    return f"mAP {found['mAP']:.2f}{spread} under protocol {protocol}"


def _left_out(measured: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, ...], list[str]]:
    """Return the protocols that leave the same classes out of the mean, by these classes."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for protocol, found in measured.items():
        if found["left_out"]:
            groups.setdefault(tuple(found["left_out"]), []).append(protocol)
    return groups
