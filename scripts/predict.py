"""Scores every box of a split's keyframes with one model."""

from scripts.arguments import add_device, add_split, parser, read_split

from lfb.program import program


def main() -> None:
    made = parser(__doc__)
    add_split(made)
    add_device(made)
    made.add_argument("--checkpoint", required=True)
    made.add_argument("--bank", help="feature bank of this split")
    made.add_argument("--baseline", help="checkpoint that the bank must have been built with")
    made.add_argument("--output", required=True, help="predictions to write, .npz")
    arguments = made.parse_args()
    with program(arguments.log):
        run(arguments)


def run(arguments) -> None:
    from lfb.bank import Bank
    from lfb.checkpoints import load_checkpoint
    from lfb.clips import Clips, Input, Window
    from lfb.dataset import Boxes, Manifest
    from lfb.distributed import team
    from lfb.files import digest
    from lfb.inference import predict

    settings = arguments.settings
    with team(arguments.device, arguments.threads) as worker:
        split, manifest = read_split(arguments), Manifest(arguments.manifest)
        bank = None
        if arguments.bank:
            bank = Bank.open(
                arguments.bank, checkpoint=digest(arguments.baseline), data=manifest.digest
            )
        clips = Clips(
            split.testing(Boxes(**settings["boxes"])),
            manifest.open,
            Input(**settings["input"]),
            bank,
            Window(**settings["window"]) if bank else None,
        )
        predict(
            load_checkpoint(arguments.checkpoint).build(),
            clips,
            split.actions,
            batch=settings["inference"]["batch"],
            workers=settings["inference"]["workers"],
            bfloat16=settings["inference"]["bfloat16"],
            device=worker.device,
        ).save(arguments.output)


if __name__ == "__main__":
    main()
