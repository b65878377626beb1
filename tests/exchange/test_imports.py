"""Tests of lfb.exchange.imports."""

import logging
from pathlib import Path
from typing import Any

import pytest

from lfb.data.annotations import read_annotations, read_labels
from lfb.data.detector_csv import read_detections
from lfb.data.proposals import read_proposals
from lfb.errors import DataErrors, UserError
from lfb.exchange.imports import import_annotations
from tests.exchange import tool_files
from tests.exchange.tool_files import CVAT


class Project:
    """A folder with videos, an export of each tool, and the config's ``data``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tool_files.films(folder / "videos")
        tool_files.write_all(folder / "exports")
        self.data: dict[str, Any] = {
            "videos": str(folder / "videos"),
            "fps": 30,
            "first_second": 0,
            "start": 0,
            "seconds": None,
            "labels": str(folder / "labels.pbtxt"),
            "train": {
                "annotations": str(folder / "train.csv"),
                "detections": str(folder / "train_detections.csv"),
            },
            "val": {
                "annotations": str(folder / "val.csv"),
                "proposals": str(folder / "val.pkl"),
            },
        }

    def run(self, **exports: list[str]) -> None:
        paths = {
            split: [str(self.folder / "exports" / name) for name in names]
            for split, names in exports.items()
        }
        import_annotations(self.data, paths, self.folder / "imported.json")

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if path.is_file()}


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Project:
    monkeypatch.setattr("lfb.exchange.films._probe", tool_files.probe)
    caplog.set_level(logging.INFO, "lfb")
    return Project(tmp_path)


def test_exports_become_the_files_of_both_splits(project: Project) -> None:
    project.run(train=["cvat.xml"], val=["label_studio.json"])
    labels = read_labels(project.data["labels"])
    assert labels == {1: "stand", 2: "sit", 3: "drink"}
    train = read_annotations(project.data["train"]["annotations"], labels).checked()
    assert train[["second", "action", "person"]].to_numpy().tolist() == [
        *([0, 1, 7], [1, 1, 7], [2, 2, 7], [2, 3, 7], [3, 2, 7], [3, 3, 7])
    ]
    assert len(read_detections(project.data["train"]["detections"]).checked()) == 4
    val = read_annotations(project.data["val"]["annotations"], labels).checked()
    assert val[["second", "action"]].to_numpy().tolist() == [[0, 1], [1, 1], [1, 3], [2, 1]]
    assert len(read_proposals(project.data["val"]["proposals"]).checked().boxes) == 3


def test_boxes_of_a_tracker_are_the_proposals(project: Project) -> None:
    project.run(val=["via.json", "kitchen 2.txt"])
    assert len(read_annotations(project.data["val"]["annotations"], None).checked()) == 5
    people = read_proposals(project.data["val"]["proposals"]).checked()
    assert people.index.keys() == [("kitchen 2", second) for second in (0, 1, 2)]


def test_a_tracker_alone_gives_proposals_alone(project: Project) -> None:
    project.run(val=["kitchen 2.txt"])
    assert project.files() == {"val.pkl", "imported.json"}


def test_the_log_lists_what_is_imported_and_left_out(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.run(train=["cvat.xml"])
    assert [text.replace(str(project.folder), "") for text in caplog.messages] == [
        "train: exports: 1 of CVAT; 1 videos",
        "train: 6 actions of 1 people at 4 seconds; 4 boxes as proposals",
        "train: actions: 1 stand (2), 2 sit (2), 3 drink (2)",
        "left out: 1 CVAT <polygon> shapes: only boxes have a place",
        "left out: 1 CVAT boxes marked as occluded: the mark",
        "left out: 1 CVAT text attribute 'remark'",
        "wrote /labels.pbtxt",
        "wrote /train.csv",
        "wrote /train_detections.csv",
    ]


def test_an_existing_label_list_decides_what_is_an_action(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    Path(project.data["labels"]).write_text('item { name: "sit" id: 9 }\n')
    project.run(train=["cvat.xml"])
    assert read_labels(project.data["labels"]) == {9: "sit"}
    rows = read_annotations(project.data["train"]["annotations"], {9}).checked()
    assert rows[["second", "action"]].to_numpy().tolist() == [[2, 9], [3, 9]]
    assert "left out: 2 actions 'drink', which is not in the label list" in caplog.messages
    assert "left out: 2 actions 'stand', which is not in the label list" in caplog.messages
    assert "left out: 2 boxes without an action; they are proposals only" in caplog.messages


def test_a_new_export_replaces_what_an_import_wrote(project: Project) -> None:
    project.run(train=["cvat.xml"])
    path = project.folder / "exports/cvat.xml"
    path.write_text(path.read_text().replace('"drink">true', '"drink">false'))
    project.run(train=["cvat.xml"])
    assert len(read_annotations(project.data["train"]["annotations"], None).checked()) == 4


def test_an_import_goes_on_where_it_was_killed(project: Project) -> None:
    project.run(train=["cvat.xml"])
    Path(project.data["train"]["detections"]).unlink()
    (project.folder / "imported.json").unlink()
    project.run(train=["cvat.xml"])
    assert project.files() == {
        *("labels.pbtxt", "train.csv", "train_detections.csv", "imported.json")
    }


def test_the_user_s_own_file_is_never_replaced(project: Project) -> None:
    own = Path(project.data["train"]["annotations"])
    own.write_text("hall,1,0.1,0.1,0.5,0.5,1,0\n")
    with pytest.raises(UserError, match=r"train\.csv: exists, and no import wrote it\. Move"):
        project.run(train=["cvat.xml"])
    assert project.files() == {"train.csv"}
    own.unlink()
    project.run(train=["cvat.xml"])
    own.write_text(own.read_text() + "hall,1,0.1,0.1,0.5,0.5,1,0\n")
    with pytest.raises(UserError, match=r"train\.csv: exists, and no import wrote it\. Move"):
        project.run(train=["cvat.xml"])


def test_all_errors_are_listed_and_nothing_is_written(project: Project) -> None:
    folder = project.folder / "exports"
    (folder / "a.xml").write_text(CVAT.replace('"pose">sit', '"pose">fly'))
    (folder / "b.json").write_text("[")
    with pytest.raises(DataErrors) as raised:
        project.run(train=["a.xml", "b.json", "none.xml"], val=["label_studio.json"])
    assert len(raised.value.errors) == 4
    assert project.files() == set()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name="pose">s', 'name="remark">s', "no box has an action at the beginning of a second"),
        ("<box", "<points", "the exports have no box at the beginning of a second"),
    ],
)
def test_an_import_of_nothing_is_an_error(
    project: Project, old: str, new: str, expected: str
) -> None:
    text = CVAT.replace(old, new).replace('"drink">true', '"drink">false')
    text = text.replace("</box", "</points") if old == "<box" else text
    (project.folder / "exports/cvat.xml").write_text(text)
    with pytest.raises(DataErrors, match=expected):
        project.run(train=["cvat.xml"])


def test_a_config_without_exports_or_split_is_an_error(project: Project) -> None:
    with pytest.raises(UserError, match=r"annotation_tools\.exports: names no exports"):
        project.run()
    del project.data["train"]
    with pytest.raises(UserError, match=r"config key data\.train: missing, but there are exports"):
        project.run(train=["cvat.xml"])
