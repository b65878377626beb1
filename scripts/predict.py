"""Scores every box of a split's keyframes with one model."""

import argparse

from lfb.program import program
from scripts.arguments import add_device, computing_threads, parser
from scripts.bank_arguments import add_bank


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
    from lfb.learning.jobs import predict_split
    from lfb.learning.team import join_team

    with join_team(arguments.device, computing_threads(arguments)) as team:
        predict_split(
            arguments.settings,
            seed=arguments.seed,
            keyframes=arguments.keyframes,
            manifest=arguments.manifest,
            checkpoint=arguments.checkpoint,
            bank=arguments.bank,
            published=arguments.published,
            baseline=arguments.baseline,
            output=arguments.output,
            device=team.device,
            workers=arguments.workers,
        )


if __name__ == "__main__":
    main()
