"""The page beside a film: a timeline of its people, and what each model says and looks at.

What the page shows is compressed JSON in it. watch.js draws the timeline, so that the page of an
hour stays quick.
"""

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfb.bank.store import Bank
from lfb.files.atomic import atomic
from lfb.learning.attention import Attended
from lfb.report.charts import BASELINE, PALETTE
from lfb.report.templates import templates
from lfb.report.watch.people import Watched
from lfb.report.watch.pictures import cut_outs
from lfb.video.drawing import COLOURS
from lfb.video.frames import Manifest

LEAST = 0.05  # score of an action that the page has; the highest ones are there in any case
HIGHEST = 5  # actions of a person that the page has in any case


def write_page(
    path: str | Path,
    *,
    people: Watched,
    thresholds: np.ndarray,
    shown: str,
    attention: Mapping[str, Attended],
    bank: Bank | None,
    manifest: Manifest,
    film: str,
    table: str,
) -> None:
    """Write the page. It needs the film beside it, and nothing else.

    Args:
        path: HTML file to write.
        people: The people of the film, with the scores of all models.
        thresholds: (C,) lowest score of each action in the film.
        shown: The model whose scores the film has.
        attention: What each model attends to; empty for a model without attention.
        bank: Bank of the film; None if no model has an operator.
        manifest: Manifest of the frames.
        film: Name of the film's file.
        table: Name of the csv.
    """
    about = manifest.videos[people.video]
    content = {
        "seconds": about["frames"] / about["fps"],
        "actions": people.names,
        "thresholds": _thousandths(thresholds),
        "models": _models(people),
        "shown": list(people.score).index(shown),
        "colours": COLOURS,
        "rows": {"second": people.second.tolist(), "person": people.person.tolist()},
        **_attention(people, attention, bank, manifest),
    }
    packed = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 6, mtime=0)
    html = (
        templates()
        .get_template("watch/watch.html.j2")
        .render(
            content=base64.b64encode(packed).decode(),
            name=people.video,
            film=film,
            table=table,
            shown=shown,
            same=len(set(thresholds.tolist())) == 1,
            threshold=float(thresholds[0]),
        )
    )
    with atomic(path) as scratch:
        scratch.write_text(f"{html}\n", encoding="utf-8")


def _models(people: Watched) -> list[dict[str, Any]]:
    """Return the name, the colour and the scores of each model.

    ``scores`` has action and score in thousandths, row by row, highest first; ``count`` says how
    many actions each row has.
    """
    colours = iter([PALETTE[i % len(PALETTE)] for i in range(len(people.score))])
    models = []
    for name, score in people.score.items():
        order = np.argsort(-score, axis=1, kind="stable")
        sorted_scores = np.take_along_axis(score, order, 1)
        kept = (sorted_scores >= LEAST) | (np.arange(score.shape[1]) < HIGHEST)
        pairs = np.stack([order[kept], np.rint(1000 * sorted_scores[kept])], 1).astype(int)
        models.append(
            {
                "name": name,
                "colour": BASELINE if name == "baseline" else next(colours),
                "count": kept.sum(1).tolist(),
                "scores": pairs.ravel().tolist(),
            }
        )
    return models


def _attention(
    people: Watched, attention: Mapping[str, Attended], bank: Bank | None, manifest: Manifest
) -> dict[str, Any]:
    """Return what the models attend to, and pictures of the people and of what is attended to.

    A picture is of a person in a second: a row of the film, or a row of the bank that is none.
    """
    looking = {name: one for name, one in attention.items() if len(one.row)}
    places = [(int(s), box) for s, box in zip(people.second, people.box, strict=True)]
    number = {(second, box.tobytes()): i for i, (second, box) in enumerate(places)}
    place_of: dict[int, int] = {-1: -1}  # of each attended row of the bank
    if bank is not None and looking:
        seconds, boxes = _bank_seconds(bank), bank.read("box")
        rows = np.unique(np.concatenate([one.row.ravel() for one in looking.values()]))
        for row in rows[rows >= 0].tolist():
            key = int(seconds[row]), boxes[row].tobytes()
            if key not in number:
                number[key] = len(places)
                places.append((key[0], boxes[row]))
            place_of[row] = number[key]
    in_time = sorted(range(len(places)), key=lambda i: places[i][0])
    cut = cut_outs(manifest, people.video, (places[i] for i in in_time))
    pictures = [""] * len(places)
    for i, picture in zip(in_time, cut, strict=True):
        pictures[i] = picture
    return {
        "places": [second for second, _ in places],
        "pictures": pictures,
        "attention": {
            name: {
                "place": [place_of[row] for row in one.row[people.order].ravel().tolist()],
                "weight": _thousandths(one.weight[people.order]),
                "window": one.seconds.shape[1],
                "seconds": _thousandths(one.seconds[people.order]),
                "empty": _thousandths(one.empty[people.order]),
            }
            for name, one in looking.items()
        },
    }


def _bank_seconds(bank: Bank) -> np.ndarray:
    """Return the second of each row of a bank of one film."""
    return np.repeat(bank.index.second, bank.index.count)


def _thousandths(values: np.ndarray) -> list[int]:
    numbers: list[int] = np.rint(1000 * values).astype(int).ravel().tolist()
    return numbers
