"""Tests of drawings.html.j2."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lfb.report.cards import picture
from tests.report.drawings import draw, of_class, style
from tests.samples import NAMES

PERCENT = st.floats(0, 100)


@given(st.lists(st.tuples(NAMES | st.just("<&'\""), PERCENT | st.none()), min_size=1, max_size=90))
def test_any_class_name_gives_bars_that_parse(rows: list[tuple[str, float | None]]) -> None:
    classes = [
        {
            "name": name,
            "boxes": 3,
            "bars": {
                "baseline": ap is not None and {"value": ap, "lowest": ap, "highest": ap},
                name: {"value": 50, "lowest": 40, "highest": 60},
            },
            "note": name,
        }
        for name, ap in rows
    ]
    colours = {"baseline": "#000", **{name: "#111" for name, _ in rows}}
    root = draw("class_bars", classes, colours, "gain")
    bars = list(root.iter("b"))
    assert len(bars) == sum(1 + (ap is not None) for _, ap in rows)
    assert len(list(root.iter("i"))) == len(rows)  # lowest to highest, where they differ
    assert [cell.text for cell in of_class(root, "gain")] == ["gain", *(name for name, _ in rows)]


def test_bars_are_as_long_as_the_precision() -> None:
    bars = {
        "baseline": {"value": 73.849, "lowest": 70, "highest": 80},
        "lfb": {"value": 0, "lowest": 0, "highest": 0},
        "unknown": None,
    }
    rows = [{"name": "stand", "boxes": 1024, "bars": bars, "note": "+1.0"}]
    root = draw("class_bars", rows, {"baseline": "#000", "lfb": "#111", "unknown": "#222"}, "gain")
    lengths = [(style(bar, "width"), style(bar, "background")) for bar in root.iter("b")]
    assert lengths == [("73.85%", "#000"), ("0%", "#111")]
    (span,) = root.iter("i")
    assert (style(span, "left"), style(span, "width")) == ("70%", "10%")
    titles = [bar.get("title") for bar in of_class(root, "bar")]
    assert titles == ["baseline: 73.8 %", "lfb: 0.0 %", None]
    assert of_class(root, "unknown")[0].text == "unknown: not measured"
    places = [style(tick, "left") for tick in root.iter("span")]
    assert places == [f"{percent}%" for percent in (0, 20, 40, 60, 80, 100)]


def test_boxes_lie_where_the_people_are() -> None:
    boxes = [
        (np.array([0.125, 0.25, 0.5, 0.875]), "A", True),
        (np.array([0, 0.5, 1, 1]), "B", False),
        (np.array([0, 0, 1, 1]), "", False),
    ]
    root = draw("frame", picture(Image.new("RGB", (32, 24)), boxes))
    sides = ("left", "top", "width", "height")
    drawn = of_class(root, "box")
    assert [[style(box, side) for side in sides] for box in drawn] == [
        ["12.5%", "25%", "37.5%", "62.5%"],
        ["0%", "50%", "100%", "50%"],
        ["0%", "0%", "100%", "100%"],
    ]
    assert [box.get("class") for box in drawn] == ["box named focus", "box named", "box"]
    letters = of_class(root, "letter")
    assert [letter.text for letter in letters] == ["A", "B"]
    assert letters[0].get("class") == "letter focus"
    assert style(letters[0], "top") == "max(0px, 25% - 18px)"


@pytest.mark.parametrize(("width", "pixels"), [(64, 1), (170, 1), (171, 0), (800, 0)])
def test_small_frames_keep_their_pixels_visible(width: int, pixels: int) -> None:
    root = draw("frame", picture(Image.new("RGB", (width, 24)), []))
    assert len(of_class(root, "pixels")) == pixels


def test_a_confusion_matrix_has_a_coloured_cell_for_each_share() -> None:
    row = {"name": "a", "people": 3, "number": 0, "cells": [50.0, 33.3, None, 16.7]}
    drawing = draw("confusion_matrix", {"names": ["a", "b", "c"], "rows": [row]})
    cells = [e for e in drawing.iter() if e.tag == "td"]
    assert [cell.get("class") for cell in cells] == ["right", "wrong", None, "gone"]
    assert [cell.get("title") for cell in cells] == [
        "a: 50.0 % a",
        "a: 33.3 % b",
        None,
        "a: 16.7 % not detected",
    ]
    assert [style(cell, "--share") for cell in cells if cell.get("class")] == [
        "0.5",
        "0.33",
        "0.17",
    ]
