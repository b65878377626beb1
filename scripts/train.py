"""Trains one model, on as many processes as asked for."""

import argparse
from pathlib import Path

from lfb.program import program
from scripts.arguments import add_device, computing_threads, parser
from scripts.bank_arguments import add_bank


def main() -> None:
    made = parser(__doc__)
    add_device(made)
    made.add_argument("--processes", type=int, default=1)
    made.add_argument("--seed", type=int, required=True)
    add_bank(made)
    made.add_argument("--checkpoint", required=True, help="checkpoint to write")
    made.add_argument("--history", required=True, help="metrics of each epoch to write")
    arguments = made.parse_args()
    with program(arguments.log):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    from lfb.learning.launch import relaunch

    relaunch(arguments.processes, arguments.device)

    from lfb.learning.jobs import train_model
    from lfb.learning.team import join_team

    threads = computing_threads(arguments, arguments.processes)
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
            workers=arguments.workers,
        )


if __name__ == "__main__":
    main()
