"""Annotations in AVA's formats: boxes with actions, the label list and the excluded seconds.

A keyframe is one annotated second of a video. Boxes are x1, y1, x2, y2 in fractions of the frame,
action ids are whole numbers from 1. The readers of rows return them with all errors of the file, so
that the data check can list the errors of all files together.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.data.check_boxes import box_errors, clip_overshoot
from lfb.data.contents import Contents, clipping_warnings
from lfb.errors import DataErrors, Problem, UserError
from lfb.files.atomic import atomic
from lfb.files.csv_table import BOX, KEY, CsvTable, is_whole, read_text, to_numbers

HIGHEST_ID = 10_000
"""Highest id of an action: the classifier has an output for each id, used or not."""

# A block of a label list. Its first group is what stands between the braces.
_LABEL = re.compile(r'\b(?:item|label)\s*\{((?:[^{}"]|"(?:\\.|[^"\\])*")*)\}')


def read_labels(path: str | Path) -> dict[int, str]:
    """Return the names of the action ids of a label list, by rising id.

    Both formats of AVA are read: ``item { name: "..." id: N }`` (ActivityNet challenge) and
    ``label { name: "..." label_id: N label_type: ... }`` (AVA v2.x).

    Raises:
        UserError: The file cannot be read or contains no label.
        DataErrors: A label has no name, no id from 1 up, or the name or id of another one, or text
            stands outside of the labels.
    """
    labels: dict[int, str] = {}
    errors: list[str] = []
    content = read_text(path)
    for block in _LABEL.finditer(content):
        where = f"{path}:{block.string.count(chr(10), 0, block.start()) + 1}"
        name = re.search(r'\bname\s*:\s*"((?:\\.|[^"\\])*)"', block[1])
        number = re.search(r"\b(?:label_)?id\s*:\s*(\d+)\b", re.sub(r'"[^"]*"', "", block[1]))
        if name is None or number is None or int(number[1]) < 1:
            errors.append(
                f"{where}: a label needs a name in double quotes and an id of 1 or more; "
                'write it as item { name: "stand" id: 12 }'
            )
            continue
        if int(number[1]) > HIGHEST_ID:
            errors.append(
                f"{where}: id {number[1]} is above {HIGHEST_ID}, and the network has an output for "
                "each id up to the highest; number the actions from 1"
            )
            continue
        text, action = re.sub(r"\\(.)", r"\1", name[1]), int(number[1])
        if action in labels or text in labels.values():
            twice = f"id {action}" if action in labels else f'name "{text}"'
            errors.append(f"{where}: {twice} is in the list twice; give each label its own")
        labels.setdefault(action, text)
    if labels:
        outside = _LABEL.sub(lambda block: "\n" * block[0].count("\n"), content)
        errors += [
            f"{path}:{number}: {text!r} is in no label; close each block with }}, or delete it"
            for number, line in enumerate(outside.splitlines(), 1)
            if (text := line.partition("#")[0].strip())
        ]
    if errors:
        raise DataErrors(errors)
    if not labels:
        raise UserError(
            f"{path}: no label found; write a block for each action, such as "
            'item { name: "stand" id: 12 }.'
        )
    return dict(sorted(labels.items()))


def read_annotations(
    path: str | Path,
    labels: Collection[int] | None,
    unscored: Collection[int] = (),
) -> Contents[pd.DataFrame]:
    """Read ``video,second,x1,y1,x2,y2,action,person`` rows, without a header.

    The person is optional (-1 if missing). A row ``video,second`` is a keyframe without people
    (action -1, person -1, NaN box). Boxes that leave the frame a little are clipped to it.

    Args:
        path: The file.
        labels: Ids of the label list; None accepts every id from 1.
        unscored: Further ids that may occur though no protocol scores them. Their rows are kept.

    Returns:
        The valid rows (video, second, x1, y1, x2, y2, action, person, line) in the order of the
        file, boxes as float64.

    Raises:
        UserError: The file cannot be read.
    """
    table = CsvTable(path, [2, 7, 8], "video,second,x1,y1,x2,y2,action,person")
    texts = table.columns
    second, *box, action, person = (to_numbers(column) for column in texts[1:])
    boxed, identified = table.width > 2, table.width > 7
    table.check_keys(second)
    for name, column, text in zip(BOX, box, texts[2:6], strict=True):
        table.add_errors(boxed & np.isnan(column), f"{name} '{{}}' is not a number; fix it", text)
    counts = is_whole(action) & (action >= 1)
    table.add_errors(
        boxed & ~counts, "action id '{}' is not a whole number from 1 up; fix it", texts[6]
    )
    if labels is not None:
        table.add_errors(
            counts & ~np.isin(action, [*labels, *unscored]),
            "action id {} is not in the label list; fix it, add it to the list or to config key "
            "unscored",
            texts[6],
        )
    table.add_errors(
        identified & ~is_whole(person) & (person != -1),
        "person id '{}' is not a whole number; fix it or leave it out",
        texts[7],
    )
    boxes, beyond = clip_overshoot(np.stack(box, axis=1))
    table.errors += [(int(table.line[i]), error) for i, error in box_errors(boxes)]
    valid = table.valid()
    columns = {
        "second": second[valid].astype(np.int64),
        **{name: column[valid] for name, column in zip(BOX, boxes.T, strict=True)},
        "action": np.where(boxed, action, -1)[valid].astype(np.int64),
        "person": np.where(identified, person, -1)[valid].astype(np.int64),
        "line": table.line[valid],
    }
    video = pd.Series(texts[0][valid], dtype=str)
    problems = table.problems()
    if not len(table.line) and not problems:
        problems = [Problem(f"{path}: is empty; write one row for each box")]
    warnings = clipping_warnings(path, beyond[boxed], lambda i: f"line {table.line[boxed][i]}")
    rows = pd.DataFrame({"video": video, **columns})
    return Contents(problems, warnings, valid=rows)


def named_videos(path: str | Path) -> set[str]:
    """Return the videos that a csv of annotations names, also in rows that have errors.

    Raises:
        UserError: The file cannot be read.
    """
    return {line.partition(",")[0] for line in read_text(path).splitlines()}


def annotated_keyframes(rows: pd.DataFrame) -> pd.MultiIndex:
    """Return the (video, second) pairs of a table of rows, sorted, each once."""
    return pd.MultiIndex.from_frame(rows[KEY].drop_duplicates()).sort_values()


def read_excluded(path: str | Path) -> Contents[set[tuple[str, int]]]:
    """Read the excluded keyframes, ``video,second`` rows. The file may be empty.

    Excluded keyframes are neither trained on nor scored.

    Raises:
        UserError: The file cannot be read.
    """
    table = CsvTable(path, [2], "video,second")
    second = to_numbers(table.columns[1])
    table.check_keys(second)
    valid = table.valid()
    video, second = table.columns[0][valid].tolist(), second[valid].astype(int).tolist()
    return Contents(table.problems(), valid=set(zip(video, second, strict=True)))


def write_labels(path: str | Path, labels: Mapping[int, str]) -> None:
    """Write a label list in the format of the ActivityNet challenge."""
    with atomic(path) as scratch, scratch.open("w", encoding="utf-8") as file:
        for action, name in labels.items():
            quoted = re.sub(r'(["\\])', r"\\\1", name)
            file.write(f'item {{\n  name: "{quoted}"\n  id: {action}\n}}\n')


def write_annotations(path: str | Path, annotations: pd.DataFrame) -> None:
    """Write a table of ``read_annotations`` with all digits; it needs no column ``line``."""
    columns = (annotations[name].tolist() for name in [*KEY, *BOX, "action", "person"])
    with atomic(path) as scratch, scratch.open("w", encoding="utf-8") as file:
        for video, second, *box, action, person in zip(*columns, strict=True):
            people = "" if action < 1 else f",{','.join(map(repr, box))},{action},{person}"
            file.write(f"{video},{second:04d}{people}\n")


def write_excluded(path: str | Path, excluded: Collection[tuple[str, int]]) -> None:
    """Write one ``video,second`` row for each keyframe, sorted."""
    with atomic(path) as scratch:
        scratch.write_text("".join(f"{video},{second:04d}\n" for video, second in sorted(excluded)))
