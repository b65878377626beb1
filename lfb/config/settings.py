"""The configuration as the rules need it: checked, and cut into the part each job depends on.

A job's part is what decides its result; Snakemake compares it and runs again what it changes.
"""

import copy
import difflib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lfb.errors import UserError

_PYTORCH = (".pth", ".pt")
_WEIGHTS = (*_PYTORCH, ".pkl", ".safetensors")  # see lfb/models/published.py


def check_config(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Validates a configuration and fills in the defaults of the schema.

    A key that is null and may not be is taken away: so an overlay drops what lies below it, such
    as ``models: {lfb_avg: null}`` a row of the table.

    Raises:
        UserError: Every wrong key or value, named by its path.
    """
    import jsonschema

    _drop(config, schema, schema)
    faults: list[str] = []
    for error in jsonschema.Draft202012Validator(schema).iter_errors(config):
        faults += _explain(_deepest(error))
    if faults:
        lines = ["the configuration has faults:", *sorted(set(faults))]
        if len(set(schema["required"]) - config.keys()) > 1:
            lines.append(
                "This config is incomplete. Name the config that it builds on, for example "
                "`base: own.yaml`."
            )
        raise UserError("\n  ".join(lines))
    _fill(config, schema, schema)
    low, high = config["input"]["train_short_side"]
    if low > high:
        raise UserError(f"config key input.train_short_side: {low} is more than {high}; swap them.")
    if config["input"]["crop"] > low:
        raise UserError(
            f"config key input.crop: {config['input']['crop']} does not fit into a short side of "
            f"{low} pixels, the least of input.train_short_side."
        )
    test_crop, short_side = config["input"]["test_crop"], config["input"]["short_side"]
    if test_crop is not None and test_crop > short_side:
        raise UserError(
            f"config key input.test_crop: {test_crop} does not fit into input.short_side, "
            f"{short_side} pixels."
        )
    inference = config["inference"]
    if inference["draws"] > 1 and inference["sampling"] != "random":
        raise UserError(
            f"config key inference.draws: {inference['draws']} draws would all be the same; set "
            "inference.sampling: random, or one draw."
        )
    for split in splits(config):
        if {"proposals", "detections"} <= config["data"][split].keys():
            raise UserError(
                f"config key data.{split}.detections: there are proposals too; keep one of them."
            )
    if origin_of_people(config, "val") == "detector" and "detector" not in config:
        raise UserError(
            "config key data.val.proposals: missing. Name a file of detected people there or under "
            "data.val.detections, or a person detector to find them under detector."
        )
    models = config["models"]
    if models["baseline"]["operator"] is not None:
        raise UserError("config key models.baseline.operator: must be null; it makes the banks.")
    learning = trained(config)
    if learning and "train" not in config["data"]:
        raise UserError(
            f"config key data.train: missing; {', '.join(learning)} are trained. Name its files, "
            "or give each of these models a `checkpoint`."
        )
    if not learning and inference["sampling"] != "random" and len(config["seeds"]) > 1:
        raise UserError(
            f"config key seeds: {len(config['seeds'])} seeds, but every model has a `checkpoint`: "
            "nothing is drawn from a seed. Name one."
        )
    for name in learning:
        training = _merged(config["training"], models[name].get("training", {}))
        known = schema["$defs"]["training"]["properties"]
        if missing := [key for key in known if key not in training]:
            raise UserError(
                f"config key training: {', '.join(missing)} missing; set them there, or under "
                f"models.{name}.training."
            )


def check_demo(config: Mapping[str, Any]) -> None:
    """Checks that the demo, if it is asked for, is made in a folder of its own.

    Snakemake empties the places of a rule's outputs before it runs. A user's config laid over the
    default would make outputs of the demo of the user's own videos and annotations.

    Raises:
        UserError: ``data`` names a place elsewhere.
    """
    if "demo" not in config:
        return
    data = config["data"]
    home = config.get("pathvars", {}).get("resources", "resources") + "/demo"
    named = {"videos": data.get("videos", ""), "labels": data["labels"]}
    for split in splits(config):
        named |= {f"{split}.{key}": path for key, path in data[split].items()}
    faults = [
        f"  config key data.{key}: {path} is not in {home}"
        for key, path in named.items()
        if Path(home) not in Path(os.path.normpath(path)).parents
    ]
    if faults:
        raise UserError(
            "the config has a `demo` section, which writes the files that `data` names and would "
            "overwrite yours. For your own data, use a config that has no `demo` and does not "
            "build on one that has: copy config/own.yaml, or set `base: null`.\n"
            + "\n".join(faults)
        )


def check_operators(models: Mapping[str, Any], operators: Mapping[str, Iterable[str]]) -> None:
    """Checks that the operators that models name exist and take the arguments given.

    Args:
        models: The configuration's ``models``.
        operators: The arguments of each operator there is.

    Raises:
        UserError: An operator or an argument is unknown.
    """
    for model, settings in models.items():
        operator = settings["operator"]
        if operator is None:
            continue
        key, name = f"config key models.{model}.operator", operator["name"]
        if name not in operators:
            raise UserError(
                f"{key}.name: there is no operator {name!r}{_alike(name, operators)} There are: "
                f"{', '.join(operators)}; add one as lfb/models/operators/{name}.py."
            )
        for argument in operator.keys() - {"name"}:
            if argument not in operators[name]:
                raise UserError(
                    f"{key}.{argument}: operator {name} has no such argument"
                    f"{_alike(argument, operators[name])} It has: {', '.join(operators[name])}."
                )


def check_weights(config: Mapping[str, Any]) -> None:
    """Checks that the files of weights are of a kind that is read, before hours go into the rest.

    Raises:
        UserError: A name ends otherwise, or is that of a folder.
    """
    faults = []
    for key, path in _weights_files(config).items():
        kinds = _PYTORCH if key == "detector.weights" else _WEIGHTS
        if Path(path).is_dir():
            faults.append(f"  config key {key}: {path} is a folder; name the file in it.")
        elif Path(path).suffix not in kinds:
            faults.append(f"  config key {key}: {path} does not end in {', '.join(kinds)}")
    if faults:
        raise UserError("the config names as weights what can be none:\n" + "\n".join(faults))


def missing_files(config: Mapping[str, Any]) -> dict[str, str]:
    """What the user brings and is not there: paths of files and folders, by config key.

    Those under ``data`` are not the user's where there is a ``demo``, which makes them.
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
    files |= _weights_files(config)
    return {key: path for key, path in files.items() if path and not Path(path).exists()}


def explain_missing(config: Mapping[str, Any], missing: Mapping[str, str]) -> str:
    """What ``missing_files`` found, and what to do, in words."""
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
        f"Check the paths, which are relative to {Path.cwd()}: put the files there, or set the "
        "keys to where you have them."
    )
    if not targets.keys().isdisjoint(missing.values()):
        advice = (
            "The targets in brackets fetch them, and `fetch` all of them: run the same command "
            "with one of these. Or set the keys to where you have the files."
        )
    return "\n".join(["files that the config names are not there:", *lines, advice])


