"""Label Studio's JSON of videos: regions of the tag ``VideoRectangle``, read and written.

A region has a ``sequence`` of boxes in percent of the frame, on frames that count from 1 at the
``framerate`` of the labeling config. Between them the box moves in a straight line. A box with
``enabled: false`` is the last one until the next box. The labels hold for the whole region.

Actions are the labels and per-region choices of a region. A per-region number, text or choice
named ``person`` says who it is; regions of one person may follow each other or overlap. A region of
the tag ``TimelineLabels`` that has a person adds its labels to the actions of this person.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import quoteattr

from lfb.errors import UserError
from lfb.exchange.films import Films
from lfb.exchange.findings import Findings
from lfb.exchange.json_values import as_kind, as_number, number_at, read_json, value_at
from lfb.exchange.names import is_person, names_no_action
from lfb.exchange.tracks import Box, Film, Recording, Shape, Track, upright
from lfb.files.videos import EXTENSIONS

NO_ACTION = "person"  # label of a written region without an action
_REGION, _TIMELINE = "videorectangle", "timelinelabels"
_MOST = 200  # percent: from here on, a coordinate is in pixels


def read_label_studio(
    path: str, data: bytes, films: Films, findings: Findings
) -> tuple[list[Recording], list[str]]:
    """Read an export in the format "JSON".

    Args:
        path: Name of the file, for errors.
        data: Its content.
        films: The videos of the data set.
        findings: Gets the errors, and what is left out.

    Returns:
        The people of each video, and the names of the actions in the order of their use.
    """
    recordings: list[Recording] = []
    actions: dict[str, None] = {}
    with findings.collect():
        tasks = as_kind(read_json(path, data), list, f"{path}: the content")
        for place, task in enumerate(tasks):
            with findings.collect():
                reader = _Task(path, task, place, films, findings, actions)
                recordings += reader.recordings()
    return recordings, list(actions)


class _Task:
    """Reads one task: a video and its regions."""

    def __init__(
        self,
        path: str,
        task: Any,
        place: int,
        films: Films,
        findings: Findings,
        actions: dict[str, None],
    ) -> None:
        self._where = f"{path}: task {place + 1}"
        self._task = as_kind(task, dict, self._where)
        if "id" in self._task:
            self._where = f"{path}: task {place + 1} (id {self._task['id']})"
        self._path, self._films, self._findings = path, films, findings
        self._actions = actions
        self._seen: Film

    def recordings(self) -> list[Recording]:
        """Return the people of the video, in a list that is empty if no one has annotated it."""
        if "annotations" not in self._task:
            raise UserError(
                f"{self._where}: has no `annotations`: is it an export as JSON-MIN or csv? Export "
                "the project as JSON"
            )
        annotations = value_at(self._task, "annotations", list, self._where)
        if not (annotation := self._chosen(annotations)):
            self._findings.left_out["Label Studio tasks without an annotation"] += 1
            return []
        number, chosen = annotation
        where = f"{self._where}, annotation {number + 1}"
        results = value_at(chosen, "result", list, where)
        film = self._film()
        tracks = self._tracks(results, where, film)
        return [Recording(self._seen, tuple(tracks), self._path)]

    def _chosen(self, annotations: list[Any]) -> tuple[int, dict[str, Any]] | None:
        """Return the annotation to import and its place: the ground truth, or the latest one."""
        found: list[tuple[bool, str, int, dict[str, Any]]] = []
        for number, annotation in enumerate(annotations):
            entry = as_kind(annotation, dict, f"{self._where}, annotation {number + 1}")
            if entry.get("was_cancelled"):
                self._findings.left_out["Label Studio annotations that were skipped"] += 1
                continue
            date = str(entry.get("updated_at", ""))
            found.append((bool(entry.get("ground_truth")), date, number, entry))
        if not found:
            return None
        if further := len(found) - 1:
            self._findings.left_out["Label Studio annotations besides the latest of a task"] += (
                further
            )
        *_, number, entry = max(found, key=lambda candidate: candidate[:3])
        return number, entry

    def _film(self) -> Film:
        data = value_at(self._task, "data", dict, self._where)
        texts = [value for value in data.values() if isinstance(value, str)]
        videos = [text for text in texts if text.lower().partition("&")[0].endswith(EXTENSIONS)]
        if isinstance(data.get("video"), str):
            videos.insert(0, data["video"])
        if not videos:
            raise UserError(f"{self._where}: `data` names no video; write it as `video`")
        try:
            return self._films.find(videos[0])
        except UserError as error:
            raise UserError(f"{self._where}: {error}") from None

    def _tracks(self, results: list[Any], where: str, film: Film) -> list[Track]:
        regions: list[tuple[str, str, dict[str, Any]]] = []
        spans: list[tuple[str, str, dict[str, Any]]] = []
        details: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for number, result in enumerate(results):
            place = f"{where}, result {number + 1}"
            with self._findings.collect():
                result = as_kind(result, dict, place)
                kind = value_at(result, "type", str, place)
                if kind == "relation":
                    self._findings.left_out["Label Studio relations"] += 1
                    continue
                value = value_at(result, "value", dict, place)
                region = str(result.get("id", number))
                if kind == _REGION and result.get("meta"):
                    self._findings.left_out["Label Studio notes on regions"] += 1
                if kind == _REGION:
                    regions.append((region, place, value))
                elif kind == _TIMELINE:
                    if "sequence" not in value:  # else a copy of a box, which some versions add
                        spans.append((region, place, value))
                else:
                    name = str(result.get("from_name", ""))
                    details.setdefault(region, []).append((place, {"name": name, **value}))
        known = {region for region, *_ in [*regions, *spans]}
        for region in details.keys() - known:
            self._findings.left_out["Label Studio values of a whole video"] += len(details[region])
        self._seen = self._at_its_rate(regions, film)
        tracks = []
        for region, place, value in regions:
            with self._findings.collect():
                tracks.append(self._track(region, place, value, details.get(region, []), film))
        for region, place, value in spans:
            with self._findings.collect():
                person, _ = self._details(details.get(region, []))
                tracks = self._with_span(tracks, person, value, place)
        return tracks

    def _at_its_rate(self, regions: Sequence[tuple[str, str, dict[str, Any]]], film: Film) -> Film:
        """Return the video at the frame rate of the labeling config, as the first region says."""
        for _, place, value in regions:
            with self._findings.collect():
                if "framesCount" in value and "duration" in value:
                    frames = number_at(value, "framesCount", place)
                    duration = number_at(value, "duration", place)
                    if frames < 1 or duration <= 0:
                        raise UserError(
                            f"{place}: framesCount {frames:g} and duration {duration:g} must be "
                            "positive; open the task in Label Studio and export it again"
                        )
                    return film.at_rate(frames / duration, round(frames), place)
        return film

    def _track(
        self,
        region: str,
        place: str,
        value: dict[str, Any],
        details: list[tuple[str, dict[str, Any]]],
        film: Film,
    ) -> Track:
        person, chosen = self._details(details)
        actions = set(chosen)
        labels = value.get("labels", [])
        for label in as_kind(labels, list, f"{place}: `labels`"):
            name = as_kind(label, str, f"{place}: a label")
            if not names_no_action(name):
                actions.add(name)
        self._actions.update(dict.fromkeys(sorted(actions)))
        sequence = value_at(value, "sequence", list, place)
        if not sequence:
            raise UserError(f"{place}: `sequence` is empty; delete the region or draw its box")
        shapes: dict[int, Shape] = {}
        ends: dict[int, Shape] = {}
        for number, item in enumerate(sequence):
            at = f"{place}, box {number + 1}"
            entry = as_kind(item, dict, at)
            frame = self._frame(entry.get("frame"), at)
            if frame in shapes:
                raise UserError(f"{at}: frame {frame + 1} is in the region twice; delete one")
            shape = Shape(frame, self._box(entry, at, film), frozenset(actions))
            shapes[frame] = shape
            if not value_at({"enabled": True, **entry}, "enabled", bool, at):
                ends[frame + 1] = replace(shape, frame=frame + 1, visible=False)
        shapes = ends | shapes
        ordered = tuple(shapes[frame] for frame in sorted(shapes))
        return Track(person or region, ordered, named=person is not None)

    def _details(self, details: list[tuple[str, dict[str, Any]]]) -> tuple[str | None, list[str]]:
        """Return the person and the actions that per-region values name."""
        person: str | None = None
        actions = []
        for place, value in details:
            name = value["name"]
            texts = [
                entry
                for key in ("choices", "labels", "text", "number")
                for entry in (value[key] if isinstance(value.get(key), list) else [value.get(key)])
                if entry is not None
            ]
            if is_person(name):
                if len(texts) != 1 or isinstance(texts[0], dict | list | bool):
                    raise UserError(f"{place}: `{name}` must have one value; fix it")
                whole = isinstance(texts[0], float) and texts[0].is_integer()
                person = str(int(texts[0]) if whole else texts[0]).strip() or None
            elif "choices" in value or "labels" in value:
                actions += [text for text in map(str, texts) if not names_no_action(text)]
            else:
                self._findings.left_out[f"Label Studio values of '{name}'"] += 1
        return person, actions

    def _frame(self, value: Any, where: str) -> int:
        """Return a frame from 0."""
        frame = as_number(value, f"{where}: `frame`")
        if frame != math.floor(frame) or frame < 1:
            raise UserError(f"{where}: frame {frame:g} is not a whole number from 1; fix it")
        if frame > self._seen.frames + self._seen.fps:
            raise UserError(
                f"{where}: frame {frame:g} is behind the end of the video, which has "
                f"{self._seen.frames} frames; is it the video that you annotated?"
            )
        return int(frame) - 1

    def _box(self, entry: dict[str, Any], where: str, film: Film) -> Box:
        x, y, width, height = (
            number_at(entry, key, where) for key in ("x", "y", "width", "height")
        )
        if max(abs(x), abs(y), width, height) > _MOST:
            raise UserError(
                f"{where}: {x:g},{y:g} {width:g}x{height:g} is not in percent of the frame: are "
                "these pixels? Divide by the size of the frame and multiply by 100"
            )
        if width <= 0 or height <= 0:
            raise UserError(f"{where}: {width:g}x{height:g} is empty; fix or delete the box")
        box = (x / 100, y / 100, (x + width) / 100, (y + height) / 100)
        if angle := as_number(entry.get("rotation", 0), f"{where}: `rotation`"):
            self._findings.left_out[
                "Label Studio rotations: the upright box around it is used"
            ] += 1
            return upright(box, angle, box[:2], film)
        return box

    def _with_span(
        self, tracks: list[Track], person: str | None, value: dict[str, Any], place: str
    ) -> list[Track]:
        """Return the tracks with the actions of a region of a timeline."""
        if person is None:
            self._findings.left_out["Label Studio timeline labels without a person"] += 1
            return tracks
        labels = value_at(value, _TIMELINE, list, place)
        for span in value_at(value, "ranges", list, place):
            entry = as_kind(span, dict, f"{place}: a range")
            first, last = (
                self._frame(entry.get(key), f"{place}: `{key}`") for key in ("start", "end")
            )
            if first > last:
                raise UserError(
                    f"{place}: starts at {first + 1}, behind its end {last + 1}; swap them"
                )
            for label in labels:
                action = as_kind(label, str, f"{place}: a label")
                if not names_no_action(action):
                    self._actions[action] = None
                    tracks = [
                        track.acting(action, first, last) if track.person == person else track
                        for track in tracks
                    ]
        return tracks


def write_label_studio(recording: Recording, url: str, model: str) -> dict[str, Any]:
    """Return a task with the people of a video as predictions.

    Each time that a person does the same actions becomes a region.

    Args:
        recording: The people of the video.
        url: Address of the video in Label Studio.
        model: Name of the model.
    """
    film = recording.film
    result: list[dict[str, Any]] = []
    for number, track in enumerate(recording.tracks):
        for part, shapes in enumerate(_constant(track, film.frames)):
            region = f"{number}-{part}"
            shared = {"id": region, "to_name": "video", "from_name": "box"}
            labels = sorted(shapes[0].actions) or [NO_ACTION]
            value = {
                "framesCount": film.frames,
                "duration": film.duration,
                "sequence": [_item(shape, film) for shape in shapes],
                "labels": labels,
            }
            result.append({**shared, "type": _REGION, "value": value})
            if track.person is not None:
                text = {"text": [track.person]}
                name = {"from_name": "person", "type": "textarea", "value": text}
                result.append({**shared, **name})
    return {
        "data": {"video": url, "fps": film.fps},
        "predictions": [{"model_version": model, "result": result}],
    }


def labeling_config(actions: Iterable[str]) -> str:
    """Return the labeling config of a project for these actions, XML."""
    labels = "\n".join(f"    <Label value={quoteattr(name)}/>" for name in [NO_ACTION, *actions])
    return f"""<View>
  <Video name="video" value="$video" framerate="$fps"/>
  <VideoRectangle name="box" toName="video"/>
  <Labels name="actions" toName="video" choice="multiple" allowEmpty="true">
{labels}
  </Labels>
  <TextArea name="person" toName="video" perRegion="true" maxSubmissions="1" editable="true"/>
