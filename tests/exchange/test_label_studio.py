"""Tests of lfb.exchange.label_studio: reading, and round trips."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from lfb.exchange.cvat import read_cvat
from lfb.exchange.cvat_upload import write_cvat
from lfb.exchange.findings import Findings
from lfb.exchange.label_studio import (
    labeling_config,
    read_label_studio,
    tasks_file,
    write_label_studio,
)
from lfb.exchange.tracks import Recording
from lfb.exchange.xml_tree import read_xml
from tests.exchange import tool_files
from tests.exchange.tool_files import LABEL_STUDIO
from tests.exchange.tracks_drawn import ACTIONS, FILM, recordings, same


def read(folder: Path, content: Any) -> tuple[list[Recording], list[str], Findings]:
    findings = Findings()
    data = json.dumps(content).encode()
    found, actions = read_label_studio("export.json", data, tool_files.films(folder), findings)
    return found, actions, findings


def test_a_region_is_a_track_at_the_frame_rate_of_the_labeling_config(tmp_path: Path) -> None:
    (recording,), actions, findings = read(tmp_path, LABEL_STUDIO)
    assert (findings.errors, dict(findings.left_out)) == ([], {})
    assert recording.film.name == "kitchen 2"
    assert (recording.film.fps, recording.film.frames) == (24, 480)
    (track,) = recording.tracks
    assert (track.person, track.named) == ("7", True)
    assert list(track.views(480)) == [(0, 49)]
    assert track.at(24).box == pytest.approx((0.15, 0.1, 0.25, 0.5))
    assert actions == ["stand", "drink"]


@pytest.mark.parametrize(
    ("value", "person"),
    [({"number": 7.0}, "7"), ({"text": ["Anna"]}, "Anna"), ({"choices": ["left"]}, "left")],
)
def test_a_person_is_a_number_text_or_choice(
    tmp_path: Path, value: dict[str, Any], person: str
) -> None:
    content = copy.deepcopy(LABEL_STUDIO)
    content[0]["annotations"][0]["result"][1]["value"] = value
    (recording,), actions, _ = read(tmp_path, content)
    assert [track.person for track in recording.tracks] == [person]
    assert actions == ["stand", "drink"]


def test_a_timeline_adds_its_labels_to_its_person(tmp_path: Path) -> None:
    (recording,), *_ = read(tmp_path, LABEL_STUDIO)
    (track,) = recording.tracks
    drinking = [f for f in range(49) if "drink" in track.at(f).actions]
    assert drinking == list(range(19, 30))


def test_a_timeline_without_person_is_left_out(tmp_path: Path) -> None:
    content = copy.deepcopy(LABEL_STUDIO)
    del content[0]["annotations"][0]["result"][3]
    *_, findings = read(tmp_path, content)
    assert findings.left_out == {"Label Studio timeline labels without a person": 1}


def test_the_copy_of_a_box_among_timeline_labels_is_skipped(tmp_path: Path) -> None:
    content = copy.deepcopy(LABEL_STUDIO)
    results = content[0]["annotations"][0]["result"]
    results.append({**results[0], "type": "timelinelabels", "from_name": "timeline"})
    (recording,), _, findings = read(tmp_path, content)
    assert findings.errors == []
    assert len(recording.tracks) == 1


def test_the_choices_of_a_region_are_actions(tmp_path: Path) -> None:
    content = copy.deepcopy(LABEL_STUDIO)
    results = content[0]["annotations"][0]["result"]
    choice = {"id": "reg1", "type": "choices", "from_name": "pose", "value": {"choices": ["sit"]}}
    results.append({**choice, "to_name": "video"})
    results.append({**choice, "id": "other"})
    (recording,), actions, findings = read(tmp_path, content)
    assert recording.tracks[0].shapes[0].actions == {"stand", "sit"}
    assert actions == ["sit", "stand", "drink"]
    assert findings.left_out == {"Label Studio values of a whole video": 1}


def test_the_latest_annotation_counts(tmp_path: Path) -> None:
    content = copy.deepcopy(LABEL_STUDIO)
    annotations = content[0]["annotations"]
    annotations.append(copy.deepcopy(annotations[0]) | {"updated_at": "2026-02-01"})
    annotations[1]["result"][0]["value"]["labels"] = ["sit"]
    annotations.append({"was_cancelled": True, "result": []})
    content.append({"id": 32, "data": {"video": "hall.mp4"}, "annotations": []})
    _, actions, findings = read(tmp_path, content)
    assert actions == ["sit", "drink"]
    assert findings.left_out == {
        "Label Studio annotations besides the latest of a task": 1,
        "Label Studio annotations that were skipped": 1,
        "Label Studio tasks without an annotation": 1,
    }


def test_notes_on_a_region_are_left_out(tmp_path: Path) -> None:
    content = copy.deepcopy(LABEL_STUDIO)
    content[0]["annotations"][0]["result"][0]["meta"] = {"text": ["tired"]}
    *_, findings = read(tmp_path, content)
    assert findings.left_out == {"Label Studio notes on regions": 1}


def test_a_rotated_box_becomes_the_upright_box_around_it(tmp_path: Path) -> None:
    content = copy.deepcopy(LABEL_STUDIO)
    content[0]["annotations"][0]["result"][0]["value"]["sequence"][0]["rotation"] = 90
    (recording,), _, findings = read(tmp_path, content)
    box = recording.tracks[0].shapes[0].box  # it turns around its upper left corner
    assert box == pytest.approx((0.1 - 192 / 640, 0.1, 0.1, 0.1 + 64 / 480))
    assert findings.left_out == {"Label Studio rotations: the upright box around it is used": 1}


def as_annotation(task: dict[str, Any]) -> bytes:
    """Return the export of a task whose predictions someone has accepted."""
    accepted = {"annotations": task["predictions"], "data": task["data"]}
    return tasks_file([accepted]).encode()


@settings(deadline=None, max_examples=50)
@given(recording=recordings())
def test_what_is_written_is_read_as_the_same_people(recording: Recording) -> None:
    task = write_label_studio(recording, "/videos/kitchen 2.mp4", "lfb_nl")
    findings = Findings()
    films = tool_files.OneFilm(FILM)
    (found,), _ = read_label_studio("export.json", as_annotation(task), films, findings)
    assert (findings.errors, dict(findings.left_out)) == ([], {})
    assert (found.film.fps, found.film.frames) == (pytest.approx(FILM.fps), FILM.frames)
    assert same(recording, found)


@settings(deadline=None, max_examples=50)
@given(recording=recordings())
def test_nothing_changes_from_cvat_to_label_studio_and_back(recording: Recording) -> None:
    findings, films = Findings(), tool_files.OneFilm(FILM)
    (there,), _ = read_cvat("a", write_cvat(recording, ACTIONS).encode(), films, findings)
    export = as_annotation(write_label_studio(there, "kitchen 2.mp4", "lfb_nl"))
    (back,), _ = read_label_studio("b", export, films, findings)
    (again,), _ = read_cvat("c", write_cvat(back, ACTIONS).encode(), films, findings)
    assert findings.errors == []
    assert same(recording, again)


def test_the_labeling_config_lists_all_actions() -> None:
    root = read_xml("config", labeling_config(ACTIONS).encode(), {})
    labels = root.find("Labels")
    assert labels is not None
    assert [label.attributes["value"] for label in labels.children] == ["person", *ACTIONS]
