"""Score the people of one piece of a split's keyframes, those of some videos, with a head."""

import argparse

from scripts.arguments import add_piece
from scripts.head_arguments import add_head


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_head(parser)
    parser.add_argument("--checkpoint", required=True, help="checkpoint of the model")
    add_piece(parser)
    parser.add_argument("--output", required=True, help="predictions to write, .npz")


def run(arguments: argparse.Namespace) -> None:
    from lfb.learning.jobs.heads import predict_head
    from lfb.learning.team import join_team

    with join_team(arguments.device, arguments.threads) as team:
        predict_head(
            arguments.settings,
            seed=arguments.seed,
            keyframes=arguments.keyframes,
            people=arguments.people,
            baseline=arguments.baseline,
            bank=arguments.bank,
            published=arguments.published,
            checkpoint=arguments.checkpoint,
            piece=arguments.piece,
            output=arguments.output,
            device=team.device,
        )
