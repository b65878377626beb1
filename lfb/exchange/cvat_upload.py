"""Write the people of a video for CVAT: annotations in "CVAT for video 1.1", and the labels."""

import json
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from lfb.exchange.cvat import CORNERS
from lfb.exchange.tracks import Film, Recording, Shape

_PERSON = "person"


def write_cvat(recording: Recording, actions: Sequence[str]) -> str:
    """Return the XML of one video, to upload into its task.

    Every person is a track of label ``person``, with a checkbox for each action and the person's
    name or number.
    """
    film = recording.film
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<annotations>",
        "  <version>1.1</version>",
        "  <meta>",
        "    <task>",
        f"      <name>{escape(film.name)}</name>",
        f"      <size>{film.frames}</size>",
        "      <mode>interpolation</mode>",
        "      <start_frame>0</start_frame>",
        f"      <stop_frame>{film.frames - 1}</stop_frame>",
        "      <frame_filter></frame_filter>",
        *_label_lines(actions),
        "      <original_size>",
        f"        <width>{film.width}</width>",
        f"        <height>{film.height}</height>",
        "      </original_size>",
        f"      <source>{escape(film.name)}</source>",
        "    </task>",
        "  </meta>",
    ]
    for number, track in enumerate(recording.tracks):
        lines.append(f'  <track id="{number}" label="{_PERSON}" source="auto">')
        for shape in track.shapes:
            lines += _box_lines(shape, film, actions, track.person)
        lines.append("  </track>")
    return "\n".join([*lines, "</annotations>", ""])


def cvat_labels(actions: Iterable[str]) -> str:
    """Return the labels of a task as CVAT's "Raw" label editor takes them, JSON."""
    attributes = [
        {
            "name": name,
            "mutable": kind == "checkbox",
            "input_type": kind,
            "default_value": default,
            "values": values,
        }
        for name, kind, default, values in _definitions(actions)
    ]
    label = {"name": _PERSON, "type": "rectangle", "attributes": attributes}
    return json.dumps([label], indent=2, ensure_ascii=False) + "\n"


def _definitions(actions: Iterable[str]) -> list[tuple[str, str, str, list[str]]]:
    """Return name, input type, default and values of each attribute."""
    return [
        (_PERSON, "text", "", [""]),
        *((action, "checkbox", "false", ["false"]) for action in actions),
    ]


def _label_lines(actions: Sequence[str]) -> list[str]:
    lines = ["      <labels>", "        <label>", f"          <name>{_PERSON}</name>"]
    lines.append("          <attributes>")
    for name, kind, default, values in _definitions(actions):
        lines += [
            "            <attribute>",
            f"              <name>{escape(name)}</name>",
            f"              <mutable>{kind == 'checkbox'}</mutable>",
            f"              <input_type>{kind}</input_type>",
            f"              <default_value>{default}</default_value>",
            f"              <values>{escape(chr(10).join(values))}</values>",
            "            </attribute>",
        ]
    return [*lines, "          </attributes>", "        </label>", "      </labels>"]


def _box_lines(shape: Shape, film: Film, actions: Sequence[str], person: str | None) -> list[str]:
    sides = (film.width, film.height, film.width, film.height)
    corners = " ".join(
        f'{name}="{value * side:.10g}"'
        for name, value, side in zip(CORNERS, shape.box, sides, strict=True)
    )
    return [
        f'    <box frame="{shape.frame}" outside="{int(not shape.visible)}" occluded="0" '
        f'keyframe="1" {corners} z_order="0">',
        f'      <attribute name="{_PERSON}">{escape(person or "")}</attribute>',
        *(
            f"      <attribute name={quoteattr(action)}>{str(action in shape.actions).lower()}"
            "</attribute>"
            for action in actions
        ),
        "    </box>",
    ]
