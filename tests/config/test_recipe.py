"""config/ava.yaml is the published recipe, config/ava_paper.yaml that of the paper's authors."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lfb.config import settings
from lfb.config.layers import read_layers
from lfb.config.user_files import missing_files
from lfb.files.digests import digest_in_name
from lfb.files.remote_file import fetched_paths
from lfb.learning.clips import Input, Shuffled, Window
from lfb.learning.training import Training, learning_rate
from tests.configs import CONFIG, check

LFB = ["lfb_avg", "lfb_max", "lfb_nl"]


def read(*names: str) -> dict[str, Any]:
    """Return the config of some files of config/ and of their bases."""
    config, _ = read_layers([CONFIG / name for name in names], {}, CONFIG / "config.yaml")
    return check(config)


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return read("ava.yaml")


@pytest.fixture(scope="module")
def paper() -> dict[str, Any]:
    return read("ava_paper.yaml")


def training_of(config: dict[str, Any], model: str, **changes: Any) -> Training:
    return Training(**{**settings.training_settings(config, model)["training"], **changes})


# Epoch, fraction of it, and the rate there as a fraction of the base rate. MMCV's warm-up is
# 1 - (1 - iteration / warm-up) * (1 - 0.1), iteration by iteration; then steps at 10 and 15.
SCHEDULE = [
    (0, 0, 0.1),
    (0, 0.5, 0.19),
    (1, 0, 0.28),
    (2, 0.5, 0.55),
    (4, 0.99, 0.9982),
    (5, 0, 1),
    (9, 0.99, 1),
    (10, 0, 0.1),
    (14, 0.99, 0.1),
    (15, 0, 0.01),
    (19, 0.99, 0.01),
]


@pytest.mark.parametrize(("epoch", "part", "factor"), SCHEDULE)
@pytest.mark.parametrize(
    ("model", "base"), [("baseline", 0.2), ("lfb_avg", 0.15), ("lfb_max", 0.15), ("lfb_nl", 0.15)]
)
def test_the_learning_rate_on_8_gpus_is_the_published_one(config, model, base, epoch, part, factor):
    length = 1600
    iteration = round((epoch + part) * length)
    rate = learning_rate(training_of(config, model), iteration, length, 8)
    assert rate == pytest.approx(base * factor, rel=1e-12)


def test_the_warm_up_is_linear(config):
    rates = [learning_rate(training_of(config, "baseline"), i, 1000, 8) for i in range(5001)]
    step = 0.2 * 0.9 / 5000
    assert rates[0] == pytest.approx(0.02)
    assert all(b - a == pytest.approx(step) for a, b in pairwise(rates))


@pytest.mark.parametrize("iteration", [0, 777, 2500, 10_000, 19_999])
@pytest.mark.parametrize(("processes", "batch"), [(1, 16), (4, 16), (8, 8), (16, 16), (2, 7)])
def test_the_learning_rate_scales_with_the_total_batch(config, processes, batch, iteration):
    for model, base, total in [("baseline", 0.2, 128), *((name, 0.15, 96) for name in LFB)]:
        usual = learning_rate(training_of(config, model), iteration, 1000, 8)
        rate = learning_rate(training_of(config, model, batch=batch), iteration, 1000, processes)
        assert rate == pytest.approx(usual * batch * processes / total, rel=1e-12)
        assert training_of(config, model, batch=batch).scaled(processes) == pytest.approx(
            base * batch * processes / total
        )


def test_the_other_keys_of_training_are_the_published_ones(config):
    for model in ["baseline", *LFB]:
        training = training_of(config, model)
        assert training.batch == (16 if model == "baseline" else 12)
        assert (training.epochs, list(training.steps)) == (20, [10, 15])
        assert (training.momentum, training.weight_decay, training.clip_norm) == (0.9, 1e-5, 40)


def test_the_models_are_the_published_ones(config):
    models = config["models"]
    published = {name: about["published_mAP"] for name, about in models.items()}
    assert published == {"baseline": 20.1, "lfb_avg": 20.17, "lfb_max": 22.15, "lfb_nl": 24.11}
    assert models["lfb_nl"]["operator"] == {
        "name": "non_local",
        "width": 512,
        "layers": 2,
        "dropout": 0.2,
        "empty": "zero",
    }
    assert {models[name]["operator"]["empty"] for name in LFB} == {"zero"}
    weights = {settings.training_settings(config, name)["weights"] for name in models}
    assert [Path(path).name for path in weights] == [
        "slowonly_r50_4x16x1_256e_kinetics400_rgb_20200704-a69556c6.pth"
    ]


def test_clips_boxes_and_windows_are_the_published_ones(config):
    given = settings.training_settings(config, "lfb_nl")
    assert Input(**given["input"]) == Input(4, 16, 256, [256, 320], 256, 0.5)
    assert Window(**given["window"]) == Window(60, 5)
    assert config["boxes"] == {
        "train_score": 0.9,
        "train_iou": 0.9,
        "train_most": 32,
        "bank_score": 0.9,
        "bank_seconds": "annotated",
        "test_score": 0.9,
        "test_seconds": "annotated",
    }
    assert len(set(config["data"]["unscored"])) == 20
    data = {key: config["data"][key] for key in ("fps", "first_second", "start", "seconds")}
    assert data == {"fps": 30, "first_second": 900, "start": 900, "seconds": 901}


def test_outputs_have_folders_that_no_other_config_uses(config):
    assert config["pathvars"] == {
        name: f"{name}/ava" for name in ("results", "resources", "logs", "benchmarks")
    }


@pytest.mark.parametrize(
    "names",
    [
        ["ava.yaml"],
        ["ava_v2.2.yaml"],
        ["ava_1x.yaml"],
        ["ava_published.yaml"],
        ["ava_1x_published.yaml"],
        ["ava_paper.yaml"],
        ["ava_paper_r101.yaml"],
        ["ava_paper_published.yaml"],
    ],
    ids="+".join,
)
def test_all_files_of_a_recipe_can_be_downloaded(names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = read(*names)
    items = [item for kind in config["fetch"].values() for item in kind]
    fetched_files = {str(place) for item in items for place in fetched_paths(item)}
    missing = missing_files(config)
    assert len(missing) > 5
    assert fetched_files >= set(missing.values())


# The recipe of the paper's authors, in iterations of 16 clips (their lib/utils/lr_policy.py).


@pytest.mark.parametrize(
    ("iteration", "rate"),
    [
        (0, 0.01),
        (500, 0.01 + 500 * 0.03 / 1999),
        (1000, 0.01 + 1000 * 0.03 / 1999),
        (1999, 0.04),
        (2000, 0.04),
        (99_999, 0.04),
        (100_000, 0.004),
        (119_999, 0.004),
        (120_000, 0.0004),
        (139_999, 0.0004),
    ],
)
def test_the_learning_rate_of_the_paper_on_8_gpus_is_the_authors(paper, iteration, rate):
    for model in paper["models"]:
        training = training_of(paper, model)
        length = len(Shuffled(180_000, training.batch, 0, 0, 8, training.epoch_clips))
        assert training.epochs * length == 140_000
        # Their warm-up ends one of its 2,000 iterations earlier.
        tolerance = 0.03 / 1999 if iteration < 2000 else 1e-12
        assert learning_rate(training, iteration, length, 8) == pytest.approx(rate, abs=tolerance)


def test_training_of_the_paper_sees_the_same_number_of_clips_on_any_number_of_gpus(paper):
    training = training_of(paper, "baseline")
    for processes in 1, 2, 4, 16:
        length = len(Shuffled(180_000, training.batch, 0, 0, processes, training.epoch_clips))
        assert training.epochs * length * 2 * processes == 140_000 * 16
        for part in 0.3, 0.9, 26, 31:
            rate = learning_rate(training, round(part * length), length, processes)
            usual = learning_rate(training, round(part * 4000), 4000, 8)
            assert rate == pytest.approx(usual * 2 * processes / 16)


def test_the_other_keys_of_training_of_the_paper_are_the_authors(paper):
    for model in paper["models"]:
        training = training_of(paper, model)
        assert (training.momentum, training.nesterov) == (0.9, True)
        assert (training.weight_decay, training.clip_norm) == (1e-6, None)


def test_the_models_of_the_paper_are_the_authors(paper):
    published = {name: about["published_mAP"] for name, about in paper["models"].items()}
    assert published == {
        "baseline": 22.1,
        "lfb_avg": 23.3,
        "lfb_max": 23.9,
        "lfb_nl": 25.8,
        "lfb_nl_3l": 25.9,
    }
    given = {name: settings.training_settings(paper, name) for name in published}
    for name, layers in ("lfb_nl", 2), ("lfb_nl_3l", 3):
        assert given[name]["operator"] == {
            "name": "non_local",
            "width": 512,
            "layers": layers,
            "dropout": 0.2,
            "empty": "zero",
            "norm_affine": False,
            "init_std": 0.01,
        }
    for about in given.values():
        assert about["backbone"] == {
            "name": "i3d_nl",
            "depth": 50,
            "width": 64,
            "frozen_norm": True,
        }
        assert about["head"] == {
            "roi_size": 7,
            "aligned": False,
            "dropout": 0.3,
            "dropout_before_pool": False,
        }
        assert Path(about["weights"]).name == "r50_k400_pretrained.pkl"


def test_clips_boxes_and_windows_of_the_paper_are_the_authors(paper):
    given = settings.training_settings(paper, "lfb_nl")
    assert Input(**given["input"]) == Input(
        32, 2, 256, [256, 320], 224, 0.5, jitter=False, test_crop=256
    )
    assert Window(**given["window"]) == Window(60, 5)
    assert paper["boxes"] == {
        "train_score": 0.9,
        "train_iou": 0.9,
        "train_most": 300,
        "bank_score": 0.9,
        "bank_seconds": "all",
        "test_score": 0.85,
        "test_seconds": "all",
    }
    assert paper["evaluation"]["protocol"] == "slowfast"


def test_the_deeper_backbone_changes_only_the_weights_and_the_rows(paper):
    deeper = read("ava_paper_r101.yaml")
    published = {name: about["published_mAP"] for name, about in deeper["models"].items()}
    assert published == {"baseline": 23.2, "lfb_nl_3l": 26.9}
    for name in published:
        own = settings.training_settings(deeper, name)
        assert (own["backbone"]["depth"], Path(own["weights"]).name) == (
            101,
            "r101_k400_pretrained.pkl",
        )
        usual = settings.training_settings(paper, name)
        assert {key for key in own if own[key] != usual[key]} == {"backbone", "weights"}


def test_the_published_models_can_be_downloaded_and_none_is_trained():
    config = read("ava_published_bank.yaml")
    assert settings.trained(config) == []
    assert settings.splits(config) == ["val"]
    assert config["window"] == read("ava.yaml")["window"]
    assert settings.published_banks(config) == {"val": "resources/ava/banks/lfb_val.pkl"}
    fetched = {f"{item['to']}/{Path(item['url']).name}" for item in config["fetch"]["weights"]}
    checkpoints = {model: own["checkpoint"] for model, own in config["models"].items()}
    assert set(checkpoints.values()) == fetched
    assert all(model in checkpoints[model] for model in LFB)
    assert all(digest_in_name(path) for path in fetched)
