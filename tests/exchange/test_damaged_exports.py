"""Exports with random damage: a reader finds errors or people, and never fails otherwise."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lfb.exchange.ava import Clock, annotation_rows, people_of, proposal_rows
from lfb.exchange.exports import read_export
from lfb.exchange.findings import Findings
from tests.exchange import tool_files
from tests.exchange.tool_files import CVAT, LABEL_STUDIO, MOT, VIA, VIA_CSV

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
TIMES = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container of a JSON value with each of its keys."""
    entries = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in list(entries):
        yield content, key
        if isinstance(value, dict | list):
            yield from places(value)


def read(path: Path) -> None:
    """Read an export as far as the rows of AVA's files."""
    findings = Findings()
    found = read_export(path, tool_files.films(path.parent / "videos"), findings)
    people = people_of(found.recordings, Clock(0), findings)
    rows = annotation_rows(people, dict(enumerate(found.actions, 1)), findings)
    proposals = proposal_rows(people)
    for table in rows, proposals:
        assert (table["x1"] < table["x2"]).all()
        assert table[["x1", "y1", "x2", "y2"]].isin([float("nan")]).sum().sum() == 0
    assert all(error.startswith(str(path)) for error in findings.errors)


@pytest.mark.parametrize(("name", "content"), [("a.json", VIA), ("a.json", LABEL_STUDIO)])
@TIMES
@given(data=st.data())
def test_json(tmp_path: Path, name: str, content: Any, data: st.DataObject) -> None:
    damaged = json.loads(json.dumps(content))
    container, key = data.draw(st.sampled_from(list(places(damaged))))
    container[key] = data.draw(VALUES)
    (tmp_path / name).write_text(json.dumps(damaged))
    read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"), [("a.xml", CVAT), ("a.csv", VIA_CSV), ("kitchen 2.txt", MOT)]
)
@TIMES
@given(data=st.data())
def test_text(tmp_path: Path, name: str, content: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(begin, min(begin + 40, len(content))))
    inserted = data.draw(st.sampled_from(["", "0", "-1", "9999999999", "1e400", "nan", "<", '"']))
    (tmp_path / name).write_text(content[:begin] + inserted + content[end:])
    read(tmp_path / name)
