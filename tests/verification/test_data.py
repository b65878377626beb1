"""Tests of lfb.verification.data."""

import dataclasses
import json

from lfb.data.check import check
from lfb.data.check_split import SplitFiles
from lfb.data.split import Split
from lfb.verification.data import check_keyframes, check_summary
from tests.samples import annotation_table, proposals_of

BOXES = {"test_score": 0.5, "test_seconds": "annotated"}


def test_other_keyframes_than_the_annotations_give_are_named(tmp_path):
    path = tmp_path / "val-testing.npz"
    truth = annotation_table(("a", 3, 0, 0, 0.5, 0.5, 1, 0))
    people = proposals_of(("a", 3, 0, 0, 0.5, 0.5, 0.9), ("a", 3, 0, 0, 1, 1, 0.4))
    split = Split({1: "stand"}, [], truth, people, set())
    chosen = split.select("testing", BOXES)
    assert list(check_keyframes(path, chosen, split, "testing", BOXES)) == []
    for changed in (
        dataclasses.replace(split, proposals=people.none()),
        dataclasses.replace(split, labels={1: "stand", 2: "sit"}),
    ):
        (problem,) = check_keyframes(path, chosen, changed, "testing", BOXES)
        assert problem.startswith(f"{path}: not the keyframes that the annotations")


def test_the_summary_of_other_data_is_named(tmp_path):
    path, labels = tmp_path / "check.json", tmp_path / "labels.pbtxt"
    annotations = tmp_path / "val.csv"
    labels.write_text('item {\n  name: "stand"\n  id: 1\n}\n')
    annotations.write_text("a,0903,0.1,0.1,0.5,0.5,1,0\n")
    cut = {"first_second": 900, "start": 900, "seconds": 10, "fps": 30}
    settings = {**cut, "unscored": [], "expected": {}, "invalid_keyframes": "error"}
    files = {"val": SplitFiles(annotations)}
    summary = check(splits=files, labels=labels, videos=None, **settings)
    path.write_text(json.dumps(summary))
    settings |= {"labels": str(labels), "files": {"val": {"annotations": str(annotations)}}}
    assert list(check_summary(path, settings)) == []
    path.write_text(path.read_text().replace("stand", "stane"))
    (problem,) = check_summary(path, settings)
    assert problem.startswith(f"{path}: damaged, or of other data")
    annotations.write_text("a,0903,0.6,0.1,0.5,0.5,1,0\n")
    (problem,) = check_summary(path, settings)
    assert problem.startswith(f"{path}: the data are others than when they were checked")
