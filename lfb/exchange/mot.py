"""MOTChallenge's text format of tracked people, read.

A line is ``frame,id,left,top,width,height,conf,class,visibility`` in ground truth, and
``frame,id,left,top,width,height,conf,x,y,z`` in detections and results of trackers. Frames and
pixels count from 1. A ``conf`` of 0 in ground truth says that the box does not count. The format
has no actions, unless a file ``labels.txt`` beside it names them as classes.
"""

import configparser
import math
from dataclasses import replace

from lfb.errors import UserError
from lfb.exchange.films import Films
from lfb.exchange.findings import Findings
from lfb.exchange.names import names_no_action
from lfb.exchange.tracks import Film, Recording, Shape, Track, moments

_FORMAT = "frame,id,left,top,width,height,conf,... (7 to 10 fields)"
_GROUND_TRUTH = 9  # fields
_PEOPLE = {1, 2, 7}  # classes: pedestrian, person on vehicle, static person
_CLASSES = 13


def read_mot(
    path: str,
    data: bytes,
    video: str,
    labels: bytes | None,
    info: bytes | None,
    films: Films,
    findings: Findings,
) -> tuple[list[Recording], list[str]]:
    """Read a file of ground truth, detections or results.

    Args:
        path: Name of the file, for errors.
        data: Its content.
        video: Name of the sequence by its file or folder.
        labels: Content of ``labels.txt``, a class in each line, if there is one.
        info: Content of ``seqinfo.ini``, if there is one.
        films: The videos of the data set.
        findings: Gets the errors, and what is left out.

    Returns:
        The people of the video, and the actions that ``labels`` names.
    """
    with findings.collect():
        film = _film(path, films, video, _text(f"{path}: its seqinfo.ini", info or b""))
        classes = _text(f"{path}: its labels.txt", labels).splitlines() if labels else []
        reader = _Reader(path, film, findings, [name.strip() for name in classes])
        for number, line in enumerate(_text(path, data).splitlines(), 1):
            if line.strip():
                with findings.collect():
                    reader.add(number, line)
        if not reader.lines:
            raise UserError(f"{path}: is empty; write one line for each box")
        tracks = tuple(reader.tracks())
        actions = [name.strip() for name in classes if not names_no_action(name)]
        return [Recording(film, tracks, path, detected=not actions)], actions
    return [], []


def _text(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text ({error}); save it as UTF-8.") from None


def _film(path: str, films: Films, video: str, info: str) -> Film:
    """Return the video, at the rate and size that ``seqinfo.ini`` says if there is one."""
    if not info:
        return _find(path, films, video)
    where = f"{path}: its seqinfo.ini"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(info)
        section = parser["Sequence"]
        rate, width, height, length = (
            _number(section[key]) for key in ("frameRate", "imWidth", "imHeight", "seqLength")
        )
    except (configparser.Error, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{where} cannot be read ({reason}); it needs [Sequence] with frameRate, imWidth, "
            "imHeight and seqLength"
        ) from None
    if min(rate, width, height, length) <= 0:
        raise UserError(f"{where} has a rate, size or length that is not positive; fix it")
    film = _find(path, films, video, section.get("name", ""))
    film = replace(film, width=int(width), height=int(height))
    return film.at_rate(rate, int(length), where)


def _find(path: str, films: Films, *names: str) -> Film:
    for name in filter(None, names):
        try:
            return films.find(name)
        except UserError as error:
            problem = error
    raise UserError(f"{path}: {problem}")


class _Reader:
    """Collects the boxes of a file by person.

    Attributes:
        lines: Number of lines with a box.
    """

    def __init__(self, path: str, film: Film, findings: Findings, labels: list[str]) -> None:
        self._path, self._film, self._findings, self._labels = path, film, findings, labels
        self._boxes: dict[int, dict[int, Shape]] = {}
        self._unknown: list[Shape] = []
        self.lines = 0

    def add(self, number: int, line: str) -> None:
        """Read a line."""
        self.lines += 1
        where = f"{self._path}:{number}"
        fields = [field.strip() for field in line.split(",")]
        if not 7 <= len(fields) <= 10:
            raise UserError(f"{where}: has {len(fields)} fields; write {_FORMAT}")
        try:
            values = [float(field) for field in fields]
        except ValueError:
            bad = next(field for field in fields if not _is_number(field))
            raise UserError(f"{where}: '{bad}' is not a number; write {_FORMAT}") from None
        if not all(map(math.isfinite, values)):
            raise UserError(f"{where}: a value is not finite; write {_FORMAT}")
        frame, person, left, top, width, height, conf = values[:7]
        if frame != int(frame) or not 1 <= frame <= self._film.frames + self._film.fps:
            raise UserError(
                f"{where}: frame {fields[0]} is not a frame of video '{self._film.name}', 1 to "
                f"{self._film.frames}; is it the video that you annotated?"
            )
        if person != int(person) or person < -1:
            raise UserError(f"{where}: id {fields[1]} is not a whole number from 0, or -1; fix it")
        if width <= 0 or height <= 0:
            raise UserError(f"{where}: {width:g}x{height:g} is empty; fix or delete the box")
        truth = len(fields) == _GROUND_TRUTH
        if truth and conf == 0:
            self._findings.left_out["MOTChallenge boxes that do not count (conf 0)"] += 1
            return
        if not truth and conf != -1 and not 0 <= conf <= 1:
            raise UserError(
                f"{where}: conf {conf:g} is not a probability; scale the scores to 0 to 1, or "
                "write -1"
            )
        actions = self._classes(where, values[7]) if truth else frozenset[str]()
        if actions is None:
            return
        if truth:
            self._findings.left_out["MOTChallenge visibilities"] += values[8] != 1
        elif any(value != -1 for value in values[7:]):
            self._findings.left_out["MOTChallenge positions in the world"] += 1
        box = (
            (left - 1) / self._film.width,
            (top - 1) / self._film.height,
            (left - 1 + width) / self._film.width,
            (top - 1 + height) / self._film.height,
        )
        shape = Shape(int(frame) - 1, box, actions, score=1.0 if truth or conf == -1 else conf)
        if person == -1:
            self._unknown.append(shape)
            return
        boxes = self._boxes.setdefault(int(person), {})
        if shape.frame in boxes:
            raise UserError(f"{where}: id {person:g} is on frame {frame:g} twice; delete one")
        boxes[shape.frame] = shape

    def tracks(self) -> list[Track]:
        """Return the people, and the boxes of unknown people one by one."""
        known = [
            Track(str(person), moments(boxes.values()))
            for person, boxes in sorted(self._boxes.items())
        ]
        return known + [Track(None, moments([shape])) for shape in self._unknown]

    def _classes(self, where: str, value: float) -> frozenset[str] | None:
        """Return the actions that a class names, None if the box shows no person."""
        most = len(self._labels) or _CLASSES
        if value != int(value) or not 1 <= value <= most:
            raise UserError(
                f"{where}: class {value:g} is not a whole number from 1 to {most}; fix it"
            )
        if self._labels:
            name = self._labels[int(value) - 1]
            return frozenset() if names_no_action(name) else frozenset([name])
        if value not in _PEOPLE:
            self._findings.left_out[f"MOTChallenge boxes of class {value:g}, no people"] += 1
            return None
        return frozenset()


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
