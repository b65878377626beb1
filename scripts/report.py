"""Writes the report: tables, curves, and what the models say of single keyframes."""

import argparse
import csv
import json
from itertools import islice
from pathlib import Path

from lfb.program import program
from scripts.annotation_arguments import add_split, read_split
from scripts.arguments import parser
from scripts.bank_arguments import add_bank, open_bank


def main() -> None:
    made = parser(__doc__)
    add_split(made)
    made.add_argument("--manifest", required=True, help="manifest of the frames")
    made.add_argument("--check", required=True, help="summary of the data set, JSON")
    made.add_argument("--table", required=True, help="mAP table, csv")
    add_bank(made)
    made.add_argument("--metrics", nargs="+", required=True, help="model by model, seed by seed")
    made.add_argument("--histories", nargs="*", default=[], help="of those that were trained")
    made.add_argument("--predictions", nargs="+", required=True, help="of the first seed")
    made.add_argument("--checkpoints", nargs="+", required=True, help="of the first seed")
    made.add_argument("--output", required=True, help="page to write, html")
    arguments = made.parse_args()
    with program(arguments.log):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    import torch

    from lfb.data.predictions import Predictions
    from lfb.learning.clips import Input, Window
    from lfb.models.checkpoints import load_checkpoint
    from lfb.report.page import Data, Model, write_report
    from lfb.video.frames import Manifest

    torch.set_num_threads(1)  # a handful of clips, and the same sums on any machine
    settings = arguments.settings
    seeds, names = settings["seeds"], settings["models"]
    manifest = Manifest(arguments.manifest)
    bank = open_bank(arguments, manifest.digest, arguments.checkpoints[names.index("baseline")])
    histories = iter(arguments.histories)
    models = []
    for number, name in enumerate(names):
        of_model = slice(number * len(seeds), (number + 1) * len(seeds))
        of_training = islice(histories, len(seeds)) if name in settings["trained"] else ()
        models.append(
            Model(
                name,
                [json.loads(Path(path).read_text()) for path in arguments.metrics[of_model]],
                [
                    [json.loads(line) for line in Path(path).read_text().splitlines()]
                    for path in of_training
                ],
                Predictions.load(arguments.predictions[number]),
                load_checkpoint(arguments.checkpoints[number]),
            )
        )
    with Path(arguments.table).open(newline="") as file:
        table = list(csv.DictReader(file))
    write_report(
        arguments.output,
        models=models,
        seeds=seeds,
        data=Data(
            read_split(arguments),
            manifest,
            Input(**settings["input"]),
            bank,
            Window(**settings["window"]),
            json.loads(Path(arguments.check).read_text()),
        ),
        table=table,
        protocol=settings["protocol"],
        sampling=settings["sampling"],
    )


if __name__ == "__main__":
    main()
