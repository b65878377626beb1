"""Train the head of a model on the features of people."""

import argparse
from pathlib import Path

from scripts.head_arguments import add_head


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_head(parser)
    parser.add_argument("--tensorboard", action="store_true", help="write for TensorBoard")
    parser.add_argument("--save-minutes", type=float, help="minutes between saves in an epoch")
    parser.add_argument("--keep", type=int, default=1, help="finished trainings to keep")
    parser.add_argument("--checkpoint", required=True, help="checkpoint to write")
    parser.add_argument("--history", required=True, help="metrics of each epoch to write")


def run(arguments: argparse.Namespace) -> None:
    from lfb.learning.jobs.heads import train_head
    from lfb.learning.team import join_team

    with join_team(arguments.device, arguments.threads) as team:
        train_head(
            arguments.settings,
            name=Path(arguments.checkpoint).parent.name,
            seed=arguments.seed,
            keyframes=arguments.keyframes,
            people=arguments.people,
            baseline=arguments.baseline,
            bank=arguments.bank,
            published=arguments.published,
            checkpoint=arguments.checkpoint,
            history=arguments.history,
            team=team,
            tensorboard=arguments.tensorboard,
            save_minutes=arguments.save_minutes,
            keep=arguments.keep,
        )
