"""Predictions of a model as tracks, so that a person corrects them in an annotation tool."""

import json
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import numpy as np

from lfb.data.predictions import Predictions
from lfb.data.tracks import link
from lfb.errors import UserError
from lfb.exchange.ava import Clock
from lfb.exchange.cvat_upload import cvat_labels, write_cvat
from lfb.exchange.films import Films
from lfb.exchange.label_studio import labeling_config, tasks_file, write_label_studio
from lfb.exchange.tracks import Box, Recording, Shape, Track
from lfb.files.atomic import atomic

log = logging.getLogger("lfb")


def recordings_of(
    predictions: Predictions,
    labels: Mapping[int, str],
    thresholds: Mapping[int, float],
    films: Films,
    clock: Clock,
) -> list[Recording]:
    """Return the people of each video with the actions that a model predicts.

    A box stays for its second. People are linked from second to second.

    Args:
        predictions: The boxes and scores.
        labels: Names of the actions.
        thresholds: Lowest score of each action that counts.
        films: The videos.
        clock: The seconds.

    Raises:
        UserError: An action is not in the label list, or a video is not there.
    """
    if unknown := set(predictions.classes.tolist()) - labels.keys():
        raise UserError(
            f"the predictions have actions that the label list does not have: {sorted(unknown)}. "
            "Name the label list that the model was trained with under data.labels."
        )
    names = [labels[action] for action in predictions.classes.tolist()]
    lowest = np.array([thresholds[action] for action in predictions.classes.tolist()])
    reached = int((predictions.score >= lowest).sum())
    log.info(
        "left out: the scores; %d reach the threshold of their action and are written as actions, "
        "%d do not",
        reached,
        predictions.score.size - reached,
    )
    videos = [predictions.videos[number] for number in predictions.video.tolist()]
    person = link(videos, predictions.second, predictions.box)
    rows: dict[str, dict[int, dict[int, int]]] = {}
    for row, key in enumerate(
        zip(videos, person.tolist(), predictions.second.tolist(), strict=True)
    ):
        video, number, second = key
        rows.setdefault(video, {}).setdefault(number, {})[second] = row
    found = []
    for video, people in sorted(rows.items()):
        film = films.find(video)
        tracks = []
        for number, seconds in sorted(people.items()):
            shapes: dict[int, Shape] = {}
            for second, row in sorted(seconds.items()):
                x1, y1, x2, y2 = predictions.box[row].astype(float).tolist()
                box: Box = (x1, y1, x2, y2)
                chosen = np.flatnonzero(predictions.score[row] >= lowest)
                actions = frozenset(names[column] for column in chosen)
                begin, end = (clock.frame(s, film.fps) for s in (second, second + 1))
                shapes[begin] = Shape(begin, box, actions)
                shapes[end] = Shape(end, box, actions, visible=False)
            ordered = tuple(shapes[frame] for frame in sorted(shapes) if frame < film.frames)
            tracks.append(Track(str(number), ordered, named=True))
        found.append(Recording(film, tuple(tracks), "predictions"))
    return found


def write_for_tool(
    path: str | Path,
    tool: Literal["cvat", "label_studio"],
    recordings: list[Recording],
    actions: list[str],
    films: Films,
    *,
    model: str,
    url: str,
) -> None:
    """Write a zip of the files to import into a tool. The same people give the same bytes.

    Args:
        path: The zip.
        tool: The tool.
        recordings: The people of each video.
        actions: Names of all actions.
        films: The videos.
        model: Name of the model, as Label Studio shows it.
        url: What stands before the path of a video in Label Studio.
    """
    if tool == "cvat":
        files = {f"{r.film.name}.xml": write_cvat(r, actions) for r in recordings}
        files["labels.json"] = cvat_labels(actions)
    else:
        tasks = [write_label_studio(r, url + quote(films.file(r.film)), model) for r in recordings]
        files = {"tasks.json": tasks_file(tasks), "labeling_config.xml": labeling_config(actions)}
    with atomic(path) as scratch, zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in sorted(files.items()):
            zipped.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def read_thresholds(path: str | Path) -> dict[int, float]:
    """Return the thresholds in a model's ``thresholds.json``, of the actions that have one.

    Raises:
        UserError: It is not such a file.
    """
    try:
        classes = json.loads(Path(path).read_text())["classes"]
        return {
            entry["id"]: float(entry["threshold"])
            for entry in classes
            if entry["threshold"] is not None
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: not a file of thresholds ({error!r}); fix config key "
            "annotation_tools.threshold."
        ) from None