</View>
"""


def _constant(track: Track, frames: int) -> Iterable[list[Shape]]:
    """Yield the boxes of each time in view with the same actions.

    The last box is on the last frame of this time. It is marked as not visible, unless the video
    ends there.
    """
    for begin, end in track.views(frames):
        own = [shape for shape in track.shapes if begin <= shape.frame < end]
        changes = [b.frame for a, b in pairwise(own) if a.actions != b.actions]
        starts = [begin, *changes]
        for first, behind in pairwise([*starts, end]):
            part = [shape for shape in own if first <= shape.frame < behind]
            if behind < frames and (last := track.at(behind - 1)):
                part = [shape for shape in part if shape.frame < behind - 1]
                part.append(replace(last, visible=False))
            yield part


def _item(shape: Shape, film: Film) -> Mapping[str, Any]:
    x1, y1, x2, y2 = shape.box
    return {
        "frame": shape.frame + 1,
        "enabled": shape.visible,
        "rotation": 0,
        "x": 100 * x1,
        "y": 100 * y1,
        "width": 100 * (x2 - x1),
        "height": 100 * (y2 - y1),
        "time": shape.frame / film.fps,
    }


def tasks_file(tasks: Sequence[Mapping[str, Any]]) -> str:
    """Return the file to import into a project."""
    return json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"
