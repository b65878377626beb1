"""Read XML with the line of each element, and without entities.

A document type can define entities that fill the memory or read other files. Tools do not write
one, so it is an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from lfb.errors import UserError


@dataclass
class Element:
    """An element of an XML file.

    Attributes:
        tag: Its name.
        attributes: Its attributes.
        line: Line of its start tag, from 1.
        text: The text directly in it, stripped.
        children: The elements directly in it.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, tag: str) -> list["Element"]:
        """Return the children with this tag."""
        return [child for child in self.children if child.tag == tag]

    def find(self, path: str) -> "Element | None":
        """Return the first element at a path of tags, such as ``original_size/width``."""
        found: Element | None = self
        for tag in path.split("/"):
            found = next(iter(found.all(tag)), None) if found else None
        return found

    def text_of(self, path: str) -> str:
        """Return the text of the first element at a path, "" if there is none."""
        found = self.find(path)
        return found.text if found else ""


def read_xml(path: str, data: bytes, parts: Mapping[str, Callable[[Element], None]]) -> Element:
    """Return the root, after giving its children to functions one by one.

    Args:
        path: Name of the file, for errors.
        data: Its content.
        parts: Functions by the tag of the children that they get. These children are not kept.

    Raises:
        UserError: The file is not XML, or it has a document type.
    """
    stack: list[Element] = []
    roots: list[Element] = []
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        stack.append(Element(tag, attributes, parser.CurrentLineNumber))

    def end(tag: str) -> None:
        element = stack.pop()
        element.text = element.text.strip()
        if not stack:
            roots.append(element)
        elif len(stack) == 1 and tag in parts:
            parts[tag](element)
        else:
            stack[-1].children.append(element)

    def text(content: str) -> None:
        stack[-1].text += content

    def refuse(*_: object) -> None:
        raise UserError(
            f"{path}:{parser.CurrentLineNumber}: has a document type (<!DOCTYPE>), which can hide "
            "harmful entities; annotation tools write none. Export the file again."
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UserError(
            f"{path}:{error.lineno}: is not valid XML ({expat.ErrorString(error.code)}). Export "
            "the file again."
        ) from None
    except UserError:
        raise
    except (LookupError, ValueError) as error:
        raise UserError(f"{path}:1: has an unknown encoding ({error}); save it as UTF-8.") from None
    return roots[0]
