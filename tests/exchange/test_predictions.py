"""Tests of lfb.exchange.predictions."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lfb.data.predictions import Predictions
from lfb.errors import UserError
from lfb.exchange.ava import Clock, annotation_rows, people_of
from lfb.exchange.cvat import read_cvat
from lfb.exchange.films import Films
from lfb.exchange.findings import Findings
from lfb.exchange.label_studio import read_label_studio
from lfb.exchange.predictions import read_thresholds, recordings_of, write_for_tool
from tests.exchange import tool_files

LABELS = {1: "sit", 4: "walk", 9: "talk"}
THRESHOLDS = {1: 0.5, 4: 0.5, 9: 0.8}
CLOCK = Clock(5, start=2, seconds=10)
LEFT, RIGHT = (0.1, 0.1, 0.3, 0.9), (0.6, 0.1, 0.8, 0.9)


@pytest.fixture
def films(tmp_path: Path) -> Films:
    return tool_files.films(tmp_path / "videos")


@pytest.fixture
def predictions() -> Predictions:
    """Two people in one video and one in another, who is away for some seconds."""
    rows = [
        *((0, second, box) for second in (5, 6, 7) for box in (LEFT, RIGHT)),
        *((1, second, LEFT) for second in (5, 9, 14)),
    ]
    video, second, box = zip(*rows, strict=True)
    score = np.random.default_rng(0).random((len(rows), 3), np.float32)
    return Predictions(
        videos=["day1/cam2", "kitchen 2"],
        video=np.array(video, np.int32),
        second=np.array(second, np.int32),
        box=np.array(box, np.float32),
        score=score,
        classes=np.array([1, 4, 9], np.int32),
    )


def expected(predictions: Predictions) -> list[tuple[str, int, int]]:
    """Return (video, second, action) of the scores above the thresholds."""
    return sorted(
        (predictions.videos[video], second, action)
        for video, second, scores in zip(
            predictions.video.tolist(), predictions.second.tolist(), predictions.score, strict=True
        )
        for action, score in zip(predictions.classes.tolist(), scores, strict=True)
        if score >= THRESHOLDS[action]
    )


@pytest.mark.parametrize("tool", ["cvat", "label_studio"])
def test_predictions_are_imported_from_the_tool_as_they_were(
    tmp_path: Path, films: Films, predictions: Predictions, tool: str
) -> None:
    recordings = recordings_of(predictions, LABELS, THRESHOLDS, films, CLOCK)
    path = tmp_path / "out.zip"
    names = list(LABELS.values())
    write_for_tool(path, tool, recordings, names, films, model="lfb_nl", url="/videos/")
    findings, found = Findings(), []
    with zipfile.ZipFile(path) as zipped:
        if tool == "cvat":
            for name in zipped.namelist():
                if name.endswith(".xml"):
                    found += read_cvat(name, zipped.read(name), films, findings)[0]
        else:
            tasks = json.loads(zipped.read("tasks.json"))
            accepted = [{**task, "annotations": task["predictions"]} for task in tasks]
            data = json.dumps(accepted).encode()
            found += read_label_studio("tasks.json", data, films, findings)[0]
    people = people_of(found, CLOCK, findings)
    rows = annotation_rows(people, LABELS, findings)
    assert findings.errors == []
    columns = (rows["video"], rows["second"], rows["action"])
    assert sorted(zip(*columns, strict=True)) == expected(predictions)
    boxes = sorted((video, second, shape.box) for video, _, second, shape in people.known)
    for (video, second, box), row in zip(boxes, range(9), strict=True):
        assert (video, second) == (
            predictions.videos[predictions.video[row]],
            predictions.second[row],
        )
        assert box == pytest.approx(predictions.box[row].tolist(), abs=1e-6)


def test_people_keep_their_number(films: Films, predictions: Predictions) -> None:
    two, one = recordings_of(predictions, LABELS, THRESHOLDS, films, CLOCK)
    assert [track.person for track in two.tracks] == ["0", "1"]
    assert list(two.tracks[0].views(600)) == [(60, 150)]
    seen = [view for track in one.tracks for view in track.views(600)]
    assert seen == [(60, 90), (180, 210), (330, 360)]


def test_the_same_predictions_give_the_same_bytes(
    tmp_path: Path, films: Films, predictions: Predictions
) -> None:
    recordings = recordings_of(predictions, LABELS, THRESHOLDS, films, CLOCK)
    for name in "a.zip", "b.zip":
        write_for_tool(tmp_path / name, "cvat", recordings, ["sit"], films, model="m", url="")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_the_zip_has_what_a_new_project_needs(
    tmp_path: Path, films: Films, predictions: Predictions
) -> None:
    recordings = recordings_of(predictions, LABELS, THRESHOLDS, films, CLOCK)
    path = tmp_path / "out.zip"
    names = list(LABELS.values())
    write_for_tool(path, "cvat", recordings, names, films, model="m", url="")
    with zipfile.ZipFile(path) as zipped:
        assert zipped.namelist() == ["day1/cam2.xml", "kitchen 2.xml", "labels.json"]
        (label,) = json.loads(zipped.read("labels.json"))
        assert [a["name"] for a in label["attributes"]] == ["person", *names]
    write_for_tool(path, "label_studio", recordings, names, films, model="m", url="/d/?d=")
    with zipfile.ZipFile(path) as zipped:
        tasks = json.loads(zipped.read("tasks.json"))
        urls = [task["data"]["video"] for task in tasks]
        assert urls == ["/d/?d=day1/cam2.mp4", "/d/?d=kitchen%202.mp4"]
        assert tasks[0]["predictions"][0]["model_version"] == "m"
        assert b'<Label value="talk"/>' in zipped.read("labeling_config.xml")


def test_another_label_list_is_an_error(films: Films, predictions: Predictions) -> None:
    with pytest.raises(UserError, match=r"that the label list does not have: \[9\]\. Name the"):
        recordings_of(predictions, {1: "sit", 4: "walk"}, THRESHOLDS, films, CLOCK)


def test_thresholds_are_read_from_a_model_s_file(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    classes = [{"id": 1, "name": "sit", "threshold": 0.25}, {"id": 4, "threshold": None}]
    path.write_text(json.dumps({"protocol": "mmaction2", "classes": classes}))
    assert read_thresholds(path) == {1: 0.25}
    path.write_text("[]")
    with pytest.raises(UserError, match=r"not a file of thresholds .*; fix config key"):
        read_thresholds(path)
