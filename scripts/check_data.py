"""Check every annotation file and every video, and list all errors."""

import argparse
import logging

from lfb.data.check import check
from lfb.files.atomic import write_json
from scripts.annotation_arguments import add_labels, split_files

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_labels(parser)
    parser.add_argument("--output", required=True, help="summary to write, JSON")


def run(arguments: argparse.Namespace) -> None:
    settings = arguments.settings
    summary = check(
        splits=split_files(arguments),
        labels=arguments.labels,
        unscored=settings["unscored"],
        videos=settings.get("videos"),
        frames=settings.get("frames"),
        first_second=settings["first_second"],
        start=settings["start"],
        seconds=settings["seconds"],
        fps=settings["fps"],
        expected=settings.get("expected", {}),
        invalid_keyframes=settings["invalid_keyframes"],
    )
    for split, found in summary["splits"].items():
        log.info(
            "%s: %d videos, %d keyframes, %d boxes",
            split,
            found["videos"],
            found["keyframes"],
            found["boxes"],
        )
    for warning in summary["warnings"]:
        log.warning("warning: %s", warning)
    write_json(arguments.output, summary)