def splits(config: Mapping[str, Any]) -> list[str]:
    """The splits that there are: ``val``, and ``train`` where anything is trained."""
    return [split for split in ("train", "val") if split in config["data"]]


def fetch_settings(config: Mapping[str, Any], kinds: Iterable[str]) -> dict[str, Any]:
    """What fetching some kinds of files needs to know."""
    data = config["data"]
    return {
        "items": [item for kind in kinds for item in config["fetch"][kind]],
        "videos": data.get("videos"),
        "annotations": {
            f"data.{split}.annotations": data[split]["annotations"] for split in splits(config)
        },
    }


def trained(config: Mapping[str, Any]) -> list[str]:
    """The models that are trained: those without a checkpoint to import."""
    return [model for model, own in config["models"].items() if "checkpoint" not in own]


def published_banks(config: Mapping[str, Any]) -> dict[str, str]:
    """The files that banks are imported from, by split; banks of other splits are built."""
    files = config["bank"]["published"]
    return {split: files[split] for split in splits(config) if files[split]}


def origin_of_people(config: Mapping[str, Any], split: str) -> str:
    """Where the boxes of a split come from.

    ``proposals`` or ``detections``, which are files; else ``annotations`` in training, the
    ground-truth boxes, and in testing ``detector``.
    """
    for files in ("proposals", "detections"):
        if files in config["data"][split]:
            return files
    return "annotations" if split == "train" else "detector"


