"""Builds one piece of a split's feature bank: every so-many-th video."""

import argparse

from lfb.program import program
from scripts.arguments import add_device, computing_threads, every, parser


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
    from lfb.learning.jobs import build_bank_piece
    from lfb.learning.team import join_team

    with join_team(arguments.device, computing_threads(arguments)) as team:
        build_bank_piece(
            arguments.settings,
            keyframes=arguments.keyframes,
            manifest=arguments.manifest,
            checkpoint=arguments.checkpoint,
            split=arguments.split,
            piece=every(arguments.piece),
            output=arguments.output,
            device=team.device,
            workers=arguments.workers,
        )


if __name__ == "__main__":
    main()
