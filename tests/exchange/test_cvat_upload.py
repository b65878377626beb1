"""Tests of lfb.exchange.cvat_upload: what it writes, and round trips."""

import json

from hypothesis import given, settings

from lfb.exchange.cvat import read_cvat
from lfb.exchange.cvat_upload import cvat_labels, write_cvat
from lfb.exchange.findings import Findings
from lfb.exchange.tracks import Recording, Shape, Track
from lfb.exchange.xml_tree import read_xml
from tests.exchange import tool_files
from tests.exchange.tracks_drawn import ACTIONS, FILM, recordings, same


def test_the_labels_of_a_new_task_are_those_of_its_annotations() -> None:
    (label,) = json.loads(cvat_labels(ACTIONS))
    root = read_xml("task.xml", write_cvat(Recording(FILM, (), "a"), ACTIONS).encode(), {})
    defined = root.find("meta/task/labels/label/attributes")
    assert defined is not None
    assert [
        (a["name"], str(a["mutable"]), a["input_type"], a["default_value"])
        for a in label["attributes"]
    ] == [
        tuple(a.text_of(tag) for tag in ("name", "mutable", "input_type", "default_value"))
        for a in defined.children
    ]


def test_a_box_is_in_pixels_with_a_checkbox_for_each_action() -> None:
    shape = Shape(12, (0.25, 0.5, 0.75, 1.0), frozenset({ACTIONS[1]}))
    text = write_cvat(Recording(FILM, (Track("7", (shape,)),), "a"), ACTIONS)
    box = read_xml("task.xml", text.encode(), {}).find("track/box")
    assert box is not None
    assert [box.attributes[name] for name in ("frame", "outside", "keyframe")] == ["12", "0", "1"]
    corners = [float(box.attributes[name]) for name in ("xtl", "ytl", "xbr", "ybr")]
    assert corners == [160, 240, 480, 480]
    assert {a.attributes["name"]: a.text for a in box.children} == {
        "person": "7",
        ACTIONS[0]: "false",
        ACTIONS[1]: "true",
        ACTIONS[2]: "false",
    }


@settings(deadline=None, max_examples=50)
@given(recording=recordings())
def test_what_is_written_is_read_as_the_same_tracks(recording: Recording) -> None:
    findings = Findings()
    text = write_cvat(recording, ACTIONS).encode()
    (found,), actions = read_cvat("task.xml", text, tool_files.OneFilm(FILM), findings)
    assert (findings.errors, dict(findings.left_out)) == ([], {})
    assert actions == list(ACTIONS)
    assert [track.person for track in found.tracks] == [t.person for t in recording.tracks]
    for before, after in zip(recording.tracks, found.tracks, strict=True):
        assert [(s.frame, s.visible, s.actions) for s in before.shapes] == [
            (s.frame, s.visible, s.actions) for s in after.shapes
        ]
    assert same(recording, found)
