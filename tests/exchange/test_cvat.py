"""Tests of lfb.exchange.cvat."""

from pathlib import Path

import pytest

from lfb.exchange.cvat import read_cvat
from lfb.exchange.findings import Findings
from lfb.exchange.tracks import Recording
from tests.exchange import tool_files
from tests.exchange.tool_files import CVAT


def read(folder: Path, text: str) -> tuple[list[Recording], list[str], Findings]:
    findings = Findings()
    found, actions = read_cvat("task.xml", text.encode(), tool_files.films(folder), findings)
    return found, actions, findings


def test_a_track_has_the_boxes_actions_and_person_of_its_keyframes(tmp_path: Path) -> None:
    (recording,), actions, findings = read(tmp_path, CVAT)
    assert findings.errors == []
    assert (recording.film.name, recording.film.fps) == ("kitchen 2", 30)
    (track,) = recording.tracks
    assert (track.person, track.named) == ("7", True)
    assert [(s.frame, s.visible, sorted(s.actions)) for s in track.shapes] == [
        (0, True, ["stand"]),
        (60, True, ["drink", "sit"]),
        (100, False, ["drink", "sit"]),
    ]
    assert track.shapes[1].box == pytest.approx((0.2, 0.1, 0.3, 0.5))
    assert actions == ["stand", "sit", "drink"]


def test_what_has_no_place_is_counted(tmp_path: Path) -> None:
    *_, findings = read(tmp_path, CVAT)
    assert findings.left_out == {
        "CVAT text attribute 'remark'": 1,
        "CVAT boxes marked as occluded: the mark": 1,
        "CVAT <polygon> shapes: only boxes have a place": 1,
    }


def test_layers_and_further_elements_are_counted(tmp_path: Path) -> None:
    text = CVAT.replace('z_order="0"', 'z_order="3"', 1).replace("  <track", "  <tag/><track", 1)
    text = text.replace('<track id="0"', '<track id="0" group_id="2"')
    *_, findings = read(tmp_path, text)
    assert findings.errors == []
    assert findings.left_out["CVAT layers (z_order) of boxes"] == 1
    assert findings.left_out["CVAT <tag> elements"] == 1
    assert findings.left_out["CVAT groups of tracks"] == 1


def test_a_label_is_an_action_unless_it_says_only_person(tmp_path: Path) -> None:
    text = CVAT.replace("<name>person</name>\n          <att", "<name>walk</name>\n          <att")
    (recording,), actions, _ = read(tmp_path, text.replace('label="person"', 'label="walk"'))
    assert actions == ["walk", "stand", "sit", "drink"]
    assert recording.tracks[0].shapes[0].actions == {"walk", "stand"}


def test_an_export_without_definitions_of_labels(tmp_path: Path) -> None:
    before, _, after = CVAT.partition("<labels>")
    (recording,), actions, findings = read(tmp_path, before + after.partition("</labels>")[2])
    assert findings.errors == []
    assert recording.tracks[0].shapes[1].actions == {"sit", "drink"}
    assert set(actions) >= {"stand", "sit", "drink"}


def test_a_track_without_person_is_known_by_its_id(tmp_path: Path) -> None:
    (recording,), *_ = read(tmp_path, CVAT.replace('<attribute name="person">7</attribute>', ""))
    assert [(track.person, track.named) for track in recording.tracks] == [("0", False)]


def test_a_track_ends_with_its_job(tmp_path: Path) -> None:
    text = CVAT.replace("<stop_frame>599", "<stop_frame>89").replace('outside="1"', 'outside="0"')
    text = text.replace('frame="100"', 'frame="80"')
    (recording,), *_ = read(tmp_path, text.replace("task>", "job>"))
    assert list(recording.tracks[0].views(600)) == [(0, 90)]


def test_the_tracks_of_a_project_belong_to_its_tasks(tmp_path: Path) -> None:
    head, _, tail = CVAT.partition("    <task>")
    task, _, tracks = tail.partition("    </task>\n")
    labels = task[task.index("<labels>") : task.index("</labels>") + len("</labels>")]
    task = task.replace(labels, "")
    other = task.replace("<id>5</id>", "<id>6</id>", 1).replace("kitchen 2.mp4", "day1/cam2.mp4")
    tasks = "".join(f"<task>{each}</task>" for each in (task, other))
    text = f"{head}<project><tasks>{tasks}</tasks>{labels}</project>{tracks}"
    text = text.replace('<track id="0"', '<track id="0" task_id="6" subset="train"')
    text = text.replace('<track id="1"', '<track id="1" task_id="5" subset="train"')
    found, actions, findings = read(tmp_path, text)
    assert findings.errors == []
    assert [(r.film.name, len(r.tracks)) for r in found] == [("kitchen 2", 0), ("day1/cam2", 1)]
    assert actions == ["stand", "sit", "drink"]


def test_a_rotated_box_becomes_the_upright_box_around_it(tmp_path: Path) -> None:
    text = CVAT.replace('frame="0" ', 'frame="0" rotation="90" ', 1)
    (recording,), _, findings = read(tmp_path, text)
    assert recording.tracks[0].shapes[0].box == pytest.approx((0.0, 0.2333, 0.3, 0.3667), abs=1e-3)
    assert findings.left_out["CVAT rotations: the upright box around it is used"] == 1
