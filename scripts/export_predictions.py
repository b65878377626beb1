"""Write a model's predictions for an annotation tool, so that a person corrects them."""

import argparse
import logging

from lfb.data.annotations import read_labels
from lfb.data.predictions import Predictions
from lfb.exchange.ava import Clock
from lfb.exchange.films import Films
from lfb.exchange.predictions import read_thresholds, recordings_of, write_for_tool

log = logging.getLogger("lfb")

DEFAULT = 0.5  # threshold of actions that have none in the file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--predictions", required=True)
    parser.add_argument("--labels", required=True, help="label list")
    parser.add_argument("--thresholds", nargs="?", help="thresholds.json of a model")
    parser.add_argument("--model", required=True, help="name of the model, for the tool")
    parser.add_argument("--tool", required=True, choices=["cvat", "label_studio"])
    parser.add_argument("--output", required=True, help="zip to write")


def run(arguments: argparse.Namespace) -> None:
    settings = arguments.settings
    labels = read_labels(arguments.labels)
    default = DEFAULT if arguments.thresholds else settings["threshold"]
    own = read_thresholds(arguments.thresholds) if arguments.thresholds else {}
    films = Films(settings["data"])
    recordings = recordings_of(
        Predictions.load(arguments.predictions),
        labels,
        {action: own.get(action, default) for action in labels},
        films,
        Clock.of(settings["data"]),
    )
    write_for_tool(
        arguments.output,
        arguments.tool,
        recordings,
        list(labels.values()),
        films,
        model=arguments.model,
        url=settings["label_studio_videos"],
    )
    people = sum(len(recording.tracks) for recording in recordings)
    log.info("%d people in %d videos for %s", people, len(recordings), arguments.tool)
