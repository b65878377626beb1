"""Looks for people in the keyframes of one piece of a split: every so-many-th video."""

import argparse
import logging

from lfb.program import program
from scripts.annotation_arguments import add_split, read_split
from scripts.arguments import computing_threads, parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    add_split(made)
    made.add_argument("--manifest", required=True, help="manifest of the frames")
    made.add_argument("--weights", required=True, help="of the person detector, .pth")
    made.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])
    made.add_argument("--threads", type=int, default=1, help="of the whole job")
    made.add_argument("--workers", type=int, default=0, help="processes that read frames")
    made.add_argument("--piece", required=True, help="Snakemake's scatter item, such as 1-of-4")
    made.add_argument("--output", required=True, help="proposals of the piece, pickle")
    arguments = made.parse_args()
    with program(arguments.log):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    from lfb.data.proposals import write_proposals
    from lfb.learning.devices import team
    from lfb.learning.person_detection import detect, keyframes_to_search, load_detector
    from lfb.video.frames import Manifest

    settings = arguments.settings
    with team(arguments.device, computing_threads(arguments)) as worker:
        manifest, rows = Manifest(arguments.manifest), read_split(arguments).annotations
        number, pieces = map(int, arguments.piece.split("-of-"))
        videos = sorted(rows["video"].unique())[number - 1 :: pieces]
        keyframes = keyframes_to_search(
            rows[rows["video"].isin(videos)],
            lambda video: manifest.open(video).info,
            settings["seconds"],
        )
        proposals = detect(
            load_detector(settings["name"], arguments.weights, settings["score"]),
            keyframes,
            manifest.open,
            workers=arguments.workers,
            device=worker.device,
        )
        log.info(
            "%d people in %d of %d frames",
            len(proposals.boxes),
            len(proposals.index),
            len(keyframes),
        )
        write_proposals(arguments.output, proposals)


if __name__ == "__main__":
    main()
