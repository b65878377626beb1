"""A small config for tests, with single values changed."""

from pathlib import Path
from typing import Any

import yaml

from lfb.config.checks import check_config
from lfb.models.signatures import arguments

CONFIG = Path(__file__).parents[1] / "config"
SCHEMA = yaml.safe_load((CONFIG / "schema.yaml").read_text())
DELETE = object()

MODELS = """
data:
  videos: videos
  fps: 30
  first_second: 900
  labels: labels.pbtxt
  train: {annotations: train.csv, proposals: train.pkl}
  val: {annotations: val.csv, proposals: val.pkl, excluded: out.csv}
backbone: {name: slowonly, depth: 50}
head: {}
input: {frames: 4, interval: 16, short_side: 256, train_short_side: [256, 320], crop: 256}
window: {seconds: 60, per_second: 5}
training:
  epochs: 20
  batch: 16
  learning_rate: 0.2
  learning_rate_batch: 128
  steps: [10, 15]
  warmup_epochs: 5
  warmup_from: 0.1
  momentum: 0.9
  weight_decay: 1.0e-5
  clip_norm: 40
  bfloat16: false
  channels_last: true
  compile: false
models:
  lfb_nl:
    operator: {name: non_local, layers: 2}
    training: {batch: 12}
    published_mAP: 24.11
  baseline: {operator: null, published_mAP: 20.76}
  lfb_avg: {operator: {name: avg}}
"""


def put(config: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a path such as ``input.crop``; DELETE removes the key."""
    *above, last = path.split(".")
    for key in above:
        config = config.setdefault(key, {})
    if value is DELETE:
        del config[last]
    else:
        config[last] = value


def unchecked(**changes: Any) -> dict[str, Any]:
    """Return the config above, with the values at some paths (``__`` for a dot) changed."""
    config = yaml.safe_load(MODELS)
    for path, value in changes.items():
        put(config, path.replace("__", "."), value)
    return config


def check(config: dict[str, Any]) -> dict[str, Any]:
    return check_config(config, SCHEMA, arguments("operators"), arguments("backbones"))


def checked(**changes: Any) -> dict[str, Any]:
    return check(unchecked(**changes))


def imported(**changes: Any) -> dict[str, Any]:
    """Return a config that trains nothing and has no keys of training."""
    models = {f"models__{model}__checkpoint": f"{model}.pth" for model in ("baseline", "lfb_nl")}
    given = {"models__lfb_avg": None, "training": None, "data__train": None}
    return checked(**{**models, **given, **changes})
