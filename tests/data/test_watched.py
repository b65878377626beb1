"""Tests of lfb.data.watched."""

from pathlib import Path

import pytest

from lfb.data.annotations import write_labels
from lfb.data.boxes import PersonBoxes
from lfb.data.watched import choose_people, given_people
from lfb.errors import UserError
from lfb.files.atomic import write_json
from lfb.video.extraction import extract_all
from tests.films import make_film

BOXES = {"test_score": 0.8, "test_seconds": "all", "bank_score": 0.5, "bank_seconds": "all"}
ROW = "0.1,0.2,0.5,0.9"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the manifest of a film "my film" of 2 s, 64 x 48 pixels."""
    folder = tmp_path_factory.mktemp("film")
    film = make_film(folder / "my film.mp4", sound=None)
    content = extract_all({"my film": film}, folder, fps=12, first_second=0, start=0, seconds=None)
    write_json(folder / "manifest.json", {"folder": str(folder), "pattern": None, **content})
    return folder / "manifest.json"


def people(manifest: Path, text: str, kind: str = "detections") -> PersonBoxes:
    path = manifest.parent / "boxes.csv"
    path.write_text(text)
    return given_people("my film", manifest, **{"proposals": None, "detections": None, kind: path})


def test_boxes_of_the_film_are_read(manifest: Path) -> None:
    text = f"my film,0,{ROW},0.9\nmy film,1,{ROW},0.6\nother,7,{ROW},0.9\n"
    assert people(manifest, text).index.keys() == [("my film", 0), ("my film", 1)]
    pixels = people(manifest, "my film,1,16,12,32,24,0.9\n")
    assert pixels.boxes.tolist() == [[0.25, 0.25, 0.5, 0.5]]
    listed = people(manifest, f"my film,0,{ROW},,0.9\nother,7,{ROW},,0.9\n", "proposals")
    assert len(listed.boxes) == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (f"a,0,{ROW},0.9\n", "no box of film 'my film'; it has boxes of a. Name the film there as"),
        (
            f"my film,902,{ROW},0.9\n",
            r"second 902 of film 'my film' is after its end, 1\.9 s\. Count seconds from 0",
        ),
        ("my film,0,0.1,0.2,0.5,0.9\n", "boxes.csv:1"),
    ],
)
def test_wrong_boxes_are_errors(manifest: Path, text: str, error: str) -> None:
    with pytest.raises(UserError, match=error):
        people(manifest, text)


def test_seconds_without_people_are_left_out_and_the_bank_has_more(tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.pbtxt", {1: "stand", 4: "obey"})
    found = PersonBoxes.from_rows(
        ["a", "a", "a", "b"], [0, 0, 2, 1], [[0.1, 0.2, 0.5, 0.9]] * 4, [0.9, 0.6, 0.7, 0.9]
    )
    chosen = {
        purpose: choose_people(
            found, "a", purpose, BOXES, labels=tmp_path / "labels.pbtxt", unscored=[5]
        )
        for purpose in ("testing", "bank")
    }
    assert [(k.second, len(k.boxes)) for k in chosen["testing"].keyframes] == [(0, 1)]
    assert [(k.second, len(k.boxes)) for k in chosen["bank"].keyframes] == [(0, 2), (2, 1)]
    assert chosen["bank"].videos == ["a"]
    assert (chosen["bank"].actions, chosen["bank"].outputs) == ([1, 4], 6)


def test_a_film_without_people_has_no_keyframes(tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.pbtxt", {1: "stand"})
    none = PersonBoxes.none()
    chosen = choose_people(
        none, "a", "testing", BOXES, labels=tmp_path / "labels.pbtxt", unscored=[]
    )
    assert (chosen.keyframes, chosen.videos) == ([], ["a"])
