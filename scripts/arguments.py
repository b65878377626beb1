"""Arguments that several programs share."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported where used: programs that take no annotations start without pandas
    from lfb.check import SplitFiles
    from lfb.dataset import Split


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the arguments of every program."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--log", help="file that keeps the log")
    made.add_argument("--settings", type=json.loads, default={}, help="this rule's config, JSON")
    return made


def add_split(made: argparse.ArgumentParser) -> None:
    """Adds the files of one split."""
    made.add_argument("--annotations", required=True, help="AVA csv")
    made.add_argument("--proposals", required=True, help="pickle or csv of detected people")
    made.add_argument("--excluded", nargs="*", default=[], help="csv of excluded seconds")
    made.add_argument("--labels", required=True, help="label list, pbtxt")


def add_device(made: argparse.ArgumentParser) -> None:
    """Adds what a program that runs a model needs to know."""
    made.add_argument("--keyframes", required=True, help="chosen keyframes, .npz")
    made.add_argument("--manifest", required=True, help="manifest of the frames")
    made.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])
    made.add_argument("--threads", type=int, default=1, help="on the CPU")


def read_split(arguments: argparse.Namespace) -> "Split":
    """The split that ``add_split``'s arguments name."""
    from lfb.dataset import Split

    return Split.read(
        arguments.labels,
        arguments.settings["unscored"],
        arguments.annotations,
        arguments.proposals,
        *(arguments.excluded or [None]),
    )


def split_files(files: Mapping[str, Mapping[str, str]]) -> tuple[str, "dict[str, SplitFiles]"]:
    """The label list, and the other files of each split, as the rules name them."""
    from lfb.check import SplitFiles

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
