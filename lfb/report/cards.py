"""Example keyframes on a page: the people, what the models say, and what these attended to."""

import io
import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
import torch
from PIL import Image

from lfb.bank.features import BankFeatures
from lfb.bank.store import Bank
from lfb.data.boxes import Keyframe, box_iou
from lfb.data.predictions import Predictions
from lfb.data.split import Split
from lfb.files.csv_table import BOX
from lfb.learning.clips import Clips, Input, Window
from lfb.models.checkpoints import Checkpoint
from lfb.report import charts
from lfb.report.examples import IOU, Answers, Attention, Group, People, attend, choose
from lfb.video.frames import Manifest

EXAMPLES = (4, 1, 2)  # keyframes of each group of `choose`
SHOWN = 4  # people of a keyframe that are told of
ENTRIES = 6  # bank entries shown of each model's attention
FRAME, THUMBNAIL = 340, 104  # width of a frame and height of a cut-out, pixels
WIDEST = 800  # pixels of a frame that are kept


@dataclass(frozen=True, eq=False)
class Model:
    """What is known of one model.

    Attributes:
        name: In the configuration.
        metrics: What `lfb.scoring.evaluation.metrics` gave for each seed.
        histories: Metrics of each epoch, for each seed; none where it was imported.
        predictions: Of the first seed.
        checkpoint: Of the first seed.
    """

    name: str
    metrics: Sequence[Mapping[str, Any]]
    histories: Sequence[Sequence[Mapping[str, float]]]
    predictions: Predictions
    checkpoint: Checkpoint

    def mean_map(self, protocol: str) -> float:
        """Mean mAP over the seeds, percent."""
        return mean(measured[protocol]["mAP"] for measured in self.metrics)


@dataclass(frozen=True, eq=False)
class Data:
    """The data set, as far as the report looks into it.

    Attributes:
        split: The validation split.
        manifest: Of the frames.
        shape: What a clip is.
        bank: Of the validation split, of the first seed; None where no model has an operator.
        window: What such a model looks up.
        check: What `lfb.check.check` returned.
    """

    split: Split
    manifest: Manifest
    shape: Input
    bank: Bank | None
    window: Window
    check: Mapping[str, Any]


def example_cards(
    models: Sequence[Model], colours: Mapping[str, str], best: Model | None, data: Data
) -> dict[str, Any]:
    """The keyframes that `lfb.report.examples.choose` picks, as the report's template shows them.

    Args:
        models: The baseline first.
        colours: Of each model.
        best: The model to compare with the baseline, if there is one.
        data: What was scored.
    """
    people = People.of(data.split)
    answers = {model.name: Answers.of(people, model.predictions) for model in models}
    groups = choose(people, answers, best.name if best else None, EXAMPLES)
    seen = {number: _shown(people, group, number) for group in groups for number in group.keyframes}
    looks = _looks(models, people, answers, {number: who[0] for number, who in seen.items()}, data)
    return {
        "keyframes": len(people.keyframes),
        "people": len(people.actions),
        "actions": int(people.count.sum()),
        "undetected": int((~answers["baseline"].detected).sum()),
        "right": {name: int(given.right.sum()) for name, given in answers.items()},
        "groups": [
            {
                "title": group.title,
                "total": group.total,
                "keyframes": [
                    _example(people, answers, number, seen[number], data)
                    | {
                        "attention": [
                            _attention(look, name, colours[name], people, number, data)
                            for name, look in looks[number].items()
                        ]
                    }
                    for number in group.keyframes
                ],
            }
            for group in groups
        ],
    }


def _shown(people: People, group: Group, number: int) -> list[int]:
    """People of a keyframe to tell of, the most telling first."""
    there = np.flatnonzero(people.keyframe == number)
    return there[np.argsort(-group.interest[there], kind="stable")][:SHOWN].tolist()


