"""Arguments of the programs that read annotation files."""

import argparse
from pathlib import Path

from lfb.data.check_split import SplitFiles
from lfb.data.split import Split


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Add the label list, which all splits share."""
    parser.add_argument("--labels", required=True, help="label list, pbtxt")


def add_split(parser: argparse.ArgumentParser) -> None:
    """Add the annotation files of one split."""
    add_labels(parser)
    parser.add_argument("--annotations", required=True, help="AVA csv")
    parser.add_argument("--excluded", nargs="?", help="csv of excluded seconds, if there are any")


def read_split(arguments: argparse.Namespace, proposals: str | None = None) -> Split:
    """Return the split that ``add_split``'s arguments name, with its proposals if given."""
    return Split.read(
        arguments.labels,
        arguments.settings["unscored"],
        arguments.annotations,
        proposals,
        arguments.excluded,
    )


def split_files(arguments: argparse.Namespace) -> dict[str, SplitFiles]:
    """Return the files of every split, by split, from the job's settings."""
    return {
        split: SplitFiles(**{kind: Path(path) for kind, path in files.items()})
        for split, files in arguments.settings["files"].items()
    }
