"""Tests of lfb.exchange.xml_tree."""

import pytest

from lfb.errors import UserError
from lfb.exchange.xml_tree import Element, read_xml

TEXT = b"""<?xml version="1.0"?>
<root>
  <part number="1">
    <size> 12 </size>
  </part>
  <other/>
  <part number="2"/>
</root>"""


def test_elements_have_lines_attributes_and_text() -> None:
    root = read_xml("a.xml", TEXT, {})
    assert (root.tag, root.line, [child.tag for child in root.children]) == (
        *("root", 2),
        ["part", "other", "part"],
    )
    assert root.text_of("part/size") == "12"
    assert root.text_of("part/none") == ""
    assert [part.attributes["number"] for part in root.all("part")] == ["1", "2"]
    assert root.find("other/size") is None


def test_parts_are_given_away_and_not_kept() -> None:
    parts: list[Element] = []
    root = read_xml("a.xml", TEXT, {"part": parts.append})
    assert [(part.line, part.text_of("size")) for part in parts] == [(3, "12"), (7, "")]
    assert [child.tag for child in root.children] == ["other"]


def test_entities_are_refused() -> None:
    laughs = b"<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>\n<root>&b;</root>"
    with pytest.raises(UserError, match=r"^a\.xml:1: has a document type"):
        read_xml("a.xml", laughs, {})
    with pytest.raises(UserError, match=r"^a\.xml:1: has a document type"):
        read_xml("a.xml", b'<!DOCTYPE l SYSTEM "file:///etc/passwd"><root/>', {})


@pytest.mark.parametrize(("text", "line"), [(b"", 1), (b"<a>\n<b>\n</a>", 3), (b"<a>&x;</a>", 1)])
def test_broken_xml_is_an_error_with_its_line(text: bytes, line: int) -> None:
    with pytest.raises(UserError, match=rf"^a\.xml:{line}: is not valid XML"):
        read_xml("a.xml", text, {})


@pytest.mark.parametrize("encoding", [b"tf-8", b"shift_jis"])
def test_an_unknown_encoding_is_an_error(encoding: bytes) -> None:
    text = b'<?xml version="1.0" encoding="%s"?><a/>' % encoding
    with pytest.raises(UserError, match=r"^a\.xml:1: has an unknown encoding .*; save it as UTF-8"):
        read_xml("a.xml", text, {})
