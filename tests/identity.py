"""How well numbers of people agree with their true identities (IDF1), and scenes to try."""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from lfb.data.boxes import box_iou
from lfb.files.csv_table import BOX, KEY

CASES = ("crossing", "meeting", "walking together", "away for 3 s", "missed detections")
SECONDS = 16


def idf1(truth: pd.DataFrame, found: pd.DataFrame, iou: float = 0.5) -> float:
    """Return IDF1 (Ristani et al., 2016): the share of boxes with the right identity.

    Each true person is given at most one number of the same video, so that most boxes agree: those
    of the same second that overlap enough.

    Args:
        truth: Columns ``video, second, x1, y1, x2, y2, person``, a row for each person and second.
        found: The same columns of what is measured.
        iou: Lowest IoU of boxes that agree.
    """
    pairs = truth.merge(found, on=KEY, suffixes=("", "_found"))
    boxes = pairs[BOX].to_numpy(), pairs[[f"{name}_found" for name in BOX]].to_numpy()
    agree = pairs[box_iou(*boxes) >= iou]
    right = 0.0
    for _, video in agree.groupby("video"):
        right += _most(pd.crosstab(video["person"], video["person_found"]).to_numpy(float))
    return 2 * right / (len(truth) + len(found))


def _most(count: np.ndarray) -> float:
    return float(count[linear_sum_assignment(count, maximize=True)].sum())


def scenes(case: str, *, count: int = 40, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the rows of two people in some videos, and features that show who they are.

    The boxes tremble by 2 percent of their size. Sizes and speeds are drawn.

    Args:
        case: One of ``CASES``.
        count: Number of videos.
        seed: Of the draws.

    Returns:
        Columns ``video, second, x1, y1, x2, y2, person``, and an (N, 8) feature of each row.
    """
    random = np.random.default_rng(seed)
    rows, features = [], []
    for number in range(count):
        width, looks = random.uniform(0.12, 0.2), random.normal(size=(2, 8))
        speed, shift = random.uniform(0.03, 0.09, 2), random.uniform(-0.5, 0.5)
        for second in range(SECONDS):
            time = second - (SECONDS - 1) / 2 + shift
            for person, side in enumerate((-1, 1)):
                middle = {
                    "crossing": 0.5 - side * speed[person] * time,
                    "meeting": 0.5 + side * (0.02 + speed[person] * abs(time)),
                    "walking together": 0.5 + 0.05 * time + side * width / 3,
                }.get(case, 0.5 + side * width * 0.7)
                away = case == "away for 3 s" and person and 5 <= second < 8
                missed = case == "missed detections" and random.random() < 0.2
                box = [middle - width / 2, 0.3, middle + width / 2, 0.8]
                box += random.normal(0, 0.02, 4) * [width, 0.5, width, 0.5]
                feature = 3 + looks[person] + random.normal(0, 0.7, 8)
                if not (away or missed):
                    rows.append((f"video {number}", second, *box, person))
                    features.append(feature)
    table = pd.DataFrame(rows, columns=[*KEY, *BOX, "person"])
    return table, np.array(features, np.float32)
