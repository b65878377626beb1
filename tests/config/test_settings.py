"""Tests of lfb.config.settings, with the project's schema and configurations."""

import copy
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lfb.config import settings
from lfb.config.layers import read_layers
from lfb.errors import UserError
from lfb.models.action_model import ActionModel
from lfb.models.signatures import arguments
from scripts.document_config import document

CONFIG = Path(__file__).parents[2] / "config"
SCHEMA = yaml.safe_load((CONFIG / "schema.yaml").read_text())

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
    """Sets the value at a path such as ``input.crop``; DELETE takes the key away."""
    *above, last = path.split(".")
    for key in above:
        config = config.setdefault(key, {})
    if value is DELETE:
        del config[last]
    else:
        config[last] = value


DELETE = object()


def checked(**changes: Any) -> dict[str, Any]:
    """The configuration above with the values at some paths (``__`` for a dot) changed."""
    config = yaml.safe_load(MODELS)
    for path, value in changes.items():
        put(config, path.replace("__", "."), value)
    settings.check_config(config, SCHEMA)
    settings.check_operators(config["models"], arguments("operators"))
    return config


def test_an_overlay_drops_a_row_of_the_table():
    config = checked(models__lfb_avg=None)
    assert list(config["models"]) == ["lfb_nl", "baseline"]
    assert checked(data__seconds=None)["data"]["seconds"] is None  # null means something there
    videos = checked(data__videos=None, data__frames={"folder": "f", "pattern": "{frame}"})
    assert "videos" not in videos["data"]


@pytest.mark.parametrize(
    "path",
    sorted(set(CONFIG.glob("*.yaml")) - {CONFIG / "schema.yaml"}),
    ids=lambda path: path.stem,
)
def test_the_configurations_of_the_project_are_sound(path):
    text = path.read_text()
    sections = re.findall(r"^\w+:", text, re.MULTILINE)
    assert len(set(sections)) == len(sections)  # YAML takes the last of two alike
    below = [CONFIG / "own.yaml"] if path.stem == "small" else []
    config, _ = read_layers([*below, path], {}, CONFIG / "config.yaml")
    settings.check_config(config, SCHEMA)
    settings.check_operators(config["models"], arguments("operators"))


def test_the_demo_is_made_in_its_own_folder_and_never_over_the_users_files():
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())
    settings.check_config(config, SCHEMA)
    settings.check_demo(config)
    config["data"] |= {"videos": "my/videos", "labels": "resources/demo/../labels.pbtxt"}
    config["data"]["val"]["annotations"] = "/home/val.csv"
    with pytest.raises(UserError, match="use a config that has no `demo`") as refused:
        settings.check_demo(config)
    assert re.findall(
        r"config key data\.(\S+): (\S+) is not in resources/demo$", str(refused.value), re.M
    ) == [
        ("videos", "my/videos"),
        ("labels", "resources/demo/../labels.pbtxt"),
        ("val.annotations", "/home/val.csv"),
    ]
    del config["demo"]
    settings.check_demo(config)


def test_the_schema_is_one_and_explains_every_key():
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def unexplained(schema: Any, path: str) -> list[str]:
        found = []
        for key, below in schema.get("properties", {}).items():
            if below.keys() & {"description"} == set() and path.count(".") > 0:
                found.append(f"{path}.{key}")
            found += unexplained(below, f"{path}.{key}")
        return found

    assert unexplained(SCHEMA, "config") == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
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
        ("backbone.name", "i3d", "config key backbone.name: 'i3d' is not one of"),
        ("backbone", {"name": "i3d_nl", "inflate": []}, "config key backbone: 'inflate' is not"),
        ("backbone", {"name": "i3d_nl", "depth": [1]}, "config key backbone.depth: [1] is too"),
        ("device", "gpu", "config key device: 'gpu' is not one of ['auto', 'cpu', 'cuda']"),
        ("seeds", [], "config key seeds: "),
        ("seeds", 3, "config key seeds: 3 is not of type array"),
        ("training.weight_decay", "1e-5", 'training.weight_decay: "1e-5" is not of type number'),
        ("training.epochs", DELETE, "config key training: epochs missing; set them there, or"),
        ("training.compile", 1, "config key training.compile: 1 is not of type boolean"),
        ("models.baseline", DELETE, "config key models.baseline: missing"),
        ("models.baseline.operator", {"name": "avg"}, "config key models.baseline.operator: must"),
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
    ],
)
def test_a_bad_value_is_named_by_its_path(path, value, fault):
    with pytest.raises(UserError) as refused:
        checked(**{path.replace(".", "__"): value})
    assert fault in str(refused.value)


