"""Charts as SVG, written by hand: crisp at any size, searchable, and at home in one HTML file.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; the baseline is grey.
"""

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup, escape

BASELINE = "#7d8590"
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
INK, MUTED, GRID, EMPTY = "#1f2328", "#656d76", "#e3e6ea", "#c9ced6"
WIDTH = 1040  # of a chart across the page, pixels

Content = str | Markup


@dataclass(frozen=True)
class Bars:
    """One group of bars: a class, and one value (percent) of each series; NaN for none.

    Attributes:
        name: Of the class.
        count: Shown beside the name.
        values: Lengths.
        spans: Least and greatest value over repetitions, drawn as a thin line where they differ.
        note: At the right end.
    """

    name: str
    count: int
    values: Sequence[float]
    spans: Sequence[tuple[float, float]]
    note: str


@dataclass(frozen=True)
class Curve:
    """A line of a chart; a ``faint`` one repeats another."""

    colour: str
    x: Sequence[float]
    y: Sequence[float]
    faint: bool = False


@dataclass(frozen=True)
class Frame:
    """An image in a chart."""

    jpeg: bytes
    width: int
    height: int
    boxes: Sequence[tuple[Sequence[float], str, bool]] = field(default=())
    """x1 y1 x2 y2 in [0, 1], a label ("" for none), and whether it stands out."""


