"""Tests of lfb.config.watch."""

import json
from pathlib import Path
from typing import Any

import pytest

from lfb.config import watch
from lfb.errors import UserError

CONFIG: dict[str, Any] = {
    "data": {"unscored": [2]},
    "boxes": {
        "train_score": 0.9,
        "test_score": 0.8,
        "test_seconds": "annotated",
        "bank_score": 0.7,
        "bank_seconds": "annotated",
    },
    "film": {"model": None, "threshold": None},
    "models": {"baseline": {}, "lfb_nl": {}},
}
DETECTOR = {"name": "fast", "classes": ["person"], "score": 0.5, "weights": "w.pth", "pieces": 2}


def test_a_film_is_named_as_its_file(tmp_path: Path) -> None:
    (tmp_path / "day 1.take 2.mp4").touch()
    path = str(tmp_path / "day 1.take 2.mp4")
    for value in path, {"videos": path}:
        assert watch.films(CONFIG | {"watch": value}) == {"day 1.take 2": path}


def test_a_folder_has_several_films(tmp_path: Path) -> None:
    for name in "b.mkv", "a.mp4", "notes.txt":
        (tmp_path / name).touch()
    assert list(watch.films(CONFIG | {"watch": str(tmp_path)})) == ["a", "b"]


@pytest.mark.parametrize(
    ("files", "value", "error"),
    [
        ([], None, r"config key watch: missing\. .* --config watch=my\.mp4"),
        ([], "gone.mp4", r"config key watch: .*gone\.mp4 does not exist"),
        (["a.txt"], "", r"config key watch: .* contains no film\. Put files there that end in"),
        (["a.mp4", "a.mov"], "", "a.mov, a.mp4 are all video 'a'; keep one"),
        (["{a}.mp4"], "", r"\{a\}\.mp4: rename it without braces"),
    ],
)
def test_films_that_cannot_be_watched_are_errors(
    tmp_path: Path, files: list[str], value: str | None, error: str
) -> None:
    for name in files:
        (tmp_path / name).touch()
    config = CONFIG if value is None else CONFIG | {"watch": str(tmp_path / value)}
    with pytest.raises(UserError, match=error):
        watch.films(config)


def test_people_are_from_a_file_or_from_the_detector(tmp_path: Path) -> None:
    boxes, weights = tmp_path / "boxes.csv", tmp_path / "w.pth"
    boxes.touch()
    weights.touch()
    config = CONFIG | {"detector": {**DETECTOR, "weights": str(weights)}, "watch": "a.mp4"}
    assert watch.boxes_file(config) == {"weights": str(weights)}
    assert watch.people_settings(config)["detector"] == {
        "name": "fast",
        "classes": ["person"],
        "score": 0.5,
    }
    given = config | {"watch": {"videos": "a.mp4", "detections": str(boxes)}}
    assert watch.boxes_file(given) == {"detections": str(boxes)}
    assert watch.people_settings(given) == {
        "unscored": [2],
        "boxes": {
            "test_score": 0.8,
            "test_seconds": "all",
            "bank_score": 0.7,
            "bank_seconds": "all",
        },
    }


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"watch": "a.mp4"}, "config key watch: nothing says where the people are"),
        (
            {"watch": {"videos": "a.mp4", "proposals": "p", "detections": "d"}},
            "config key watch.detections: there are proposals too",
        ),
        (
            {"watch": {"videos": "a.mp4", "detections": "d.csv"}},
            r"config key watch\.detections: d\.csv does not exist",
        ),
        (
            {"watch": "a.mp4", "detector": DETECTOR},
            r"config key detector\.weights: w\.pth does not exist.* `fetch`",
        ),
    ],
)
def test_people_that_cannot_be_found_are_errors(more: dict[str, Any], error: str) -> None:
    with pytest.raises(UserError, match=error):
        watch.boxes_file(CONFIG | more)


def test_the_last_model_is_shown_unless_the_config_names_another() -> None:
    assert watch.shown_model(CONFIG) == "lfb_nl"
    named = CONFIG | {"film": {"model": "baseline", "threshold": None}}
    assert watch.shown_model(named) == "baseline"
    wrong = CONFIG | {"film": {"model": "lfb_n", "threshold": None}}
    with pytest.raises(UserError, match=r"there is no model 'lfb_n'.*baseline, lfb_nl"):
        watch.shown_model(wrong)


def test_chosen_thresholds_hold_where_there_are_some(tmp_path: Path) -> None:
    assert watch.film_settings(CONFIG, tmp_path) == {
        "model": "lfb_nl",
        "threshold": 0.5,
        "of_action": {},
    }
    (tmp_path / "lfb_nl").mkdir()
    classes = [{"id": 1, "threshold": 0.2}, {"id": 3, "threshold": None}]
    (tmp_path / "lfb_nl/thresholds.json").write_text(json.dumps({"classes": classes}))
    assert watch.film_settings(CONFIG, tmp_path)["of_action"] == {"1": 0.2}
    fixed = CONFIG | {"film": {"model": None, "threshold": 0.9}}
    assert watch.film_settings(fixed, tmp_path) == {
        "model": "lfb_nl",
        "threshold": 0.9,
        "of_action": {},
    }
