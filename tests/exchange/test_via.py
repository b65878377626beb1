"""Tests of lfb.exchange.via."""

import copy
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from lfb.exchange.findings import Findings
from lfb.exchange.tracks import Recording
from lfb.exchange.via import read_via_csv, read_via_json
from tests.exchange import tool_files
from tests.exchange.tool_files import VIA, VIA_CSV


def read(folder: Path, content: Any) -> tuple[list[Recording], list[str], Findings]:
    findings = Findings()
    films = tool_files.films(folder)
    if isinstance(content, str):
        found, actions = read_via_csv("export.csv", content.encode(), films, findings)
    else:
        data = json.dumps(content).encode()
        found, actions = read_via_json("project.json", data, films, findings)
    return found, actions, findings


def test_a_region_is_a_person_for_a_moment(tmp_path: Path) -> None:
    (recording,), actions, findings = read(tmp_path, VIA)
    assert findings.errors == []
    assert recording.film.name == "kitchen 2"
    assert actions == ["stand", "sit", "drink"]
    person, unknown = recording.tracks
    assert (person.person, person.named) == ("7", True)
    assert list(person.views(600)) == [(30, 31), (61, 62)]
    assert person.at(30).box == pytest.approx((0.1, 0.1, 0.2, 0.5))
    assert person.at(30).actions == {"stand", "drink"}
    assert unknown.person is None
    assert list(unknown.views(600)) == [(120, 121)]


def test_a_segment_adds_its_actions_to_its_person(tmp_path: Path) -> None:
    (recording,), *_ = read(tmp_path, VIA)
    assert recording.tracks[0].at(61).actions == {"sit", "drink"}


def test_what_has_no_place_is_counted(tmp_path: Path) -> None:
    content = copy.deepcopy(VIA)
    del content["metadata"]["1_c"]["av"]["2"]
    content["metadata"]["1_d"]["flg"] = 1
    content["metadata"]["1_f"] = {"vid": "1", "flg": 0, "z": [], "xy": [], "av": {"3": "dark"}}
    *_, findings = read(tmp_path, content)
    assert findings.errors == []
    assert findings.left_out == {
        "VIA text attribute 'remark'": 2,
        "VIA temporal segments without a person": 1,
        "VIA regions that are deleted": 1,
        "VIA shapes: circle": 1,
        "VIA attributes of files and images": 1,
    }


def test_the_csv_export_has_the_same_people(tmp_path: Path) -> None:
    attributes = {number: VIA["attribute"][number] for number in "12"}
    out = io.StringIO()
    rows = csv.writer(out)
    for number, entry in VIA["metadata"].items():
        values = {key: value for key, value in entry["av"].items() if key != "3"}
        cells = [json.dumps(value) for value in (entry["z"], entry["xy"], values)]
        rows.writerow([number, '["kitchen 2.mp4"]', entry["flg"], *cells])
    text = f"# ATTRIBUTE = {json.dumps(attributes)}\n{out.getvalue()}"
    (one,), *_ = read(tmp_path, VIA)
    (other,), actions, findings = read(tmp_path, text)
    assert findings.errors == []
    assert one.tracks == other.tracks
    assert actions == ["stand", "sit", "drink"]


def test_a_csv_export_as_via_writes_it(tmp_path: Path) -> None:
    (recording,), _, findings = read(tmp_path, VIA_CSV)
    assert (findings.errors, dict(findings.left_out)) == ([], {})
    (track,) = recording.tracks
    assert [(s.frame, sorted(s.actions)) for s in track.shapes if s.visible] == [
        (30, ["drink", "stand"]),
        (61, ["sit"]),
    ]


def test_a_person_may_be_an_option(tmp_path: Path) -> None:
    content = copy.deepcopy(VIA)
    content["attribute"]["2"] |= {"aname": "Person ID", "type": 4, "options": {"7": "Anna"}}
    (recording,), actions, findings = read(tmp_path, content)
    assert findings.errors == []
    assert recording.tracks[0].person == "Anna"
    assert actions == ["stand", "sit", "drink"]
