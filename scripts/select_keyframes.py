"""Select the keyframes and people for one stage."""

import argparse
import logging

from scripts.annotation_arguments import add_split, read_split

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_split(parser)
    parser.add_argument("--proposals", nargs="?", help="pickle or csv of detected people")
    parser.add_argument("--purpose", required=True, choices=["training", "testing", "bank"])
    parser.add_argument("--output", required=True, help="keyframes to write, .npz")


def run(arguments: argparse.Namespace) -> None:
    split = read_split(arguments, arguments.proposals)
    chosen = split.select(arguments.purpose, arguments.settings["boxes"])
    people = sum(len(keyframe.boxes) for keyframe in chosen.keyframes)
    log.info("%s: %d keyframes, %d boxes", arguments.purpose, len(chosen.keyframes), people)
    chosen.save(arguments.output)
