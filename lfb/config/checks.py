"""Check a config: each key by the schema, and keys that must fit each other."""

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from string import Formatter
from typing import Any

from lfb.config.schema import Schema, drop_nulls, fill_defaults, find_problems, suggest
from lfb.config.settings import origin_of_people, splits, takes_best, trained
from lfb.config.user_files import weights_files
from lfb.errors import UserError

_PATTERN = "Write it like '{video}/img_{frame:05d}.jpg'."
_PYTORCH = (".pth", ".pt")
_WEIGHTS = (*_PYTORCH, ".pkl", ".safetensors")  # see lfb/models/published.py

Config = Mapping[str, Any]
Usable = Callable[..., bool]
"""Whether the schema finds no error in the values at these keys, such as ``input.crop``."""


def check_config(
    config: Config,
    schema: Schema,
    operators: Mapping[str, Iterable[str]],
    backbones: Mapping[str, Iterable[str]],
) -> dict[str, Any]:
    """Return a config that is valid, with the defaults of the schema in the keys that are missing.

    A key that is null is removed if the schema wants a value. So ``models: {lfb_avg: null}`` in a
    config removes a row of the table that its base has.

    Args:
        config: The merged config files; see ``lfb.config.layers``.
        schema: Content of config/schema.yaml.
        operators: Names of all bank operators, with their arguments.
        backbones: Names of all backbones, with their arguments.

    Raises:
        UserError: The config has errors. The message lists all of them, each with its key.
    """
    checked: dict[str, Any] = copy.deepcopy(dict(config))
    drop_nulls(checked, schema, schema)
    problems = find_problems(checked, schema)
    fill_defaults(checked, schema, schema)
    unusable = {problem.unusable for problem in problems if problem.unusable}

    def usable(*keys: str) -> bool:
        """Return whether the schema finds no error in these values and the sections around them."""
        paths = [tuple(key.split(".")) for key in keys]
        return not any(path[: len(bad)] == bad for path in paths for bad in unusable)

    errors = sorted({problem.message for problem in problems})
    errors += chain(
        _frames(checked, usable),
        _input(checked, usable),
        _inference(checked, usable),
        _people(checked, usable),
        _models(checked, usable),
        _training(checked, usable, schema),
        _parts(checked, usable, operators, backbones),
        _weights(checked, usable),
        _demo(checked, usable),
    )
    if len(schema["required"]) - len(checked.keys() & set(schema["required"])) > 1:
        errors.append(
            "This config is incomplete. Name the config that it builds on, for example "
            "`base: own.yaml`."
        )
    if errors:
        raise UserError("\n  ".join(["the config has errors:", *errors]))
    return checked


def _frames(config: Config, usable: Usable) -> Iterator[str]:
    """Yield an error if the pattern of frames does not name a frame, or names anything else."""
    if not usable("data", "data.frames", "data.frames.pattern") or "frames" not in config["data"]:
        return
    pattern = config["data"]["frames"]["pattern"]
    key = f"config key data.frames.pattern: {pattern!r}"
    try:
        fields = {name for _, name, *_ in Formatter().parse(pattern) if name is not None}
        if not (unknown := sorted(fields - {"video", "frame"})):
            pattern.format(video="video", frame=1)
    except (ValueError, TypeError) as error:
        yield f"{key} cannot be read ({error}). {_PATTERN}"
        return
    for name in unknown:
        yield f"{key}: there is no {{{name}}}{suggest(name, ['video', 'frame'])} {_PATTERN}"
    if not unknown and "{frame" not in Path(pattern).name:
        yield f"{key}: its file name has no {{frame}}. {_PATTERN}"


