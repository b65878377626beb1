"""The files that the user provides: which the config names, and which of them are missing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lfb.config.settings import origin_of_people, published_banks, splits


def missing_files(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the files and folders that the user provides and that do not exist, by config key.

    Those under ``data`` are not the user's if there is a ``demo``, which writes them.
    """
    files: dict[str, str | None] = {}
    data = config["data"]
    if "demo" not in config:
        files["data.videos"] = data.get("videos")
        files["data.frames.folder"] = data.get("frames", {}).get("folder")
        files["data.labels"] = data["labels"]
        for split in splits(config):
            files |= {f"data.{split}.{key}": path for key, path in data[split].items()}
    for split, path in published_banks(config).items():
        files[f"bank.published.{split}"] = path
    files |= weights_files(config)
    return {key: path for key, path in files.items() if path and not Path(path).exists()}


def explain_missing(config: Mapping[str, Any], missing: Mapping[str, str]) -> str:
    """Return an error message about what ``missing_files`` found, with what to do."""
    from lfb.files.remote_file import fetched_paths, unpack_command, unpacked_paths

    targets: dict[str, str] = {}
    for kind, items in config.get("fetch", {}).items():
        for item in items:
            targets |= {str(path): f"fetch_{kind}" for path in fetched_paths(item)}
            unpack = f"fetch_{kind}, then {unpack_command(item)}" if "unrar" in item else ""
            targets |= {str(path): unpack for path in unpacked_paths(item)}
    lines = []
    for key, path in missing.items():
        target = f" ({targets[path]})" if path in targets else ""
        lines.append(f"  {key}: {path}{target}")
    advice = (
        f"Check the paths, which are relative to {Path.cwd()}. Put the files there, or set the "
        "keys to where you have them."
    )
    if not targets.keys().isdisjoint(missing.values()):
        advice = (
            "To download them, run the same command with the target `fetch`, or with the target "
            "that stands behind a file. Or set the keys to where you have the files."
        )
    return "\n".join(["files that the config names do not exist:", *lines, advice])


def weights_files(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of weights and checkpoints that the run loads, by config key."""
    files: dict[str, str | None] = {}
    for model, own in config["models"].items():
        if "checkpoint" in own:
            files[f"models.{model}.checkpoint"] = own["checkpoint"]
        else:
            key = f"models.{model}.weights" if "weights" in own else "weights"
            files[key] = own.get("weights", config["weights"])
    if any(origin_of_people(config, split) == "detector" for split in splits(config)):
        files["detector.weights"] = config.get("detector", {}).get("weights")
    return {key: path for key, path in files.items() if path}
