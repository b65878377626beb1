"""The check that annotations and detected people have the same axes: x and y may be swapped."""

import pandas as pd

from lfb.data.boxes import PersonBoxes
from lfb.data.check_split import SplitContents
from lfb.data.contents import Findings
from lfb.data.key_mismatch import HARDLY, NEARLY
from lfb.data.recall import measure
from lfb.errors import Problem
from lfb.files.csv_table import KEY

LEAST = 20  # annotated people; fewer may overlap by chance
_MOST = 2000  # rows of annotations to compare


def compare_axes(split: SplitContents, people: PersonBoxes) -> Findings:
    """Check that the annotated boxes overlap the detected ones as they are.

    It is an error if hardly any do, and nearly all would with x and y swapped.

    Args:
        split: The split.
        people: Its detected people, in fractions of the frame.
    """
    if split.annotations is None:
        return Findings()
    rows = split.annotations[split.annotations["action"] >= 1]
    rows = rows[pd.MultiIndex.from_frame(rows[KEY]).isin(people.index.multi_index())][:_MOST]
    before = measure(rows, people, set(), {})
    if before["boxes"] < LEAST or before["found"] > HARDLY * before["boxes"]:
        return Findings()
    turned = rows.rename(columns={"x1": "y1", "y1": "x1", "x2": "y2", "y2": "x2"})
    after = measure(turned, people, set(), {})
    if after["found"] < NEARLY * after["boxes"]:
        return Findings()
    now, then = (found["found"] / found["boxes"] for found in (before, after))
    return Findings(
        [
            Problem(
                f"{split.files.annotations}: {now:.0%} of its boxes overlap a box of "
                f"{split.files.detected_people}, with x and y swapped {then:.0%}: one of these "
                "files has x and y swapped; write x1,y1,x2,y2 in both"
            )
        ]
    )