def _example(
    people: People, answers: Mapping[str, Answers], number: int, shown: Sequence[int], data: Data
) -> dict[str, Any]:
    keyframe = people.keyframes[number]
    first = int(np.flatnonzero(people.keyframe == number)[0])
    in_order = sorted(shown, key=lambda person: keyframe.boxes[person - first][0])
    letters = dict(zip(in_order, string.ascii_uppercase, strict=False))
    image = _image(data.manifest, keyframe.video, keyframe.second)
    boxes = [
        (box.tolist(), letters.get(first + i, ""), first + i == shown[0])
        for i, box in enumerate(keyframe.boxes)
    ]
    names = [data.split.labels[int(action)] for action in people.classes]

    def told(given: Answers, person: int) -> list[dict[str, Any]]:
        ids = np.flatnonzero(given.answer[person])
        ids = ids[np.argsort(-given.score[person, ids], kind="stable")]
        return [
            {
                "name": names[i],
                "score": float(given.score[person, i]),
                "right": bool(people.actions[person, i]),
            }
            for i in ids
        ]

    return {
        "video": keyframe.video,
        "second": keyframe.second,
        "picture": charts.draw_frame(
            charts.Frame(_jpeg(image), image.width, image.height, boxes), FRAME
        ),
        "letter": letters[shown[0]],
        "people": [
            {
                "letter": letters[person],
                "actions": [names[i] for i in np.flatnonzero(people.actions[person])],
                "answers": [told(given, person) for given in answers.values()],
            }
            for person in in_order
        ],
        "hidden": len(keyframe.boxes) - len(shown),
    }


def _looks(
    models: Sequence[Model],
    people: People,
    answers: Mapping[str, Answers],
    persons: Mapping[int, int],
    data: Data,
) -> dict[int, dict[str, Attention]]:
    """What each model with an attention attended to for one person of each keyframe."""
    looks: dict[int, dict[str, Attention]] = {number: {} for number in persons}
    for model in models:
        if model.name == "baseline" or data.bank is None:
            continue
        detector = model.checkpoint.build()
        if not hasattr(detector.operator, "attention"):
            continue
        features = BankFeatures(data.bank, detector.backbone.channels, torch.device("cpu"))
        given = answers[model.name]
        found = {n: given.box[person] for n, person in persons.items() if given.detected[person]}
        keyframes = [
            Keyframe(
                people.keyframes[number].video,
                people.keyframes[number].second,
                box[None],
                np.ones(1, np.float32),
            )
            for number, box in found.items()
        ]
        clips = Clips(keyframes, data.manifest.open, data.shape, data.bank, data.window)
        for number, look in zip(found, attend(detector, clips, features), strict=True):
            looks[number][model.name] = look
    return looks


def _attention(
    look: Attention, name: str, colour: str, people: People, number: int, data: Data
) -> dict[str, Any]:
    keyframe = people.keyframes[number]
    assert data.bank is not None
    boxes = data.bank.read("box")
    real = np.where(look.rows >= 0, look.weights, 0).sum(2)
    empty = np.where(look.rows < 0, look.weights, 0).sum(2)
    top = look.top(ENTRIES)
    chart = charts.draw_attention(
        real, empty, look.first - keyframe.second, [column for column, _, _ in top], colour
    )
    entries = []
    for column, row, weight in top:
        place = keyframe.video, look.first + column, boxes[row]
        known = np.isfinite(boxes[row]).all()  # a published bank has no boxes
        entries.append(
            {
                "offset": charts.offset(look.first + column - keyframe.second),
                "weight": 100 * weight,
                "image": charts.data_uri(_cut_out(data.manifest, *place)) if known else "",
                "actions": _actions_of(data.split, *place) if known else [],
            }
        )
    return {
        "model": name,
        "chart": chart,
        "entries": entries,
        "empty": [100 * float(share) for share in empty.sum(1)],
    }


def _actions_of(split: Split, video: str, second: int, box: np.ndarray) -> list[str]:
    """Names of what the annotated person in a box does, as far as it is scored."""
    rows = split.annotations
    rows = rows[(rows["video"] == video) & (rows["second"] == second) & rows["action"].ge(1)]
    if rows.empty:
        return []
    overlap = box_iou(rows[BOX].to_numpy(np.float32), box)
    actions = rows["action"].to_numpy()[overlap >= max(IOU, overlap.max())]
    return [split.labels[action] for action in actions.tolist() if action in split.labels]


def _image(manifest: Manifest, video: str, second: int) -> Image.Image:
    """The frame of a keyframe, not wider than WIDEST."""
    frames = manifest.open(video)
    number = frames.info.number(second)
    image = Image.open(io.BytesIO(frames.read(number))).convert("RGB")
    image.thumbnail((WIDEST, WIDEST))
    return image


def _cut_out(manifest: Manifest, video: str, second: int, box: np.ndarray) -> bytes:
    """JPEG of what is in a box, THUMBNAIL pixels high."""
    image = _image(manifest, video, second)
    x1, y1, x2, y2 = box * np.array([image.width, image.height] * 2)
    part = image.crop((math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)))
    width = max(1, round(part.width * THUMBNAIL / part.height))
    smooth = part.height > THUMBNAIL / 2
    method = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    return _jpeg(part.resize((width, THUMBNAIL), method))


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()
