"""The page to browse all validation keyframes by video, class and error.

The keyframes are compressed JSON in the page. browse.js filters and draws them, so a page of
AVA's 50,000 keyframes stays small and quick. Only some keyframes have a picture.
"""

import base64
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfb.data.predictions import Predictions
from lfb.files.atomic import atomic
from lfb.report.examples import Answers, Matches, People
from lfb.report.pictures import keyframe_image
from lfb.report.seal import seal
from lfb.report.templates import templates
from lfb.scoring.evaluation import IOU
from lfb.video.frames import Manifest

WIDTH = 160  # of a picture, pixels
QUALITY = 75
MOST_BYTES = 3_000_000  # of all pictures


def write_browser(
    path: str | Path,
    *,
    people: People,
    answers: Mapping[str, Answers],
    predictions: Mapping[str, Predictions],
    best: str,
    colours: Mapping[str, str],
    names: Sequence[str],
    manifest: Manifest,
    about: Mapping[str, Any],
    origin: str,
) -> None:
    """Write the page, which needs no other file; the same results give the same bytes.

    Args:
        path: HTML file to write.
        people: The ground truth.
        answers: By model.
        predictions: By model.
        best: The model that is shown first, and whose errors have pictures.
        colours: Of each model.
        names: Name of each class.
        manifest: Of the frames.
        about: What the head of the page says: ``name``, ``date`` and ``seeds``, of which
            the page shows the first.
        origin: Digest of the table; see ``seal``.
    """
    pictures = _pictures(people, picture_order(people, answers[best]), manifest)
    content = {
        "classes": list(names),
        **_keyframes(people, manifest),
        **_models(people, answers, predictions, colours),
        "best": list(answers).index(best),
        "pictures": pictures,
    }
    packed = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 6, mtime=0)
    html = (
        templates()
        .get_template("browse.html.j2")
        .render(
            content=base64.b64encode(packed).decode(),
            pictures=len(pictures),
            keyframes=len(people.keyframes),
            best=best,
            iou=IOU,
            **about,
        )
    )
    with atomic(path) as scratch:
        scratch.write_text(seal(f"{html}\n", origin), encoding="utf-8")


def picture_order(people: People, answers: Answers) -> list[int]:
    """Return all keyframes in the order in which they get a picture.

    First the largest false positive and the largest miss of each class, then the second largest,
    and so on; last the keyframes without an error.
    """
    false, missed = answers.answer & ~people.actions, people.actions & ~answers.answer
    missed &= answers.detected[:, None]
    person, action = np.concatenate([np.nonzero(false), np.nonzero(missed)], 1)
    is_miss = np.repeat([False, True], [false.sum(), missed.sum()])
    score = answers.score[person, action]
    size = np.where(is_miss, 1 - score, score)
    kind = 2 * action + is_miss
    order = np.lexsort((-size, kind))
    count = np.bincount(kind)
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    keyframes = people.keyframe[person[np.lexsort((kind, rank))]].tolist()
    return list(dict.fromkeys([*keyframes, *range(len(people.keyframes))]))


def _keyframes(people: People, manifest: Manifest) -> dict[str, Any]:
    """Return the videos, the keyframes and the annotated people."""
    videos = sorted({keyframe.video for keyframe in people.keyframes})
    place = {video: number for number, video in enumerate(videos)}
    sizes = [manifest.videos[video] for video in videos]
    return {
        "videos": [
            {"name": video, "width": about["width"], "height": about["height"]}
            for video, about in zip(videos, sizes, strict=True)
        ],
        "keyframes": {
            "video": [place[keyframe.video] for keyframe in people.keyframes],
            "second": [keyframe.second for keyframe in people.keyframes],
            "people": np.bincount(people.keyframe, minlength=len(people.keyframes)).tolist(),
        },
        "people": {
            "box": _thousandths(people.boxes),
            "actions": people.num_actions.tolist(),
            "action": np.nonzero(people.actions)[1].tolist(),
        },
    }


def _models(
    people: People,
    answers: Mapping[str, Answers],
    predictions: Mapping[str, Predictions],
    colours: Mapping[str, str],
) -> dict[str, Any]:
    """Return what each model says, and the boxes it was asked about: the same for most models."""
    models, detections = [], []
    for name, given in answers.items():
        strangers, count = _strangers(people, predictions[name])
        boxes = {
            "detected": given.detected.astype(int).tolist(),
            "strangers": count.tolist(),
            "box": _thousandths(predictions[name].box[strangers]),
        }
        if boxes not in detections:
            detections.append(boxes)
        models.append(
            {
                "name": name,
                "colour": colours[name],
                "detections": detections.index(boxes),
                "answers": _answer_scores(people, given),
                "strangers": _top_scores(predictions[name], strangers, people.classes),
            }
        )
    return {"models": models, "detections": detections}


def _strangers(people: People, predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return the scored boxes that match nobody, by keyframe, and their number in each: (K,)."""
    matches = Matches.of(people, predictions)
    rows = np.flatnonzero(matches.counted & (matches.person < 0))
    number = {(k.video, k.second): n for n, k in enumerate(people.keyframes)}
    seconds = zip(predictions.video[rows].tolist(), predictions.second[rows].tolist(), strict=True)
    keyframe = np.array([number[predictions.videos[v], second] for v, second in seconds], int)
    count = np.bincount(keyframe, minlength=len(people.keyframes))
    return rows[np.argsort(keyframe, kind="stable")], count


def _answer_scores(people: People, answers: Answers) -> list[int]:
    """Return action and score, person by person: first those of the answer, then those missed.

    Each part is sorted by falling score. Scores are in thousandths.
    """
    missed = people.actions & ~answers.answer & answers.detected[:, None]
    person, action = np.nonzero(answers.answer | missed)
    score = answers.score[person, action]
    order = np.lexsort((-score, missed[person, action], person))
    return _pairs(action[order], score[order])


def _top_scores(predictions: Predictions, rows: np.ndarray, classes: np.ndarray) -> list[int]:
    """Return the action of the highest score, and the score in thousandths, row by row."""
    score = predictions.score[np.ix_(rows, np.searchsorted(predictions.classes, classes))]
    return _pairs(score.argmax(1), score.max(1, initial=0))


def _pairs(action: np.ndarray, score: np.ndarray) -> list[int]:
    pairs: list[int] = np.stack([action, _rounded(score)], 1).ravel().tolist()
    return pairs


def _thousandths(boxes: np.ndarray) -> list[int]:
    numbers: list[int] = _rounded(boxes).ravel().tolist()
    return numbers


def _rounded(values: np.ndarray) -> np.ndarray:
    return (1000 * values).round().astype(int)


def _pictures(people: People, order: Sequence[int], manifest: Manifest) -> dict[str, str]:
    """Return pictures by keyframe, as base64, until they are ``MOST_BYTES`` in all."""
    pictures: dict[str, str] = {}
    left = MOST_BYTES
    for number in order:
        keyframe = people.keyframes[number]
        image = keyframe_image(manifest, keyframe.video, keyframe.second, WIDTH)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=QUALITY)
        left -= buffer.tell()
        if left < 0:
            break
        pictures[str(number)] = base64.b64encode(buffer.getvalue()).decode()
    return pictures
