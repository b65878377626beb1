"""The report: what the models reached, where they differ, and what they saw, in one HTML file."""

import io
import json
import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import jinja2
import numpy as np
import torch
from PIL import Image

from lfb import charts
from lfb.bank import Bank
from lfb.checkpoints import Checkpoint
from lfb.clips import Clips, Input, Window
from lfb.dataset import Manifest, Split
from lfb.examples import IOU, Answers, Attention, Group, People, attend, choose
from lfb.files import atomic
from lfb.keyframes import Keyframe
from lfb.predictions import Predictions
from lfb.training import BankFeatures

EXAMPLES = (4, 1, 2)  # keyframes of each group of `choose`
SHOWN = 4  # people of a keyframe that are told of
ENTRIES = 6  # bank entries shown of each model's attention
FRAME, THUMBNAIL = 400, 104  # width of a frame and height of a cut-out, pixels
WIDEST = 800  # pixels of a frame that are kept
TEMPLATE = Path(__file__).with_name("report.html.j2")


@dataclass(frozen=True)
class Model:
    """What is known of one model.

    Attributes:
        name: In the configuration.
        metrics: What `lfb.evaluation.metrics` gave for each seed.
        histories: Metrics of each epoch, for each seed.
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


@dataclass(frozen=True)
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


def write_report(
    path: str | Path,
    *,
    models: Sequence[Model],
    seeds: Sequence[int],
    data: Data,
    table: Sequence[Mapping[str, str]],
    protocol: str,
) -> None:
    """Writes a page that needs nothing beside it.

    Args:
        path: HTML file to write.
        models: The baseline first. Each has the same colour throughout.
        seeds: Of the runs; the pictures are of the first.
        data: What was scored.
        table: Rows of the mAP table.
        protocol: Whose mAP the table shows.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "signed": _signed, "count": "{:,}".format}
    palette = [charts.PALETTE[i % len(charts.PALETTE)] for i in range(len(models) - 1)]
    colours = dict(zip((m.name for m in models), [charts.BASELINE, *palette], strict=True))
    others = [model for model in models if model.name != "baseline"]
    best = max(others, key=lambda model: model.mean_map(protocol), default=None)
    page = environment.from_string(TEMPLATE.read_text()).render(
        protocol=protocol,
        seeds=seeds,
        colours=colours,
        best=best,
        baseline=models[0],
        table=table,
        protocols=_protocols(models),
        classes=_classes(models, best, protocol, list(colours.values())),
        curves=_curves(models, colours),
        examples=_examples(models, colours, best, data),
        iou=IOU,
        models=models,
        training=_training(models),
        check=data.check,
        dumps=lambda value: json.dumps(value, indent=2),
    )
    with atomic(path) as scratch:
        scratch.write_text(page, encoding="utf-8")


def _protocols(models: Sequence[Model]) -> dict[str, list[dict[str, float | None]]]:
    """Mean and deviation of the mAP of each model, by protocol."""
    found: dict[str, list[dict[str, float | None]]] = {}
    for protocol in models[0].metrics[0]:
        rows = []
        for model in models:
            values = [measured[protocol]["mAP"] for measured in model.metrics]
            rows.append({"mean": mean(values), "std": stdev(values) if values[1:] else None})
        found[protocol] = rows
    return found


def _classes(
    models: Sequence[Model], best: Model | None, protocol: str, colours: Sequence[str]
) -> dict[str, Any]:
    """The chart of AP by class, and the classes that are not in it."""
    groups, without_truth, without_ap = [], [], []
    for place, about in enumerate(models[0].metrics[0][protocol]["classes"]):
        values, spans = [], []
        for model in models:
            aps = [measured[protocol]["classes"][place]["AP"] for measured in model.metrics]
            known = [ap for ap in aps if ap is not None]
            values.append(mean(known) if known else math.nan)
            spans.append((min(known), max(known)) if known else (math.nan, math.nan))
        if not about["ground_truth"]:
            without_truth.append(about["name"])
        elif all(map(math.isnan, values)):
            without_ap.append(about["name"])
        else:
            gain = values[models.index(best)] - values[0] if best else values[0]
            note = "–" if math.isnan(gain) else _signed(gain) if best else _percent(gain)
            bars = charts.Bars(about["name"], about["ground_truth"], values, spans, note)
            groups.append((-math.inf if math.isnan(gain) else gain, bars))
    groups.sort(key=lambda group: -group[0])
    heading = f"gain of {best.name}" if best else "AP, %"
    return {
        "chart": charts.group_bars([bars for _, bars in groups], colours, heading),
        "without_truth": without_truth,
        "without_ap": without_ap,
    }


