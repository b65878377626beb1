"""Write a model's predictions as the csv that AVA's evaluation script reads."""

import argparse

from lfb.data.predictions import Predictions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--predictions", required=True)
    parser.add_argument("--output", required=True, help="csv to write")


def run(arguments: argparse.Namespace) -> None:
    Predictions.load(arguments.predictions).write_csv(arguments.output)
