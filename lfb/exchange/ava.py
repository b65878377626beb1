"""The people of an annotation tool as rows of AVA's files: one box for each person and second.

AVA annotates the frame at the beginning of a second. A track says where the person is on this
frame, and what the person does. A box that a tool has on a single frame counts for the nearest
second.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from lfb.data.boxes import box_iou
from lfb.exchange.findings import Findings
from lfb.exchange.tracks import Film, Recording, Shape, Track
from lfb.files.csv_table import BOX, KEY

NEAR = 0.1
"""Seconds by which a box on a single frame may miss the beginning of a second."""

_SAME = 0.5  # IoU from which on boxes of two exports are the same person
_APART = 0.3  # IoU below which two boxes cannot be the same person
_ROUNDING = 1e-4  # frames: a tool's frame rate is rounded


@dataclass(frozen=True)
class Clock:
    """The seconds of AVA's files, in the time of the video files.

    Attributes:
        first_second: Number of the second that begins at ``start``.
        start: Time in the file, s.
        seconds: Length of the part that is used, s; None: to the end.
    """

    first_second: int
    start: float = 0
    seconds: float | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Clock":
        """Return the clock of the config's ``data``."""
        if "videos" not in data:
            return cls(data["first_second"])
        return cls(data["first_second"], data["start"], data["seconds"])

    def frame(self, second: int, fps: float) -> int:
        """Return the frame, from 0, at the beginning of a second."""
        time = self.start + second - self.first_second
        return math.floor(time * fps + 0.5 + _ROUNDING)

    def nearest(self, frame: int, fps: float) -> tuple[int, float]:
        """Return the second that begins nearest to a frame, and the distance in seconds."""
        second = round(frame / fps - self.start) + self.first_second
        return second, abs(frame - self.frame(second, fps)) / fps

    def seconds_within(self, first: int, behind: int, fps: float) -> range:
        """Return the seconds whose frames are from ``first`` on and before ``behind``."""
        low = self._first_from(first, fps)
        high = self._first_from(behind, fps)
        end = high
        if self.seconds is not None:
            end = min(high, self.first_second + math.ceil(self.seconds))
        return range(max(low, self.first_second), end)

    def _first_from(self, frame: int, fps: float) -> int:
        """Return the first second whose frame is at least ``frame``."""
        second = math.floor(frame / fps - self.start) + self.first_second - 1
        while self.frame(second, fps) < frame:
            second += 1
        return second