def _curves(models: Sequence[Model], colours: Mapping[str, str]) -> dict[str, Any]:
    def curves(key: str) -> list[charts.Curve]:
        return [
            charts.Curve(
                colours[model.name],
                [line["epoch"] for line in history],
                [line[key] for line in history],
                faint=number > 0,
            )
            for model in models
            for number, history in enumerate(model.histories)
        ]

    rates = [curve for curve in curves("learning_rate") if not curve.faint]
    return {
        "loss": charts.draw_curves(curves("loss"), "loss"),
        "rate": charts.draw_curves(rates, "learning rate at the end of the epoch", stripes=True),
        "last": {model.name: model.histories[0][-1]["loss"] for model in models},
    }


def _examples(
    models: Sequence[Model], colours: Mapping[str, str], best: Model | None, data: Data
) -> dict[str, Any]:
    people = People.of(data.split)
    answers = {model.name: Answers.of(people, model.predictions) for model in models}
    groups = choose(people, answers, best.name if best else None, EXAMPLES)
    seen = {
        number: _shown(people, group, number) for group in groups for number in group.keyframes
    }
    looks = _looks(models, people, answers, {number: who[0] for number, who in seen.items()}, data)
    return {
        "keyframes": len(people.keyframes),
        "people": len(people.actions),
        "actions": int(people.count.sum()),
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
    features = BankFeatures(data.bank, torch.device("cpu")) if data.bank else None
    for model in models:
        if model.name == "baseline" or features is None:
            continue
        detector = model.checkpoint.build()
        if not hasattr(detector.operator, "attention"):
            continue
        boxes = {number: answers[model.name].box[person] for number, person in persons.items()}
        found = {number: box for number, box in boxes.items() if np.isfinite(box).all()}
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
        second = look.first + column
        entries.append(
            {
                "offset": second - keyframe.second,
                "weight": 100 * weight,
                "image": charts.data_uri(_cut_out(data.manifest, keyframe.video, second, boxes[row])),
                "actions": _actions_of(data.split, keyframe.video, second, boxes[row]),
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
    from torchvision.ops import box_iou

    truth = torch.from_numpy(rows[["x1", "y1", "x2", "y2"]].to_numpy(np.float32))
    overlap = box_iou(truth, torch.from_numpy(box[None]))[:, 0]
    actions = rows["action"].to_numpy()[(overlap >= max(IOU, overlap.max().item())).numpy()]
    return [split.labels[action] for action in actions.tolist() if action in split.labels]


def _image(manifest: Manifest, video: str, second: int) -> Image.Image:
    """The frame of a keyframe, not wider than WIDEST."""
    frames = manifest.open(video)
    number = round(frames.info.fps * (second - frames.info.first_second)) + 1
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
    return _jpeg(part.resize((min(width, 2 * THUMBNAIL), THUMBNAIL), method))


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()


def _training(models: Sequence[Model]) -> dict[str, dict[str, Any]]:
    """What each model was made with, and whether that is the same for all."""
    facts = {}
    for model in models:
        about = model.checkpoint.about
        settings = about["settings"]
        operator = dict(about["model"]["operator"] or {"name": "none"})
        facts[model.name] = {
            "operator": " ".join([operator.pop("name"), *(f"{k}={v}" for k, v in operator.items())]),
            "epochs": about["epoch"],
            "batch": f"{settings['training']['batch']} × {about['processes']}",
            "learning rate": f"{settings['training']['learning_rate']:g}",
            "packages": ", ".join(f"{name} {v}" for name, v in about["versions"].items()),
            "commit": about["commit"] or "not a git checkout",
            "data": about["data"],
        }
    return facts


def _percent(value: float) -> str:
    return f"{value:.1f}"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
