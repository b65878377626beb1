"""Tests of lfb.exchange.exports."""

import zipfile
from pathlib import Path

import pytest

from lfb.exchange.exports import find_exports, read_export
from lfb.exchange.findings import Findings
from tests.exchange import tool_files
from tests.exchange.tool_files import CVAT, MOT, SEQINFO


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("cvat.xml", "CVAT"),
        ("via.json", "VIA 3"),
        ("via.csv", "VIA 3"),
        ("label_studio.json", "Label Studio"),
        ("kitchen 2.txt", "MOTChallenge"),
    ],
)
def test_the_ending_and_content_say_which_tool_wrote_a_file(
    tmp_path: Path, name: str, tool: str
) -> None:
    tool_files.write_all(tmp_path / "exports")
    findings = Findings()
    found = read_export(tmp_path / "exports" / name, tool_files.films(tmp_path), findings)
    assert findings.errors == []
    assert found.tool == tool
    assert [recording.film.name for recording in found.recordings] == ["kitchen 2"]


def test_cvat_s_zip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "task_5.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("annotations.xml", CVAT)
    findings = Findings()
    found = read_export(path, tool_files.films(tmp_path), findings)
    assert findings.errors == []
    assert len(found.recordings[0].tracks) == 1


def test_a_sequence_of_mot_is_a_folder_or_a_zip(tmp_path: Path) -> None:
    sequence = tmp_path / "exports/MOT-02"
    (sequence / "gt").mkdir(parents=True)
    (sequence / "gt/gt.txt").write_text(MOT)
    (sequence / "seqinfo.ini").write_text(SEQINFO)
    path = tmp_path / "kitchen 2.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("gt/gt.txt", MOT)
        zipped.writestr("gt/labels.txt", "sit\nrun\nwalk\n")
    findings = Findings()
    films = tool_files.films(tmp_path)
    from_folder = read_export(sequence / "gt/gt.txt", films, findings)
    from_zip = read_export(path, films, findings)
    assert findings.errors == []
    assert from_folder.recordings[0].film.name == "kitchen 2"
    assert from_folder.actions == []
    assert from_zip.recordings[0].film.name == "kitchen 2"
    assert from_zip.actions == ["sit", "run", "walk"]


def test_without_seqinfo_a_folder_or_file_has_the_name_of_the_video(tmp_path: Path) -> None:
    for name in "hall/gt/gt.txt", "det/hall.txt":
        path = tmp_path / "exports" / name
        path.parent.mkdir(parents=True)
        path.write_text(MOT)
        found = read_export(path, tool_files.films(tmp_path), findings := Findings())
        assert findings.errors == []
        assert found.recordings[0].film.name == "hall"


def test_wildcards_name_files_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.xml", "a.xml", "a.json"):
        (tmp_path / name).touch()
    assert find_exports(f"{tmp_path}/*.xml") == [tmp_path / "a.xml", tmp_path / "b.xml"]
    assert find_exports(f"{tmp_path}/b.xml") == [tmp_path / "b.xml"]
    monkeypatch.chdir(tmp_path)
    assert find_exports("*.json") == [Path("a.json")]
