"""The films that the config's ``watch`` names, and what the jobs that score them depend on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lfb.config.settings import selection_settings
from lfb.errors import DataErrors, UserError
from lfb.files.videos import EXTENSIONS, find_videos

THRESHOLD = 0.5  # of an action for which none is chosen
BOXES = ("proposals", "detections")  # the files that may give the people of the films


def films(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the path of each film, by its name: the file's without its extension.

    Raises:
        UserError: The config names no film, or one that is missing or has an unusable name.
    """
    if "watch" not in config:
        raise UserError(
            "config key watch: missing. Name a film, or a folder of films: --config watch=my.mp4"
        )
    path = Path(watched_files(config)["videos"])
    if path.is_dir():
        found = find_videos(path)
        if not found:
            raise UserError(
                f"config key watch: {path} contains no film. Put files there that end in "
                f"{', '.join(EXTENSIONS)}."
            )
    elif path.exists():
        found = {path.stem: path}
    else:
        raise UserError(
            f"config key watch: {path} does not exist. Fix the path, which is relative to "
            f"{Path.cwd()}."
        )
    if wrong := [str(file) for name, file in found.items() if set(name) & set("{}\n\t")]:
        raise DataErrors([f"{file}: rename it without braces, tabs and newlines" for file in wrong])
    return {name: str(file) for name, file in found.items()}


def watched_files(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of the config's ``watch``: ``videos``, and boxes if there are any."""
    watch = config["watch"]
    return {"videos": watch} if isinstance(watch, str) else dict(watch)


def boxes_file(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the file that gives the people of the films, by its kind; the detector's weights else.

    Raises:
        UserError: There is neither a file nor a detector, or there are two files.
    """
    files = watched_files(config)
    given = {kind: files[kind] for kind in BOXES if kind in files}
    if len(given) > 1:
        raise UserError("config key watch.detections: there are proposals too; keep one of them.")
    if not given and "detector" not in config:
        raise UserError(
            "config key watch: nothing says where the people are. Name a person detector under "
            "detector (see config/own.yaml), or a file of boxes: "
            "--config 'watch={videos: my.mp4, detections: my.csv}'"
        )
    files = given or {"weights": config["detector"]["weights"]}
    for kind, path in files.items():
        key = "detector.weights" if kind == "weights" else f"watch.{kind}"
        if not Path(path).exists():
            advice = " The target `fetch` downloads it." if kind == "weights" else ""
            raise UserError(f"config key {key}: {path} does not exist. Fix the path.{advice}")
    return files


def people_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the choice of the people of a film depends on, in addition to its files."""
    boxes: dict[str, Any] = {}
    for purpose in ("testing", "bank"):
        boxes |= selection_settings(config, purpose)["boxes"]
    settings = {
        "unscored": config["data"]["unscored"],
        "boxes": boxes | {"test_seconds": "all", "bank_seconds": "all"},
    }
    if "weights" in boxes_file(config):
        keys = ("name", "classes", "score")
        settings["detector"] = {key: config["detector"][key] for key in keys}
    return settings


def film_settings(config: Mapping[str, Any], results: Path) -> dict[str, Any]:
    """Return what a film shows: the model, and the thresholds of its actions.

    Args:
        config: The config.
        results: Folder of the seed. If it has thresholds of the model, those are taken, unless the
            config gives one for all actions.
    """
    model, fixed = shown_model(config), config["film"]["threshold"]
    path = results / model / "thresholds.json"
    chosen: dict[str, float] = {}
    if fixed is None and path.exists():
        classes = json.loads(path.read_text())["classes"]
        chosen = {str(about["id"]): about["threshold"] for about in classes}
    known = {action: value for action, value in chosen.items() if value is not None}
    return {"model": model, "threshold": THRESHOLD if fixed is None else fixed, "of_action": known}


def shown_model(config: Mapping[str, Any]) -> str:
    """Return the model whose scores the film and its csv show: ``film.model``, or the last one.

    Raises:
        UserError: There is no such model.
    """
    models = list(config["models"])
    model = config["film"]["model"] or models[-1]
    if model not in models:
        raise UserError(
            f"config key film.model: there is no model {model!r}. There are: {', '.join(models)}."
        )
    return str(model)
