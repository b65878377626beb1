"""Measure a model's predictions under the three public protocols."""

import argparse
import logging

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
    for protocol, found in measured.items():
        spread = ""
        if found["mAP_std"] is not None:
            spread = f" ± {found['mAP_std']:.2f} over {len(found['mAPs'])} draws"
        log.info("mAP %.2f%s under protocol %s", found["mAP"], spread, protocol)
        if found["left_out"]:
            log.warning(
                "warning: %s: left out of the mean: %s",
                protocol,
                ", ".join(found["left_out"]),
            )
    write_json(arguments.output, measured)
