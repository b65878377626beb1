"""Arguments of the programs that look up rows of a bank."""

import argparse


def add_bank(parser: argparse.ArgumentParser) -> None:
    """Add the bank, and the published file of the bank if the config names one."""
    parser.add_argument("--bank", help="feature bank of this split, omitted for the baseline")
    parser.add_argument("--published", help="published file; the bank must be imported from it")
