"""The check of boxes: small parts outside the frame are clipped; the rest are errors.

Boxes are (N, 4), x1, y1, x2, y2. A whole file has one mistake more often than each of its lines, so
the advice of an error depends on all boxes of the file.
"""

import numpy as np

from lfb.files.csv_table import BOX

OVERSHOOT = 0.1
"""Part of the frame by which a box may leave it. Boxes of trackers do, by 0.09 at most."""

PIXELS = 2.0
"""A value from which on a coordinate is in pixels. No overshoot in fractions reaches it."""

_ADVICE_PIXELS = (
    "are these pixels? Boxes are fractions of the frame: divide x by its width and y by its height"
)
_ADVICE_BEYOND = (
    f"only parts up to {OVERSHOOT:g} of the frame are clipped; fix the box or delete it"
)
_ADVICE_SIZE = "are these width and height? Write x1,y1,x2,y2"
_ADVICE_SIDES = "is the order x1,x2,y1,y2? Write x1,y1,x2,y2"


def clip_overshoot(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clip the boxes that leave the frame by up to ``OVERSHOOT``. The others do not change.

    Args:
        boxes: (N, 4) fractions of the frame.

    Returns:
        The boxes, and (N,) by which part of the frame each clipped one left it, 0 for the others.
    """
    near = ((boxes >= -OVERSHOOT) & (boxes <= 1 + OVERSHOOT)).all(axis=1)
    beyond = np.where(near, np.maximum(-boxes, boxes - 1).max(axis=1, initial=0), 0)
    return np.where(beyond[:, None] > 0, boxes.clip(0, 1), boxes), beyond


def box_errors(boxes: np.ndarray) -> list[tuple[int, str]]:
    """Return (row, text) for each box, in fractions, that leaves the frame, is empty or inverted.

    Args:
        boxes: What ``clip_overshoot`` returns.
    """
    errors = []
    for i in np.flatnonzero(((boxes < 0) | (boxes > 1)).any(axis=1)).tolist():
        out = [f"{n} {v}" for n, v in zip(BOX, boxes[i].tolist(), strict=True) if not 0 <= v <= 1]
        verb = "is" if len(out) == 1 else "are"
        advice = _ADVICE_PIXELS if boxes[i].max() >= PIXELS else _ADVICE_BEYOND
        errors.append((i, f"{', '.join(out)} {verb} outside [0, 1]; {advice}"))
    return errors + order_errors(boxes, 1 + OVERSHOOT)


def order_errors(boxes: np.ndarray, end: float = np.inf) -> list[tuple[int, str]]:
    """Return (row, text) for each box, in any unit, that is empty or inverted.

    Args:
        boxes: The boxes of a file.
        end: Largest value that a box may have.
    """
    errors = []
    advice = _order_advice(boxes, end)
    for low, high, side in ((0, 2, "right of"), (1, 3, "below")):
        for i in np.flatnonzero(boxes[:, low] >= boxes[:, high]).tolist():
            a, b = boxes[i, [low, high]].tolist()
            text = f"{BOX[low]} {a} is {side} {BOX[high]} {b}; {advice}"
            if a == b:
                text = (
                    f"{BOX[low]} and {BOX[high]} are both {a}: the box is empty; fix it or delete "
                    "the row"
                )
            errors.append((i, text))
    return errors


def _order_advice(boxes: np.ndarray, end: float) -> str:
    """Return what to do about inverted boxes: the order of the fields that fits all boxes."""
    boxes = boxes[~np.isnan(boxes).any(axis=1)]
    inverted = (boxes[:, :2] > boxes[:, 2:]).any(axis=1).sum()
    if inverted > max(1, len(boxes) / 2) and (boxes[:, :2] + boxes[:, 2:] <= end).all():
        return _ADVICE_SIZE
    if inverted > 1 and (boxes[:, [0, 2]] < boxes[:, [1, 3]]).all():
        return _ADVICE_SIDES
    return "swap them"
