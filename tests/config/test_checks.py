"""Tests of lfb.config.checks, with the project's schema and configs."""

import copy
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import yaml

from lfb.config import settings
from lfb.config.layers import read_layers
from lfb.errors import UserError
from tests.configs import CONFIG, DELETE, MODELS, check, checked, imported, put, unchecked


def test_null_removes_a_row_of_the_table():
    config = checked(models__lfb_avg=None)
    assert list(config["models"]) == ["lfb_nl", "baseline"]
    assert checked(data__seconds=None)["data"]["seconds"] is None  # null is a value of this key
    videos = checked(data__videos=None, data__frames={"folder": "f", "pattern": "{frame}"})
    assert "videos" not in videos["data"]


@pytest.mark.parametrize(
    "path",
    sorted(set(CONFIG.glob("*.yaml")) - {CONFIG / "schema.yaml"}),
    ids=lambda path: path.stem,
)
def test_the_configs_of_the_project_are_valid(path):
    text = path.read_text()
    sections = re.findall(r"^\w+:", text, re.MULTILINE)
    assert len(set(sections)) == len(sections)  # of two equal keys YAML takes the last
    below = [CONFIG / "own.yaml"] if path.stem == "small" else []
    config, _ = read_layers([*below, path], {}, CONFIG / "config.yaml")
    check(config)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("modles", {}, "config key modles: there is no such key; did you mean models?"),
        ("input.crob", 3, "config key input.crob: there is no such key; did you mean crop?"),
        ("input.zzz", 3, "config key input.zzz: there is no such key"),
        ("input.crop", DELETE, "config key input.crop: missing"),
        ("input.crop", "256", 'config key input.crop: "256" is not of type integer'),
        ("input.crop", 0, "config key input.crop: 0 is less than the minimum of 1"),
        ("input.flip", 1.5, "config key input.flip: 1.5 is greater than the maximum of 1"),
        ("input.train_short_side", [256], "config key input.train_short_side: "),
        ("input.train_short_side", [256, "a"], 'config key input.train_short_side.1: "a" is not'),
        ("input.train_short_side", [320, 256], "config key input.train_short_side: "),
        ("input.crop", 257, "config key input.crop: 257 "),
        ("input.test_crop", 257, "config key input.test_crop: 257 does not fit"),
        ("data", DELETE, "config key data: missing"),
        (
            "data.videos",
            DELETE,
            "config key data: none of videos and frames is given; set one of them",
        ),
        (
            "data.frames",
            {"folder": "f", "pattern": "p"},
            "config key data: both videos and frames are given; set one of them to null",
        ),
        ("data.train", DELETE, "data.train: missing; lfb_nl, baseline, lfb_avg are trained."),
        ("data.train", None, "data.train: missing; lfb_nl, baseline, lfb_avg are trained."),
        ("data.val.proposals", DELETE, "config key data.val.proposals: missing. Name a file of"),
        ("data.train.detections", "a.csv", "config key data.train.detections: there are proposals"),
        ("data.first_second", -1, "config key data.first_second: -1 is less than the minimum of 0"),
        ("detector", {}, "config key detector.weights: missing"),
        ("data.train.proposal", "x", "data.train.proposal: there is no such key; did you mean"),
        ("data.unscored", [0], "config key data.unscored.0: 0 is less than"),
        ("backbone.depth", 51, "config key backbone.depth: 51 is not one of [50, 101]"),
        ("backbone.depth", [1, 0], "config key backbone.depth.1: 0 is less than"),
        (
            "backbone.name",
            "i3d",
            "config key backbone.name: there is no backbone 'i3d'; did you mean i3d_nl?",
        ),
        (
            "backbone",
            {"name": "i3d_nl", "inflate": []},
            "config key backbone.inflate: backbone i3d_nl has no such argument",
        ),
        ("backbone", {"name": "i3d_nl", "depth": [1]}, "config key backbone.depth: [1] is too"),
        ("device", "gpu", "config key device: 'gpu' is not one of ['auto', 'cpu', 'cuda']"),
        ("seeds", [], "config key seeds: "),
        ("seeds", 3, "config key seeds: 3 is not of type array"),
        ("training.weight_decay", "1e-5", 'training.weight_decay: "1e-5" is not of type number'),
        (
            "training.epochs",
            DELETE,
            "config key training: epochs missing for lfb_nl, baseline, lfb_avg; set them under",
        ),
        ("training.compile", 1, "config key training.compile: 1 is not of type boolean"),
        ("models.baseline", DELETE, "config key models.baseline: missing"),
        ("models.baseline.operator", {"name": "avg"}, "config key models.baseline.operator: must"),
        ("models.baseline.head_only", True, "config key models.baseline.head_only: must be false"),
        (
            "models.lfb_nl",
            {"operator": {"name": "max"}, "head_only": True, "weights": "a.pth"},
            "config key models.lfb_nl.head_only: the backbone is the baseline's, so weights would",
        ),
        (
            "models.lfb_nl",
            {"operator": {"name": "max"}, "head_only": True, "training": {"take": "best"}},
            "config key models.lfb_nl.training.take: must be last; a head is not validated",
        ),
        (
            "models.lfb_nl.operator",
            "max",
            'config key models.lfb_nl.operator: "max" is not of type obj',
        ),
        ("models.lfb_nl.operator", {}, "config key models.lfb_nl.operator.name: missing"),
        ("models.lfb_nl.operator", DELETE, "config key models.lfb_nl.operator: missing"),
        (
            "models.lfb_nl.operator.name",
            "nonlocal",
            "no operator 'nonlocal'; did you mean non_local? There are: avg, max, non_local",
        ),
        (
            "models.lfb_nl.operator.layer",
            3,
            "layer: operator non_local has no such argument; did you mean layers? It has: width, ",
        ),
        (
            "models.lfb_avg.operator.empty",
            "msk",
            "models.lfb_avg.operator.empty: 'msk' is not one of ['zero', 'mask']",
        ),
        (
            "models.lfb_nl.training.batches",
            3,
            "models.lfb_nl.training.batches: there is no such key; did you mean batch?",
        ),
        (
            "models.lfb_nl.trainig",
            {},
            "models.lfb_nl.trainig: there is no such key; did you mean training?",
        ),
        ("models.Big", {"operator": None}, "config key models: 'Big' does not match"),
        ("models", {101: {"operator": None}}, "config key models: 101 is not of type 'string'"),
        ("input", {True: 1}, "config key input.True: there is no such key."),
    ],
)
def test_an_error_names_the_key(path, value, message):
    with pytest.raises(UserError) as refused:
        checked(**{path.replace(".", "__"): value})
    assert message in str(refused.value)


