"""Example keyframes as cards of the page: people, each model's answers, and its attention."""

import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from lfb.data.boxes import Keyframe
from lfb.report.attention import Attention, attention_card, attention_of
from lfb.report.examples import Answers, Group, People, choose_keyframes
from lfb.report.pictures import jpeg_uri, keyframe_image
from lfb.report.results import Data, Model

LIMITS = (4, 1, 2)  # keyframes in each group of `choose_keyframes`
NAMED = 4  # people of a keyframe with a letter and a row in its table
FRAME_WIDTH = 340  # in style.css, pixels


def example_cards(
    people: People,
    answers: Mapping[str, Answers],
    models: Sequence[Model],
    best: Model | None,
    data: Data,
) -> dict[str, Any]:
    """Return the keyframes that ``choose_keyframes`` chooses, as the template shows them.

    Args:
        people: The ground truth.
        answers: By model.
        models: The baseline first.
        best: The model to compare with the baseline; None if there is only the baseline.
        data: What they are scored on.
    """
    groups = choose_keyframes(people, answers, best.name if best else None, LIMITS)
    named = {
        number: _most_interesting(people, group, number)
        for group in groups
        for number in group.keyframes
    }
    in_focus = {number: persons[0] for number, persons in named.items()}
    attention = {
        model.name: _attention(model, people, answers[model.name], in_focus, data)
        for model in models
    }

    def card(number: int) -> dict[str, Any]:
        keyframe = people.keyframes[number]
        return _card(people, answers, number, named[number], data) | {
            "attention": [
                attention_card(of_model[number], name, keyframe.video, keyframe.second, data)
                for name, of_model in attention.items()
                if number in of_model
            ]
        }

    return {
        "keyframes": len(people.keyframes),
        "people": len(people.actions),
        "actions": int(people.num_actions.sum()),
        "undetected": int((~answers["baseline"].detected).sum()),
        "correct": {name: int(given.correct.sum()) for name, given in answers.items()},
        "groups": [
            {"title": group.title, "total": group.total, "cards": list(map(card, group.keyframes))}
            for group in groups
        ],
    }


def _most_interesting(people: People, group: Group, number: int) -> list[int]:
    """Return the people of a keyframe who get a letter, the most interesting first."""
    there = people.in_keyframe(number)
    return there[np.argsort(-group.interest[there], kind="stable")][:NAMED].tolist()


def _attention(
    model: Model, people: People, answers: Answers, in_focus: Mapping[int, int], data: Data
) -> dict[int, Attention]:
    """Return what a model attends to for one person of each keyframe, where it can be read."""
    boxes = {n: answers.box[person] for n, person in in_focus.items() if answers.detected[person]}
    keyframes = [
        Keyframe(
            people.keyframes[number].video,
            people.keyframes[number].second,
            box[None],
            np.ones(1, np.float32),
        )
        for number, box in boxes.items()
    ]
    attention = attention_of(model, keyframes, data)
    return {} if attention is None else dict(zip(boxes, attention, strict=True))


def _card(
    people: People, answers: Mapping[str, Answers], number: int, named: Sequence[int], data: Data
) -> dict[str, Any]:
    keyframe = people.keyframes[number]
    boxes = dict(zip(people.in_keyframe(number).tolist(), keyframe.boxes, strict=True))
    left_to_right = sorted(named, key=lambda person: boxes[person][0])
    letters = dict(zip(left_to_right, string.ascii_uppercase, strict=False))
    names = [data.split.labels[int(action)] for action in people.classes]

    def answer_of(given: Answers, person: int) -> list[dict[str, Any]]:
        ids = np.flatnonzero(given.answer[person])
        ids = ids[np.argsort(-given.score[person, ids], kind="stable")]
        return [
            {
                "name": names[i],
                "score": float(given.score[person, i]),
                "correct": bool(people.actions[person, i]),
            }
            for i in ids
        ]

    return {
        "video": keyframe.video,
        "second": keyframe.second,
        "picture": picture(
            keyframe_image(data.manifest, keyframe.video, keyframe.second),
            [(box, letters.get(person, ""), person == named[0]) for person, box in boxes.items()],
        ),
        "letter": letters[named[0]],
        "people": [
            {
                "letter": letters[person],
                "actions": [names[i] for i in np.flatnonzero(people.actions[person])],
                "answers": {name: answer_of(given, person) for name, given in answers.items()},
            }
            for person in left_to_right
        ],
        "hidden": len(boxes) - len(named),
    }


def picture(image: Image.Image, boxes: Sequence[tuple[np.ndarray, str, bool]]) -> dict[str, Any]:
    """Return a frame with boxes as the template draws it, positions in percent of the frame.

    Args:
        image: The frame.
        boxes: x1 y1 x2 y2 in [0, 1], a letter ("" for none), and whether the box is in focus.
    """
    return {
        "image": jpeg_uri(image),
        "small": 2 * image.width <= FRAME_WIDTH,
        "boxes": [
            {
                "left": 100 * float(x1),
                "top": 100 * float(y1),
                "width": 100 * float(x2 - x1),
                "height": 100 * float(y2 - y1),
                "letter": letter,
                "focus": focus,
            }
            for (x1, y1, x2, y2), letter, focus in boxes
        ],
    }
