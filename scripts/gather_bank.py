"""Join the pieces of a feature bank."""

import argparse

from lfb.bank.writing import gather


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pieces", nargs="+", help="folders of the pieces")
    parser.add_argument("--output", required=True, help="folder of the bank")


def run(arguments: argparse.Namespace) -> None:
    gather(arguments.pieces, arguments.output)
