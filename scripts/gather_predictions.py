"""Join the pieces of a model's predictions."""

import argparse

from lfb.data.predictions import Predictions, join_predictions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pieces", nargs="+", help="predictions of the pieces, .npz")
    parser.add_argument("--output", required=True, help="predictions to write, .npz")


def run(arguments: argparse.Namespace) -> None:
    join_predictions([Predictions.load(path) for path in arguments.pieces]).save(arguments.output)
