"""Tests of lfb.config.settings."""

import copy
from typing import Any

import pytest

from lfb.config import settings
from tests.configs import checked, imported, put

PURPOSES = ("training", "testing", "bank")


def slices(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": settings.data_settings(config),
        "check": settings.check_settings(config),
        "bank": settings.bank_settings(config),
        **{f"select {p}": settings.selection_settings(config, p) for p in PURPOSES},
        "table": settings.table_settings(config),
        "tools": settings.export_settings(config),
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
        ("data.fps", 25, {"check", "data", "tools"}),
        ("annotation_tools.threshold", 0.25, {"tools"}),
        ("annotation_tools.label_studio_videos", "s3://films/", {"tools"}),
        ("annotation_tools.exports", {"val": ["a.xml"]}, set()),
        ("data.invalid_keyframes", "drop", {"check"}),
        ("boxes.train_iou", 0.5, {"select training"}),
        ("boxes.bank_score", 0.5, {"select bank", "recall train", "recall val"}),
        ("boxes.test_score", 0.5, {"select testing", "recall val"}),
        ("boxes.train_score", 0.5, {"select training", "recall train"}),
        ("boxes.bank_seconds", "annotated", {"select bank", "people"}),
        ("detector.score", 0.5, {"people"}),
        ("detector.classes", ["bird"], {"people"}),
        ("detector.pieces", 5, set()),
        ("inference.batch", 3, {"bank", "predict baseline", "predict lfb_nl", "predict lfb_avg"}),
        ("frames.pieces", 5, set()),
        ("inference.pieces", 5, set()),
        ("inference.flip", True, {"predict baseline", "predict lfb_nl", "predict lfb_avg"}),
        ("inference.scales", [9, 8], {"predict baseline", "predict lfb_nl", "predict lfb_avg"}),
        ("inference.sampling", "random", {"predict lfb_nl", "predict lfb_avg"}),
    ],
)
def test_a_change_reaches_only_the_jobs_that_depend_on_it(path, value, changed):
    config = checked(detector={"weights": "a.pth"})
    before = slices(copy.deepcopy(config))
    put(config, path, value)
    after = slices(config)
    assert {job for job in before if before[job] != after[job]} == changed


def test_boxes_come_from_files_or_the_detector_and_in_training_from_the_annotations():
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


def test_the_detector_searches_all_seconds_if_the_bank_or_the_test_uses_all():
    for bank, test, both in (
        ("all", "annotated", "all"),
        ("annotated", "all", "all"),
        ("annotated", "annotated", "annotated"),
    ):
        boxes = {"bank_seconds": bank, "test_seconds": test}
        config = checked(detector={"weights": "a.pth"}, boxes=boxes)
        assert settings.detection_settings(config)["seconds"] == both


def test_a_head_depends_on_the_backbone_of_the_baseline_and_on_no_input():
    config = checked(
        detector={"weights": "a.pth"},
        models__lfb_nl__head_only=True,
        models__baseline__backbone={"name": "i3d_nl", "depth": 50},
    )
    before = copy.deepcopy(slices(config))
    assert settings.heads(config) == settings.scored_as_heads(config) == ["lfb_nl"]
    assert before["train lfb_nl"]["backbone"]["name"] == "i3d_nl"
    assert before["table"]["models"]["lfb_nl"]["backbone"] == "i3d_nl"
    shown = {name: row["training"] for name, row in before["table"]["models"].items()}
    assert shown == {"baseline": "whole", "lfb_nl": "head", "lfb_avg": "whole"}
    prediction = settings.head_prediction_settings(config, "lfb_nl")
    for path, value in (
        ("weights", "a.pth"),
        ("input.crop", 8),
        ("training.compile", True),
        ("training.channels_last", False),
    ):
        put(config, path, value)
    assert settings.training_settings(config, "lfb_nl") == before["train lfb_nl"]
    assert settings.head_prediction_settings(config, "lfb_nl") == prediction
    put(config, "training.epochs", 3)
    assert settings.training_settings(config, "lfb_nl") != before["train lfb_nl"]


def test_several_scales_need_the_frames_of_heads_too():
    for keys in {"scales": [9]}, {"flip": True}:
        config = checked(models__lfb_nl__head_only=True, inference=keys)
        assert settings.scored_as_heads(config) == []
        assert settings.people_stores(config) == {"train": "training"}


