"""Arguments of the programs that look rows up in a bank."""

import argparse


def add_bank(made: argparse.ArgumentParser) -> None:
    """Adds the bank, and the published file that it is from, if the config names one."""
    made.add_argument("--bank", help="feature bank of this split; none for the baseline")
    made.add_argument("--published", help="file that the bank must have been imported from")
