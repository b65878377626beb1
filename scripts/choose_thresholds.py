"""Choose the threshold of each class with the best F1 on a model's predictions."""

import argparse
import logging

from lfb.data.predictions import Predictions
from lfb.files.atomic import write_json
from lfb.scoring.thresholds import best_thresholds
from scripts.annotation_arguments import add_split, read_split

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_split(parser)
    parser.add_argument("--predictions", required=True, help=".npz")
    parser.add_argument("--output", required=True, help="thresholds to write, JSON")


def run(arguments: argparse.Namespace) -> None:
    split = read_split(arguments)
    chosen = best_thresholds(
        Predictions.load(arguments.predictions),
        split.annotations,
        classes=split.labels,
        excluded=split.excluded,
        protocol=arguments.settings["protocol"],
    )
    without = [c["name"] for c in chosen["classes"] if c["threshold"] is None]
    log.info("thresholds of %d classes", len(chosen["classes"]) - len(without))
    if without:
        log.warning("warning: no threshold for: %s", ", ".join(without))
    write_json(arguments.output, chosen)
