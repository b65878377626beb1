"""Tests of lfb.report.seal."""

import pytest

from lfb.report.seal import SealBroken, seal, sealed_origin

ORIGIN = "0123456789abcdef" * 4


def test_a_page_names_its_table():
    assert sealed_origin(seal("<html>\n<!-- a comment -->é</html>\n", ORIGIN)) == ORIGIN


def test_any_change_breaks_the_seal():
    sealed = seal("<html>text</html>\n", ORIGIN)
    for place in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealed_origin(f"{sealed[:place]}#{sealed[place + 1 :]}")
        with pytest.raises(SealBroken):
            sealed_origin(sealed[:place])
    with pytest.raises(SealBroken):
        sealed_origin("<html>text</html>\n")