def test_all_faults_are_told_at_once():
    with pytest.raises(UserError) as refused:
        checked(input__crop=0, seeds=3, window__second=2)
    assert str(refused.value).count("\n  config key ") == 3


def test_defaults_stand_where_the_configuration_is_silent():
    config = checked()
    assert config["seeds"] == [0]
    assert config["device"] == "auto"
    assert config["boxes"]["train_most"] == 32
    assert config["boxes"]["test_score"] == 0.9
    assert config["head"]["roi_size"] == 8
    assert config["input"]["flip"] == 0.5
    assert config["bank"]["dtype"] == "float16"
    assert config["data"]["seconds"] is None
    assert config["models"]["lfb_avg"]["published_mAP"] is None
    assert "demo" not in config
    assert checked(bank={"dtype": "float32"})["bank"] == {
        "dtype": "float32",
        "pieces": 2,
        "published": {"train": None, "val": None},
    }


def test_defaults_of_one_configuration_are_not_shared_with_another():
    checked()["boxes"]["train_most"] = 1
    assert checked()["boxes"]["train_most"] == 32


PURPOSES = ("training", "testing", "bank")


def slices(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": settings.data_settings(config),
        "bank": settings.bank_settings(config),
        **{f"select {p}": settings.selection_settings(config, p) for p in PURPOSES},
        "table": settings.table_settings(config),
        "people": settings.detection_settings(config),
        **{f"recall {s}": settings.recall_settings(config, s) for s in settings.splits(config)},
        **{f"train {m}": settings.training_settings(config, m) for m in config["models"]},
        **{f"predict {m}": settings.prediction_settings(config, m) for m in config["models"]},
    }


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ("models.lfb_nl.operator.layers", 3, {"train lfb_nl"}),
        ("models.lfb_nl.training.batch", 13, {"train lfb_nl"}),
        ("models.lfb_avg.training", {"epochs": 2}, {"train lfb_avg"}),
        ("models.lfb_avg.backbone", {"name": "slowonly"}, {"train lfb_avg"}),
        ("models.lfb_avg.operator.name", "max", {"train lfb_avg", "table"}),
        ("models.lfb_nl.published_mAP", 1, {"table"}),
        ("weights", "a.pth", {"train baseline", "train lfb_nl", "train lfb_avg"}),
        ("models.lfb_nl.weights", "a.pth", {"train lfb_nl"}),
        ("training.epochs", 9, {"train baseline", "train lfb_nl", "train lfb_avg"}),
        ("bank.dtype", "float32", {"bank"}),
        ("bank.pieces", 5, set()),
        ("evaluation.protocol", "slowfast", {"table"}),
        ("seeds", [0, 1], set()),
        ("device", "cpu", set()),
        (
            "window.seconds",
            9,
            {"train lfb_nl", "train lfb_avg", "predict lfb_nl", "predict lfb_avg"},
        ),
        ("data.fps", 25, {"data"}),
        ("boxes.train_iou", 0.5, {"select training"}),
        ("boxes.bank_score", 0.5, {"select bank", "recall train", "recall val"}),
        ("boxes.test_score", 0.5, {"select testing", "recall val"}),
        ("boxes.train_score", 0.5, {"select training", "recall train"}),
        ("boxes.bank_seconds", "annotated", {"select bank", "people"}),
        ("detector.score", 0.5, {"people"}),
        ("detector.pieces", 5, set()),
        ("inference.batch", 3, {"bank", "predict baseline", "predict lfb_nl", "predict lfb_avg"}),
        ("inference.flip", True, {"predict baseline", "predict lfb_nl", "predict lfb_avg"}),
        ("inference.scales", [9, 8], {"predict baseline", "predict lfb_nl", "predict lfb_avg"}),
        ("inference.sampling", "random", {"predict lfb_nl", "predict lfb_avg"}),
    ],
)
def test_a_change_reaches_the_jobs_that_depend_on_it_and_no_others(path, value, changed):
    config = checked(detector={"weights": "a.pth"})
    before = slices(copy.deepcopy(config))
    put(config, path, value)
    after = slices(config)
    assert {job for job in before if before[job] != after[job]} == changed


