"""Train one model in one or more processes."""

import argparse
from pathlib import Path

from scripts.arguments import add_device, computing_threads, read_json
from scripts.bank_arguments import add_bank


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_device(parser)
    parser.add_argument(
        "--processes", type=int, default=1, help="training processes, one for each GPU"
    )
    parser.add_argument("--nodes", type=int, default=1, help="nodes that share the processes")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--monitoring", type=read_json, required=True, help="how to watch, JSON")
    parser.add_argument("--save-minutes", type=float, help="minutes between saves in an epoch")
    parser.add_argument("--keep", type=int, default=1, help="finished trainings to keep")
    add_bank(parser)
    parser.add_argument("--checkpoint", required=True, help="checkpoint to write")
    parser.add_argument("--history", required=True, help="metrics of each epoch to write")


def run(arguments: argparse.Namespace) -> None:
    from lfb.learning.launch import relaunch

    relaunch(arguments.processes, arguments.device, arguments.nodes, arguments.threads)

    from lfb.learning.jobs.training import train_model
    from lfb.learning.team import join_team

    threads = computing_threads(arguments, max(1, arguments.processes // arguments.nodes))
    with join_team(arguments.device, threads) as team:
        train_model(
            arguments.settings,
            name=Path(arguments.checkpoint).parent.name,
            seed=arguments.seed,
            keyframes=arguments.keyframes,
            manifest=arguments.manifest,
            bank=arguments.bank,
            published=arguments.published,
            checkpoint=arguments.checkpoint,
            history=arguments.history,
            team=team,
            monitoring=arguments.monitoring,
            save_minutes=arguments.save_minutes,
            keep=arguments.keep,
            workers=arguments.workers,
        )