def test_training_keys_of_a_model_win_over_the_common_ones():
    config = checked()
    assert settings.training_settings(config, "lfb_nl")["training"]["batch"] == 12
    assert settings.training_settings(config, "lfb_nl")["training"]["epochs"] == 20
    assert settings.training_settings(config, "baseline")["training"]["batch"] == 16


def test_weights_of_a_model_win_over_the_common_ones_even_if_null():
    config = checked(
        weights="a.pth", models__lfb_nl__weights="b.pth", models__lfb_avg__weights=None
    )
    weights = {m: settings.training_settings(config, m)["weights"] for m in config["models"]}
    assert weights == {"baseline": "a.pth", "lfb_nl": "b.pth", "lfb_avg": None}
    assert settings.training_settings(checked(), "baseline")["weights"] is None


def test_training_defaults_do_not_hide_the_common_keys():
    config = checked(training__nesterov=True, training__epoch_clips=64)
    for model in config["models"]:  # lfb_nl has its own keys
        training = settings.training_settings(config, model)["training"]
        assert (training["nesterov"], training["epoch_clips"]) == (True, 64)
    assert settings.training_settings(checked(), "lfb_nl")["training"]["nesterov"] is False


def test_fetch_settings_contain_the_videos_and_the_annotations():
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


def test_published_banks_are_those_of_the_existing_splits():
    banks = {"train": "lfb_train.pkl", "val": "lfb_val.pkl"}
    assert settings.published_banks(checked()) == {}
    assert settings.published_banks(checked(bank__published=banks)) == banks
    assert settings.published_banks(imported(bank__published=banks)) == {"val": "lfb_val.pkl"}


def test_the_baseline_is_the_first_row_of_the_table():
    assert list(settings.table_settings(checked())["models"]) == ["baseline", "lfb_nl", "lfb_avg"]


def test_settings_fit_the_classes_that_they_configure():
    from lfb.learning.clips import Input, Window
    from lfb.learning.training import Training

    given = settings.training_settings(checked(), "lfb_nl")
    Training(**given["training"])
    Input(**given["input"])
    Window(**given["window"])


def test_how_often_a_training_saves_and_how_many_stay_is_no_part_of_what_it_depends_on():
    config = checked(training__save_minutes=3, training__keep=7)
    config["models"]["lfb_nl"].setdefault("training", {})["save_minutes"] = None
    for model in "baseline", "lfb_nl":
        keys = settings.training_settings(config, model)["training"].keys()
        assert keys.isdisjoint({"save_minutes", "keep"})
    assert settings.saving_settings(config, "baseline") == {"save_minutes": 3, "keep": 7}
    assert settings.saving_settings(config, "lfb_nl") == {"save_minutes": None, "keep": 7}
    assert settings.saving_settings(checked(), "baseline") == {"save_minutes": 15, "keep": 3}


def test_how_a_training_is_watched_counts_only_if_it_takes_the_best_epoch():
    config = checked(training__validation_share=0.5, training__tensorboard=True)
    keys = {"take", "tensorboard", "validation_epochs", "validation_share"}
    for model in "baseline", "lfb_nl":
        found = settings.training_settings(config, model)
        assert keys.isdisjoint(found["training"])
        assert "validation" not in found
        assert not settings.takes_best(config, model)
    watching = settings.monitoring_settings(config, "baseline")
    assert watching["tensorboard"] is True
    assert (watching["validation"]["epochs"], watching["validation"]["share"]) == (1, 0.5)
    assert watching["validation"]["prediction"] == settings.prediction_settings(config, "baseline")

    config["models"]["lfb_nl"]["training"]["take"] = "best"
    found = settings.training_settings(config, "lfb_nl")
    assert keys.isdisjoint(found["training"])
    assert found["validation"] == settings.validation_settings(config, "lfb_nl")
    config["training"]["validation_epochs"] = None
    assert settings.monitoring_settings(config, "baseline")["validation"] is None


def test_the_report_names_the_data_set_or_else_its_annotations():
    named = checked(data__name="mine")
    assert settings.report_settings(named)["data"] == "mine"
    unnamed = checked()
    assert settings.report_settings(unnamed)["data"] == unnamed["data"]["val"]["annotations"]
    assert settings.data_settings(named) == settings.data_settings(unnamed)


def test_frames_are_in_use_by_the_annotations_of_all_splits():
    config = checked()
    found = settings.clean_settings(config)
    assert found["videos"] == config["data"]["videos"]
    assert found["annotations"] == [
        config["data"][split]["annotations"] for split in ("train", "val")
    ]
