"""Estimate the disk use of a run, before it extracts frames."""

import argparse
import logging

from lfb.data.split import Split
from lfb.errors import DataErrors, UserError
from lfb.files.disk import disks, format_size
from lfb.learning.disk_use import DiskUse, estimate_disk_use
from scripts.annotation_arguments import add_labels, split_files

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_labels(parser)
    parser.add_argument("--frames", required=True, help="folder of packed frames")
    parser.add_argument("--results", required=True, help="folder of banks and checkpoints")


def run(arguments: argparse.Namespace) -> None:
    settings = arguments.settings
    try:
        splits = [
            Split.read(
                arguments.labels,
                settings["unscored"],
                files.annotations,
                files.proposals,
                drop=settings["invalid_keyframes"] == "drop",
            )
            for files in split_files(arguments).values()
        ]
        use = estimate_disk_use(splits, settings, arguments.frames)
    except DataErrors:
        log.warning("cannot estimate disk use: the data has errors; check_data lists them")
    except UserError as error:
        log.warning("cannot estimate disk use: %s", str(error).splitlines()[0])
    else:
        report(use, arguments.frames, arguments.results)


def report(use: DiskUse, frames: str, results: str) -> None:
    """Log the disk use, and warn of disks that are too small."""
    log.info(
        "the run needs about %s for frames, %s for banks, %s for checkpoints",
        *map(format_size, use),
    )
    for disk in disks({frames: use.frames, results: use.banks + use.checkpoints}):
        log.info("%s", disk)
        if disk.needed > disk.free:
            log.warning("warning: this disk is too small")
