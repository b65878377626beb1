"""config/ava.yaml is the published recipe."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from lfb import settings
from lfb.clips import Input, Window
from lfb.training import Training, learning_rate

CONFIG = Path(__file__).parent.parent / "config"
LFB = ["lfb_avg", "lfb_max", "lfb_nl"]


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    config = yaml.safe_load((CONFIG / "ava.yaml").read_text())
    settings.check_config(config, yaml.safe_load((CONFIG / "schema.yaml").read_text()))
    return config


def training_of(config: dict[str, Any], model: str, **changes: Any) -> Training:
    return Training(**{**settings.training_settings(config, model)["training"], **changes})


# Epoch and part of it, and the rate there as a part of the base rate: MMCV's linear warm-up is
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
def test_the_learning_rate_on_eight_gpus_is_the_published_one(
    config, model, base, epoch, part, factor
):
    length = 1600
    iteration = round((epoch + part) * length)
    rate = learning_rate(training_of(config, model), iteration, length, 8)
    assert rate == pytest.approx(base * factor, rel=1e-12)


def test_the_first_iterations_rise_by_the_same_step(config):
    rates = [learning_rate(training_of(config, "baseline"), i, 1000, 8) for i in range(5001)]
    step = 0.2 * 0.9 / 5000
    assert rates[0] == pytest.approx(0.02)
    assert all(b - a == pytest.approx(step) for a, b in pairwise(rates))


@pytest.mark.parametrize("iteration", [0, 777, 2500, 10_000, 19_999])
@pytest.mark.parametrize(("processes", "batch"), [(1, 16), (4, 16), (8, 8), (16, 16), (2, 7)])
def test_the_learning_rate_follows_the_total_batch(config, processes, batch, iteration):
    for model, base, total in [("baseline", 0.2, 128), *((name, 0.15, 96) for name in LFB)]:
        usual = learning_rate(training_of(config, model), iteration, 1000, 8)
        rate = learning_rate(training_of(config, model, batch=batch), iteration, 1000, processes)
        assert rate == pytest.approx(usual * batch * processes / total, rel=1e-12)
        assert training_of(config, model, batch=batch).scaled(processes) == pytest.approx(
            base * batch * processes / total
        )


def test_the_rest_of_the_training_is_the_published_one(config):
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


def test_nothing_is_written_where_another_configuration_writes(config):
    assert config["pathvars"] == {
        name: f"{name}/ava" for name in ("results", "resources", "logs", "benchmarks")
    }
