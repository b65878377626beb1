"""Scores every box of a split's keyframes with one model."""

import argparse

from lfb.program import program
from scripts.arguments import add_device, computing_threads, parser
from scripts.bank_arguments import add_bank, open_bank


def main() -> None:
    made = parser(__doc__)
    add_device(made)
    made.add_argument("--checkpoint", required=True)
    add_bank(made)
    made.add_argument("--baseline", help="checkpoint that a bank of ours must have been built with")
    made.add_argument("--seed", type=int, required=True, help="of draws from the bank")
    made.add_argument("--output", required=True, help="predictions to write, .npz")
    arguments = made.parse_args()
    with program(arguments.log):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    from lfb.data.keyframes import Keyframes
    from lfb.learning.clips import Clips, Draws, Input, Window
    from lfb.learning.devices import team
    from lfb.learning.inference import predict
    from lfb.models.checkpoints import load_checkpoint
    from lfb.video.frames import Manifest

    settings = arguments.settings
    with team(arguments.device, computing_threads(arguments)) as worker:
        chosen, manifest = Keyframes.load(arguments.keyframes), Manifest(arguments.manifest)
        bank = open_bank(arguments, manifest.digest, arguments.baseline)
        inference = settings["inference"]
        draws = None
        if bank and inference["sampling"] == "random":
            draws = Draws(inference["draws"], arguments.seed)
        clips = Clips(
            chosen.keyframes,
            manifest.open,
            Input(**settings["input"]),
            bank,
            Window(**settings["window"]) if bank else None,
            draws=draws,
        )
        predict(
            load_checkpoint(arguments.checkpoint).build(),
            clips,
            chosen.actions,
            batch=inference["batch"],
            workers=arguments.workers,
            bfloat16=inference["bfloat16"],
            device=worker.device,
            scales=inference["scales"],
            flip=inference["flip"],
        ).save(arguments.output)


if __name__ == "__main__":
    main()
