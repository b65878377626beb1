"""Broken exports: each gives an error with its file and line or element, and what to do."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfb.errors import UserError
from lfb.exchange.exports import find_exports, read_export
from lfb.exchange.findings import Findings
from tests.exchange import tool_files
from tests.exchange.tool_files import CVAT, DETECTIONS, LABEL_STUDIO, MOT, SEQINFO, VIA, VIA_CSV


def errors(path: Path) -> list[str]:
    """Return the errors of an export."""
    findings = Findings()
    read_export(path, tool_files.films(path.parent / "videos"), findings)
    return findings.errors


def check(found: list[str], path: Path, expected: str) -> None:
    """Check the only error: where it is, its text, and that it says what to do."""
    assert len(found) == 1, found
    assert re.match(re.escape(str(path)) + expected, found[0]), found[0]
    assert re.search(r"[;.?] ?[A-Za-z' ]*[a-z]", found[0].removeprefix(str(path)))


CVAT_CASES = [
    ("</annotations>", "", r":\d+: is not valid XML \(no element found\)\. Export"),
    ("<version>", "<version", r":3: is not valid XML \(.*\)\. Export the file again"),
    ("<annotations>", "<!DOCTYPE a [<!ENTITY x 'y'>]>\n<annotations>", r":2: has a document type"),
    ("annotations>", "labels>", r":2: <labels> is not CVAT's <annotations>"),
    ("<version>1.1", "<version>1.0", r":2: <version> is '1.0', not 1.1; export as"),
    ("task>", "tusk>", r":4: <meta> has no <task>, <job> or <project>; export"),
    ("  <track id", "  <image id='0'/>\n  <track id", r":\d+: <image>: .*'CVAT for images'"),
    ("kitchen 2.mp4", "attic.mp4", r":60: video 'attic.mp4' is not in \S+; put it there"),
    ("kitchen 2.mp4", "kitchen 3.mp4", r":60: video 'kitchen 3.mp4' .*; is it kitchen 2\?"),
    ("<width>640", "<width>wide", r":57: <width> is 'wide'; write a number"),
    ("<width>640", "<width>0", r":56: size 0x480 is not positive; fix it"),
    ("<name>pose</name>", "", r":18: <attribute> has no <name> or <input_type>; export"),
    ('id="0" label="person"', 'id="0"', r":64: <track> has no label; export"),
    ('id="0" label="person"', 'id="0" label="dog"', r":64: <track>: label 'dog' is none of <lab"),
    ('id="0"', 'id="0" task_id="9"', r":64: <track> of unknown task '9'; export it again"),
    ('frame="60"', 'frame="6.5"', r":77: frame 6.5 is not a whole number from 0; fix it"),
    ('frame="60"', 'frame="x"', r":77: frame of <box> is 'x'; write a number"),
    ('frame="60"', 'frame="0"', r":77: frame 0 is in the track twice; delete one"),
    ('frame="60"', 'frame="6000"', r":77: frame 6000 is behind the end of video 'kitchen 2'"),
    (' xbr="192.00"', "", r":77: <box> has no xbr; export the file again"),
    ('"192.00"', '"nan"', r":77: xbr of <box> is 'nan'; write a number"),
    ('"192.00"', '"100"', r":77: box 128,48,100,240 is empty or inverted; fix or delete it"),
    ('outside="1"', 'outside="yes"', r':83: outside="yes" is not 0 or 1; fix it'),
    ('"drink">true', '"drink">perhaps', r":79: checkbox 'drink' is 'perhaps'; write true or"),
    ('"pose">sit', '"pose">fly', r":78: attribute 'pose' is 'fly', none of its <values>; choose"),
    ('<attribute name="pose">sit', '<attribute name="mood">sit', r":78: attribute 'mood' is none"),
    ('"person">7', '"person">8', r":77: the person is '7', but '8' before; use one value"),
]


@pytest.mark.parametrize(("old", "new", "expected"), CVAT_CASES)
def test_cvat(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in CVAT
    count = -1 if old in ("annotations>", "task>") else 1
    path = tmp_path / "task.xml"
    path.write_text(CVAT.replace(old, new, count))
    check([re.sub(r"(?s)^(.*?)\n.*", r"\1", e) for e in errors(path)][:1], path, expected)


def test_a_file_of_cvat_without_head(tmp_path: Path) -> None:
    path = tmp_path / "task.xml"
    path.write_text(re.sub("(?s)<meta>.*</meta>", "", CVAT))
    first, *_ = errors(path)
    check([first], path, r":\d+: stands before <meta>; export the file again")


def at(*keys: Any, to: Any = None) -> Callable[[Any], None]:
    """Return a function that changes or, without ``to``, deletes a value of a JSON file."""

    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        if to is None:
            del content[keys[-1]]
        else:
            content[keys[-1]] = to

    return change


TASK = r": task 1 \(id 31\)"
RESULT = rf"{TASK}, annotation 1, result 1"
RESULTS = (0, "annotations", 0, "result")
REGION = (*RESULTS, 0, "value")
BOX = (*REGION, "sequence", 1)
STUDIO_CASES = [
    (at(0, to=7), r": task 1 is 7; write an object"),
    (at(0, "annotations"), rf"{TASK}: has no `annotations`: is it an export as JSON-MIN or csv\?"),
    (at(0, "annotations", to="x"), rf'{TASK}: `annotations` is "x"; write a list'),
    (at(0, "data"), rf"{TASK}: has no `data`; export the file again"),
    (at(0, "data", to={"text": "a"}), rf"{TASK}: `data` names no video; write it as `video`"),
    (at(0, "data", "video", to="s3://b/attic.mp4"), rf"{TASK}: video 's3://b/attic.mp4' is not in"),
    (at(*RESULTS), rf"{TASK}, annotation 1: has no `result`; export"),
    (at(*RESULTS, 0, to=[]), rf"{RESULT} is \[\]; write an object"),
    (at(*RESULTS, 0, "type"), rf"{RESULT}: has no `type`; export the file again"),
    (at(*RESULTS, 0, "value"), rf"{RESULT}: has no `value`; export the file again"),
    (at(*REGION, "sequence"), rf"{RESULT}: has no `sequence`; export the file again"),
    (at(*REGION, "sequence", to=[]), rf"{RESULT}: `sequence` is empty; delete the region or draw"),
    (at(*REGION, "labels", to="sit"), rf'{RESULT}: `labels` is "sit"; write a list'),
    (at(*REGION, "labels", to=[1]), rf"{RESULT}: a label is 1; write a text"),
    (
        at(*REGION, "duration", to=90),
        rf"{RESULT}: lasts 90.0 s, but video 'kitchen 2' lasts 20.0 s",
    ),
    (at(*REGION, "duration", to=0), rf"{RESULT}: framesCount 480 and duration 0 must be positive"),
    (at(*BOX, "x"), rf"{RESULT}, box 2: has no `x`; export the file again"),
    (at(*BOX, "x", to="1"), rf'{RESULT}, box 2: `x` is "1"; write a number'),
    (at(*BOX, "x", to=10**400), rf"{RESULT}, box 2: `x` is 1000*\.\.\.; write a number"),
    (at(*BOX, "x", to=float("inf")), rf"{RESULT}, box 2: `x` is Infinity; write a number"),
    (at(*BOX, "x", to=640), rf"{RESULT}, box 2: 640,10 10x40 is not in percent of the frame"),
    (at(*BOX, "width", to=0), rf"{RESULT}, box 2: 0x40 is empty; fix or delete the box"),
    (at(*BOX, "frame", to=0), rf"{RESULT}, box 2: frame 0 is not a whole number from 1; fix it"),
    (at(*BOX, "frame", to=1), rf"{RESULT}, box 2: frame 1 is in the region twice; delete one"),
    (at(*BOX, "frame", to=900), rf"{RESULT}, box 2: frame 900 is behind the end of the video"),
    (at(*BOX, "enabled", to=1), rf"{RESULT}, box 2: `enabled` is 1; write true or false"),
    (at(*RESULTS, 1, "value", to={"number": [1, 2]}), rf"{TASK}.*: `person` must have one value"),
    (
        at(*RESULTS, 2, "value", "ranges", to=[{"start": 9, "end": 3}]),
        rf"{TASK}, annotation 1, result 3: starts at 9, behind its end 3; swap them",
    ),
    (
        at(*RESULTS, 2, "value", "ranges"),
        rf"{TASK}, annotation 1, result 3: has no `ranges`; export the file again",
    ),
]


@pytest.mark.parametrize(("change", "expected"), STUDIO_CASES)
def test_label_studio(tmp_path: Path, change: Callable[[Any], None], expected: str) -> None:
    content = json.loads(json.dumps(LABEL_STUDIO))
    change(content)
    path = tmp_path / "export.json"
    path.write_text(json.dumps(content))
    check(errors(path), path, expected)


ENTRY = r": metadata '1_a'"
METADATA = ("metadata", "1_a")
VIA_CASES = [
    (at("attribute"), r": has no `attribute`; export the file again"),
    (at("metadata"), r": has no `metadata`; export the file again"),
    (at("_via_img_metadata", to={}), r": is a project of VIA 2, which has no videos; use VIA 3"),
    (at("attribute", "1", "type"), r": attribute '1': has no `type`; export"),
    (at("attribute", "1", "aname"), r": attribute '1': has no `aname`; export"),
    (at(*METADATA, to=1), rf"{ENTRY} is 1; write an object"),
    (at(*METADATA, "vid", to="5"), rf"{ENTRY}: there is no view '5'; save the project again"),
    (at(*METADATA, "z"), rf"{ENTRY}: has no `z`; export the file again"),
    (at(*METADATA, "z", to=["1"]), rf'{ENTRY}: a time is "1"; write a number'),
    (at(*METADATA, "z", to=[99]), rf"{ENTRY}: time 99 s is not in the video, which has 20.0 s"),
    (at(*METADATA, "z", to=[1, 2, 3]), rf"{ENTRY}: has 3 times and a shape of 5 numbers; a reg"),
    (at("metadata", "1_c", "z", to=[4, 1]), r": metadata '1_c': starts at 4 s, behind its end 1"),
    (at(*METADATA, "xy", to=[2, 1, 1, 5]), rf"{ENTRY}: a rectangle has x, y, width, height; draw"),
    (at(*METADATA, "xy", to=[2, 1, 1, 0, 5]), rf"{ENTRY}: 0x5 is empty; fix or delete the box"),
    (at(*METADATA, "xy", to=[2, 700, 1, 9, 5]), rf"{ENTRY}: the box at 700,1 is outside of the"),
    (at(*METADATA, "av", to={"8": "0"}), rf"{ENTRY}: there is no attribute '8'; save the proj"),
    (at(*METADATA, "av", to={"1": "0,9"}), rf"{ENTRY}: attribute 'action' has no option '9'; ch"),
    (at(*METADATA, "av", to={"1": 0}), rf"{ENTRY}: attribute 'action' is 0; write a text"),
    (at(*METADATA, "flg", to="x"), rf'{ENTRY}: flags is "x"; write a number'),
    (at("metadata", "1_b", "z", to=[1]), r": metadata '1_b': person '7' has two boxes at 1 s"),
]


@pytest.mark.parametrize(("change", "expected"), VIA_CASES)
def test_via(tmp_path: Path, change: Callable[[Any], None], expected: str) -> None:
    content = json.loads(json.dumps(VIA))
    change(content)
    path = tmp_path / "project.json"
    path.write_text(json.dumps(content))
    check(errors(path), path, expected)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (at("view", "1", "fid_list", to=[1, 1]), r": view '1': shows 2 files; only one video has"),
        (at("file", "1"), r": view '1': there is no file '1'; save the project again"),
        (at("file", "1", "fname"), r": file '1': has no `fname`; export the file again"),
        (at("file", "1", "fname", to="attic.mp4"), r": metadata '1_a': video 'attic.mp4' is not"),
    ],
)
def test_via_files(tmp_path: Path, change: Callable[[Any], None], expected: str) -> None:
    content = json.loads(json.dumps(VIA))
    content["metadata"] = {"1_a": content["metadata"]["1_a"]}
    change(content)
    path = tmp_path / "project.json"
    path.write_text(json.dumps(content))
    check(errors(path), path, expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("# ATTRIBUTE", "# NOTHING", r": has no line '# ATTRIBUTE = ...'; export it from VIA 3"),
        ('{"1":{"aname"', '{"1":{aname', r": the line '# ATTRIBUTE' is not valid JSON"),
        ('"[1]",', "", r":6: has 5 fields; write metadata_id,file_list,flags"),
        ('"[1]"', '"[1"', r":6: field 4 is not valid JSON: '\[1'; export it again"),
        ('"[1]"', '"1"', r":6: the time is 1; write a list"),
        ('"[""kitchen 2.mp4""]"', '"[]"', r":6: names \[\]; one video has a place"),
        ("CSV_HEADER", "temporal_segment_start", r": has temporal segments only, without boxes"),
    ],
)
def test_via_csv(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = tmp_path / "export.csv"
    path.write_text(VIA_CSV.replace(old, new, 1))
    check(errors(path), path, expected)


MOT_CASES = [
    ("31,7,97,49,64,192,1,1,0.5", "31,7,97,49,64", r":2: has 5 fields; write frame,id,left"),
    ("31,7", "31;7", r":2: '31;7' is not a number; write frame,id"),
    ("31,7", "31,x", r":2: 'x' is not a number; write frame,id,left"),
    ("31,7", "inf,7", r":2: a value is not finite; write frame,id,left"),
    ("31,7", "0,7", r":2: frame 0 is not a frame of video 'kitchen 2', 1 to 600; is it the"),
    ("31,7", "9999,7", r":2: frame 9999 is not a frame of video 'kitchen 2', 1 to 600; is it"),
    ("31,7", "31,-7", r":2: id -7 is not a whole number from 0, or -1; fix it"),
    ("97,49,64,192", "97,49,0,192", r":2: 0x192 is empty; fix or delete the box"),
    ("31,7", "1,7", r":2: id 7 is on frame 1 twice; delete one"),
    ("192,1,1,0.5", "192,1,77,0.5", r":2: class 77 is not a whole number from 1 to 13; fix it"),
    (MOT, "", r": is empty; write one line for each box"),
    (MOT, DETECTIONS.replace("0.8", "61.5"), r":2: conf 61.5 is not a probability; scale the"),
]


@pytest.mark.parametrize(("old", "new", "expected"), MOT_CASES)
def test_mot(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = tmp_path / "kitchen 2.txt"
    path.write_text(MOT.replace(old, new, 1))
    check(errors(path), path, expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("frameRate=30\n", "", r": its seqinfo.ini cannot be read \('frameRate'\); it needs"),
        ("[Sequence]\n", "", r": its seqinfo.ini cannot be read \(File contains no section"),
        ("imWidth=640", "imWidth=wide", r": its seqinfo.ini cannot be read \(could not convert"),
        ("imWidth=640", "imWidth=inf", r": its seqinfo.ini cannot be read \('inf' is not finite\)"),
        ("seqLength=600", "seqLength=9", r": its seqinfo.ini: lasts 0.3 s, but video 'kitchen 2'"),
        ("imWidth=640", "imWidth=0", r": its seqinfo.ini has a rate, size or length that is not"),
        ("name=kitchen 2", "name=attic", r": video 'attic' is not in"),
    ],
)
def test_seqinfo(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = tmp_path / "MOT-02/gt/gt.txt"
    path.parent.mkdir(parents=True)
    path.write_text(MOT)
    (tmp_path / "MOT-02/seqinfo.ini").write_text(SEQINFO.replace(old, new))
    check(errors(path), path, expected)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", b"[1, 2", r":1: is not valid JSON \(.*\)\. Export the file again"),
        ("a.json", b"[\n{'a': 1}]", r":2: is not valid JSON \(.*\)\. Export the file again"),
        ("a.json", b"\xff[]", r": is not UTF-8 text \(.*\); save it as UTF-8"),
        ("a.json", b"3", r": the content is 3; write an object"),
        ("a.json", b"[" * 200000, r": is nested too deeply\. Export the file again"),
        ("a.json", b"[" + b"9" * 5000 + b"]", r": cannot be read \(.*\)\. Export the file again"),
        ("a.csv", b"\xff", r": is not UTF-8 text \(.*\); save it as UTF-8"),
        ("kitchen 2.txt", b"\xff", r": is not UTF-8 text \(.*\); save it as UTF-8"),
        ("attic.txt", MOT.encode(), r": video 'attic' is not in \S+; put it there"),
        ("a.xlsx", b"", r": no export of a known tool; name a file that ends in \.xml \(CVAT\)"),
        ("a.zip", b"PK\x03\x04", r": cannot be unpacked \(.*\); export it again"),
        ("a.xml", b"", r":1: is not valid XML \(no element found\)\. Export the file again"),
    ],
)
def test_files_of_no_format(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    check(errors(path), path, expected)


def test_a_zip_without_annotations(tmp_path: Path) -> None:
    path = tmp_path / "task.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("images/frame_000000.png", b"")
    check(errors(path), path, r": contains neither annotations.xml .* nor gt/gt.txt .*; export")


def test_a_part_with_an_error_hides_no_other_error(tmp_path: Path) -> None:
    path = tmp_path / "task.xml"
    path.write_text(CVAT.replace('"pose">sit', '"pose">fly').replace("<polygon", "<box", 1))
    assert len(errors(path)) > 2


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.xml: no such file; put the export there"):
        find_exports(str(tmp_path / "none.xml"))
    with pytest.raises(UserError, match=r": is a folder; name the files in it, such as"):
        find_exports(str(tmp_path))
