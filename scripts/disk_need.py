"""Says what a run will need on disk, before its frames are extracted."""

import argparse
import logging

from lfb.data.split import Split
from lfb.errors import DataErrors, UserError
from lfb.files.disk import disks, format_size
from lfb.files.videos import find_videos
from lfb.learning.disk_need import banks_need, frames_need, model_need
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
            run(arguments)
        except DataErrors:
            log.warning(
                "how much disk is needed cannot be told: the data has faults; the check names them"
            )
        except UserError as error:
            log.warning("how much disk is needed cannot be told: %s", str(error).splitlines()[0])


def run(arguments: argparse.Namespace) -> None:
    settings = arguments.settings
    splits = [
        Split.read(arguments.labels, settings["unscored"], files.annotations, files.proposals)
        for files in arguments.files.values()
    ]
    frames = 0
    if "videos" in settings:
        there = find_videos(settings["videos"])
        annotated = {video for split in splits for video in split.annotations["video"]}
        frames = frames_need(
            {video: there[video] for video in annotated & there.keys()},
            arguments.frames,
            fps=settings["fps"],
            start=settings["start"],
            seconds=settings["seconds"],
        )
    models = {
        name: model_need(model, splits[0].outputs) for name, model in settings["models"].items()
    }
    _, channels = models["baseline"]
    banks = settings["seeds"] * banks_need(splits, settings["boxes"], channels, settings["dtype"])
    # Beside each checkpoint lies its resume state, of weights and momentum, and for a moment two.
    sizes = [size for size, _ in models.values()]
    checkpoints = settings["seeds"] * 3 * sum(sizes) + 2 * max(sizes)
    log.info(
        "the run will need about %s for frames, %s for banks, %s for checkpoints",
        *map(format_size, (frames, banks, checkpoints)),
    )
    for disk in disks({arguments.frames: frames, arguments.results: banks + checkpoints}):
        log.info("%s", disk)
        if disk.needed > disk.free:
            log.warning("warning: that disk is too small")


if __name__ == "__main__":
    main()
