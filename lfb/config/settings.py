"""The part of the config that each job depends on, and what the whole config implies.

A job's part contains what its result depends on and nothing else. Snakemake compares it, and runs
the job again when it changes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

# Keys of a training on which no weight depends, unless it takes the best epoch.
_NO_RESULT = {
    "save_minutes",
    "keep",
    "validation_epochs",
    "validation_share",
    "take",
    "tensorboard",
}
_OF_BACKBONE = {"channels_last", "compile"}  # keys that do not concern a head


def splits(config: Mapping[str, Any]) -> list[str]:
    """Return the splits of the data: ``val``, and ``train`` if the config has one."""
    return [split for split in ("train", "val") if split in config["data"]]


def fetch_settings(config: Mapping[str, Any], kinds: Iterable[str]) -> dict[str, Any]:
    """Return what the download of some kinds of files depends on."""
    data = config["data"]
    return {
        "items": [item for kind in kinds for item in config["fetch"][kind]],
        "videos": data.get("videos"),
        "annotations": {
            f"data.{split}.annotations": data[split]["annotations"] for split in splits(config)
        },
    }


def import_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the import of annotations depends on, in addition to the exports."""
    return {"data": config["data"], "exports": config["annotation_tools"]["exports"]}


def export_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what predictions for annotation tools depend on, in addition to the predictions."""
    tools, data = config["annotation_tools"], config["data"]
    keys = ("videos", "frames", "fps", "first_second", "start", "seconds")
    return {
        "data": {key: data[key] for key in keys if key in data},
        "threshold": tools["threshold"] if isinstance(tools["threshold"], float | int) else None,
        "label_studio_videos": tools["label_studio_videos"],
    }


def trained(config: Mapping[str, Any]) -> list[str]:
    """Return the models that are trained: those without a checkpoint to import."""
    return [model for model, own in config["models"].items() if "checkpoint" not in own]


def heads(config: Mapping[str, Any]) -> list[str]:
    """Return the models whose backbone is the baseline's: training changes their head alone."""
    return [model for model, own in config["models"].items() if own["head_only"]]


def scored_as_heads(config: Mapping[str, Any]) -> list[str]:
    """Return the models whose predictions need no frames.

    Testing with several scales, or with flip, needs the frames for every model.
    """
    inference = config["inference"]
    return [] if inference["scales"] or inference["flip"] else heads(config)


