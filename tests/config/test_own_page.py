"""Tests of docs/own-videos.md, and of the config that it says to copy."""

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

from lfb.config import settings
from lfb.config.layers import read_layers
from lfb.data.annotations import read_annotations, read_labels
from lfb.data.detector_csv import in_pixels, read_detections
from tests.configs import check
from tests.samples import parts, write

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/own-videos.md").read_text()


def example(after: str) -> list[str]:
    """Return the lines of the first example below a text."""
    found = re.search(re.escape(after) + r".*?\n\n((?: {4}[^\n]*\n)+)", PAGE, re.S)
    assert found is not None
    return textwrap.dedent(found[1]).splitlines()


def config(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config" / name).read_text())


def test_the_examples_of_the_page_are_read(tmp_path):
    labels = read_labels(write(tmp_path, *example("**`labels.pbtxt`**"), name="labels.pbtxt"))
    assert labels == {3: "stand", 17: "pour", 20: "sit"}
    rows, errors = parts(read_annotations(write(tmp_path, *example("**`train.csv`, ")), labels))
    assert errors == []
    assert rows["video"].unique().tolist() == ["kitchen 2"]
    found, errors = parts(read_detections(write(tmp_path, *example("**`detections`**"))))
    assert errors == []
    assert (len(found), in_pixels(found)) == (3, True)


def test_the_config_for_new_videos_trains_nothing_and_drops_the_files_of_the_old_ones(tmp_path):
    text = (ROOT / "config/own.yaml").read_text()
    for commented in "# detections: resources/own/val_", "# excluded: resources/own/val_":
        assert commented in text
        text = text.replace(commented, commented[2:])
    (tmp_path / "my.yaml").write_text(text)
    new = write(tmp_path, *example("save a second config, `new.yaml`"), name="new.yaml")
    config, files = read_layers([new], {}, ROOT / "config/config.yaml")
    assert [file.name for file in files] == ["my.yaml", "new.yaml"]
    assert config["data"]["val"].keys() == {"annotations", "detections", "excluded"}
    config = check(config)
    assert config["data"]["val"] == {"annotations": "resources/new.csv"}
    assert settings.trained(config) == []
    assert settings.splits(config) == ["val"]


def test_the_published_recipe_is_that_of_ava():
    own, ava = config("own.yaml"), config("ava.yaml")
    for file in own, ava:
        del file["training"]["validation_share"]  # it changes no result
    for section in "backbone", "head", "input", "window", "training":
        assert own[section] == ava[section], section
    assert Path(own["weights"]).name == Path(ava["weights"]).name
    assert own["models"].keys() == ava["models"].keys()
    for model in "lfb_avg", "lfb_max", "lfb_nl":
        ours, published = (file["models"][model]["operator"] for file in (own, ava))
        assert {**ours, "empty": ""} == {**published, "empty": ""}


def test_the_weights_of_the_configs_can_be_downloaded():
    for name in "own.yaml", "small.yaml":
        needed = config(name)
        fetched = {
            f"{item['to']}/{item['url'].rsplit('/', 1)[1]}" for item in needed["fetch"]["weights"]
        }
        assert fetched == {needed["detector"]["weights"], needed["weights"]} - {None}
        assert Path(needed["detector"]["weights"]).name.startswith(needed["detector"]["name"])
