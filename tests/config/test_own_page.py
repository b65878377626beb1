"""The page docs/own-videos.md, and the config that it says to copy."""

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

from lfb.config import settings
from lfb.config.layers import merge
from lfb.data.annotations import read_annotations, read_labels
from lfb.data.detector_csv import in_pixels, read_detections
from tests.configs import check
from tests.samples import write

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/own-videos.md").read_text()


def example(after: str) -> list[str]:
    """The lines of the first example after some words."""
    found = re.search(re.escape(after) + r".*?\n\n((?: {4}[^\n]*\n)+)", PAGE, re.S)
    assert found is not None
    return textwrap.dedent(found[1]).splitlines()


def config(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config" / name).read_text())


def test_the_examples_of_the_page_are_read(tmp_path):
    labels = read_labels(write(tmp_path, *example("**`labels.pbtxt`**"), name="labels.pbtxt"))
    assert labels == {3: "stand", 17: "pour", 20: "sit"}
    rows, faults = read_annotations(write(tmp_path, *example("**`train.csv`, ")), labels)
    assert faults == []
    assert rows["video"].unique().tolist() == ["kitchen 2"]
    found, faults = read_detections(write(tmp_path, *example("**`detections`**")))
    assert faults == []
    assert (len(found), in_pixels(found)) == (3, True)


def test_the_overlay_for_new_videos_trains_nothing_and_leaves_no_file_of_the_old_ones():
    told = yaml.safe_load("\n".join(example("## Score new videos")))
    own = config("own.yaml")
    own["data"]["val"] |= {"detections": "boxes.csv", "excluded": "out.csv"}
    own = merge(own, told)
    own = check(own)
    assert own["data"]["val"] == {"annotations": "resources/new.csv"}
    assert settings.trained(own) == []
    assert settings.splits(own) == ["val"]


def test_the_published_recipe_is_that_of_ava():
    own, ava = config("own.yaml"), config("ava.yaml")
    for section in "backbone", "head", "input", "window", "training":
        assert own[section] == ava[section], section
    assert Path(own["weights"]).name == Path(ava["weights"]).name
    assert own["models"].keys() == ava["models"].keys()
    for model in "lfb_avg", "lfb_max", "lfb_nl":
        ours, published = (file["models"][model]["operator"] for file in (own, ava))
        assert {**ours, "empty": ""} == {**published, "empty": ""}


def test_what_the_configs_need_can_be_fetched():
    for name in "own.yaml", "small.yaml":
        told = config(name)
        fetched = {
            f"{item['to']}/{item['url'].rsplit('/', 1)[1]}" for item in told["fetch"]["weights"]
        }
        assert fetched == {told["detector"]["weights"], told["weights"]} - {None}
        assert Path(told["detector"]["weights"]).name.startswith(told["detector"]["name"])
