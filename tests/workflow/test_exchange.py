"""Predictions go to an annotation tool and come back as annotations."""

import zipfile

import yaml

from lfb.data.annotations import read_annotations
from tests.workflow.runs import CONFIG, Workflow


def test_predictions_come_back_as_annotations(copy: Workflow) -> None:
    result = copy.run("results/seed-0/lfb_max/cvat.zip")
    assert result.code == 0, result.output
    with zipfile.ZipFile(copy.path("results/seed-0/lfb_max/cvat.zip")) as zipped:
        zipped.extractall(copy.path("corrected"))
    config = {
        "base": copy.path(CONFIG).name,
        "demo": None,
        "data": {
            "labels": "mine/labels.pbtxt",
            "val": {"annotations": "mine/val.csv", "proposals": "mine/val.pkl"},
        },
        "annotation_tools": {"exports": {"val": ["corrected/*.xml"]}},
    }
    mine = copy.path(CONFIG).with_name("mine.yaml")
    mine.write_text(yaml.safe_dump(config))
    assert set(copy.jobs("results/seed-0/lfb_max/cvat.zip")) == set()
    result = copy.run("--configfile", str(mine), "--", "import_annotations")
    assert result.code == 0, result.output
    assert "wrote mine/val.csv" in result.output
    rows = read_annotations(copy.path("mine/val.csv"), None).checked()
    assert set(rows["video"]) == {"val_000", "val_001"}
    assert copy.path("resources/imported.json").exists()
