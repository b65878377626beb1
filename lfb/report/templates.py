"""The templates of the pages."""

from pathlib import Path

import jinja2

from lfb.report import formats

TEMPLATES = Path(__file__).parent


def templates() -> jinja2.Environment:
    """Return the templates of the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": formats.percent,
        "signed": formats.signed,
        "count": formats.count,
        "millions": formats.millions,
        "short": formats.short,
        "json": formats.indented_json,
    }
    return environment