def data_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the data check and the extraction of frames depend on."""
    data = config["data"]
    keys = ("videos", "frames", "fps", "first_second", "start", "seconds", "unscored", "expected")
    return {key: data[key] for key in keys if key in data}


def disk_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What decides how much disk a run needs."""
    return {
        **data_settings(config),
        **selection_settings(config, "bank"),
        "dtype": config["bank"]["dtype"],
        "models": {model: model_settings(config, model) for model in config["models"]},
        "seeds": len(config["seeds"]),
    }


def selection_settings(config: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    """What the choice of keyframes for ``training``, ``testing`` or the ``bank`` depends on."""
    prefix = {"training": "train_", "testing": "test_", "bank": "bank_"}[purpose]
    return {
        "unscored": config["data"]["unscored"],
        "boxes": {key: value for key, value in config["boxes"].items() if key.startswith(prefix)},
    }


def detection_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the detection of people depends on, beside the detector's weights."""
    boxes = config["boxes"]
    every_second = "all" in (boxes["bank_seconds"], boxes["test_seconds"])
    return {
        "name": config["detector"]["name"],
        "score": config["detector"]["score"],
        "seconds": "all" if every_second else "annotated",
        "unscored": config["data"]["unscored"],
    }


def recall_settings(config: Mapping[str, Any], split: str) -> dict[str, Any]:
    """What the recall of a split's proposals depends on."""
    used = "train_score" if split == "train" else "test_score"
    return {
        "unscored": config["data"]["unscored"],
        "scores": {name: config["boxes"][name] for name in (used, "bank_score")},
    }


def training_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """What the training of a model depends on."""
    own = config["models"][model]
    return {
        **_model(config, model),
        **model_settings(config, model),
        "weights": own.get("weights", config["weights"]),
        "training": _merged(config["training"], own.get("training", {})),
    }


def model_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """What a model is, wherever its weights are from."""
    own = config["models"][model]
    return {
        "backbone": own.get("backbone", config["backbone"]),
        "head": config["head"],
        "operator": own["operator"],
    }


def bank_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the banks depend on, beside the baseline."""
    return {
        **_model(config, "baseline"),
        "bank": {"dtype": config["bank"]["dtype"]},
        "inference": _some(config["inference"], "batch", "bfloat16"),
    }


def prediction_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """What the predictions of a model depend on, beside its checkpoint."""
    settings = _model(config, model)
    del settings["backbone"]  # the checkpoint knows
    keys = ["batch", "bfloat16", "scales", "flip"]
    if config["models"][model]["operator"] is not None:
        keys += ["sampling", "draws"]
    return {**settings, "inference": _some(config["inference"], *keys)}


def table_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the table shows beside the measured numbers."""
    models = config["models"]
    return {
        "protocol": config["evaluation"]["protocol"],
        "models": {
            name: {
                "operator": (models[name]["operator"] or {"name": "none"})["name"],
                "backbone": models[name].get("backbone", config["backbone"])["name"],
                "published_mAP": models[name]["published_mAP"],
            }
            for name in ["baseline", *(name for name in models if name != "baseline")]
        },
    }


def report_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the report needs to know to read the results and to look into the models."""
    return {
        "protocol": config["evaluation"]["protocol"],
        "seeds": config["seeds"],
        "models": list(config["models"]),
        "trained": trained(config),
        "input": config["input"],
        "window": config["window"],
        "sampling": config["inference"]["sampling"],
        "unscored": config["data"]["unscored"],
    }


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part of a schema with what it refers to, to whose properties it may add defaults."""
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    if not name:
        return schema
    common = root["$defs"][name]
    known, own = common.get("properties", {}), schema.get("properties", {})
    properties = {key: {**below, **own.get(key, {})} for key, below in known.items()}
    return {**common, **schema, **({"properties": properties} if properties else {})}


def _weights_files(config: Mapping[str, Any]) -> dict[str, str]:
    """The files of weights that are read, by config key."""
    files: dict[str, str | None] = {}
    for model, own in config["models"].items():
        if "checkpoint" in own:
            files[f"models.{model}.checkpoint"] = own["checkpoint"]
        else:
            key = f"models.{model}.weights" if "weights" in own else "weights"
            files[key] = training_settings(config, model)["weights"]
    if any(origin_of_people(config, split) == "detector" for split in splits(config)):
        files["detector.weights"] = config["detector"]["weights"]
    return {key: path for key, path in files.items() if path}


def _some(settings: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: settings[key] for key in keys}


def _model(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    own = config["models"][model]
    settings = {
        "backbone": own.get("backbone", config["backbone"]),
        "input": config["input"],
    }
    if own["operator"] is not None:
        settings["window"] = config["window"]
    return settings


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {**common, **own}


def _deepest(error: Any) -> Any:
    """The most telling of the errors behind one: that of the alternative that came closest."""
    while error.context and not _choices(error):
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return error


def _choices(error: Any) -> list[str]:
    """The keys of which the schema wants exactly one, if the error is about such a choice."""
    if error.validator != "oneOf" or not isinstance(error.instance, dict):
        return []
    return [key for one in error.validator_value for key in one.get("required", [])]


def _explain(error: Any) -> Iterator[str]:
    path = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for key in error.instance.keys() - known.keys():
            place = f"{path}.{key}" if path else key
            yield f"config key {place}: there is no such key{_alike(key, known)}"
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        for key in missing:
            yield f"config key {path + '.' if path else ''}{key}: missing"
    elif choices := _choices(error):
        given = [key for key in choices if key in error.instance]
        fault = "both {} are given; set one of them to null"
        if not given:
            fault = "none of {} is given; set one of them"
        yield f"config key {path}: {fault.format(' and '.join(given or choices))}"
    elif error.validator == "type":
        wanted = error.validator_value
        wanted = wanted if isinstance(wanted, str) else " or ".join(wanted)
        yield f"config key {path}: {json.dumps(error.instance)} is not of type {wanted}"
    else:
        yield f"config key {path}: {error.message}"


def _alike(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else "."


def _drop(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    """Takes away the keys that are null where the schema wants something."""
    for key, below in _below(value, schema, root):
        if value[key] is None and "null" not in below.get("type", "any"):
            del value[key]
        else:
            _drop(value[key], below, root)


def _fill(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    """Puts the defaults of the schema where the configuration is silent."""
    if isinstance(value, dict):
        for key, below in resolve(schema, root).get("properties", {}).items():
            if key not in value and "default" in below:
                value[key] = copy.deepcopy(below["default"])
    for key, below in _below(value, schema, root):
        _fill(value[key], below, root)


def _below(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]
) -> list[tuple[str, Mapping[str, Any]]]:
    """The keys of a section that the schema knows, with the schema of each."""
    if not isinstance(value, dict):
        return []
    schema = resolve(schema, root)
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    found = [(key, known.get(key, others)) for key in value]
    return [(key, resolve(below, root)) for key, below in found if isinstance(below, dict)]
