"""Tests of lfb.report.watch.people."""

import csv
from pathlib import Path

import numpy as np
import pytest

from lfb.data.annotations import write_labels
from lfb.data.predictions import Predictions
from lfb.errors import UserError
from lfb.report.watch.people import HEADER, Watched, thresholds_of
from lfb.video.overlays import Line

LEFT, RIGHT = (0.1, 0.2, 0.3, 0.9), (0.6, 0.2, 0.8, 0.9)
LABELS = {1: "stand", 3: 'talk to (e.g., self, a "person")', 4: "obey"}


def predictions(path: Path, box: list[tuple[float, ...]], score: list[list[float]]) -> Path:
    seconds = np.array([0, 0, 1, 1], np.int32)
    Predictions(
        ["a"],
        np.zeros(4, np.int32),
        seconds,
        np.array(box, np.float32),
        np.array(score, np.float32),
        np.array(sorted(LABELS), np.int32),
    ).save(path)
    return path


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """Return two people of two seconds; the detector lists the right one first, then the left."""
    write_labels(tmp_path / "labels.pbtxt", LABELS)
    score = [[0.9, 0.1, 0.2], [0.3, 0.6, 0.1], [0.2, 0.7, 0.8], [0.9, 0.1, 0.4]]
    path = predictions(tmp_path / "nl.npz", [RIGHT, LEFT, LEFT, RIGHT], score)
    return Watched.of("a", tmp_path / "labels.pbtxt", {"lfb_nl": path})


def test_people_keep_their_number(watched: Watched) -> None:
    assert watched.second.tolist() == [0, 0, 1, 1]
    assert watched.person.tolist() == [1, 2, 1, 2]
    np.testing.assert_allclose(watched.box, np.array([LEFT, RIGHT, LEFT, RIGHT]), atol=1e-6)


def test_the_table_has_a_row_for_each_person_and_action(watched: Watched, tmp_path: Path) -> None:
    watched.write_csv(tmp_path / "a.csv", "lfb_nl")
    header, *rows = csv.reader((tmp_path / "a.csv").read_text().splitlines())
    assert header == [*HEADER]
    assert ",".join(header) == "video,second,person,x1,y1,x2,y2,action_id,action,score"
    assert len(rows) == 12
    assert rows[0][:8] == ["a", "0", "1", "0.1000", "0.2000", "0.3000", "0.9000", "3"]
    assert rows[0][8:] == [LABELS[3], "0.6000"]
    assert [row[2] for row in rows] == ["1"] * 3 + ["2"] * 3 + ["1"] * 3 + ["2"] * 3
    assert [row[-1] for row in rows[6:9]] == ["0.8000", "0.7000", "0.2000"]


def test_the_film_shows_actions_above_their_thresholds_and_which_are_new(watched: Watched) -> None:
    thresholds = thresholds_of(watched.classes, {"threshold": 0.5, "of_action": {"4": 0.3}})
    assert thresholds.tolist() == [0.5, 0.5, 0.3]
    shown = watched.overlays("lfb_nl", thresholds)
    assert [(overlay.time, overlay.person) for overlay in shown] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert [overlay.lines for overlay in shown] == [
        (Line("talk to 0.60", True),),
        (Line("stand 0.90", True),),
        (Line("obey 0.80", True), Line("talk to 0.70", False)),
        (Line("stand 0.90", False), Line("obey 0.40", True)),
    ]


def test_models_with_other_boxes_are_an_error(tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.pbtxt", LABELS)
    score = [[0.5, 0.5, 0.5]] * 4
    one = predictions(tmp_path / "one.npz", [LEFT, RIGHT] * 2, score)
    other = predictions(tmp_path / "other.npz", [RIGHT, LEFT] * 2, score)
    with pytest.raises(UserError, match=r"other\.npz: other boxes"):
        Watched.of("a", tmp_path / "labels.pbtxt", {"one": one, "other": other})


def test_a_film_without_people_has_an_empty_table(tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.pbtxt", LABELS)
    empty = Predictions(
        [],
        np.zeros(0, np.int32),
        np.zeros(0, np.int32),
        np.zeros((0, 4), np.float32),
        np.zeros((0, 3), np.float32),
        np.array(sorted(LABELS), np.int32),
    )
    empty.save(tmp_path / "none.npz")
    none = Watched.of("a", tmp_path / "labels.pbtxt", {"baseline": tmp_path / "none.npz"})
    none.write_csv(tmp_path / "a.csv", "baseline")
    assert (tmp_path / "a.csv").read_text() == ",".join(HEADER) + "\n"
    assert none.overlays("baseline", np.array([0.5] * 3)) == []
