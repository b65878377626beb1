"""Arguments of the programs that read annotation files."""

import argparse
import json
from pathlib import Path

from lfb.data.check import SplitFiles
from lfb.data.split import Split


def add_split(made: argparse.ArgumentParser) -> None:
    """Adds the annotation files of one split; it may have no excluded seconds."""
    made.add_argument("--labels", required=True, help="label list, pbtxt")
    made.add_argument("--annotations", required=True, help="AVA csv")
    made.add_argument("--excluded", nargs="?", help="csv of excluded seconds")


def read_split(arguments: argparse.Namespace, proposals: str | None = None) -> Split:
    """The split that ``add_split``'s arguments name, with its proposals if they are needed."""
    return Split.read(
        arguments.labels,
        arguments.settings["unscored"],
        arguments.annotations,
        proposals,
        arguments.excluded,
    )


def add_splits(made: argparse.ArgumentParser) -> None:
    """Adds the files of all splits."""
    made.add_argument("--labels", required=True, help="label list, pbtxt")
    made.add_argument("--files", type=_splits, required=True, help="files by split and kind, JSON")


def _splits(text: str) -> dict[str, SplitFiles]:
    return {
        split: SplitFiles(**{kind: Path(path) for kind, path in files.items()})
        for split, files in json.loads(text).items()
    }
