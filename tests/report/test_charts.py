import re

import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.report.charts import PALETTE, Curve, draw_curves
from tests.report.drawings import points, texts, ticks


@settings(deadline=None)
@given(st.floats(1e-6, 1e6))
def test_an_axis_covers_its_values_in_few_round_steps(highest: float) -> None:
    _, values = ticks(draw_curves([Curve("#000000", [1, 2], [highest, 0])], "loss"))
    assert values[0] == 0
    assert highest <= values[-1] * (1 + 1e-9)
    assert len(values) <= 6


@pytest.mark.parametrize("last", [1, 2, 6, 20, 46, 300])
def test_epochs_are_whole_numbers(last: int) -> None:
    epochs = range(1, last + 1)
    shown, _ = ticks(draw_curves([Curve("#000000", epochs, [1.0] * last)], "loss"))
    assert 1 <= len(shown) <= 8
    assert shown == sorted(set(shown))
    assert 0 <= shown[0] <= shown[-1] <= last


def test_curves_go_through_their_values_from_the_first_epoch_to_the_last() -> None:
    svg = draw_curves(
        [Curve(PALETTE[0], [1, 2, 3], [2, 1, 0]), Curve(PALETTE[1], [1, 2], [0.5, 1])], "loss"
    )
    x, y = zip(*points(svg, PALETTE[0]), strict=True)
    assert y == pytest.approx([1, 0.5, 0], abs=1e-3)
    assert x == pytest.approx([x[0], 0.5, 1 - x[0]], abs=1e-3)
    assert 0 <= x[0] < 0.02
    short_x, short_y = zip(*points(svg, PALETTE[1]), strict=True)
    assert short_y == pytest.approx([0.25, 0.5], abs=1e-3)
    assert short_x == pytest.approx(x[:2], abs=1e-3)
    assert texts(svg)[-1] == "loss"
    assert not re.findall(
        rf'clip-path="[^>]*stroke: {PALETTE[0]}', svg.decode()
    )  # the ends are not clipped


def test_equal_curves_stay_visible_and_other_seeds_are_faint() -> None:
    curves = [Curve(colour, [1, 2], [1, 1]) for colour in PALETTE[:3]]
    svg = draw_curves(curves, "learning rate", nested=True).decode()
    widths = [
        float(re.findall(rf"stroke: {c}; stroke-width: ([\d.]+)", svg)[0]) for c in PALETTE[:3]
    ]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 3

    first, second = Curve(PALETTE[0], [1, 2], [1, 1]), Curve(PALETTE[1], [1, 2], [1, 1], faint=True)
    svg = draw_curves([first, second], "loss").decode()
    assert svg.index(PALETTE[1]) < svg.index(PALETTE[0])  # drawn below the first seed
    assert re.findall(r"stroke-opacity: ([\d.]+)", svg) == ["0.5"]


def test_a_single_epoch_is_a_point() -> None:
    assert "<use" in draw_curves([Curve(PALETTE[0], [1], [0.3])], "loss").decode()
    assert "<use" not in draw_curves([Curve(PALETTE[0], [1, 2], [0.3, 0.2])], "loss").decode()


def test_the_same_curves_give_the_same_bytes_with_any_matplotlib_style() -> None:
    curves = [Curve(PALETTE[0], [1, 2], [0.3, 0.2])]
    svg = draw_curves(curves, "loss")
    with matplotlib.rc_context({"lines.linestyle": ":", "font.size": 20, "axes.facecolor": "red"}):
        assert draw_curves(curves, "loss") == svg
        assert matplotlib.rcParams["font.size"] == 20
    assert b"<dc:date>" not in svg
