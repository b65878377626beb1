"""The last line of the report's pages: digests of the page and of the table of its results."""

import hashlib
import re

_SEAL = re.compile(r"<!-- table ([0-9a-f]{64}), page ([0-9a-f]{64}) -->\n")


class SealBroken(Exception):
    """The page has no digest, or is damaged."""


def seal(html: str, origin: str) -> str:
    """Return a page with a last line that identifies it.

    Args:
        html: The page, ending in a line break.
        origin: Digest of the table, in hex.
    """
    return f"{html}<!-- table {origin}, page {_digest(html, origin)} -->\n"


def sealed_origin(html: str) -> str:
    """Return the digest of the table that a page shows.

    Raises:
        SealBroken: The page is damaged, or has no such line.
    """
    start = html.rfind("<!--")
    found = _SEAL.fullmatch(html[max(start, 0) :])
    if not found or found[2] != _digest(html[:start], found[1]):
        raise SealBroken
    return found[1]


def _digest(html: str, origin: str) -> str:
    return hashlib.sha256(f"{origin}\n{html}".encode()).hexdigest()
