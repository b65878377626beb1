"""The files that the config's ``data`` names, as the rules need them."""

from collections.abc import Collection, Mapping
from typing import Any

from lfb.config.settings import origin_of_people, splits


def splits_from(config: Mapping[str, Any], *origins: str) -> list[str]:
    """Return the splits whose people have one of these origins; see ``origin_of_people``."""
    return [split for split in splits(config) if origin_of_people(config, split) in origins]


COPIED = {"annotations", "proposals", "detections"}
"""The kinds of files that ``data.invalid_keyframes: drop`` copies."""


def checked_files(config: Mapping[str, Any], split: str) -> dict[str, str]:
    """Return the files of a split that jobs after the data check read, by kind.

    With ``data.invalid_keyframes: drop`` these are copies without the keyframes that have errors.
    """
    files = dict(config["data"][split])
    if config["data"]["invalid_keyframes"] == "drop":
        for kind in files.keys() & COPIED:
            files[kind] = f"<results>/data/valid/{split}-{kind}.csv"
    return files


def split_files(config: Mapping[str, Any], split: str) -> dict[str, Any]:
    """Return the label list and the annotation files of a split; ``excluded`` may be empty."""
    files = checked_files(config, split)
    return {
        "labels": config["data"]["labels"],
        "annotations": files["annotations"],
        "excluded": files.get("excluded", []),
    }


def selection_files(config: Mapping[str, Any], split: str, made: str) -> dict[str, Any]:
    """Return the annotation files of a split, and its proposals if it has any.

    Args:
        config: The config.
        split: Name of the split.
        made: File of the proposals that the run itself makes, if the split needs them.
    """
    proposals: Any = checked_files(config, split).get("proposals", [])
    if split in splits_from(config, "detections", "detector"):
        proposals = made
    return split_files(config, split) | {"proposals": proposals}


def files_by_split(config: Mapping[str, Any], kinds: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the files of these kinds that the config names, by split and kind."""
    return {
        split: {kind: path for kind, path in config["data"][split].items() if kind in kinds}
        for split in splits(config)
    }


def data_files(config: Mapping[str, Any], kinds: Collection[str]) -> dict[str, str]:
    """Return the files of these kinds, the label list and the folder of videos or frames."""
    data = config["data"]
    files = {
        f"{split}_{kind}": path
        for split, named in files_by_split(config, kinds).items()
        for kind, path in named.items()
    }
    folder = data.get("videos") or data["frames"]["folder"]
    return {"folder": folder, "labels": data["labels"], **files}
