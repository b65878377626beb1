"""Readers of the page's drawings: their HTML and SVG as numbers and texts."""

import re
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from lfb.report.templates import templates


def draw(macro: str, *arguments: Any) -> Element:
    """Return the root element of a drawing of drawings.html.j2, which must be well formed."""
    module = templates().get_template("drawings.html.j2").module
    html = str(getattr(module, macro)(*arguments))
    return ElementTree.fromstring(re.sub(r"<(img[^>]*)>", r"<\1/>", html))


def style(element: Element, name: str) -> str:
    """Return one property of an element's style."""
    properties = dict(item.split(":", 1) for item in element.get("style", "").split(";"))
    return properties[name]


def of_class(root: Element, name: str) -> list[Element]:
    """Return the elements of a class, in order."""
    return [element for element in root.iter() if name in element.get("class", "").split()]


def texts(svg: bytes) -> list[str]:
    """Return the texts of a chart, in order."""
    return re.findall(r"<text[^>]*>([^<]*)<", svg.decode())


def points(svg: bytes, colour: str) -> list[tuple[float, float]]:
    """Return the points of the curve of a colour, as shares of the axes."""
    text = svg.decode()
    (path,) = re.findall(rf'<path d="([^"]*)"[^>]*stroke: {colour}', text)
    (axes,) = re.findall(r'id="patch_2">\s*<path d="([^"]*)"', text)
    (left, bottom), _, (right, top), *_ = coordinates(axes)
    return [
        ((x - left) / (right - left), (bottom - y) / (bottom - top)) for x, y in coordinates(path)
    ]


def ticks(svg: bytes) -> tuple[list[int], list[float]]:
    """Return the numbers along the axis of the epochs and along that of the values."""
    *along, _ = texts(svg)
    middle = along.index("epoch")
    return list(map(int, along[:middle])), list(map(float, along[middle + 1 :]))


def coordinates(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path)]
