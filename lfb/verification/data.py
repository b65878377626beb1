"""Check the data and select the keyframes again, and compare them with the files."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfb.data.check import check
from lfb.data.check_split import SplitFiles
from lfb.data.keyframes import Keyframes
from lfb.data.split import Purpose, Split
from lfb.errors import UserError


def check_summary(path: Path, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the summary of the data check.

    Args:
        path: The summary.
        settings: Of the check, with its ``files`` and the label list, ``labels``.
    """
    try:
        expected = check(
            splits={
                split: SplitFiles(**{kind: Path(file) for kind, file in files.items()})
                for split, files in settings["files"].items()
            },
            videos=settings.get("videos"),
            frames=settings.get("frames"),
            expected=settings.get("expected", {}),
            **{
                key: settings[key]
                for key in ("labels", "unscored", "first_second", "start", "seconds", "fps")
            },
            invalid_keyframes=settings["invalid_keyframes"],
        )
    except UserError as error:
        yield f"{path}: the data are others than when they were checked: {error}"
        return
    try:
        found = json.loads(path.read_text())
    except ValueError:
        found = None
    if found != json.loads(json.dumps(expected)):
        yield (
            f"{path}: damaged, or of other data than those that lie there now. Delete it and run "
            "the same command again."
        )


def check_keyframes(
    path: Path,
    keyframes: Keyframes,
    split: Split,
    purpose: Purpose,
    boxes: Mapping[str, Any],
    outside: Collection[tuple[str, int]] = (),
) -> Iterator[str]:
    """Yield a line if keyframes are not those that annotations and proposals give.

    Args:
        path: File of the keyframes.
        keyframes: What it contains.
        split: The annotations and proposals.
        purpose, boxes, outside: See ``Split.select``.
    """
    arrays, expected = keyframes.arrays(), split.select(purpose, boxes, outside).arrays()
    same = arrays.keys() == expected.keys() and all(
        np.array_equal(arrays[name], expected[name]) for name in expected
    )
    if not same:
        yield (
            f"{path}: not the keyframes that the annotations and proposals give. Delete it and run "
            "the same command again."
        )