def test_draws_that_would_all_be_the_same_are_refused():
    assert checked(inference={"sampling": "random", "draws": 5})["inference"]["draws"] == 5
    with pytest.raises(UserError, match=r"inference\.draws: 5 draws would all be the same"):
        checked(inference={"draws": 5})


def test_people_come_from_files_or_a_detector_and_in_training_from_the_annotations():
    def origins(config: dict[str, Any]) -> list[str]:
        return [settings.origin_of_people(config, split) for split in settings.splits(config)]

    assert origins(checked()) == ["proposals", "proposals"]
    val = {"annotations": "val.csv"}
    train = {"annotations": "train.csv", "detections": "train_boxes.csv"}
    detector = {"weights": "a.pth"}
    assert origins(checked(detector=detector, data__val=val)) == ["proposals", "detector"]
    assert origins(checked(detector=detector, data__val=val, data__train=train)) == [
        "detections",
        "detector",
    ]
    del train["detections"]
    assert origins(checked(data__train=train)) == ["annotations", "proposals"]


def test_people_are_looked_for_in_all_seconds_if_the_bank_or_the_test_takes_all():
    for bank, test, both in (
        ("all", "annotated", "all"),
        ("annotated", "all", "all"),
        ("annotated", "annotated", "annotated"),
    ):
        boxes = {"bank_seconds": bank, "test_seconds": test}
        config = checked(detector={"weights": "a.pth"}, boxes=boxes)
        assert settings.detection_settings(config)["seconds"] == both


def test_a_models_own_keys_of_training_win_over_the_common_ones():
    config = checked()
    assert settings.training_settings(config, "lfb_nl")["training"]["batch"] == 12
    assert settings.training_settings(config, "lfb_nl")["training"]["epochs"] == 20
    assert settings.training_settings(config, "baseline")["training"]["batch"] == 16


def test_a_models_own_weights_win_over_the_common_ones_even_where_there_are_none():
    config = checked(
        weights="a.pth", models__lfb_nl__weights="b.pth", models__lfb_avg__weights=None
    )
    weights = {m: settings.training_settings(config, m)["weights"] for m in config["models"]}
    assert weights == {"baseline": "a.pth", "lfb_nl": "b.pth", "lfb_avg": None}
    assert settings.training_settings(checked(), "baseline")["weights"] is None


def test_files_that_are_not_there_are_told_by_their_keys(tmp_path):
    (tmp_path / "a.pth").touch()
    (tmp_path / "videos").mkdir()
    config = checked(
        weights=str(tmp_path / "a.pth"),
        models__lfb_nl__weights="b.pth",
        data__videos=str(tmp_path / "videos"),
    )
    data = {
        "data.labels": "labels.pbtxt",
        "data.train.annotations": "train.csv",
        "data.train.proposals": "train.pkl",
        "data.val.annotations": "val.csv",
        "data.val.proposals": "val.pkl",
        "data.val.excluded": "out.csv",
    }
    weights = {"models.lfb_nl.weights": "b.pth"}
    missing = settings.missing_files(config)
    assert missing == {**data, **weights}
    told = settings.explain_missing(config, missing)
    assert all(f"{key}: {path}\n" in told for key, path in missing.items())
    assert settings.missing_files({**config, "demo": {}}) == weights
    del config["data"]["videos"]
    config["data"]["frames"] = {"folder": "frames"}
    assert settings.missing_files(config) == {"data.frames.folder": "frames", **data, **weights}


