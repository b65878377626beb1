"""Builds one piece of a split's feature bank: every so-many-th video."""

from scripts.arguments import add_device, add_split, parser, read_split

from lfb.program import program


def main() -> None:
    made = parser(__doc__)
    add_split(made)
    add_device(made)
    made.add_argument("--checkpoint", required=True, help="of the baseline")
    made.add_argument("--split", required=True)
    made.add_argument("--piece", required=True, help="Snakemake's scatter item, such as 1-of-4")
    made.add_argument("--output", required=True, help="folder of the piece")
    arguments = made.parse_args()
    with program(arguments.log):
        run(arguments)


def run(arguments) -> None:
    from lfb.checkpoints import load_checkpoint
    from lfb.clips import Clips, Input
    from lfb.dataset import Boxes, Manifest, keep
    from lfb.distributed import team
    from lfb.files import digest, digest_json
    from lfb.inference import build_bank

    settings = arguments.settings
    with team(arguments.device, arguments.threads) as worker:
        split, manifest = read_split(arguments), Manifest(arguments.manifest)
        number, pieces = map(int, arguments.piece.split("-of-"))
        videos = split.videos()[number - 1 :: pieces]
        keyframes = keep(split.bank(Boxes(**settings["boxes"])), set(videos))
        build_bank(
            load_checkpoint(arguments.checkpoint).build(),
            Clips(keyframes, manifest.open, Input(**settings["input"])),
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
            workers=settings["inference"]["workers"],
            bfloat16=settings["inference"]["bfloat16"],
            device=worker.device,
        )


if __name__ == "__main__":
    main()
