"""Write the report: tables, curves, and the models' predictions for single keyframes."""

import argparse
import csv
import json
from pathlib import Path

from scripts.annotation_arguments import add_split, read_split
from scripts.bank_arguments import add_bank


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_split(parser)
    parser.add_argument("--manifest", required=True, help="manifest of the frames")
    parser.add_argument("--check", required=True, help="summary of the data set, JSON")
    parser.add_argument("--table", required=True, help="mAP table, csv")
    add_bank(parser)
    parser.add_argument("--metrics", nargs="+", required=True, help="metrics, by model, then seed")
    parser.add_argument(
        "--histories", nargs="*", default=[], help="histories of the trained models"
    )
    parser.add_argument("--predictions", nargs="+", required=True, help="those of the first seed")
    parser.add_argument("--checkpoints", nargs="+", required=True, help="those of the first seed")
    parser.add_argument("--output", required=True, help="page to write, html")
    parser.add_argument("--browser", required=True, help="page of all keyframes to write, html")


def run(arguments: argparse.Namespace) -> None:
    import torch

    from lfb.bank.opening import open_bank
    from lfb.data.check_frames import left_out_frames
    from lfb.learning.clips import Input, Window
    from lfb.report.page import write_report
    from lfb.report.results import Data, day_of, load_models
    from lfb.video.frames import Manifest

    torch.set_num_threads(1)  # sums do not depend on the number of cores
    settings = arguments.settings
    manifest = Manifest(arguments.manifest)
    baseline = arguments.checkpoints[settings["models"].index("baseline")]
    bank = open_bank(
        arguments.bank,
        data=manifest.digest,
        published=arguments.published,
        baseline=baseline,
    )
    check = json.loads(Path(arguments.check).read_text())
    check["warnings"] += left_out_frames(check["seconds"], {"videos": manifest.videos})
    with Path(arguments.table).open(newline="") as file:
        table = list(csv.DictReader(file))
    write_report(
        arguments.output,
        arguments.browser,
        models=load_models(
            settings["models"],
            settings["trained"],
            metrics=arguments.metrics,
            histories=arguments.histories,
            predictions=arguments.predictions,
            checkpoints=arguments.checkpoints,
        ),
        seeds=settings["seeds"],
        data=Data(
            name=settings["data"],
            split=read_split(arguments),
            manifest=manifest,
            clip=Input(**settings["input"]),
            bank=bank,
            window=Window(**settings["window"]),
            check=check,
        ),
        table=table,
        protocol=settings["protocol"],
        sampling=settings["sampling"],
        date=day_of(arguments.metrics),
    )
