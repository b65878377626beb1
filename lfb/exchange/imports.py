"""The import of all exports: what the target ``import_annotations`` does."""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lfb.data.annotations import read_labels, write_annotations, write_labels
from lfb.data.boxes import PersonBoxes
from lfb.data.detector_csv import write_detections
from lfb.data.proposals import write_proposals
from lfb.errors import DataErrors, UserError
from lfb.exchange.ava import Clock, annotation_rows, people_of, proposal_rows
from lfb.exchange.exports import Contents, find_exports, read_export
from lfb.exchange.films import Films
from lfb.exchange.findings import Findings
from lfb.files.atomic import write_json
from lfb.files.csv_table import BOX, KEY
from lfb.files.digests import digest

log = logging.getLogger("lfb")

Tables = tuple[pd.DataFrame, pd.DataFrame]
"""The annotations and the proposals of a split."""


def import_annotations(
    data: Mapping[str, Any], exports: Mapping[str, Sequence[str]], record: str | Path
) -> None:
    """Write the files that the config's ``data`` names, from the exports of annotation tools.

    An existing label list stays, and decides which names are actions. Otherwise the list gets the
    actions of all exports, in their order there.

    Args:
        data: The config's ``data``.
        exports: Paths of exports, which may have wildcards, by split.
        record: File that remembers which files an import wrote. Other files are not replaced.

    Raises:
        DataErrors: The exports have errors. No file is written then.
        UserError: Nothing can be imported, or a file would be replaced that no import wrote.
    """
    if not exports:
        raise UserError(
            "config key annotation_tools.exports: names no exports. Name those of each split, such "
            "as `exports: {train: [exports/*.xml]}`."
        )
    for split in exports.keys() - data.keys():
        raise UserError(f"config key data.{split}: missing, but there are exports of this split.")
    films, findings = Films(data), Findings()
    contents = {
        split: _read(split, patterns, films, findings) for split, patterns in exports.items()
    }
    if findings.errors:
        raise DataErrors(findings.errors)
    labels = _labels(data["labels"], contents)
    clock = Clock.of(data)
    tables: dict[str, Tables] = {}
    for split, found in contents.items():
        with findings.collect():
            tables[split] = _convert(split, found, labels, clock, findings)
    for what, count in sorted(findings.left_out.items()):
        if count:
            log.info("left out: %d %s", count, what)
    if findings.errors:
        raise DataErrors(findings.errors)
    _write(data, tables, labels, Path(record))


def _read(split: str, patterns: Sequence[str], films: Films, findings: Findings) -> list[Contents]:
    found = []
    for pattern in patterns:
        with findings.collect():
            found += [read_export(path, films, findings) for path in find_exports(pattern)]
    tools = Counter(content.tool for content in found)
    videos = {recording.film.name for content in found for recording in content.recordings}
    listed = ", ".join(f"{count} of {tool}" for tool, count in tools.items())
    log.info("%s: exports: %s; %d videos", split, listed, len(videos))
    return found


def _labels(path: str, contents: Mapping[str, Sequence[Contents]]) -> dict[int, str]:
    """Return the label list: the existing one, or a new one with the actions of all exports."""
    if Path(path).exists():
        return read_labels(path)
    names = dict.fromkeys(
        action for found in contents.values() for content in found for action in content.actions
    )
    return dict(enumerate(names, 1))


def _convert(
    split: str,
    contents: Sequence[Contents],
    labels: Mapping[int, str],
    clock: Clock,
    findings: Findings,
) -> Tables:
    """Return the tables of a split.

    Raises:
        UserError: Both would be empty, or no annotated box has an action.
    """
    recordings = [recording for content in contents for recording in content.recordings]
    people = people_of(recordings, clock, findings)
    rows, proposals = annotation_rows(people, labels, findings), proposal_rows(people)
    _report(split, rows, proposals, labels)
    if rows.empty and people.known:
        raise UserError(
            f"{split}: no box has an action at the beginning of a second; annotate actions, or "
            "check that the label list has their names"
        )
    if proposals.empty:
        raise UserError(
            f"{split}: the exports have no box at the beginning of a second; check data.start, "
            "data.seconds and the videos"
        )
    return rows, proposals


def _report(
    split: str, rows: pd.DataFrame, proposals: pd.DataFrame, labels: Mapping[int, str]
) -> None:
    log.info(
        "%s: %d actions of %d people at %d seconds; %d boxes as proposals",
        split,
        len(rows),
        len(rows[["video", "person"]].drop_duplicates()),
        len(rows[KEY].drop_duplicates()),
        len(proposals),
    )
    counts = rows["action"].value_counts()
    used = [f"{i} {name} ({counts.get(i, 0)})" for i, name in labels.items()]
    log.info("%s: actions: %s", split, ", ".join(used) or "none")


def _write(
    data: Mapping[str, Any],
    tables: Mapping[str, Tables],
    labels: Mapping[int, str],
    record: Path,
) -> None:
    """Write the files, or none if one of them would replace the user's own."""
    targets: list[tuple[str, Path, pd.DataFrame]] = []
    for split, (rows, proposals) in tables.items():
        files = {kind: Path(path) for kind, path in data[split].items()}
        if not rows.empty:
            targets.append(("annotations", files["annotations"], rows))
        for kind in {"proposals", "detections"} & files.keys():
            if not proposals.empty:
                targets.append((kind, files[kind], proposals))
    written = json.loads(record.read_text()) if record.exists() else {}
    beside = {path: path.with_name(f".import-{path.name}") for _, path, _ in targets}
    try:
        for kind, path, table in targets:
            _write_table(kind, beside[path], table)
            new = digest(beside[path])
            if path.exists() and digest(path) not in (new, written.get(str(path))):
                raise UserError(
                    f"{path}: exists, and no import wrote it. Move it away, or name another file "
                    "in the config."
                )
            written[str(path)] = new
        if labels and not Path(data["labels"]).exists():
            write_labels(data["labels"], labels)
            log.info("wrote %s", data["labels"])
        for path, new_file in beside.items():
            new_file.replace(path)
            log.info("wrote %s", path)
        write_json(record, written)
    finally:
        for new_file in beside.values():
            new_file.unlink(missing_ok=True)


def _write_table(kind: str, path: Path, table: pd.DataFrame) -> None:
    if kind == "annotations":
        write_annotations(path, table)
    elif kind == "detections":
        write_detections(path, table)
    else:
        boxes = table[BOX].to_numpy(), table["score"].to_numpy()
        write_proposals(path, PersonBoxes.from_rows(table["video"], table["second"], *boxes))
