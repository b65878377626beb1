"""Random ground truth and predictions of the size of AVA's validation split."""

from dataclasses import replace

import numpy as np
import pandas as pd

from lfb.data.predictions import Entries, Predictions

SECONDS = range(902, 1799)  # 897 keyframes in each video
UNSCORED = {2, 16, 18, 19, 21, 23, 25, 31, 32, 33, 35, 39, 40, 42, 44, 50, 53, 55, 71, 75}
CLASSES = {i: f"action {i}" for i in range(1, 81) if i not in UNSCORED}


def make_ava(
    *, videos: int = 64, seconds: range = SECONDS, seed: int = 0
) -> tuple[pd.DataFrame, set[tuple[str, int]], Predictions]:
    """Return ground truth, excluded keyframes and predictions; no two scores are equal.

    A keyframe shows one to four people, each in one to four actions. Some classes are far more
    common than others, and some are not scored. Nine in ten people have a detected box, randomly
    displaced, and some boxes have no person. AVA's 64 videos give about 150,000 boxes and 9 million
    scores. Scores are higher for the actions that a person does. One keyframe in 50 is excluded;
    one in 20 has no ground truth.
    """
    random = np.random.default_rng(seed)
    ids = np.array(sorted({*CLASSES, *UNSCORED}))
    common = random.permutation(1 / np.arange(1, len(ids) + 1))
    names = np.array([f"video_{number:06d}" for number in range(videos)])
    keyframes = videos * len(seconds)

    shown = np.repeat(np.arange(keyframes), random.integers(1, 5, keyframes))  # (P,) keyframe
    shown = shown[random.random(keyframes)[shown] > 0.05]
    person = _boxes(random, len(shown))
    does = np.zeros((len(shown), len(ids)), bool)
    for _ in range(4):
        some = np.flatnonzero(random.random(len(shown)) < 0.6)
        does[some, random.choice(len(ids), len(some), p=common / common.sum())] = True
    row, action = np.nonzero(does)
    truth = pd.DataFrame(
        {
            "video": names[shown[row] // len(seconds)],
            "second": np.array(seconds)[shown[row] % len(seconds)],
            **dict(zip(("x1", "y1", "x2", "y2"), person[row].T, strict=True)),
            "action": ids[action],
            "person": row,
        }
    )

    detected = np.flatnonzero(random.random(len(shown)) < 0.9)
    wrong = random.integers(keyframes, size=keyframes // 2)
    moved = (person[detected] + random.normal(0, 0.03, (len(detected), 4))).clip(0, 1)
    box = np.concatenate(
        [np.sort(moved.reshape(-1, 2, 2), 1).reshape(-1, 4), _boxes(random, len(wrong))]
    )
    keyframe = np.concatenate([shown[detected], wrong])
    scored = np.isin(ids, list(CLASSES))
    likely = random.normal(0, 1, (len(box), len(CLASSES))) + np.log(common[scored])
    likely[: len(detected)] += 2 * does[detected][:, scored]
    order = np.argsort(keyframe, kind="stable")
    rank = np.empty(likely.size)
    rank[np.argsort(likely[order].ravel())] = np.arange(likely.size) + 0.5
    predictions = Predictions(
        videos=names.tolist(),
        video=(keyframe[order] // len(seconds)).astype(np.int32),
        second=np.array(seconds, np.int32)[keyframe[order] % len(seconds)],
        box=box[order].astype(np.float32),
        score=(rank / likely.size).astype(np.float32).reshape(likely.shape),
        classes=np.array(sorted(CLASSES), np.int32),
    )
    out = np.flatnonzero(random.random(keyframes) < 0.02)
    excluded = {(str(names[k // len(seconds)]), seconds[k % len(seconds)]) for k in out.tolist()}
    return truth, excluded, predictions


def sparse(predictions: Predictions, seed: int = 0) -> Entries:
    """Return 3 in 100 of the entries, for evaluators that process them one by one.

    These are the highest scores, some of the others, and all of one keyframe in a hundred, so that
    some keyframes have far more than 50.
    """
    random = np.random.default_rng(seed)
    entries = predictions.entries()
    drawn = random.random(len(entries.row)) < 0.005
    whole = entries.second[entries.row] % 100 == 0
    kept = np.flatnonzero(drawn | whole | (entries.score > 0.985))
    return replace(
        entries, row=entries.row[kept], action=entries.action[kept], score=entries.score[kept]
    )


def _boxes(random: np.random.Generator, count: int) -> np.ndarray:
    """Return (count, 4) boxes with corners of three decimals, as AVA's."""
    low = random.uniform(0, 0.6, (count, 2))
    return np.concatenate([low, low + random.uniform(0.1, 0.4, (count, 2))], 1).round(3)
