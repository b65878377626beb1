"""Read CVAT's format for video, "CVAT for video 1.1": XML with a track for each person.

A track has boxes on some frames, counted from 0 in the whole video. A box with ``outside="1"`` says
that the person has left. Between the boxes with ``keyframe="1"``, CVAT moves the box in a straight
line, and an attribute keeps its value. An export lists the other boxes too; they add nothing.

Actions are the names of labels, of checkboxes that are on, and of the options of select and radio
attributes. A number or text attribute named ``person`` says who it is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lfb.errors import DataErrors, UserError
from lfb.exchange.films import Films
from lfb.exchange.findings import Findings
from lfb.exchange.names import is_person, names_no_action
from lfb.exchange.tracks import Box, Film, Recording, Shape, Track, upright
from lfb.exchange.xml_tree import Element, read_xml

CORNERS = ("xtl", "ytl", "xbr", "ybr")
_CHOICES = ("select", "radio")


@dataclass(frozen=True)
class _Attribute:
    """The definition of an attribute: its kind (``checkbox``, ``select``, ...) and options."""

    kind: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    """What the head of an export says about one video.

    Attributes:
        film: The video.
        size: Width and height of the frames that the boxes count in.
        end: Frame behind the last one of the task or job.
        labels: The attributes of each label, by name; empty if the export does not define them.
    """

    film: Film
    size: tuple[float, float]
    end: int
    labels: Mapping[str, Mapping[str, _Attribute]]


def read_cvat(
    path: str, data: bytes, films: Films, findings: Findings
) -> tuple[list[Recording], list[str]]:
    """Read an export.

    Args:
        path: Name of the file, for errors.
        data: Its content.
        films: The videos of the data set.
        findings: Gets the errors, and what is left out.

    Returns:
        The people of each video, and the names of the actions that the export defines, in order.
    """
    reader = _Reader(path, films, findings)
    with findings.collect():
        root = read_xml(
            path, data, {"meta": reader.meta, "track": reader.track, "image": reader.image}
        )
        reader.check(root)
    return reader.recordings(), list(reader.actions)


class _Reader:
    """Reads the parts of an export one by one.

    Attributes:
        actions: Names of actions, as keys.
    """

    def __init__(self, path: str, films: Films, findings: Findings) -> None:
        self._path = path
        self._films = films
        self._findings = findings
        self._tasks: dict[str, _Task | None] = {}  # None: it has an error
        self._tracks: dict[str, list[Track]] = {}
        self._images = 0
        self.actions: dict[str, None] = {}

    def meta(self, element: Element) -> None:
        """Read the head of the file."""
        project = element.find("project")
        found = project.find("tasks") if project else element
        entries = (
            [child for child in found.children if child.tag in ("task", "job")] if found else []
        )
        if not entries:
            raise self._error(element, "<meta> has no <task>, <job> or <project>; export it again")
        for entry in entries:
            number = entry.text_of("id") if project else ""
            self._tasks[number] = None
            with self._findings.collect():
                labels = (project or entry).find("labels")
                self._tasks[number] = self._task(entry, labels)

    def track(self, element: Element) -> None:
        """Read a track."""
        with self._findings.collect():
            if not self._tasks:
                raise self._error(element, "stands before <meta>; export the file again")
            number = element.attributes.get("task_id", "")
            if number not in self._tasks:
                raise self._error(element, f"<track> of unknown task {number!r}; export it again")
            task = self._tasks[number]
            if task and (track := self._read_track(element, task)):
                self._tracks.setdefault(number, []).append(track)

    def image(self, element: Element) -> None:
        """Refuse the first image: the file is of another format."""
        self._images += 1
        if self._images == 1:
            with self._findings.collect():
                raise self._error(
                    element,
                    "<image>: this is an export as 'CVAT for images', without tracks; export the "
                    "task as 'CVAT for video 1.1'",
                )

    def check(self, root: Element) -> None:
        """Check what only the whole file shows."""
        if root.tag != "annotations":
            raise self._error(root, f"<{root.tag}> is not CVAT's <annotations>; is it its export?")
        version = root.text_of("version")
        if version != "1.1":
            raise self._error(
                root, f"<version> is {version!r}, not 1.1; export as 'CVAT for video 1.1'"
            )
        if not self._tasks:
            raise self._error(root, "has no <meta>; export the file again")
        for child in root.children:
            if child.tag != "version":
                self._findings.left_out[f"CVAT <{child.tag}> elements"] += 1

    def recordings(self) -> list[Recording]:
        """Return the people of each video."""
        return [
            Recording(task.film, tuple(self._tracks.get(number, ())), self._path)
            for number, task in self._tasks.items()
            if task
        ]

    def _task(self, entry: Element, labels: Element | None) -> _Task:
        source = entry.find("source") or entry.find("name")
        if source is None or not source.text:
            raise self._error(entry, f"<{entry.tag}> has no <source> or <name>; export it again")
        try:
            film = self._films.find(source.text)
        except UserError as error:
            raise self._error(source, str(error)) from None
        size = float(film.width), float(film.height)
        if original := entry.find("original_size"):
            width, height = (
                self._number(part or original, "", (part or original).text)
                for part in (original.find("width"), original.find("height"))
            )
            if min(width, height) <= 0:
                raise self._error(original, f"size {width:g}x{height:g} is not positive; fix it")
            size = width, height
        end = film.frames
        if stop := entry.find("stop_frame"):
            end = min(end, int(self._number(stop, "", stop.text)) + 1)
        return _Task(film, size, end, self._labels(labels))

    def _labels(self, element: Element | None) -> dict[str, dict[str, _Attribute]]:
        """Read the definitions of labels, and note the names of actions."""
        found: dict[str, dict[str, _Attribute]] = {}
        for label in element.all("label") if element else ():
            name = label.text_of("name")
            if not name:
                raise self._error(label, "<label> has no <name>; export the file again")
            found[name] = {}
            self._note(name)
            attributes = label.find("attributes")
            for attribute in attributes.all("attribute") if attributes else ():
                own, kind = attribute.text_of("name"), attribute.text_of("input_type")
                if not own or not kind:
                    raise self._error(
                        attribute, "<attribute> has no <name> or <input_type>; export it again"
                    )
                options = tuple(attribute.text_of("values").split("\n"))
                found[name][own] = _Attribute(kind, tuple(map(str.strip, options)))
                if is_person(own):
                    continue
                for action in [own] if kind == "checkbox" else options if kind in _CHOICES else ():
                    self._note(action.strip())
        return found

    def _note(self, action: str) -> None:
        if not names_no_action(action):
            self.actions[action] = None

    def _read_track(self, element: Element, task: _Task) -> Track | None:
        label = element.attributes.get("label")
        name = element.attributes.get("id", "")
        if not label:
            raise self._error(element, "<track> has no label; export the file again")
        if task.labels and label not in task.labels:
            known = ", ".join(task.labels)
            raise self._error(
                element, f"<track>: label {label!r} is none of <labels> ({known}); export it again"
            )
        boxes = element.all("box")
        for child in element.children:
            if child.tag not in ("box", "attribute"):
                self._findings.left_out[f"CVAT <{child.tag}> shapes: only boxes have a place"] += 1
        if "group_id" in element.attributes:
            self._findings.left_out["CVAT groups of tracks"] += 1
        if not boxes:
            return None
        if keys := [box for box in boxes if box.attributes.get("keyframe") == "1"]:
            boxes = keys
        shapes: dict[int, Shape] = {}
        people: dict[str, Element] = {}
        errors: list[str] = []
        for box in boxes:
            try:
                shape, person = self._shape(box, task, label)
            except UserError as error:
                errors.append(str(error))
                continue
            if shape.frame in shapes:
                errors.append(
                    str(self._error(box, f"frame {shape.frame} is in the track twice; delete one"))
                )
            shapes[shape.frame] = shape
            if person:
                people.setdefault(person, box)
        if len(people) > 1:
            (first, _), (second, box) = list(people.items())[:2]
            text = f"the person is {second!r}, but {first!r} before; use one value in a track"
            errors.append(str(self._error(box, text)))
        if errors:
            raise DataErrors(errors)
        last = shapes[max(shapes)]
        if last.visible and last.frame < task.end < task.film.frames:
            shapes[task.end] = Shape(task.end, last.box, last.actions, visible=False)
        person = next(iter(people), None)
        ordered = tuple(shapes[frame] for frame in sorted(shapes))
        return Track(person or name, ordered, named=person is not None)

    def _shape(self, box: Element, task: _Task, label: str) -> tuple[Shape, str | None]:
        """Read a box; return it and the name of the person if it has one."""
        frame = self._number(box, "frame")
        if frame != math.floor(frame) or frame < 0:
            raise self._error(box, f"frame {frame:g} is not a whole number from 0; fix it")
        visible = not self._flag(box, "outside")
        if visible and frame >= task.film.frames + task.film.fps:
            raise self._error(
                box,
                f"frame {frame:g} is behind the end of video '{task.film.name}', which has "
                f"{task.film.frames}; is it the video that you annotated?",
            )
        if box.attributes.get("z_order", "0") != "0":
            self._findings.left_out["CVAT layers (z_order) of boxes"] += 1
        if self._flag(box, "occluded"):
            self._findings.left_out["CVAT boxes marked as occluded: the mark"] += 1
        x1, y1, x2, y2 = (self._number(box, corner) for corner in CORNERS)
        if visible and not (x1 < x2 and y1 < y2):
            raise self._error(
                box, f"box {x1:g},{y1:g},{x2:g},{y2:g} is empty or inverted; fix or delete it"
            )
        width, height = task.size
        place: Box = (x1 / width, y1 / height, x2 / width, y2 / height)
        if box.attributes.get("rotation") and (angle := self._number(box, "rotation")):
            self._findings.left_out["CVAT rotations: the upright box around it is used"] += 1
            center = (place[0] + place[2]) / 2, (place[1] + place[3]) / 2
            place = upright(place, angle, center, task.film)
        actions, person = set(), None
        if not names_no_action(label):
            self._note(label)
            actions.add(label)
        for attribute in box.all("attribute"):
            name = attribute.attributes.get("name", "")
            if is_person(name):
                person = attribute.text or None
            elif action := self._action(attribute, name, task.labels.get(label, {}), label):
                actions.add(action)
        return Shape(int(frame), place, frozenset(actions), visible), person

    def _action(
        self, element: Element, name: str, defined: Mapping[str, _Attribute], label: str
    ) -> str | None:
        """Return the action that an attribute of a box names, if it names one."""
        value = element.text
        if defined and name not in defined:
            raise self._error(
                element,
                f"attribute {name!r} is none of label {label!r} ({', '.join(defined)}); export "
                "the file again",
            )
        is_mark = value.lower() in ("true", "false")
        kind = defined[name].kind if defined else "checkbox" if is_mark else "select"
        if kind == "checkbox":
            if not is_mark:
                raise self._error(element, f"checkbox {name!r} is {value!r}; write true or false")
            action = name if value.lower() == "true" else ""
        elif kind in _CHOICES:
            if defined and value and value not in defined[name].options:
                raise self._error(
                    element,
                    f"attribute {name!r} is {value!r}, none of its <values>; choose one of them",
                )
            action = value
        else:
            if value:
                self._findings.left_out[f"CVAT {kind} attribute '{name}'"] += 1
            return None
        if names_no_action(action):
            return None
        self._note(action)
        return action

    def _flag(self, element: Element, name: str) -> bool:
        value = element.attributes.get(name, "0")
        if value not in ("0", "1"):
            raise self._error(element, f'{name}="{value}" is not 0 or 1; fix it')
        return value == "1"

    def _number(self, element: Element, name: str, text: str | None = None) -> float:
        """Return an attribute of an element, or ``text``, as a finite number."""
        value = element.attributes.get(name) if text is None else text
        if value is None:
            raise self._error(element, f"<{element.tag}> has no {name}; export the file again")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            what = f"{name} of <{element.tag}>" if name else f"<{element.tag}>"
            raise self._error(element, f"{what} is {value!r}; write a number")
        return number

    def _error(self, element: Element, text: str) -> UserError:
        return UserError(f"{self._path}:{element.line}: {text}")
