"""Score the boxes of one piece of a split's keyframes, those of some videos, with one model."""

import argparse

from scripts.arguments import add_device, add_piece, computing_threads
from scripts.bank_arguments import add_bank


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_device(parser)
    parser.add_argument("--checkpoint", required=True, help="checkpoint of the model")
    add_bank(parser)
    parser.add_argument("--baseline", help="baseline; the bank must be built with it")
    parser.add_argument(
        "--seed", type=int, required=True, help="seed of random draws from the bank"
    )
    add_piece(parser)
    parser.add_argument("--output", required=True, help="predictions to write, .npz")


def run(arguments: argparse.Namespace) -> None:
    from lfb.learning.jobs.inference import predict_split
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
            piece=arguments.piece,
            output=arguments.output,
            device=team.device,
            workers=arguments.workers,
        )