def test_an_incomplete_config_is_advised_to_name_its_base():
    overlay = yaml.safe_load((CONFIG / "ava_published.yaml").read_text())
    with pytest.raises(
        UserError, match=r"This config is incomplete\. Name the config that it build"
    ):
        settings.check_config(overlay, SCHEMA)
    with pytest.raises(UserError) as refused:
        checked(backbone=DELETE)
    assert "incomplete" not in str(refused.value)


def test_weights_of_a_kind_that_is_not_read_are_told_by_their_keys(tmp_path):
    (tmp_path / "a.pth").mkdir()
    config = checked(
        weights=str(tmp_path / "a.pth"),
        models__lfb_nl__weights="labels.pbtxt",
        models__lfb_avg__checkpoint="film.mp4",
        detector={"weights": "a.pkl"},
        data__val__proposals=DELETE,
    )
    with pytest.raises(UserError) as refused:
        settings.check_weights(config)
    assert str(refused.value).split("\n  ")[1:] == [
        "config key models.lfb_nl.weights: labels.pbtxt does not end in .pth, .pt, .pkl, "
        ".safetensors",
        f"config key weights: {tmp_path}/a.pth is a folder; name the file in it.",
        "config key models.lfb_avg.checkpoint: film.mp4 does not end in .pth, .pt, .pkl, "
        ".safetensors",
        "config key detector.weights: a.pkl does not end in .pth, .pt",
    ]
    settings.check_weights(imported(weights="not read", models__lfb_nl__checkpoint="a.pkl"))


def test_missing_files_that_can_be_fetched_name_the_target():
    to = {"to": "far"}
    config = checked(
        data__videos="far/videos",
        data__train__annotations="far/train.csv",
        weights="far/a.pth",
        fetch={
            "csv": [{"url": "https://a.b/all.zip", "members": ["train.csv", "val.csv"], **to}],
            "weights": [{"url": "https://a.b/a.pth", **to}],
            "videos": [
                {
                    "url": "https://a.b/{name}",
                    "list": "https://a.b/list.txt",
                    "to": "far/videos",
                }
            ],
        },
    )
    told = settings.explain_missing(config, settings.missing_files(config))
    assert "  data.videos: far/videos (fetch_videos)\n" in told
    assert "  data.train.annotations: far/train.csv (fetch_csv)\n" in told
    assert "  data.train.proposals: train.pkl\n" in told
    assert "  weights: far/a.pth (fetch_weights)\n" in told
    assert "The targets in brackets fetch them" in told


def test_missing_files_of_which_none_can_be_fetched_name_no_target():
    config = checked(fetch={"other": [{"url": "https://a.b/c", "to": "far"}]})
    told = settings.explain_missing(config, settings.missing_files(config))
    assert "brackets" not in told
    assert f"Check the paths, which are relative to {Path.cwd()}: put" in told


def test_a_missing_file_that_comes_packed_is_told_with_how_to_unpack_it():
    packed = {"url": "https://a.b/all.rar", "to": "far", "unrar": ["lfb_val.pkl"]}
    config = checked(bank__published__val="far/lfb_val.pkl", fetch={"banks": [packed]})
    told = settings.explain_missing(config, settings.missing_files(config))
    line = "  bank.published.val: far/lfb_val.pkl (fetch_banks, then unrar e far/all.rar far/)\n"
    assert line in told


def test_a_kind_is_fetched_with_what_its_lists_need():
    items = {"a": [{"url": "https://a.b/a", "to": "far"}], "b": []}
    config = checked(fetch=items)
    assert settings.fetch_settings(config, ["b"]) == {
        "items": [],
        "videos": "videos",
        "annotations": {
            "data.train.annotations": "train.csv",
            "data.val.annotations": "val.csv",
        },
    }
    assert settings.fetch_settings(config, items)["items"] == items["a"]
    del config["data"]["videos"], config["data"]["train"]
    assert settings.fetch_settings(config, ["b"]) == {
        "items": [],
        "videos": None,
        "annotations": {"data.val.annotations": "val.csv"},
    }