@dataclass
class _Person:
    """A person of a video and the boxes at whole seconds."""

    name: str
    named: bool
    source: str
    seconds: dict[int, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class People:
    """The boxes of a split at whole seconds.

    Attributes:
        known: (video, person number, second, shape) of annotated boxes; -1 for unknown people.
        proposals: (video, second, shape) of the boxes to use as proposals: those of detectors in
            videos that have some, the annotated ones in the others.
    """

    known: list[tuple[str, int, int, Shape]]
    proposals: list[tuple[str, int, Shape]]


def people_of(recordings: Iterable[Recording], clock: Clock, findings: Findings) -> People:
    """Return the people at whole seconds.

    Boxes are clipped to the frame. If several exports have the same person at the same second, the
    first one counts.

    Args:
        recordings: The people of all exports of a split.
        clock: The seconds.
        findings: Gets the errors, and what is left out.
    """
    by_video: dict[str, list[Recording]] = {}
    for recording in recordings:
        by_video.setdefault(recording.film.name, []).append(recording)
    known: list[tuple[str, int, int, Shape]] = []
    proposals: list[tuple[str, int, Shape]] = []
    for video, found in sorted(by_video.items()):
        own = list(_known_boxes(video, [r for r in found if not r.detected], clock, findings))
        known += own
        detected = [
            (video, second, shape)
            for recording in found
            if recording.detected
            for track in recording.tracks
            for second, shape in _at_seconds(track, recording.film, clock, findings).items()
        ]
        proposals += detected or [(video, second, shape) for _, _, second, shape in own]
    return People(known, proposals)


def annotation_rows(people: People, labels: Mapping[int, str], findings: Findings) -> pd.DataFrame:
    """Return the annotations, as ``lfb.data.annotations`` writes them.

    Args:
        people: The boxes.
        labels: The label list. Other actions are left out.
        findings: Gets what is left out.
    """
    ids = {name: action for action, name in labels.items()}
    rows = []
    for video, person, second, shape in people.known:
        for name in shape.actions - ids.keys():
            findings.left_out[f"actions '{name}', which is not in the label list"] += 1
        actions = sorted(ids[name] for name in shape.actions & ids.keys())
        if not actions:
            findings.left_out["boxes without an action; they are proposals only"] += 1
        rows += [(video, second, *shape.box, action, person) for action in actions]
    rows.sort(key=lambda row: (row[0], row[1], row[7], row[2:7]))
    return pd.DataFrame(rows, columns=[*KEY, *BOX, "action", "person"])


def proposal_rows(people: People) -> pd.DataFrame:
    """Return the proposals, as ``lfb.data.detector_csv`` writes them."""
    rows = sorted(
        (video, second, *shape.box, shape.score) for video, second, shape in people.proposals
    )
    return pd.DataFrame(rows, columns=[*KEY, *BOX, "score"])


def _known_boxes(
    video: str, recordings: Sequence[Recording], clock: Clock, findings: Findings
) -> Iterable[tuple[str, int, int, Shape]]:
    people: list[_Person] = []
    for recording in recordings:
        for track in recording.tracks:
            seconds = _at_seconds(track, recording.film, clock, findings)
            if track.person is None:
                yield from ((video, -1, second, shape) for second, shape in seconds.items())
            elif seconds:
                _add(people, track, recording.source, seconds, video, findings)
    for person, number in zip(people, _numbers(people, video, findings), strict=True):
        yield from ((video, number, second, shape) for second, shape in person.seconds.items())


def _add(
    people: list[_Person],
    track: Track,
    source: str,
    seconds: dict[int, Shape],
    video: str,
    findings: Findings,
) -> None:
    """Add the boxes of a track to its person, or to a new one."""
    name = track.person or ""
    person = next((p for p in people if track.named and p.named and p.name == name), None)
    if person is None:
        others = (p for p in people if p.source != source and not (p.named and track.named))
        person = next((p for p in others if _overlap(p.seconds, seconds)), None)
        if person and track.named:
            person.name, person.named = name, True
    if person is None:
        people.append(_Person(name, track.named, source, dict(seconds)))
        return
    for second, shape in seconds.items():
        before = person.seconds.get(second)
        if before is None:
            person.seconds[second] = shape
        elif _iou(before, shape) < _APART:
            findings.errors.append(
                f"{source}: video '{video}', second {second}: person '{person.name}' is in two "
                "places; give each person another name"
            )
            return
        elif person.source == source:
            person.seconds[second] = replace(before, actions=before.actions | shape.actions)
        else:
            findings.left_out["boxes of people whom another export of the video has too"] += 1


def _overlap(a: Mapping[int, Shape], b: Mapping[int, Shape]) -> bool:
    return any(_iou(a[second], b[second]) >= _SAME for second in a.keys() & b.keys())


def _iou(a: Shape, b: Shape) -> float:
    return float(box_iou(np.array(a.box), np.array(b.box)))


def _numbers(people: Sequence[_Person], video: str, findings: Findings) -> list[int]:
    """Return a number for each person: the name if it is one and free, else the next free one."""
    numbers: dict[int, int] = {}
    taken = set()
    for place, person in sorted(enumerate(people), key=lambda entry: not entry[1].named):
        if person.name.isdecimal() and int(person.name) < 2**31 and int(person.name) not in taken:
            numbers[place] = int(person.name)
            taken.add(numbers[place])
    free = iter(number for number in range(len(people) + len(taken)) if number not in taken)
    for place, person in enumerate(people):
        if place not in numbers:
            numbers[place] = next(free)
            if person.named:
                findings.left_out[f"names of people: '{person.name}' of {video}"] += 1
    return [numbers[place] for place in range(len(people))]


def _at_seconds(track: Track, film: Film, clock: Clock, findings: Findings) -> dict[int, Shape]:
    """Return the boxes of a track at whole seconds, clipped to the frame."""
    found: dict[int, Shape] = {}
    single: list[tuple[float, int, Shape]] = []
    for first, behind in track.views(film.frames):
        seconds = clock.seconds_within(first, behind, film.fps)
        for second in seconds:
            shape = track.at(clock.frame(second, film.fps))
            if shape:
                found[second] = shape
        if seconds or behind <= first:
            continue
        second, distance = clock.nearest(first, film.fps)
        inside = second in clock.seconds_within(0, film.frames, film.fps)
        if behind == first + 1 and distance <= NEAR and inside and (shape := track.at(first)):
            single.append((distance, second, shape))
        else:
            findings.left_out["times in view without the beginning of a second"] += 1
    for _, second, shape in sorted(single, key=lambda entry: entry[0]):
        if second in found:
            findings.left_out["times in view without the beginning of a second"] += 1
        found.setdefault(second, shape)
    return {
        second: clipped
        for second, shape in sorted(found.items())
        if (clipped := _clipped(shape, findings))
    }


def _clipped(shape: Shape, findings: Findings) -> Shape | None:
    x1, y1, x2, y2 = (min(max(value, 0.0), 1.0) for value in shape.box)
    if not (x1 < x2 and y1 < y2):
        findings.left_out["boxes outside of the frame"] += 1
        return None
    if (x1, y1, x2, y2) != shape.box:
        findings.left_out["parts of boxes outside of the frame"] += 1
    return replace(shape, box=(x1, y1, x2, y2))
