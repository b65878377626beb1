"""Write the mAP table, and a record of the code, settings and metrics behind it."""

import argparse
import logging

from lfb.code_digest import digest_of_code
from lfb.files.atomic import atomic, write_json
from lfb.files.digests import digest
from lfb.scoring.table import map_table, table_csv

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", nargs="+", required=True, help="models in the order of the table"
    )
    parser.add_argument("--metrics", nargs="+", required=True, help="metrics, by model, then seed")
    parser.add_argument("--output", required=True, help="table to write, csv")
    parser.add_argument("--origin", required=True, help="record to write, JSON")


def run(arguments: argparse.Namespace) -> None:
    settings, models = arguments.settings, arguments.models
    seeds = len(arguments.metrics) // len(models)
    files = {
        model: arguments.metrics[number * seeds : (number + 1) * seeds]
        for number, model in enumerate(models)
    }
    about = {model: settings["models"][model] for model in models}
    table = map_table(files, about, settings["protocol"])
    shown = table.drop(columns="protocol").dropna(axis="columns", how="all")
    printed = shown.to_string(index=False, float_format="%.2f")
    log.info("mAP at IoU 0.5, protocol %s\n%s", settings["protocol"], printed)
    with atomic(arguments.output) as scratch:
        scratch.write_text(table_csv(table))
    origin = {
        "code": digest_of_code("scripts/map_table.py"),
        "settings": settings,
        "metrics": {file: digest(file) for file in arguments.metrics},
    }
    write_json(arguments.origin, origin)
