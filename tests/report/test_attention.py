import numpy as np
import pytest

from lfb.data.split import Split
from lfb.report.attention import Attention, actions_in_box, attention_strip
from tests.report.drawings import draw, of_class, style
from tests.samples import annotation_table, proposals_of


def test_the_top_has_only_real_rows_with_weight() -> None:
    weights = np.array([[[0.5, 0.1], [0.39, 0.01]], [[0.5, 0.3], [0.19, 0.01]]])
    attention = Attention(weights, np.array([[-1, 7], [8, 9]]), 3)
    assert attention.top(5) == [(1, 8, pytest.approx(0.29)), (0, 7, pytest.approx(0.2))]
    assert attention.top(1) == [(1, 8, pytest.approx(0.29))]
    assert Attention(weights, np.full((2, 2), -1), 3).top(5) == []


def test_attention_bars_are_as_long_as_the_attention() -> None:
    real, empty = np.array([[0.25, 0.5], [0.0, 1.0]]), np.array([[0.25, 0.0], [0.0, 0.0]])
    root = draw("attention_strip", attention_strip(real, empty, -1, [1, 1]), "#0072b2")
    bars = [
        [(style(bar, "height"), style(bar, "background")) for bar in second]
        for second in of_class(root, "second")
    ]
    grey, blue = "var(--empty)", "#0072b2"
    assert bars == [[("25%", grey), ("25%", blue)], [("50%", blue)], [], [("100%", blue)]]
    titles = [second.get("title") for second in of_class(root, "second")]
    assert titles[:2] == ["\N{MINUS SIGN}1 s: 25.0 %, empty slots 25.0 %", "0 s: 50.0 %"]
    assert [element.text for element in of_class(root, "highest")] == ["100%", "100%"]


def test_the_longest_attention_bar_fills_its_height() -> None:
    real = np.array([[0.1, 0.4]])
    root = draw("attention_strip", attention_strip(real, np.zeros((1, 2)), -1, []), "#0072b2")
    heights = [style(second[0], "height") for second in of_class(root, "second")]
    assert heights == ["25%", "100%"]
    assert of_class(root, "highest")[0].text == "40%"


def test_marks_of_a_second_are_in_a_column_below_it() -> None:
    real = np.full((1, 3), 1 / 3)
    strip = attention_strip(real, np.zeros((1, 3)), -1, [1, 0, 1])
    root = draw("attention_strip", strip, "#0072b2")
    places = [
        (style(element, "grid-column"), [disc.text for disc in element])
        for element in root.iter("div")
        if element.find("span") is not None
    ]
    assert places == [("2", ["2"]), ("3", ["1", "3"])]


@pytest.mark.parametrize(("seconds", "between"), [(6, 1), (26, 2), (61, 5), (601, 30)])
def test_ticks_have_room_and_the_keyframe_has_one(seconds: int, between: int) -> None:
    first = -(seconds // 2)
    shape = (1, seconds)
    strip = attention_strip(np.full(shape, 1 / seconds), np.zeros(shape), first, [])
    assert strip["ticks"][strip["keyframe"]] == "0 s"
    columns = list(strip["ticks"])
    assert set(np.diff(columns)) == {between}
    assert strip["ticks"][strip["keyframe"] + between] == f"+{between} s"
    root = draw("attention_strip", strip, "#0072b2")
    (title, *others) = of_class(root, "keyframe")
    assert title.text == "keyframe"
    assert others[0] is of_class(root, "second")[-first]
    assert str(others[0].get("title")).startswith("0 s: ")


def test_a_box_shows_the_actions_of_the_person_it_overlaps_most() -> None:
    left, right = (0, 0, 0.8, 1), (0.2, 0, 1, 1)  # they overlap by 0.6 of 1
    rows = annotation_table(
        ("video", 5, *left, 1, 0),
        ("video", 5, *left, 3, 0),
        ("video", 5, *right, 2, 1),
        ("video", 6, *right, 1, 1),
        ("video", 7, *right, 3, 1),
    )
    split = Split({1: "stand", 2: "jump"}, (), rows, proposals_of(), set())

    def actions(second: int, *box: float) -> list[str]:
        return actions_in_box(split, "video", second, np.array(box, np.float32))

    assert actions(5, 0, 0, 0.75, 1) == ["stand"]
    assert actions(5, 0.25, 0, 1, 1) == ["jump"]
    assert actions(5, 0, 0, 0.1, 1) == []  # overlaps no person enough
    assert actions(7, *right) == []  # an action that is not scored
    assert actions(8, *right) == []
