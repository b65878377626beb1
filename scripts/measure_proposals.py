"""Measure the share of annotated people among the proposals of a split."""

import argparse
import logging

from lfb.data.recall import describe, measure, shifted_seconds
from lfb.files.atomic import write_json
from scripts.annotation_arguments import add_split, read_split

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_split(parser)
    parser.add_argument("--proposals", required=True, help="pickle or csv of detected people")
    parser.add_argument("--split", required=True)
    parser.add_argument("--output", required=True, help="counts to write, JSON")


def run(arguments: argparse.Namespace) -> None:
    scores = arguments.settings["scores"]
    split = read_split(arguments, arguments.proposals)
    assert split.proposals is not None
    measured = measure(split.annotations, split.proposals, split.excluded, scores)
    log.info("%s: %s", arguments.split, describe(measured, scores))
    if warning := shifted_seconds(split.annotations, split.proposals, split.excluded):
        log.warning("warning: %s: %s", arguments.split, warning)
    write_json(arguments.output, measured)
