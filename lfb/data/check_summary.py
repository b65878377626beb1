"""What a checked data set contains, and what the user should know about it."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from lfb.data.annotations import annotated_keyframes
from lfb.data.check_keys import key_text
from lfb.files.csv_table import BOX, KEY

_WITHOUT = ("a test scores the whole frame", "training takes the annotated boxes alone")
_SHOWN = 10  # keyframes that a warning lists before it counts the rest


def summarize(
    annotations: pd.DataFrame,
    proposed: pd.MultiIndex | None,
    excluded: Collection[tuple[str, int]],
    names: Mapping[int, str],
) -> dict[str, Any]:
    """Return the counts of a split, ready for JSON: see ``lfb.data.check.check``.

    Args:
        annotations: Table of ``read_annotations``.
        proposed: Keyframes with a proposal; None if there are no proposals.
        excluded: Excluded keyframes.
        names: The label list.
    """
    keyframes = annotated_keyframes(annotations)
    used = keyframes[~keyframes.isin(excluded)]
    boxed = annotations[annotations["action"] >= 1]
    count = boxed["action"].value_counts()
    summary = {
        "videos": int(annotations["video"].nunique()),
        "keyframes": len(keyframes),
        "excluded": len(keyframes) - len(used),
        "rows": len(annotations),
        "boxes": len(boxed.drop_duplicates([*KEY, *BOX])),
        "boxes_of_class": {
            str(action): {"name": name, "boxes": int(count.get(action, 0))}
            for action, name in names.items()
        },
        "unscored_rows": int((~boxed["action"].isin(list(names))).sum()),
    }
    if proposed is not None:
        without = used[~used.isin(proposed)]
        summary |= {
            "proposals": len(proposed),
            "without_proposal": [key_text(key) for key in without],
        }
    return summary


def unexpected_numbers(
    summary: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Mapping[str, int]]
) -> list[str]:
    """Return a warning for each count of a split that differs from the expected one."""
    words = {"proposals": "keyframes with proposals", "rows": "rows of annotations"}
    return [
        f"{split}: {summary[split][key]} {words.get(key, key)}; {count} are expected (config key "
        f"data.expected.{split}): is a file incomplete, or of another version?"
        for split in summary
        for key, count in expected.get(split, {}).items()
        if summary[split].get(key, count) != count
    ]


def gaps(summary: Mapping[str, Mapping[str, Any]], names: Mapping[int, str]) -> list[str]:
    """Return a warning for the classes without ground truth, and the keyframes without proposal."""
    warnings = []
    for split, found in summary.items():
        absent = [
            f"{action} ({of['name']})"
            for action, of in found["boxes_of_class"].items()
            if not of["boxes"]
        ]
        if absent:
            warnings.append(
                f"{split}: {len(absent)} of {len(names)} classes have no ground truth, so they are "
                f"not learnt from it and left out of its mean: {', '.join(absent)}"
            )
        if keys := found.get("without_proposal"):
            more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
            warnings.append(
                f"{split}: {len(keys)} of {found['keyframes'] - found['excluded']} keyframes have "
                f"no proposal; {_WITHOUT[split == 'train']} there: {' '.join(keys[:_SHOWN])}{more}"
            )
    return warnings