def _input(config: Config, usable: Usable) -> Iterator[str]:
    sizes = config.get("input", {})
    if usable("input.train_short_side.0", "input.train_short_side.1"):
        low, high = sizes["train_short_side"]
        if low > high:
            yield f"config key input.train_short_side: {low} is greater than {high}; swap them."
        if usable("input.crop") and sizes["crop"] > low:
            yield (
                f"config key input.crop: {sizes['crop']} does not fit into a short side of "
                f"{low} pixels, the smallest of input.train_short_side."
            )
    if usable("input.test_crop", "input.short_side") and sizes["test_crop"] is not None:
        crop, short_side = sizes["test_crop"], sizes["short_side"]
        if crop > short_side:
            yield (
                f"config key input.test_crop: {crop} does not fit into input.short_side, "
                f"{short_side} pixels."
            )


def _inference(config: Config, usable: Usable) -> Iterator[str]:
    if usable("inference.draws", "inference.sampling"):
        inference = config["inference"]
        if inference["draws"] > 1 and inference["sampling"] != "random":
            yield (
                f"config key inference.draws: {inference['draws']} draws would all be the same; "
                "set inference.sampling: random, or one draw."
            )


def _people(config: Config, usable: Usable) -> Iterator[str]:
    for split in _readable_splits(config, usable):
        if {"proposals", "detections"} <= config["data"][split].keys():
            yield f"config key data.{split}.detections: there are proposals too; keep one of them."
    if (
        usable("data.val")
        and origin_of_people(config, "val") == "detector"
        and "detector" not in config
    ):
        yield (
            "config key data.val.proposals: missing. Name a file of detected people there or under "
            "data.val.detections, or a person detector under detector."
        )


def _models(config: Config, usable: Usable) -> Iterator[str]:
    if not usable("models"):
        return
    models = config["models"]
    if (
        "baseline" in models
        and usable("models.baseline.operator")
        and models["baseline"]["operator"] is not None
    ):
        yield "config key models.baseline.operator: must be null; the baseline builds the banks."
    if not models or not usable(*(f"models.{model}" for model in models)):
        return
    yield from _heads(config, usable)
    learning = trained(config)
    if learning and usable("data") and "train" not in config["data"]:
        yield (
            f"config key data.train: missing; {', '.join(learning)} are trained. Name the files of "
            "the training split, or give each of these models a `checkpoint`."
        )
    if learning or not usable("seeds", "inference.sampling"):
        return
    if config["inference"]["sampling"] != "random" and len(config["seeds"]) > 1:
        yield (
            f"config key seeds: {len(config['seeds'])} seeds, but every model has a `checkpoint`, "
            "so that no result depends on a seed. Name one seed."
        )


def _heads(config: Config, usable: Usable) -> Iterator[str]:
    """Yield an error for each key that contradicts ``head_only``, or that it would not use."""
    for model, own in config["models"].items():
        if own["head_only"]:
            if usable("training") and takes_best(config, model):
                yield (
                    f"config key models.{model}.training.take: must be last; a head is not "
                    "validated while it trains."
                )
            key = f"config key models.{model}.head_only"
            if model == "baseline":
                yield f"{key}: must be false; the baseline has the backbone that heads share."
            elif given := sorted(own.keys() & {"backbone", "weights", "checkpoint"}):
                yield (
                    f"{key}: the backbone is the baseline's, so {', '.join(given)} would not be "
                    "used. Remove it, or train the whole model."
                )


def _training(config: Config, usable: Usable, schema: Schema) -> Iterator[str]:
    if not usable("training", "models"):
        return
    keys = schema["$defs"]["training"]["properties"]
    models_without: dict[str, list[str]] = {}
    for model, own in config["models"].items():
        if usable(f"models.{model}.training") and "checkpoint" not in own:
            given = config["training"].keys() | own.get("training", {}).keys()
            if missing := [key for key in keys if key not in given]:
                models_without.setdefault(", ".join(missing), []).append(model)
        if usable(f"models.{model}.training"):
            yield from _best_epoch(config, model, own)
    for keys_missing, models in models_without.items():
        yield (
            f"config key training: {keys_missing} missing for {', '.join(models)}; set them under "
            "training, or under `training` of these models."
        )