def errors(**changes: Any) -> list[str]:
    """Return the errors of the config with some changes, line by line."""
    with pytest.raises(UserError) as refused:
        checked(**changes)
    headline, *lines = str(refused.value).split("\n  ")
    assert headline == "the config has errors:"
    return lines


def test_all_errors_are_listed_together(tmp_path):
    assert errors(input__crop=0, seeds=3, window__second=2) == [
        "config key input.crop: 0 is less than the minimum of 1",
        "config key seeds: 3 is not of type array",
        "config key window.second: there is no such key; did you mean seconds?",
    ]
    found = errors(
        models__lfb_nl__operator__name="nonlocal",
        models__lfb_avg__operator__layers=2,
        models__lfb_avg__trainig={},
        models__lfb_avg__checkpoint=str(tmp_path),
        models__lfb_max={"operator": 3},
        input__train_short_side=[320, 256],
        input__crop=300,
        input__test_crop=300,
        input__flip="yes",
        inference__draws=5,
        training__epochs=DELETE,
        training__batch="16",
        data__val__detections="a.csv",
        data__fps="30",
        weights="a.txt",
        demo={"second": 3},
    )
    starts = [
        'data.fps: "30" is not of type number',
        "demo.second: there is no such key; did you mean seconds?",
        'input.flip: "yes" is not of type number',
        "models.lfb_avg.trainig: there is no such key; did you mean training?",
        "models.lfb_max.operator: 3 is not of type object or null",
        'training.batch: "16" is not of type integer',
        "input.train_short_side: 320 is greater than 256; swap them.",
        "input.test_crop: 300 does not fit into input.short_side, 256 pixels.",
        "inference.draws: 5 draws would all be the same; ",
        "data.val.detections: there are proposals too; keep one of them.",
        "training: epochs missing for lfb_nl, baseline, lfb_max; ",
        "models.lfb_nl.operator.name: there is no operator 'nonlocal'; did you mean non_local?",
        "models.lfb_avg.operator.layers: operator avg has no such argument. It has: ",
        "weights: a.txt does not end in .pth, .pt, .pkl, .safetensors",
        f"models.lfb_avg.checkpoint: {tmp_path} is a folder; name the file in it.",
        "data.videos: videos is not in resources/demo, where `demo` writes its files",
    ]
    unmatched = [
        start for start in starts if not any(e.startswith(f"config key {start}") for e in found)
    ]
    assert unmatched == []
    assert len(found) == len(starts) + 7 + 1  # seven more data files, and the advice


