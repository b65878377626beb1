"""Tests of lfb.config.job_settings."""

import json
from pathlib import Path

from lfb.config.job_settings import write_settings


def test_the_file_contains_the_settings_and_is_named_after_them(tmp_path):
    settings = {"b": {"y": [1, 2.5], "x": None}, "a": "{video}/é.jpg"}
    path = Path(write_settings(tmp_path / "logs", "train", settings))
    assert path.parent == tmp_path / "logs"
    assert path.name.startswith("train-")
    assert json.loads(path.read_text()) == settings


def test_the_same_settings_are_the_same_file_in_any_order_of_keys(tmp_path):
    first = write_settings(tmp_path, "train", {"a": 1, "b": {"x": 1, "y": 2}})
    assert write_settings(tmp_path, "train", {"b": {"y": 2, "x": 1}, "a": 1}) == first
    assert len(list(tmp_path.iterdir())) == 1


def test_other_settings_are_another_file(tmp_path):
    values = [1, 1.0, 2, "1", True, None, [1]]
    assert len({write_settings(tmp_path, "train", {"a": value}) for value in values}) == 7
    assert write_settings(tmp_path, "predict", {"a": 1}) != write_settings(
        tmp_path, "train", {"a": 1}
    )


def test_a_file_that_exists_is_not_written_again(tmp_path):
    path = Path(write_settings(tmp_path, "train", {"a": 1}))
    before = path.stat().st_mtime_ns
    write_settings(tmp_path, "train", {"a": 1})
    assert path.stat().st_mtime_ns == before
