"""The first part of the data check: read the files of a split as far as they are valid."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from lfb.data.annotations import annotated_keyframes, read_annotations, read_excluded
from lfb.data.boxes import PersonBoxes
from lfb.data.contents import Contents, Findings
from lfb.data.detector_csv import read_detections
from lfb.data.proposals import read_proposals
from lfb.errors import DataErrors, Problem, UserError
from lfb.files.csv_table import KEY


@dataclass(frozen=True)
class SplitFiles:
    """Files of one split; all but the annotations may be None."""

    annotations: Path
    proposals: Path | None = None
    excluded: Path | None = None
    detections: Path | None = None

    @property
    def detected_people(self) -> Path | None:
        """The file of the detected people, proposals or detections, if there is one."""
        return self.proposals or self.detections


@dataclass
class SplitContents:
    """What could be read of the files of a split.

    Attributes:
        name: Name of the split.
        files: Its files.
        annotations: Table of ``read_annotations``; None if the file cannot be read.
        proposals: The boxes of the file of proposals, if there is one.
        detections: Table of ``read_detections``, if there is such a file.
        excluded: Excluded keyframes.
        findings: What the check finds in these files.
    """

    name: str
    files: SplitFiles
    annotations: pd.DataFrame | None = None
    proposals: PersonBoxes | None = None
    detections: pd.DataFrame | None = None
    excluded: set[tuple[str, int]] = field(default_factory=set)
    findings: Findings = field(default_factory=Findings)

    @cached_property
    def keyframes(self) -> pd.MultiIndex:
        """The annotated keyframes, excluded ones too."""
        if self.annotations is None:
            return pd.MultiIndex.from_arrays([[], []], names=KEY)
        return annotated_keyframes(self.annotations)

    @cached_property
    def proposed(self) -> pd.MultiIndex | None:
        """The keyframes with a detected person; None without a file of detected people."""
        if self.proposals is not None:
            return self.proposals.index.multi_index()
        return None if self.detections is None else annotated_keyframes(self.detections)


def read_split(
    name: str, files: SplitFiles, actions: Collection[int] | None, unscored: Collection[int]
) -> SplitContents:
    """Read the files of a split, as far as they are valid.

    Args:
        name: Name of the split.
        files: Its files.
        actions: Ids of the label list; None accepts every id.
        unscored: Further ids that may occur.
    """
    split = SplitContents(name, files)

    def read(reader: Callable[..., Contents[Any]], path: Path | None, *args: Any) -> Any:
        contents = None
        if path is not None:
            contents = collect(split.findings, lambda: reader(path, *args))
        if contents is None:
            return None
        split.findings.add(contents)
        return contents.valid

    split.annotations = read(read_annotations, files.annotations, actions, unscored)
    split.proposals = read(read_proposals, files.proposals)
    if files.proposals is None:
        split.detections = read(read_detections, files.detections)
    split.excluded = read(read_excluded, files.excluded) or set()
    return split


def collect(findings: Findings, read: Callable[[], Any]) -> Any:
    """Return what ``read`` returns. If it raises, add its errors and return None."""
    try:
        return read()
    except DataErrors as error:
        findings.problems += map(Problem, error.errors)
    except UserError as error:
        findings.problems.append(Problem(str(error)))
    return None


def first_lines(splits: Iterable[SplitContents]) -> dict[str, str]:
    """Return where each video is annotated first, such as ``train.csv:7``."""
    where: dict[str, str] = {}
    for split in splits:
        if split.annotations is not None:
            first = split.annotations.drop_duplicates("video")
            for video, line in zip(first["video"], first["line"], strict=True):
                where.setdefault(video, f"{split.files.annotations}:{line}")
    return where
