"""Log what a run needs on disk, before it extracts frames."""

import logging

from lfb.data.split import Split
from lfb.errors import DataErrors, UserError
from lfb.files.disk import disks, format_size
from lfb.learning.disk_use import DiskUse, estimate_disk_use
from lfb.program import program
from scripts.annotation_arguments import add_splits
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    add_splits(made)
    made.add_argument("--frames", required=True, help="folder of packed frames")
    made.add_argument("--results", required=True, help="folder of banks and checkpoints")
    arguments = made.parse_args()
    with program(arguments.log):
        try:
            splits = [
                Split.read(
                    arguments.labels,
                    arguments.settings["unscored"],
                    files.annotations,
                    files.proposals,
                )
                for files in arguments.files.values()
            ]
            use = estimate_disk_use(splits, arguments.settings, arguments.frames)
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


if __name__ == "__main__":
    main()
