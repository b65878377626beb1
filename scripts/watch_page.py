"""Write the page beside a film: a timeline, and what each model says and looks at."""

import argparse

from scripts.annotation_arguments import add_labels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_labels(parser)
    parser.add_argument("--name", required=True, help="name of the film")
    parser.add_argument("--manifest", required=True, help="manifest of its frames")
    parser.add_argument("--bank", help="bank of the film, omitted if no model looks it up")
    parser.add_argument("--predictions", nargs="+", required=True, help="of each model, .npz")
    parser.add_argument("--attention", nargs="+", required=True, help="of each model, .npz")
    parser.add_argument("--film", required=True, help="file of the film, in the folder of the page")
    parser.add_argument("--table", required=True, help="file of the scores, in the same folder")
    parser.add_argument("--output", required=True, help="page to write, html")


def run(arguments: argparse.Namespace) -> None:
    from lfb.bank.opening import open_bank
    from lfb.learning.attention import Attended
    from lfb.report.watch.page import write_page
    from lfb.report.watch.people import Watched, thresholds_of
    from lfb.video.frames import Manifest

    settings = arguments.settings
    models = settings["models"]
    predictions = dict(zip(models, arguments.predictions, strict=True))
    attention = dict(zip(models, map(Attended.load, arguments.attention), strict=True))
    people = Watched.of(arguments.name, arguments.labels, predictions)
    manifest = Manifest(arguments.manifest)
    write_page(
        arguments.output,
        people=people,
        thresholds=thresholds_of(people.classes, settings),
        shown=settings["model"],
        attention=attention,
        bank=open_bank(arguments.bank, data=manifest.digest),
        manifest=manifest,
        film=arguments.film,
        table=arguments.table,
    )
