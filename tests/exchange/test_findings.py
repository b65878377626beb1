"""Tests of lfb.exchange.findings."""

import pytest

from lfb.errors import DataErrors, UserError
from lfb.exchange.findings import Findings


def test_errors_of_parts_are_collected() -> None:
    findings = Findings()
    with findings.collect():
        raise UserError("one")
    with findings.collect():
        raise DataErrors(["two", "three"])
    assert findings.errors == ["one", "two", "three"]
    with pytest.raises(ZeroDivisionError), findings.collect():
        _ = 1 / 0
