"""Entries and ground truth, as lists of rows and in the form `lfb.scoring.evaluation` takes."""

import math

import numpy as np
import pandas as pd

from lfb.data.predictions import Entries
from tests.reference_evaluation import Found, Real

CLASSES = {1: "bend", 3: "crouch", 4: "dance", 80: "watch"}
NO_BOX = (math.nan,) * 4


def entries(rows):
    """Return the rows with a separate box each, even if boxes are equal."""
    videos = list(dict.fromkeys(r.video for r in rows))
    return Entries(
        videos=videos,
        video=np.array([videos.index(r.video) for r in rows], dtype=np.int32),
        second=np.array([r.second for r in rows], dtype=np.int32),
        box=np.array([r.box for r in rows], dtype=np.float64).reshape(-1, 4),
        row=np.arange(len(rows), dtype=np.int32),
        action=np.array([r.action for r in rows], dtype=np.int32),
        score=np.array([r.score for r in rows], dtype=np.float64),
    )


def table(rows):
    rows = [(r.video, r.second, *(r.box or NO_BOX), r.action) for r in rows]
    return pd.DataFrame(rows, columns=["video", "second", "x1", "y1", "x2", "y2", "action"])


def random_case(seed, *, grid, videos=3, seconds=4, most_boxes=6, levels=None):
    """Return found, real and excluded rows with every special case.

    Corners on a coarse ``grid`` give boxes without area, duplicates and IoU of exactly 0.5;
    ``levels`` gives tied scores. Action 2 is not scored; 80 is never annotated, 4 never detected.
    """
    rng = np.random.default_rng(seed)

    def box(may_be_empty):
        corners = np.sort(rng.integers(0, grid + 1, (2, 2)), axis=0)
        while not may_be_empty and (corners[0] == corners[1]).any():
            corners = np.sort(rng.integers(0, grid + 1, (2, 2)), axis=0)
        return tuple((corners / grid).ravel().tolist())

    found, real, excluded = [], [], set()
    for video in rng.permutation(["v", "a", "zz"][:videos]).tolist():
        for second in rng.permutation(np.arange(902, 902 + seconds)).tolist():
            if rng.random() < 0.15:
                excluded.add((video, second))
            boxes = [box(may_be_empty=False) for _ in range(rng.integers(0, 4))]
            actions = [2] if rng.random() < 0.2 else [1, 2, 3, 4]
            real += [
                Real(video, second, b, a) for b in boxes for a in actions if rng.random() < 0.6
            ]
            if rng.random() < 0.2:
                real.append(Real(video, second, None, -1))
            near = [b for b in boxes if rng.random() < 0.8]
            far = [box(may_be_empty=True) for _ in range(rng.integers(0, most_boxes))]
            for b in near + far + near[:1]:
                for a in [1, 2, 3, 80]:
                    if rng.random() < 0.9:
                        level = rng.random() if levels is None else rng.integers(levels) / levels
                        found.append(Found(video, second, b, a, float(level)))
    return found, real, excluded
