"""Curves of the training, drawn by Matplotlib, and the colours of the report.

The browser lays out bars, boxes and attention itself (drawings.html.j2).
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

BASELINE = "#7d8590"  # grey
# Okabe and Ito, 2008: colours that colour-blind readers can tell apart.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
MUTED, GRID = "#656d76", "#e3e6ea"
PIXEL = 72 / 96  # in points
WIDTH, HEIGHT = 510, 250  # of a chart, pixels
ROUND = [1, 2, 5, 10]  # steps between ticks, times a power of ten
STYLE: dict[Any, Any] = {
    "axes.edgecolor": GRID,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.labelsize": 12 * PIXEL,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": MUTED,
    "axes.titlelocation": "left",
    "axes.titlepad": 6,
    "axes.titlesize": 12 * PIXEL,
    "axes.xmargin": 0.015,
    # Matplotlib brings the first font, so the layout is the same on every machine.
    "font.sans-serif": ["DejaVu Sans", "Segoe UI", "Helvetica Neue", "Arial", "sans-serif"],
    "grid.color": GRID,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "lfb",  # the same ids every time
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 12 * PIXEL,
    "xtick.major.size": 0,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 12 * PIXEL,
    "ytick.major.size": 0,
}


@dataclass(frozen=True)
class Curve:
    """One line of a chart: a value for each epoch; ``faint`` for seeds after the first."""

    colour: str
    epochs: Sequence[float]
    values: Sequence[float]
    faint: bool = False


def draw_curves(curves: Sequence[Curve], label: str, nested: bool = False) -> bytes:
    """Return a chart of values over epochs, as SVG; the same curves give the same bytes.

    Args:
        curves: At least one.
        label: What the values are.
        nested: Draw each curve thinner than the one below it, so that equal curves stay visible.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # the user's own style must not change the report
        matplotlib.rcParams.update(STYLE)
        figure = Figure(figsize=(WIDTH / 96, HEIGHT / 96))
        axes = figure.add_axes((0.115, 0.16, 0.858, 0.72))
        axes.set_title(label, x=-0.13)
        axes.set_xlabel("epoch")
        for number, curve in enumerate(sorted(curves, key=lambda curve: not curve.faint)):
            width = 2 + 2.5 * (len(curves) - 1 - number) if nested else 2
            axes.plot(
                curve.epochs,
                curve.values,
                color=curve.colour,
                linewidth=(1 if curve.faint else width) * PIXEL,
                alpha=0.5 if curve.faint else 1,
                marker="" if len(curve.epochs) > 1 else "o",
                markersize=(4 + width) * PIXEL,
                clip_on=False,
            )
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=ROUND, integer=True, min_n_ticks=1))
        highest = max(max(curve.values) for curve in curves)
        ticks = MaxNLocator(5, steps=ROUND).tick_values(0, highest or 1)
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_ylim(0, ticks[-1])
        svg = io.BytesIO()
        figure.savefig(svg, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format")))
    return svg.getvalue()
