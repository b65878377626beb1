"""Builds one piece of a split's feature bank: every so-many-th video."""

import argparse

from lfb.program import program
from scripts.arguments import add_device, computing_threads, parser


def main() -> None:
    made = parser(__doc__)
    add_device(made)
    made.add_argument("--checkpoint", required=True, help="of the baseline")
    made.add_argument("--split", required=True)
    made.add_argument("--piece", required=True, help="Snakemake's scatter item, such as 1-of-4")
    made.add_argument("--output", required=True, help="folder of the piece")
    arguments = made.parse_args()
    with program(arguments.log):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    from lfb.data.keyframes import Keyframes
    from lfb.files.digests import digest, digest_json
    from lfb.learning.clips import Clips, Input
    from lfb.learning.devices import team
    from lfb.learning.inference import build_bank
    from lfb.models.checkpoints import load_checkpoint
    from lfb.video.frames import Manifest

    settings = arguments.settings
    with team(arguments.device, computing_threads(arguments)) as worker:
        chosen, manifest = Keyframes.load(arguments.keyframes), Manifest(arguments.manifest)
        number, pieces = map(int, arguments.piece.split("-of-"))
        videos = chosen.videos[number - 1 :: pieces]
        build_bank(
            load_checkpoint(arguments.checkpoint).build(),
            Clips(chosen.of(videos), manifest.open, Input(**settings["input"])),
            arguments.output,
            split=arguments.split,
            videos=videos,
            attributes={
                "checkpoint": digest(arguments.checkpoint),
                "data": manifest.digest,
                "config": digest_json(settings),
            },
            dtype=settings["bank"]["dtype"],
            batch=settings["inference"]["batch"],
            workers=arguments.workers,
            bfloat16=settings["inference"]["bfloat16"],
            device=worker.device,
        )


if __name__ == "__main__":
    main()