def _best_epoch(config: Config, model: str, own: Config) -> Iterator[str]:
    """Yield an error if a model takes the best of no epochs."""
    keys = {**config["training"], **own.get("training", {})}
    every, epochs = keys.get("validation_epochs"), keys.get("epochs")
    if "checkpoint" in own or keys.get("take") != "best" or epochs is None:
        return
    if every is None or every > epochs:
        yield (
            f"config key training.take: best needs a validation, and {model} has none with "
            f"validation_epochs: {'null' if every is None else every} and epochs: {epochs}. Lower "
            "training.validation_epochs, or set training.take: last."
        )


def _parts(
    config: Config,
    usable: Usable,
    operators: Mapping[str, Iterable[str]],
    backbones: Mapping[str, Iterable[str]],
) -> Iterator[str]:
    """Yield an error for each unknown operator, backbone or argument of one."""
    yield from _part(config.get("backbone"), "backbone", usable, "backbone", backbones)
    for model, own in config["models"].items() if usable("models") else ():
        if usable(f"models.{model}"):
            for kind, known in (("operator", operators), ("backbone", backbones)):
                yield from _part(own.get(kind), f"models.{model}.{kind}", usable, kind, known)


def _part(
    part: Mapping[str, Any] | None,
    key: str,
    usable: Usable,
    kind: str,
    known: Mapping[str, Iterable[str]],
) -> Iterator[str]:
    if not usable(f"{key}.name") or part is None:
        return
    name = part["name"]
    if name not in known:
        yield (
            f"config key {key}.name: there is no {kind} {name!r}{suggest(name, known)} "
            f"There are: {', '.join(known)}; add one as lfb/models/{kind}s/{name}.py."
        )
        return
    for argument in part.keys() - {"name"}:
        if argument not in known[name]:
            yield (
                f"config key {key}.{argument}: {kind} {name} has no such argument"
                f"{suggest(argument, known[name])} It has: {', '.join(known[name])}."
            )


def _weights(config: Config, usable: Usable) -> Iterator[str]:
    """Yield an error for each file of weights with a wrong name; jobs read them only late."""
    models = [f"models.{model}" for model in config["models"]] if usable("models") else ["models"]
    if not usable("weights", "data.train", "data.val", "detector", *models):
        return
    for key, path in weights_files(config).items():
        kinds = _PYTORCH if key == "detector.weights" else _WEIGHTS
        if not usable(key):
            continue
        if Path(path).is_dir():
            yield f"config key {key}: {path} is a folder; name the file in it."
        elif Path(path).suffix not in kinds:
            yield f"config key {key}: {path} does not end in {', '.join(kinds)}"


def _demo(config: Config, usable: Usable) -> Iterator[str]:
    """Yield an error for each file outside the demo's folder that the demo would write.

    Snakemake removes the outputs of a rule before it runs. If a config for own data built on the
    default run, the user's videos and annotations would be outputs of the demo.
    """
    if "demo" not in config or not usable("data", "pathvars.resources"):
        return
    home = config.get("pathvars", {}).get("resources", "resources") + "/demo"
    places = {f"data.{key}": config["data"].get(key) for key in ("videos", "labels")}
    for split in _readable_splits(config, usable):
        places |= {f"data.{split}.{key}": path for key, path in config["data"][split].items()}
    outside = {
        key: path
        for key, path in places.items()
        if path is not None
        and usable(key)
        and Path(home) not in Path(os.path.normpath(path)).parents
    }
    for key, path in outside.items():
        yield f"config key {key}: {path} is not in {home}, where `demo` writes its files"
    if outside:
        yield (
            "The `demo` section would overwrite your files. For your own data, use a config that "
            "has no `demo` and does not build on one that has: copy config/own.yaml, or set "
            "`base: null`."
        )


def _readable_splits(config: Config, usable: Usable) -> list[str]:
    return [split for split in splits(config) if usable(f"data.{split}")] if usable("data") else []
