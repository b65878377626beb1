"""Score the people of a film with one model."""

import argparse

from scripts.arguments import add_device, computing_threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_device(parser)
    parser.add_argument("--checkpoint", required=True, help="checkpoint of the model")
    parser.add_argument("--bank", help="feature bank of the film, omitted for the baseline")
    parser.add_argument("--baseline", help="baseline; the bank must be built with it")
    parser.add_argument(
        "--seed", type=int, required=True, help="seed of random draws from the bank"
    )
    parser.add_argument("--output", required=True, help="predictions to write, .npz")
    parser.add_argument("--attention", required=True, help="attention to write, .npz")


def run(arguments: argparse.Namespace) -> None:
    from lfb.learning.jobs.watching import predict_film
    from lfb.learning.team import join_team

    with join_team(arguments.device, computing_threads(arguments)) as team:
        predict_film(
            arguments.settings,
            seed=arguments.seed,
            keyframes=arguments.keyframes,
            manifest=arguments.manifest,
            checkpoint=arguments.checkpoint,
            bank=arguments.bank,
            baseline=arguments.baseline,
            output=arguments.output,
            attention=arguments.attention,
            device=team.device,
            workers=arguments.workers,
        )
