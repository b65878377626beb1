"""Arguments of the programs that read annotation files."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from lfb.check import SplitFiles
from lfb.dataset import Split


def add_split(made: argparse.ArgumentParser) -> None:
    """Adds the files of one split."""
    made.add_argument("--annotations", required=True, help="AVA csv")
    made.add_argument("--proposals", required=True, help="pickle or csv of detected people")
    made.add_argument("--excluded", nargs="*", default=[], help="csv of excluded seconds")
    made.add_argument("--labels", required=True, help="label list, pbtxt")


def read_split(arguments: argparse.Namespace) -> Split:
    """The split that ``add_split``'s arguments name."""
    return Split.read(
        arguments.labels,
        arguments.settings["unscored"],
        arguments.annotations,
        arguments.proposals,
        *(arguments.excluded or [None]),
    )


def split_files(files: Mapping[str, Mapping[str, str]]) -> tuple[str, dict[str, SplitFiles]]:
    """The label list, and the other files of each split, as the rules name them."""
    splits = {}
    for split, paths in files.items():
        labels = paths["labels"]
        excluded = paths.get("excluded")
        splits[split] = SplitFiles(
            Path(paths["annotations"]),
            Path(paths["proposals"]),
            Path(excluded) if excluded else None,
        )
    return labels, splits
