"""AVA-style annotations: boxes with actions, the label list, and the seconds left out.

A keyframe is one annotated second of a video. Boxes are x1, y1, x2, y2 in fractions of the frame,
action ids are whole numbers from 1. The readers return what is sound together with one line for
every fault, so that the data check can list all of them at once.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.errors import DataErrors, UserError
from lfb.files.csv_table import BOX, KEY, CsvTable, box_errors, is_whole, read_text, to_numbers
from lfb.files.whole import atomic


def read_labels(path: str | Path) -> dict[int, str]:
    """Names of the action ids of a label list, by rising id.

    Reads both spellings of AVA: ``item { name: "..." id: N }`` (ActivityNet challenge) and
    ``label { name: "..." label_id: N label_type: ... }`` (AVA v2.x).

    Raises:
        UserError: The file cannot be read, or holds no label.
        DataErrors: Labels have no name or no id from 1 up, or share either with another.
    """
    labels: dict[int, str] = {}
    faults: list[str] = []
    for block in re.finditer(
        r'\b(?:item|label)\s*\{((?:[^{}"]|"(?:\\.|[^"\\])*")*)\}', read_text(path)
    ):
        where = f"{path}:{block.string.count(chr(10), 0, block.start()) + 1}"
        name = re.search(r'\bname\s*:\s*"((?:\\.|[^"\\])*)"', block[1])
        number = re.search(r"\b(?:label_)?id\s*:\s*(\d+)\b", re.sub(r'"[^"]*"', "", block[1]))
        if name is None or number is None or int(number[1]) < 1:
            faults.append(
                f"{where}: a label needs a name in double quotes and an id of 1 or more; "
                'write it as item { name: "stand" id: 12 }'
            )
            continue
        text, action = re.sub(r"\\(.)", r"\1", name[1]), int(number[1])
        if action in labels or text in labels.values():
            twice = f"id {action}" if action in labels else f'name "{text}"'
            faults.append(f"{where}: {twice} is in the list twice; each label needs its own")
        labels.setdefault(action, text)
    if faults:
        raise DataErrors(faults)
    if not labels:
        raise UserError(
            f"{path}: no label found; it needs a block for each action, as in "
            'item { name: "stand" id: 12 }.'
        )
    return dict(sorted(labels.items()))


def read_annotations(
    path: str | Path,
    labels: Collection[int] | None,
    unscored: Collection[int] = (),
) -> tuple[pd.DataFrame, list[str]]:
    """Reads ``video,second,x1,y1,x2,y2,action,person`` rows, without a header.

    The person may be left out (-1), and so may the box: ``video,second`` alone is a keyframe
    without people (action -1, person -1, NaN box).

    Args:
        labels: Ids of the label list; None accepts every id from 1.
        unscored: Further ids that may occur though no protocol scores them. Their rows stay.

    Returns:
        The sound rows (video, second, x1, y1, x2, y2, action, person, line) in the order of the
        file, boxes as float64, and the faults of the other rows.

    Raises:
        UserError: The file cannot be read.
    """
    table = CsvTable(path, [2, 7, 8], "video,second,x1,y1,x2,y2,action,person")
    texts = table.columns
    second, *box, action, person = (to_numbers(column) for column in texts[1:])
    boxed, identified = table.width > 2, table.width > 7
    table.check_keys(second)
    for name, column, text in zip(BOX, box, texts[2:6], strict=True):
        table.add_errors(boxed & np.isnan(column), f"{name} '{{}}' is not a number; mend it", text)
    counts = is_whole(action) & (action >= 1)
    table.add_errors(
        boxed & ~counts, "action id '{}' is not a whole number from 1 up; mend it", texts[6]
    )
    if labels is not None:
        table.add_errors(
            counts & ~np.isin(action, [*labels, *unscored]),
            "action id {} is not in the label list; mend it, add it to the list or name it under "
            "unscored",
            texts[6],
        )
    table.add_errors(
        identified & ~is_whole(person) & (person != -1),
        "person id '{}' is not a whole number; mend it or leave it out",
        texts[7],
    )
    for i, fault in box_errors(np.stack(box, axis=1)):
        table.errors.append((int(table.line[i]), fault))
    sound = table.valid()
    columns = {
        "second": second[sound].astype(np.int64),
        **{name: column[sound] for name, column in zip(BOX, box, strict=True)},
        "action": np.where(boxed, action, -1)[sound].astype(np.int64),
        "person": np.where(identified, person, -1)[sound].astype(np.int64),
        "line": table.line[sound],
    }
    video = pd.Series(texts[0][sound], dtype=str)
    faults = table.error_lines()
    if not len(table.line) and not faults:
        faults = [f"{path}: is empty; write one row for each box"]
    return pd.DataFrame({"video": video, **columns}), faults


def read_excluded(path: str | Path) -> tuple[set[tuple[str, int]], list[str]]:
    """Reads ``video,second`` rows: keyframes that neither train nor count. May be empty.

    Raises:
        UserError: The file cannot be read.
    """
    table = CsvTable(path, [2], "video,second")
    second = to_numbers(table.columns[1])
    table.check_keys(second)
    sound = table.valid()
    video, second = table.columns[0][sound].tolist(), second[sound].astype(int).tolist()
    return set(zip(video, second, strict=True)), table.error_lines()


def write_labels(path: str | Path, labels: Mapping[int, str]) -> None:
    """Writes a label list in the ActivityNet spelling."""
    with atomic(path) as scratch, scratch.open("w", encoding="utf-8") as file:
        for action, name in labels.items():
            quoted = re.sub(r'(["\\])', r"\\\1", name)
            file.write(f'item {{\n  name: "{quoted}"\n  id: {action}\n}}\n')


def write_annotations(path: str | Path, annotations: pd.DataFrame) -> None:
    """Writes the rows of ``read_annotations`` back (``line`` is not needed), to the last digit."""
    columns = (annotations[name].tolist() for name in [*KEY, *BOX, "action", "person"])
    with atomic(path) as scratch, scratch.open("w", encoding="utf-8") as file:
        for video, second, *box, action, person in zip(*columns, strict=True):
            people = "" if action < 1 else f",{','.join(map(repr, box))},{action},{person}"
            file.write(f"{video},{second:04d}{people}\n")


def write_excluded(path: str | Path, excluded: Collection[tuple[str, int]]) -> None:
    """Writes one ``video,second`` row a keyframe, sorted."""
    with atomic(path) as scratch:
        scratch.write_text("".join(f"{video},{second:04d}\n" for video, second in sorted(excluded)))
