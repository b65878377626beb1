"""Tests of lfb.exchange.mot."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.exchange.findings import Findings
from lfb.exchange.mot import read_mot
from lfb.exchange.tracks import Recording, Shape, Track, moments
from tests.exchange import tool_files
from tests.exchange.tool_files import DETECTIONS, MOT, SEQINFO
from tests.exchange.tracks_drawn import FILM, boxes, same


def read(
    folder: Path, text: str, labels: str | None = None, info: str | None = None
) -> tuple[Recording, list[str], Findings]:
    findings = Findings()
    beside = (labels and labels.encode(), info and info.encode())
    films = tool_files.films(folder)
    found, actions = read_mot("a.txt", text.encode(), "kitchen 2", *beside, films, findings)
    assert findings.errors == []
    return found[0], actions, findings


def test_ground_truth_has_people_and_no_actions(tmp_path: Path) -> None:
    recording, actions, findings = read(tmp_path, MOT)
    (track,) = recording.tracks
    assert (track.person, track.named) == ("7", False)
    assert list(track.views(600)) == [(0, 1), (30, 31), (60, 61)]
    assert track.at(0).box == pytest.approx((0.1, 0.1, 0.2, 0.5))  # pixels count from 1
    assert (actions, recording.detected) == ([], True)
    assert findings.left_out == {
        "MOTChallenge boxes that do not count (conf 0)": 1,
        "MOTChallenge boxes of class 3, no people": 1,
        "MOTChallenge visibilities": 1,
    }


def test_detections_have_scores_and_unknown_people(tmp_path: Path) -> None:
    recording, *_ = read(tmp_path, DETECTIONS)
    assert [(track.person, track.shapes[0].score) for track in recording.tracks] == [
        (None, 0.9),
        (None, 0.8),
    ]


def test_the_results_of_a_tracker_have_no_score(tmp_path: Path) -> None:
    recording, *_ = read(tmp_path, "1,3,65,49,64,192,-1,-1,-1,-1\n\n2,3,65,49,64,192,-1,-1,-1,-1")
    (track,) = recording.tracks
    assert list(track.views(600)) == [(0, 2)]
    assert track.shapes[0].score == 1


def test_positions_in_the_world_are_left_out(tmp_path: Path) -> None:
    *_, findings = read(tmp_path, "1,3,65,49,64,192,0.5,2.5,1.5,0")
    assert findings.left_out == {"MOTChallenge positions in the world": 1}


def test_labels_name_actions(tmp_path: Path) -> None:
    recording, actions, _ = read(tmp_path, MOT.replace("1,1,0.5", "1,2,0.5"), "person\nsit\nrun\n")
    assert (actions, recording.detected) == (["sit", "run"], False)
    assert [sorted(s.actions) for s in recording.tracks[0].shapes if s.visible] == [[], ["sit"], []]


def test_seqinfo_has_the_rate_and_size(tmp_path: Path) -> None:
    info = SEQINFO.replace("imWidth=640", "imWidth=320").replace("frameRate=30", "frameRate=15")
    info = info.replace("seqLength=600", "seqLength=300")
    recording, *_ = read(tmp_path, MOT, info=info)
    assert (recording.film.name, recording.film.fps) == ("kitchen 2", 15)
    assert recording.tracks[0].shapes[0].box[0] == pytest.approx(0.2)


@st.composite
def tracks(draw: st.DrawFn) -> tuple[Track, ...]:
    """Return people with a box on each frame in view, as trackers find them."""
    found = []
    for person in sorted(draw(st.sets(st.integers(0, 9), max_size=3))):
        frames = draw(st.sets(st.integers(0, FILM.frames - 1), min_size=1, max_size=6))
        found.append(Track(str(person), moments(Shape(f, draw(boxes())) for f in frames)))
    return tuple(found)


@settings(deadline=None, max_examples=50)
@given(drawn=tracks())
def test_what_a_tracker_writes_is_read_as_the_same_people(drawn: tuple[Track, ...]) -> None:
    lines = []
    for track in drawn:
        for shape in filter(lambda shape: shape.visible, track.shapes):
            x1, y1, x2, y2 = shape.box
            left, top = x1 * FILM.width + 1, y1 * FILM.height + 1
            size = f"{(x2 - x1) * FILM.width!r},{(y2 - y1) * FILM.height!r}"
            lines.append(f"{shape.frame + 1},{track.person},{left!r},{top!r},{size},1,-1,-1,-1")
    findings, films = Findings(), tool_files.OneFilm(FILM)
    if lines:
        data = "\n".join(lines).encode()
        (found,), _ = read_mot("a.txt", data, "a", None, None, films, findings)
        assert findings.errors == []
        assert same(Recording(FILM, drawn, "drawn"), found)
