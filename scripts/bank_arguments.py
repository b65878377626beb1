"""Arguments of the programs that look up rows of a bank."""

import argparse


def add_bank(parser: argparse.ArgumentParser) -> None:
    """Add the bank, and the published file that it was imported from, if the config names one."""
    parser.add_argument("--bank", help="feature bank of this split; none for the baseline")
    parser.add_argument("--published", help="file that the bank must have been imported from")
