"""Select the keyframes and people for one stage."""

import argparse
import logging

from lfb.data.split import read_outside
from scripts.annotation_arguments import add_split, read_split

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_split(parser)
    parser.add_argument("--proposals", nargs="?", help="pickle or csv of detected people")
    parser.add_argument("--check", required=True, help="what the data check found, JSON")
    parser.add_argument("--split", required=True)
    parser.add_argument("--purpose", required=True, choices=["training", "testing", "bank"])
    parser.add_argument("--output", required=True, help="keyframes to write, .npz")


def run(arguments: argparse.Namespace) -> None:
    split = read_split(arguments, arguments.proposals)
    outside = read_outside(arguments.check, arguments.split)
    chosen = split.select(arguments.purpose, arguments.settings["boxes"], outside)
    people = sum(len(keyframe.boxes) for keyframe in chosen.keyframes)
    log.info("%s: %d keyframes, %d boxes", arguments.purpose, len(chosen.keyframes), people)
    chosen.save(arguments.output)