@pytest.mark.parametrize(
    ("item", "said"),
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
def test_faults_of_what_to_fetch_are_told_by_their_key(item, said):
    with pytest.raises(UserError, match=said):
        checked(fetch={"kind": [item]})


def imported(**changes: Any) -> dict[str, Any]:
    """A configuration that trains nothing and has no keys for it."""
    models = {f"models__{model}__checkpoint": f"{model}.pth" for model in ("baseline", "lfb_nl")}
    given = {"models__lfb_avg": None, "training": None, "data__train": None}
    return checked(**{**models, **given, **changes})


def test_where_nothing_is_trained_no_key_of_it_is_needed():
    config = imported()
    assert settings.splits(config) == ["val"]
    assert settings.trained(config) == []
    assert settings.trained(checked(models__lfb_avg__checkpoint="a")) == ["lfb_nl", "baseline"]
    with pytest.raises(UserError, match=r"data\.train: missing; lfb_nl are trained\. Name its fil"):
        imported(models__lfb_nl__checkpoint=None)


def test_seeds_are_no_use_where_nothing_is_trained():
    with pytest.raises(UserError, match="config key seeds: 2 seeds, but every model has a `check"):
        imported(seeds=[0, 1])
    imported(seeds=[0, 1], inference__sampling="random")
    checked(seeds=[0, 1], models__lfb_nl__checkpoint="nl.pth")


def test_banks_are_published_for_the_splits_that_there_are():
    banks = {"train": "lfb_train.pkl", "val": "lfb_val.pkl"}
    assert settings.published_banks(checked()) == {}
    assert settings.published_banks(checked(bank__published=banks)) == banks
    assert settings.published_banks(imported(bank__published=banks)) == {"val": "lfb_val.pkl"}


def test_checkpoints_and_banks_to_import_that_are_not_there_are_told_by_key(tmp_path):
    config = imported(bank__published__val="lfb_val.pkl", weights="a.pth")
    assert settings.missing_files({**config, "demo": {}}) == {
        "bank.published.val": "lfb_val.pkl",
        "models.baseline.checkpoint": "baseline.pth",
        "models.lfb_nl.checkpoint": "lfb_nl.pth",
    }


def test_keys_of_training_may_all_stand_under_the_models():
    config = yaml.safe_load(MODELS)
    common = config["training"]
    config["training"] = {}
    for model in config["models"].values():
        model["training"] = {**common, **model.get("training", {})}
    settings.check_config(config, SCHEMA)
    training = settings.training_settings(config, "baseline")["training"]
    assert {key: training[key] for key in common} == common


def test_defaults_of_training_do_not_hide_what_is_common_to_all_models():
    config = checked(training__nesterov=True, training__epoch_clips=64)
    for model in config["models"]:  # lfb_nl has keys of its own
        training = settings.training_settings(config, model)["training"]
        assert (training["nesterov"], training["epoch_clips"]) == (True, 64)
    assert settings.training_settings(checked(), "lfb_nl")["training"]["nesterov"] is False


def test_the_table_begins_with_the_baseline():
    assert list(settings.table_settings(checked())["models"]) == ["baseline", "lfb_nl", "lfb_avg"]


@pytest.mark.parametrize("name", arguments("backbones"))
def test_a_backbones_keys_are_its_arguments(name):
    backbone = SCHEMA["$defs"]["backbone"]
    branch = "then" if name == "slowonly" else "else"
    backbones = arguments("backbones")
    assert backbone[branch]["propertyNames"]["enum"] == ["name", *backbones[name]]
    assert list(backbones) == sorted(backbone["properties"]["name"]["enum"])
    head = list(inspect.signature(ActionModel).parameters)[3:]
    assert list(SCHEMA["properties"]["head"]["properties"]) == head


def test_settings_fit_what_the_programs_make_of_them():
    from lfb.learning.clips import Input, Window
    from lfb.learning.training import Training

    given = settings.training_settings(checked(), "lfb_nl")
    Training(**given["training"])
    Input(**given["input"])
    Window(**given["window"])


def test_the_page_about_the_keys_is_up_to_date():
    page = (CONFIG / "README.md").read_text()
    assert page == document(SCHEMA), "run: python -m scripts.document_config"
