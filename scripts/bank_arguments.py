"""Arguments of the programs that look rows up in a bank."""

import argparse
from pathlib import Path

from lfb.bank.store import Bank
from lfb.files.digests import digest


def add_bank(made: argparse.ArgumentParser) -> None:
    """Adds the bank, and the published file that it is from, if the config names one."""
    made.add_argument("--bank", help="feature bank of this split; none for the baseline")
    made.add_argument("--published", help="file that the bank must have been imported from")


def open_bank(
    arguments: argparse.Namespace, data: str, baseline: str | Path | None = None
) -> Bank | None:
    """The bank that ``add_bank``'s arguments name, if they do.

    Args:
        data: Digest of the manifest of the frames that it must have been built from.
        baseline: Checkpoint that it must have been built with, if that is known.

    Raises:
        UserError: It was made in another way.
    """
    if not arguments.bank:
        return None
    if arguments.published:
        return Bank.open(arguments.bank, source=Path(arguments.published).name)
    built_with = {"checkpoint": digest(baseline)} if baseline else {}
    return Bank.open(arguments.bank, data=data, **built_with)