# Values of a wrong kind, to replace any other.
WRONG = [None, 3, "text", [], {}, [{}], {"a": None}]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_value_never_breaks_the_check(wrong):
    """A wrong value at any key gives a list of errors or a valid config, never an exception."""

    def paths(section: dict[str, Any], above: str = "") -> Iterator[str]:
        for key, value in section.items():
            yield above + key
            if isinstance(value, dict):
                yield from paths(value, f"{above}{key}.")

    base = unchecked(detector={"weights": "a.pth"}, weights="b.pth", pathvars={"resources": "a"})
    for path in [*paths(check(base)), "demo", "models.lfb_nl.checkpoint"]:
        config = {"demo": {}, **copy.deepcopy(base)}
        put(config, path, copy.deepcopy(wrong))
        with suppress(UserError):
            check(config)
        if path.count(".") < 2:
            put(config, path, DELETE)
            with suppress(UserError):
                check(config)


def test_a_missing_baseline_hides_no_other_error():
    first, second = errors(models__baseline=DELETE, models__lfb_avg__operator__a=1)
    assert first == "config key models.baseline: missing"
    assert second.startswith("config key models.lfb_avg.operator.a: operator avg has no such arg")


def test_a_check_imports_nothing_heavy():
    """Snakemake reads and checks the config each time it starts, also for each job."""
    code = """
import sys
from pathlib import Path
from lfb.config import settings
from lfb.config.checks import check_config
from lfb.config.layers import read_file, read_layers
from lfb.config.user_files import explain_missing, missing_files
config, _ = read_layers([Path("config/ava.yaml")], {}, Path("config/config.yaml"))
schema = read_file(Path("config/schema.yaml"))
config = check_config(config, schema, {"avg": ["empty"], "max": ["empty"], "non_local": [
    "width", "layers", "dropout", "empty", "norm_affine", "init_std"]}, {"slowonly": ["depth",
    "width", "spatial_strides", "inflate", "stem_stride", "stem_pool"]})
assert "fetch_weights" in explain_missing(config, missing_files(config))
heavy = {"torch", "zarr", "pandas", "numpy", "scipy", "PIL", "av", "requests", "snakemake"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], cwd=CONFIG.parent, check=True)


def test_the_config_that_is_checked_is_not_changed():
    config = unchecked(data__seconds=None, models__lfb_avg=None)
    before = copy.deepcopy(config)
    check(config)
    assert config == before


def test_the_demo_writes_to_its_own_folder_only():
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())
    check(config)
    config["data"] |= {"videos": "my/videos", "labels": "resources/demo/../labels.pbtxt"}
    config["data"]["val"]["annotations"] = "/home/val.csv"
    with pytest.raises(UserError, match="use a config that has no `demo`") as refused:
        check(config)
    assert re.findall(
        r"config key data\.(\S+): (\S+) is not in resources/demo, where", str(refused.value), re.M
    ) == [
        ("videos", "my/videos"),
        ("labels", "resources/demo/../labels.pbtxt"),
        ("val.annotations", "/home/val.csv"),
    ]
    del config["demo"]
    check(config)


def test_an_incomplete_config_is_advised_to_name_its_base():
    overlay = yaml.safe_load((CONFIG / "ava_published.yaml").read_text())
    with pytest.raises(
        UserError, match=r"This config is incomplete\. Name the config that it build"
    ):
        check(overlay)
    with pytest.raises(UserError) as refused:
        checked(backbone=DELETE)
    assert "incomplete" not in str(refused.value)


def test_weights_of_unknown_kinds_are_errors(tmp_path):
    (tmp_path / "a.pth").mkdir()
    assert errors(
        weights=str(tmp_path / "a.pth"),
        models__lfb_nl__weights="labels.pbtxt",
        models__lfb_avg__checkpoint="film.mp4",
        detector={"weights": "a.pkl"},
        data__val__proposals=DELETE,
    ) == [
        "config key models.lfb_nl.weights: labels.pbtxt does not end in .pth, .pt, .pkl, "
        ".safetensors",
        f"config key weights: {tmp_path}/a.pth is a folder; name the file in it.",
        "config key models.lfb_avg.checkpoint: film.mp4 does not end in .pth, .pt, .pkl, "
        ".safetensors",
        "config key detector.weights: a.pkl does not end in .pth, .pt",
    ]
    imported(weights="not read", models__lfb_nl__checkpoint="a.pkl")


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"url": "file:///etc/passwd", "to": "a"}, "config key fetch.kind.0.url: .*not match"),
        ({"url": "https://a.b/c"}, "config key fetch.kind.0.to: missing"),
        (
            {"url": "https://a.b/c", "to": "a", "size": 3},
            "config key fetch.kind.0.size: there is no",
        ),
        (
            {"url": "https://a.b/{name}", "list": "https://a.b/c", "to": "a", "bytes": 3},
            "config key fetch.kind.0: 'bytes' is not one of",
        ),
    ],
)
def test_errors_under_fetch_name_the_key(item, error):
    with pytest.raises(UserError, match=error):
        checked(fetch={"kind": [item]})


def test_several_draws_need_random_sampling():
    assert checked(inference={"sampling": "random", "draws": 5})["inference"]["draws"] == 5
    with pytest.raises(UserError, match=r"inference\.draws: 5 draws would all be the same"):
        checked(inference={"draws": 5})


def test_no_key_of_training_is_required_if_nothing_is_trained():
    config = imported()
    assert settings.splits(config) == ["val"]
    assert settings.trained(config) == []
    assert settings.trained(checked(models__lfb_avg__checkpoint="a.pth")) == ["lfb_nl", "baseline"]
    with pytest.raises(UserError, match=r"data\.train: missing; lfb_nl are trained\. Name the fil"):
        imported(models__lfb_nl__checkpoint=None)


def test_several_seeds_are_an_error_if_nothing_is_drawn():
    with pytest.raises(UserError, match="config key seeds: 2 seeds, but every model has a `check"):
        imported(seeds=[0, 1])
    imported(seeds=[0, 1], inference__sampling="random")
    checked(seeds=[0, 1], models__lfb_nl__checkpoint="nl.pth")


def test_the_best_epoch_needs_a_validation():
    checked(training__take="best", training__validation_epochs=20)
    for every in None, 21:
        with pytest.raises(UserError, match=r"training\.take: best needs a validation, and lfb_nl"):
            checked(models__lfb_nl__training={"take": "best", "validation_epochs": every})
    imported(training={"take": "best", "validation_epochs": None})  # nothing is trained


def test_all_keys_of_training_may_be_set_per_model():
    config = yaml.safe_load(MODELS)
    common = config["training"]
    config["training"] = {}
    for model in config["models"].values():
        model["training"] = {**common, **model.get("training", {})}
    config = check(config)
    training = settings.training_settings(config, "baseline")["training"]
    assert {key: training[key] for key in common} == common


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            "{vido}/{frame:06d}.jpg",
            "there is no {vido}; did you mean video? Write it like '{video}",
        ),
        ("{video}/{number}.jpg", "there is no {number}. Write it like"),
        ("{video}/{}.jpg", "there is no {}"),
        ("{video}/{frame:06x", "cannot be read ("),
        ("{video}/{frame:06y}.jpg", "cannot be read ("),
        ("{frame}/{video}.jpg", "its file name has no {frame}. Write it like"),
        ("{video}/img.jpg", "its file name has no {frame}"),
        ("{video}/{video}_{frame:06d}.jpg", None),
        ("all/{frame}.jpg", None),
    ],
)
def test_the_pattern_of_frames_is_checked(pattern, message):
    changes = {"data__videos": None, "data__frames": {"folder": "f", "pattern": pattern}}
    if message is None:
        checked(**changes)
    else:
        with pytest.raises(UserError, match=re.escape(message)) as caught:
            checked(**changes)
        assert str(caught.value).count("config key data.frames.pattern: ") == 1
