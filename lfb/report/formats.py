"""Numbers and images as text of an HTML page."""

import base64
import json
from typing import Any


def percent(value: float) -> str:
    """Return a percentage with one decimal, such as "73.8"."""
    return f"{value:.1f}"


def signed(value: float) -> str:
    """Return a difference with its sign and one decimal, such as "+18.6"; no "-0.0"."""
    return _minus(f"{round(value, 1) or 0:+.1f}")


def count(value: int) -> str:
    """Return a whole number such as "1,024"."""
    return f"{value:,}"


def millions(value: int) -> str:
    """Return a count in millions with two digits that matter, such as "0.067" or "32"."""
    return f"{value / 1e6:.2g}"


def short(value: float) -> str:
    """Return a number with at most two decimals, for CSS."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def offset(seconds: int) -> str:
    """Return a distance from the keyframe, such as "+3 s"."""
    return _minus(f"{seconds:+d} s") if seconds else "0 s"


def indented_json(value: Any) -> str:
    """Return JSON that people can read."""
    return json.dumps(value, indent=2, sort_keys=True)


def data_uri(content: bytes, media_type: str) -> str:
    """Return an address that contains the file itself, such as "data:image/jpeg;base64,..."."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _minus(number: str) -> str:
    """Replace the hyphen by a true minus sign, which is as wide as the plus."""
    return number.replace("-", "\N{MINUS SIGN}")