def tag(name: str, *content: Content, **attributes: str | float) -> Markup:
    """An element; text and attribute values are escaped, underscores in names become hyphens."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{said}>{Markup().join(content)}</{name}>")


def group_bars(groups: Sequence[Bars], colours: Sequence[str], heading: str) -> Markup:
    """Grouped horizontal bars from 0 to 100 %, a group a row; ``heading`` is over the notes."""
    longest = max((len(bars.name) for bars in groups), default=0)
    names = 8 + 7 * min(longest, 42)
    left, right, top = names + 78, WIDTH - 44 - 7 * len(heading), 30
    bar = 9 if len(groups) * len(colours) <= 80 else 6
    row = bar * len(colours) + 12
    bottom = top + row * len(groups)

    def x(percent: float) -> float:
        return left + (right - left) * percent / 100

    parts = [
        _text(names + 56, 14, "boxes", anchor="end", fill=MUTED),
        _text(WIDTH - 4, 14, heading, anchor="end", fill=MUTED),
    ]
    for percent in (0, 20, 40, 60, 80, 100):
        parts.append(_line(x(percent), top - 8, x(percent), bottom, GRID))
        parts.append(_text(x(percent), 14, f"{percent} %", anchor="middle", fill=MUTED))
    for number, bars in enumerate(groups):
        begin = top + row * number
        middle = begin + row / 2
        parts.append(_line(0, begin, WIDTH, begin, GRID))
        name = bars.name if len(bars.name) <= 42 else bars.name[:41] + "…"
        parts.append(_text(names, middle + 4, name, anchor="end", title=bars.name))
        parts.append(_text(names + 56, middle + 4, f"{bars.count:,}", anchor="end", fill=MUTED))
        parts.append(_text(WIDTH - 4, middle + 4, bars.note, anchor="end"))
        for place, (value, span, colour) in enumerate(
            zip(bars.values, bars.spans, colours, strict=True)
        ):
            y = begin + 6 + bar * place
            if math.isnan(value):
                parts.append(_text(left + 4, y + bar, "not measured", fill=MUTED, size=9))
                continue
            shape = {"x": left, "y": y, "width": x(value) - left, "height": bar - 1}
            parts.append(tag("rect", tag("title", f"{value:.1f} %"), **shape, fill=colour))
            if span[1] > span[0]:
                parts.append(_line(x(span[0]), y + bar / 2, x(span[1]), y + bar / 2, INK))
    return _svg(WIDTH, bottom + 2, "Average precision of each class and model", parts)


def draw_curves(curves: Sequence[Curve], label: str, stripes: bool = False) -> Markup:
    """Values over epochs, from 0.

    Args:
        curves: At least one.
        label: Of the values.
        stripes: Draws each curve thinner than the one below it, so that equal ones all show.
    """
    width, height, left, right, top, bottom = 510, 250, 52, 498, 26, 214
    last = max(max(curve.x) for curve in curves)
    steps = _ticks(max(max(curve.y) for curve in curves))

    def place(epoch: float, value: float) -> tuple[float, float]:
        across = (epoch - 1) / max(last - 1, 1)
        return left + 8 + (right - left - 16) * across, bottom - (bottom - top) * value / steps[-1]

    parts = [_text(0, 12, label, fill=MUTED)]
    for value in steps:
        y = place(1, value)[1]
        parts.append(_line(left, y, right, y, GRID))
        parts.append(_text(left - 6, y + 4, f"{value:g}", anchor="end", fill=MUTED))
    for epoch in sorted({1, *(step for step in _ticks(last) if step % 1 == 0 and 1 < step < last)}):
        parts.append(_text(place(epoch, 0)[0], bottom + 16, f"{epoch:g}", "middle", MUTED))
    if last > 1:
        parts.append(_text(place(last, 0)[0], bottom + 16, f"{last:g}", "middle", MUTED))
    parts.append(_text((left + right) / 2, height - 4, "epoch", "middle", MUTED))
    for number, curve in enumerate(sorted(curves, key=lambda curve: not curve.faint)):
        points = [place(x, y) for x, y in zip(curve.x, curve.y, strict=True)]
        stroke = 2.0 + 2.5 * (len(curves) - 1 - number) if stripes else 2.0
        parts.append(
            tag(
                "polyline",
                points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points),
                fill="none",
                stroke=curve.colour,
                stroke_width=1 if curve.faint else stroke,
                stroke_linejoin="round",
                opacity=0.5 if curve.faint else 1,
            )
        )
        if len(points) == 1:
            cx, cy = points[0]
            parts.append(tag("circle", cx=cx, cy=cy, r=2 + stroke / 2, fill=curve.colour))
    return _svg(width, height, f"{label} over epochs", parts)


def draw_attention(
    real: np.ndarray, empty: np.ndarray, first: int, marks: Iterable[int], colour: str
) -> Markup:
    """Attention over the seconds of a window, a strip for each layer.

    Args:
        real: (layers, seconds) attention to rows of the bank.
        empty: (layers, seconds) attention to empty slots, stacked on it in grey.
        first: Second, from the keyframe's, of the first column; the keyframe is at 0.
        marks: Columns that carry the numbers 1, 2, ... below the axis.
        colour: Of the bars.
    """
    layers, seconds = real.shape
    left, strip, gap, top = 78, 52, 12, 16
    step = (WIDTH - left - 4) / seconds
    highest = max(float((real + empty).max()), 1e-9)
    bottom = top + layers * (strip + gap)

    own = left - first * step
    parts = [
        tag("rect", x=own, y=top - 2, width=step, height=bottom - top + 2, fill="#fff3cd"),
        _text(own + step / 2, 11, "keyframe", "middle", size=11),
    ]
    for layer in range(layers):
        floor = top + layer * (strip + gap) + strip
        parts.append(_text(0, floor - strip / 2, f"layer {layer + 1}", fill=MUTED))
        parts.append(_text(left - 6, floor - strip + 9, f"{highest:.0%}", "end", MUTED, size=10))
        parts.append(_text(left - 6, floor, "0", "end", MUTED, size=10))
        parts.append(_line(left, floor, WIDTH - 4, floor, EMPTY))
        for column in range(seconds):
            x, y = left + column * step + 0.5, float(floor)
            for share, fill in ((real[layer, column], colour), (empty[layer, column], EMPTY)):
                tall = strip * float(share) / highest
                y -= tall
                said = tag("title", f"{offset(first + column)}: {share:.1%}")
                shape = {"x": x, "y": y, "width": max(step - 1, 0.5), "height": tall}
                parts.append(tag("rect", said, **shape, fill=fill))
    every = next(n for n in (1, 2, 5, 10, 30, 60, 120, 300, 600, seconds) if n * step >= 44)
    for column in range(seconds):
        if (first + column) % every == 0:
            x = left + (column + 0.5) * step
            parts.append(_text(x, bottom + 4, offset(first + column), "middle", MUTED))
    stacked: dict[int, int] = {}
    for number, column in enumerate(marks, start=1):
        depth = stacked[column] = stacked.get(column, 0) + 1
        cx, cy = left + (column + 0.5) * step, bottom + 2 + 17 * depth
        parts.append(tag("circle", cx=cx, cy=cy, r=7.5, fill=INK))
        parts.append(_text(cx, cy + 4, str(number), "middle", "#ffffff", size=11))
    height = bottom + 12 + 17 * max(stacked.values(), default=0)
    return _svg(WIDTH, height, "Attention over the seconds around the keyframe", parts)


def draw_frame(frame: Frame, width: int) -> Markup:
    """A frame, as wide as ``width`` pixels, with labelled boxes over it."""
    height = width * frame.height / frame.width
    image = tag(
        "image",
        href=data_uri(frame.jpeg),
        width=width,
        height=height,
        preserveAspectRatio="none",
        style="image-rendering:pixelated" if 2 * frame.width <= width else "",
    )
    parts = [image]
    for (x1, y1, x2, y2), label, strong in frame.boxes:
        x, y = x1 * width, y1 * height
        shape = {"x": x, "y": y, "width": (x2 - x1) * width, "height": (y2 - y1) * height}
        inside = "#ffd33d" if strong else "#ffffff"
        for stroke, thick in ((INK, 4), (inside, 2)) if label else (("#ffffff", 1),):
            parts.append(tag("rect", **shape, fill="none", stroke=stroke, stroke_width=thick))
        if label:
            over = max(y - 9, 9.0)
            parts.append(
                tag("rect", x=x - 2, y=over - 9, width=20, height=18, rx=3, fill=inside, stroke=INK)
            )
            parts.append(_text(x + 8, over + 5, label, "middle", size=13))
    return _svg(width, height, "Keyframe with people", parts)


def data_uri(jpeg: bytes) -> str:
    """A JPEG as an address that needs no file."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def offset(seconds: int) -> str:
    """A number of seconds from the keyframe."""
    return minus(f"{seconds:+d} s") if seconds else "0 s"


def minus(number: str) -> str:
    """A number with a true minus sign, as wide as the plus."""
    return number.replace("-", "\N{MINUS SIGN}")


def _svg(width: float, height: float, label: str, parts: Iterable[Content]) -> Markup:
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {_short(width)} {_short(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
    )


def _text(
    x: float,
    y: float,
    content: str,
    anchor: str = "start",
    fill: str = INK,
    size: int = 12,
    title: str = "",
) -> Markup:
    inside = [Markup(escape(content)), *([tag("title", title)] if title else [])]
    return tag("text", *inside, x=x, y=y, text_anchor=anchor, fill=fill, font_size=size)


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str) -> Markup:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke)


def _short(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def _ticks(highest: float) -> list[float]:
    """Round numbers from 0 to at least ``highest``, in at most five steps."""
    if highest <= 0:
        return [0, 1]
    power = 10 ** math.floor(math.log10(highest / 5))
    step = next(power * n for n in (1, 2, 5, 10, 20) if power * n * 5 >= highest * (1 - 1e-9))
    return [step * n for n in range(math.ceil(highest / step - 1e-9) + 1)]