def people_stores(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the splits whose people have stored features, and the purpose of their keyframes."""
    stores = {"train": "training"} if heads(config) else {}
    return stores | ({"val": "testing"} if scored_as_heads(config) else {})


def published_banks(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the files that banks are imported from, by split. The run builds all other banks."""
    files = config["bank"]["published"]
    return {split: files[split] for split in splits(config) if files[split]}


def origin_of_people(config: Mapping[str, Any], split: str) -> str:
    """Return where the boxes of a split come from.

    ``proposals`` and ``detections`` are files. A split without them uses ``annotations``, the
    ground-truth boxes, in training, and ``detector`` in testing.
    """
    for files in ("proposals", "detections"):
        if files in config["data"][split]:
            return files
    return "annotations" if split == "train" else "detector"


def data_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the extraction of frames depends on."""
    data = config["data"]
    keys = ("videos", "frames", "fps", "first_second", "start", "seconds", "unscored", "expected")
    return {key: data[key] for key in keys if key in data}


def check_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the data check depends on, in addition to its files."""
    return data_settings(config) | _some(config["data"], "invalid_keyframes")


def disk_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the estimate of disk use depends on."""
    return {
        **check_settings(config),
        **selection_settings(config, "bank"),
        "dtype": config["bank"]["dtype"],
        "models": {model: model_settings(config, model) for model in config["models"]},
        "seeds": len(config["seeds"]),
    }


def clean_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what says which packed frames are in use."""
    data = config["data"]
    return {
        "videos": data.get("videos"),
        "annotations": [data[split]["annotations"] for split in splits(config)],
    }


def selection_settings(config: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    """Return what the choice of keyframes for ``training``, ``testing`` or ``bank`` depends on."""
    prefix = {"training": "train_", "testing": "test_", "bank": "bank_"}[purpose]
    return {
        "unscored": config["data"]["unscored"],
        "boxes": {key: value for key, value in config["boxes"].items() if key.startswith(prefix)},
    }


def detection_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the detection of people depends on, in addition to the detector's weights."""
    boxes = config["boxes"]
    every_second = "all" in (boxes["bank_seconds"], boxes["test_seconds"])
    return {
        "name": config["detector"]["name"],
        "classes": config["detector"]["classes"],
        "score": config["detector"]["score"],
        "seconds": "all" if every_second else "annotated",
        "unscored": config["data"]["unscored"],
    }


def recall_settings(config: Mapping[str, Any], split: str) -> dict[str, Any]:
    """Return what the recall of a split's proposals depends on."""
    used = "train_score" if split == "train" else "test_score"
    return {
        "unscored": config["data"]["unscored"],
        "scores": {name: config["boxes"][name] for name in (used, "bank_score")},
    }


def training_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return what the training of a model depends on."""
    own, keys = config["models"][model], _training(config, model)
    ignored = _NO_RESULT | (_OF_BACKBONE if own["head_only"] else set())
    settings = {
        **model_settings(config, model),
        "training": {key: value for key, value in keys.items() if key not in ignored},
    }
    if own["head_only"]:
        return {**_window(config, model), **settings}
    settings |= {**_model(config, model), "weights": own.get("weights", config["weights"])}
    if takes_best(config, model):
        settings["validation"] = validation_settings(config, model)
    return settings


def takes_best(config: Mapping[str, Any], model: str) -> bool:
    """Return whether a model takes the weights of its best epoch, so that validation counts."""
    return _training(config, model)["take"] == "best"


def monitoring_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return how to watch the training of a model."""
    return {
        "validation": validation_settings(config, model),
        "tensorboard": _training(config, model)["tensorboard"],
    }


def validation_settings(config: Mapping[str, Any], model: str) -> dict[str, Any] | None:
    """Return how to validate a model while it trains, except for its files; None for not at all."""
    keys = _training(config, model)
    if keys["validation_epochs"] is None:
        return None
    looks_up = config["models"][model]["operator"] is not None
    return {
        "epochs": keys["validation_epochs"],
        "share": keys["validation_share"],
        "protocol": config["evaluation"]["protocol"],
        "unscored": config["data"]["unscored"],
        "published": published_banks(config).get("val") if looks_up else None,
        "prediction": prediction_settings(config, model),
    }


def saving_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return how often the training of a model saves, and how many of its trainings to keep."""
    return _some(_training(config, model), "save_minutes", "keep")


def model_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return what defines the network of a model, trained or imported."""
    own = config["models"][model]
    return {
        "backbone": _backbone(config, model),
        "head": config["head"],
        "operator": own["operator"],
    }


def bank_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the banks depend on, in addition to the baseline's checkpoint."""
    return {
        **_model(config, "baseline"),
        "bank": {"dtype": config["bank"]["dtype"]},
        "inference": _some(config["inference"], "batch", "bfloat16"),
    }


def prediction_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return what the predictions of a model depend on, in addition to its checkpoint."""
    settings = _model(config, model)
    del settings["backbone"]  # the checkpoint contains it
    keys = ["batch", "bfloat16", "scales", "flip"]
    if config["models"][model]["operator"] is not None:
        keys += ["sampling", "draws"]
    return {**settings, "inference": _some(config["inference"], *keys)}


def threshold_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the thresholds depend on, in addition to predictions and ground truth."""
    return {
        "unscored": config["data"]["unscored"],
        "protocol": config["evaluation"]["protocol"],
    }


def film_settings(config: Mapping[str, Any], split: str) -> dict[str, Any]:
    """Return what films and stills of a split depend on, in addition to what they show."""
    return {
        **data_settings(config),
        **recall_settings(config, split),
        "annotations": {name: config["data"][name]["annotations"] for name in splits(config)},
    }


def head_prediction_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return what the predictions of a head depend on, in addition to its files."""
    inference = prediction_settings(config, model)["inference"]
    kept = {key: value for key, value in inference.items() if key not in ("scales", "flip")}
    return {**_window(config, model), "inference": kept}


def table_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the table shows in addition to the measured numbers."""
    models = config["models"]
    return {
        "protocol": config["evaluation"]["protocol"],
        "models": {
            name: {
                "operator": (models[name]["operator"] or {"name": "none"})["name"],
                "backbone": _backbone(config, name)["name"],
                "training": "head" if models[name]["head_only"] else "whole",
                "published_mAP": models[name]["published_mAP"],
            }
            for name in ["baseline", *(name for name in models if name != "baseline")]
        },
    }


def report_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the report depends on, in addition to the results and the models."""
    data = config["data"]
    return {
        "data": data["name"] or data["val"]["annotations"],
        "protocol": config["evaluation"]["protocol"],
        "seeds": config["seeds"],
        "models": list(config["models"]),
        "trained": trained(config),
        "input": config["input"],
        "window": config["window"],
        "sampling": config["inference"]["sampling"],
        "unscored": data["unscored"],
    }


def _training(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return the keys of a model's training."""
    return {**config["training"], **config["models"][model].get("training", {})}


def verification_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the check of finished results depends on.

    It has the user's files of each split, the keyframes and banks that the run selects and makes,
    and what each model is made from.
    """
    models = config["models"]
    own = trained(config)
    published = published_banks(config)
    looked_up = {split for split in splits(config) if _is_looked_up(config, split)}
    keyframes = [("train", "training")] if own else []
    keyframes += [("val", "testing")]
    keyframes += [(split, "bank") for split in sorted(looked_up - published.keys())]
    return {
        "seeds": config["seeds"],
        "unscored": config["data"]["unscored"],
        "keyframes": keyframes,
        "boxes": {
            purpose: selection_settings(config, purpose)["boxes"]
            for purpose in ("training", "testing", "bank")
        },
        "banks": {split: published.get(split) for split in sorted(looked_up)},
        "people": people_stores(config),
        "models": {
            name: {
                "trained": name in own,
                "operator": model["operator"],
                "source": model.get("checkpoint"),
                "head_only": model["head_only"],
                "weights": model.get("weights", config["weights"]),
                "prediction": prediction_settings(config, name),
            }
            for name, model in models.items()
        },
        "table": table_settings(config),
        "rows": list(table_settings(config)["models"]),  # a settings file sorts keys
    }


def _is_looked_up(config: Mapping[str, Any], split: str) -> bool:
    """Return whether a model looks up the bank of a split: in training, or in testing."""
    own = trained(config)
    return any(
        model["operator"] is not None and (split == "val" or name in own)
        for name, model in config["models"].items()
    )


def _some(settings: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: settings[key] for key in keys}


def _model(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return what every job that runs a model depends on."""
    return {
        "backbone": _backbone(config, model),
        "input": config["input"],
        **_window(config, model),
    }


def _backbone(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return the backbone of a model; that of a head is the baseline's."""
    models = config["models"]
    own = models["baseline" if models[model]["head_only"] else model]
    return own.get("backbone", config["backbone"])


def _window(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return the window that a model looks up, if it has an operator."""
    has_operator = config["models"][model]["operator"] is not None
    return {"window": config["window"]} if has_operator else {}
