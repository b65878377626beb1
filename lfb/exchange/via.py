"""VIA 3, the VGG Image Annotator for video: project JSON and its csv export, read.

A region has one time ``z`` in seconds and a rectangle ``xy`` in pixels; it is a moment, without
movement. A temporal segment has two times and no rectangle.

Actions are the options of checkbox, radio and select attributes of a region. An attribute named
``person`` says who it is. A segment that has a person adds its actions to this person's regions.
"""

import csv
import io
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lfb.errors import UserError
from lfb.exchange.films import Films
from lfb.exchange.findings import Findings
from lfb.exchange.json_values import as_kind, as_number, number_at, read_json, value_at
from lfb.exchange.names import is_person, names_no_action
from lfb.exchange.tracks import Film, Recording, Shape, Track, moments

_SHAPES = {1: "point", 2: "rectangle", 3: "circle", 4: "ellipse", 5: "line"}
_SHAPES |= {6: "polyline", 7: "polygon", 8: "extreme rectangle", 9: "extreme circle"}
_RECTANGLES = (2, 8)
_CHECKBOX, _OPTIONS = 2, (2, 3, 4)  # types of attributes
_DELETED = 1  # flag of a region
_FIELDS = "metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata"


@dataclass(frozen=True)
class _Entry:
    """A region or segment: where the export has it, its video and what it says."""

    where: str
    video: str
    flags: Any
    times: Any
    shape: Any
    values: Any


def read_via_json(
    path: str, data: bytes, films: Films, findings: Findings
) -> tuple[list[Recording], list[str]]:
    """Read a project.

    Args:
        path: Name of the file, for errors.
        data: Its content.
        films: The videos of the data set.
        findings: Gets the errors, and what is left out.

    Returns:
        The people of each video, and the names of the actions that the project defines, in order.
    """
    with findings.collect():
        project = as_kind(read_json(path, data), dict, f"{path}: the content")
        if "_via_img_metadata" in project:
            raise UserError(
                f"{path}: is a project of VIA 2, which has no videos; use VIA 3, or convert it"
            )
        attributes = value_at(project, "attribute", dict, path)
        reader = _Reader(path, attributes, films, findings)
        for entry in _project_entries(path, project, findings):
            reader.add(entry)
        return reader.recordings(), list(reader.actions)
    return [], []


def read_via_csv(
    path: str, data: bytes, films: Films, findings: Findings
) -> tuple[list[Recording], list[str]]:
    """Read a csv export; see ``read_via_json``."""
    with findings.collect():
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: is not UTF-8 text ({error}); save it as UTF-8.") from None
        if "temporal_segment_start" in text:
            raise UserError(
                f"{path}: has temporal segments only, without boxes; export as 'VIA3 csv', or save "
                "the project as JSON"
            )
        found = re.search(r"^# *ATTRIBUTE *= *(.*)$", text, re.MULTILINE)
        if not found:
            raise UserError(f"{path}: has no line '# ATTRIBUTE = ...'; export it from VIA 3 again")
        attributes = _json_text(found[1], f"{path}: the line '# ATTRIBUTE'")
        reader = _Reader(path, attributes, films, findings)
        for entry in _csv_entries(path, text, findings):
            reader.add(entry)
        return reader.recordings(), list(reader.actions)
    return [], []


def _project_entries(path: str, project: dict[str, Any], findings: Findings) -> Iterator[_Entry]:
    files = value_at(project, "file", dict, path)
    views = value_at(project, "view", dict, path)
    for number, entry in value_at(project, "metadata", dict, path).items():
        where = f"{path}: metadata '{number}'"
        with findings.collect():
            entry = as_kind(entry, dict, where)
            view = str(entry.get("vid"))
            if view not in views:
                raise UserError(f"{where}: there is no view {view!r}; save the project again")
            at = f"{path}: view '{view}'"
            listed = value_at(as_kind(views[view], dict, at), "fid_list", list, at)
            if len(listed) != 1:
                raise UserError(f"{at}: shows {len(listed)} files; only one video has a place")
            file = files.get(str(listed[0]))
            if not isinstance(file, dict):
                raise UserError(f"{at}: there is no file '{listed[0]}'; save the project again")
            video = value_at(file, "fname", str, f"{path}: file '{listed[0]}'")
            times, shape = (value_at(entry, key, list, where) for key in ("z", "xy"))
            values = value_at(entry, "av", dict, where)
            yield _Entry(where, video, entry.get("flg", 0), times, shape, values)


