"""Write a film with the people, their numbers and their actions, and the table of all scores."""

import argparse

from scripts.annotation_arguments import add_labels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_labels(parser)
    parser.add_argument("--name", required=True, help="name of the film")
    parser.add_argument("--video", required=True, help="its file")
    parser.add_argument("--predictions", required=True, help="scores of the shown model, .npz")
    parser.add_argument("--threads", type=int, default=1, help="threads of the encoder")
    parser.add_argument("--film", required=True, help="film to write, mp4")
    parser.add_argument("--table", required=True, help="table to write, csv")


def run(arguments: argparse.Namespace) -> None:
    from lfb.report.watch.people import Watched, thresholds_of
    from lfb.video.film import Footage, write_film

    settings = arguments.settings
    model = settings["model"]
    people = Watched.of(arguments.name, arguments.labels, {model: arguments.predictions})
    thresholds = thresholds_of(people.classes, settings)
    write_film(
        Footage.of_video(arguments.video),
        arguments.film,
        people.overlays(model, thresholds),
        threads=arguments.threads,
    )
    people.write_csv(arguments.table, model)
