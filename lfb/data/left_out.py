"""Leave the keyframes with errors out of a data set, if the config says so."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from lfb.data.annotations import read_annotations, write_annotations
from lfb.data.boxes import PersonBoxes
from lfb.data.check_frames import has_frame
from lfb.data.check_split import SplitContents
from lfb.data.contents import Findings
from lfb.data.detector_csv import read_detections, write_detections
from lfb.data.proposals import read_proposals, write_proposals
from lfb.errors import UserError, shortened
from lfb.files.csv_table import KEY

Keys = AbstractSet[tuple[str, int]]


def leave_out(
    splits: Sequence[SplitContents],
) -> tuple[list[SplitContents], dict[str, Keys]]:
    """Leave each keyframe with an error out of all files of its split.

    The errors become warnings. Errors that are not about single keyframes stay, and so do all
    errors of a split that would have no keyframe left.

    Returns:
        The splits, and the keyframes that are left out of each.
    """
    found = {split.name: _invalid(split) for split in splits}
    return [_without(split, found[split.name]) for split in splits], found


def _invalid(split: SplitContents) -> Keys:
    """Return the keyframes with an error, none if no keyframe would be left without them."""
    invalid = {key for problem in split.findings.problems for key in problem.keyframes}
    return set() if invalid.issuperset(set(split.keyframes) - split.excluded) else invalid


def _without(split: SplitContents, keyframes: Keys) -> SplitContents:
    if not keyframes:
        return split
    problems = [problem for problem in split.findings.problems if not problem.keyframes]
    reasons = [problem.text for problem in split.findings.problems if problem.keyframes]
    warnings = [
        f"{split.name}: {len(keyframes)} seconds are left out, for the reasons below "
        "(data.invalid_keyframes: drop)",
        *(f"left out: {reason.rpartition('; ')[0] or reason}" for reason in shortened(reasons)),
    ]
    return replace(
        split,
        annotations=None if split.annotations is None else _rows(split.annotations, keyframes),
        proposals=None if split.proposals is None else _people(split.proposals, keyframes),
        detections=None if split.detections is None else _rows(split.detections, keyframes),
        findings=Findings(problems, split.findings.warnings + warnings),
    )


def copy_without(
    kind: Literal["annotations", "proposals", "detections"],
    source: str | Path,
    keyframes: Keys,
    manifest: Mapping[str, Mapping[str, Any]],
    target: str | Path,
) -> None:
    """Copy a file without some keyframes, among them all that have an error.

    Keyframes without a frame are left out too: a container may promise more than it has.

    Args:
        kind: What the file contains.
        source: The file.
        keyframes: Keyframes to leave out.
        manifest: See ``lfb.data.check_frames.check_frames``.
        target: The csv file to write.

    Raises:
        UserError: No annotated keyframe is left.
    """

    def left_out(keys: Iterable[tuple[str, int]]) -> Keys:
        return keyframes | {key for key in set(keys) if not has_frame(*key, manifest)}

    if kind == "annotations":
        annotations = read_annotations(source, None).valid
        kept = _rows(annotations, left_out(_keys(annotations)))
        if kept.empty:
            raise UserError(
                f"{source}: no keyframe has a frame; fix data.fps or data.first_second, or extract "
                "a longer part."
            )
        write_annotations(target, kept)
    elif kind == "proposals":
        people = read_proposals(source).valid
        write_proposals(target, _people(people, left_out(people.index.keys())))
    else:
        detections = read_detections(source).valid
        write_detections(target, _rows(detections, left_out(_keys(detections))))


def _keys(table: pd.DataFrame) -> Iterable[tuple[str, int]]:
    return zip(table["video"].tolist(), table["second"].tolist(), strict=True)


def _rows(table: pd.DataFrame, keyframes: Keys) -> pd.DataFrame:
    """Return the rows of a table that are on other keyframes."""
    return table[~pd.MultiIndex.from_frame(table[KEY]).isin(keyframes)]


def _people(people: PersonBoxes, keyframes: Keys) -> PersonBoxes:
    """Return the people on other keyframes."""
    index = people.index
    kept = np.repeat(~index.multi_index().isin(keyframes), index.count)
    video = np.repeat(np.array(index.videos, object)[index.video], index.count)
    second = np.repeat(index.second, index.count)
    return PersonBoxes.from_rows(video[kept], second[kept], people.boxes[kept], people.scores[kept])