def _csv_entries(path: str, text: str, findings: Findings) -> Iterator[_Entry]:
    rows = csv.reader(io.StringIO(text))
    for row in rows:
        if not row or row[0].startswith("#"):
            continue
        where = f"{path}:{rows.line_num}"
        with findings.collect():
            if len(row) != 6:
                raise UserError(f"{where}: has {len(row)} fields; write {_FIELDS}")
            listed, times, shape, values = (
                _json_text(row[i], f"{where}: field {i + 1}") for i in (1, 3, 4, 5)
            )
            if not isinstance(listed, list) or len(listed) != 1:
                raise UserError(f"{where}: names {row[1]}; one video has a place")
            flags = int(row[2]) if row[2].isdecimal() else row[2]
            yield _Entry(where, str(listed[0]), flags, times, shape, values)


def _json_text(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{where} is not valid JSON: {text[:40]!r}; export it again") from None


class _Reader:
    """Collects the entries of an export.

    Attributes:
        actions: Names of actions, as keys.
    """

    def __init__(self, path: str, attributes: Any, films: Films, findings: Findings) -> None:
        self._path, self._films, self._findings = path, films, findings
        self._boxes: dict[str, dict[str | None, list[Shape]]] = defaultdict(dict)
        self._spans: list[tuple[str, str, float, float, list[str]]] = []
        self._videos: dict[str, Film] = {}
        self._attributes: dict[str, tuple[str, int, Mapping[str, Any]]] = {}
        self.actions: dict[str, None] = {}
        for number, attribute in as_kind(attributes, dict, f"{path}: `attribute`").items():
            where = f"{path}: attribute '{number}'"
            entry = as_kind(attribute, dict, where)
            name, kind = value_at(entry, "aname", str, where), number_at(entry, "type", where)
            options = value_at({"options": {}, **entry}, "options", dict, where)
            self._attributes[number] = name, int(kind), options
            if kind in _OPTIONS and not is_person(name):
                for option in options.values():
                    if not names_no_action(str(option)):
                        self.actions[str(option)] = None

    def add(self, entry: _Entry) -> None:
        """Read an entry."""
        with self._findings.collect():
            if as_number(entry.flags, f"{entry.where}: flags") == _DELETED:
                self._findings.left_out["VIA regions that are deleted"] += 1
                return
            times = as_kind(entry.times, list, f"{entry.where}: the time")
            shape = as_kind(entry.shape, list, f"{entry.where}: the shape")
            values = as_kind(entry.values, dict, f"{entry.where}: the attributes")
            film = self._film(entry)
            numbers = [as_number(time, f"{entry.where}: a time") for time in times]
            if any(not 0 <= time <= film.duration + 1 for time in numbers):
                raise UserError(
                    f"{entry.where}: time {max(numbers):g} s is not in the video, which has "
                    f"{film.duration:.1f} s; is it the video that you annotated?"
                )
            person, actions = self._values(entry.where, values)
            if len(numbers) == 2 and not shape:
                self._add_span(entry, film, numbers, person, actions)
            elif len(numbers) == 1 and shape:
                self._add_box(entry, film, numbers[0], shape, person, actions)
            elif not numbers:
                self._findings.left_out["VIA attributes of files and images"] += 1
            else:
                raise UserError(
                    f"{entry.where}: has {len(numbers)} times and a shape of {len(shape)} numbers; "
                    "a region has one time and a shape, a segment two times and none"
                )

    def recordings(self) -> list[Recording]:
        """Return the people of each video."""
        found = []
        for name, film in self._videos.items():
            tracks = []
            for person, boxes in self._boxes[name].items():
                if person is None:
                    tracks += [Track(None, moments([box])) for box in boxes]
                    continue
                track = Track(person, moments(boxes), named=True)
                for video, who, first, last, actions in self._spans:
                    for action in actions if (video, who) == (name, person) else ():
                        frames = math.ceil(first * film.fps), math.floor(last * film.fps)
                        track = track.acting(action, *frames)
                tracks.append(track)
            found.append(Recording(film, tuple(tracks), self._path))
        return found

    def _film(self, entry: _Entry) -> Film:
        try:
            film = self._films.find(entry.video)
        except UserError as error:
            raise UserError(f"{entry.where}: {error}") from None
        self._videos[film.name] = film
        return film

    def _values(self, where: str, values: Mapping[str, Any]) -> tuple[str | None, list[str]]:
        """Return the person and the actions that the attributes of an entry name."""
        person: str | None = None
        actions: list[str] = []
        for number, value in values.items():
            if number not in self._attributes:
                raise UserError(
                    f"{where}: there is no attribute '{number}'; save the project again"
                )
            name, kind, options = self._attributes[number]
            text = as_kind(value, str, f"{where}: attribute '{name}'").strip()
            chosen = [text] if kind not in _OPTIONS else []
            if kind in _OPTIONS and text:
                for option in text.split(",") if kind == _CHECKBOX else [text]:
                    if option not in options:
                        raise UserError(
                            f"{where}: attribute '{name}' has no option '{option}'; choose one of "
                            f"{', '.join(options)}"
                        )
                    chosen.append(str(options[option]))
            if is_person(name):
                person = ",".join(chosen) or None
            elif kind in _OPTIONS:
                actions += [action for action in chosen if not names_no_action(action)]
            elif text:
                self._findings.left_out[f"VIA text attribute '{name}'"] += 1
        return person, actions

    def _add_span(
        self, entry: _Entry, film: Film, times: list[float], person: str | None, actions: list[str]
    ) -> None:
        first, last = times
        if first > last:
            raise UserError(
                f"{entry.where}: starts at {first:g} s, behind its end {last:g} s; swap"
            )
        if person is None:
            self._findings.left_out["VIA temporal segments without a person"] += 1
        else:
            self._spans.append((film.name, person, first, last, actions))

    def _add_box(
        self,
        entry: _Entry,
        film: Film,
        time: float,
        shape: list[Any],
        person: str | None,
        actions: list[str],
    ) -> None:
        kind, *numbers = (as_number(value, f"{entry.where}: the shape") for value in shape)
        if kind not in _RECTANGLES:
            self._findings.left_out[f"VIA shapes: {_SHAPES.get(int(kind), kind)}"] += 1
            return
        if len(numbers) != 4:
            raise UserError(f"{entry.where}: a rectangle has x, y, width, height; draw it again")
        x, y, width, height = numbers
        if width <= 0 or height <= 0:
            raise UserError(f"{entry.where}: {width:g}x{height:g} is empty; fix or delete the box")
        box = (
            x / film.width,
            y / film.height,
            (x + width) / film.width,
            (y + height) / film.height,
        )
        if max(box[0], box[1]) >= 1:
            raise UserError(
                f"{entry.where}: the box at {x:g},{y:g} is outside of the frames of video "
                f"'{film.name}', {film.width}x{film.height} pixels; is it the video that you "
                "annotated?"
            )
        frame = round(time * film.fps)
        boxes = self._boxes[film.name].setdefault(person, [])
        if person is not None and any(other.frame == frame for other in boxes):
            raise UserError(
                f"{entry.where}: person '{person}' has two boxes at {time:g} s; delete one"
            )
        boxes.append(Shape(frame, box, frozenset(actions)))
