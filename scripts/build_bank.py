"""Build one piece of a split's feature bank, from some of its videos."""

import argparse

from scripts.arguments import add_device, add_piece, computing_threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_device(parser)
    parser.add_argument("--checkpoint", required=True, help="checkpoint of the baseline")
    parser.add_argument("--split", required=True)
    add_piece(parser)
    parser.add_argument("--output", required=True, help="folder of the piece")


def run(arguments: argparse.Namespace) -> None:
    from lfb.learning.jobs.inference import build_bank_piece
    from lfb.learning.team import join_team

    with join_team(arguments.device, computing_threads(arguments)) as team:
        build_bank_piece(
            arguments.settings,
            keyframes=arguments.keyframes,
            manifest=arguments.manifest,
            checkpoint=arguments.checkpoint,
            split=arguments.split,
            piece=arguments.piece,
            output=arguments.output,
            device=team.device,
            workers=arguments.workers,
        )
