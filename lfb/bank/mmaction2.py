"""Import and export MMAction2's feature banks, ``lfb_{train,val}.pkl``.

``torch.save`` writes such a file from a dict video -> dict second -> list of 2048-d tensors,
float16 or float32. One tensor (n, 2048) may replace a list. The file has neither boxes nor scores.

An imported and exported bank has the same features bit for bit, in the same order within a second,
with the same dtype, videos and seconds. A video without seconds is kept. A second with an empty
list is not: it has no row to look up, and MMAction2 itself cannot load a bank with one.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lfb.bank.store import Bank
from lfb.bank.writing import write_features
from lfb.errors import UserError
from lfb.files.atomic import atomic
from lfb.files.digests import digest
from lfb.files.torch_file import read_nested


def import_bank(
    source: str | Path,
    path: str | Path,
    *,
    split: str,
    videos: Iterable[str],
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Write a bank from a published file, whole or not at all.

    The bank has the attributes ``source``, the name of the file, and ``source_digest``, its
    SHA-256.

    Args:
        source: ``lfb_{train,val}.pkl``.
        path: Folder of the store to write.
        split: For example ``val``.
        videos: Videos that the bank must contain.
        attributes: Further JSON values to store with the bank, such as digests.

    Raises:
        UserError: The file is broken, contains something else, or one of ``videos`` is missing.
    """
    source = Path(source)
    features = _read(source)
    if missing := sorted(set(videos) - features.keys()):
        raise UserError(
            f"{source}: no features of {len(missing)} videos of split {split}: "
            f"{', '.join(missing)}. This is the bank of another data set or split. Point "
            f"bank.published.{split} to the right one, or set it to null to build the bank here."
        )
    one = next((rows[0] for seconds in features.values() for rows in seconds.values()), None)
    if one is None:
        raise UserError(f"{source}: the bank has no features. Download it again.")
    empty = one.new_empty(0, len(one))
    write_features(
        path,
        split=split,
        counts={
            video: {second: len(rows) for second, rows in seconds.items()}
            for video, seconds in features.items()
        },
        features=(
            torch.cat([empty, *(torch.stack(rows) for _, rows in sorted(seconds.items()))]).numpy()
            for _, seconds in sorted(features.items())
        ),
        channels=len(one),
        dtype=one.numpy().dtype,
        attributes={
            "source": source.name,
            "source_digest": digest(source),
            **(attributes or {}),
        },
    )


def export_bank(bank: Bank, path: str | Path) -> None:
    """Write the features of a bank in MMAction2's format, whole or not at all."""
    index, features = bank.index, bank.feature()
    content: dict[str, dict[int, list[Tensor]]] = {}
    for number, video in enumerate(bank.videos):
        first, last = index.video_start[number : number + 2]
        starts = index.row_start[first : last + 1]
        rows = torch.from_numpy(
            features[starts[0] : starts[-1]]
        )  # one piece, so torch.save stores it once
        parts = rows.split((starts[1:] - starts[:-1]).tolist())
        content[video] = dict(zip(index.second[first:last].tolist(), map(list, parts), strict=True))
    with atomic(path) as scratch, scratch.open("wb") as file:
        torch.save(content, file)


def _read(source: Path) -> dict[str, dict[int, list[Tensor]]]:
    """Return the features of each second that has some, all of one dtype and width."""
    content = read_nested(source)
    if not isinstance(content, dict):
        raise _foreign(source, "the file", content)
    kind: tuple[torch.dtype, int] | None = None
    found: dict[str, dict[int, list[Tensor]]] = {}
    for video, seconds in content.items():
        if not isinstance(video, str) or not isinstance(seconds, dict):
            raise _foreign(source, f"entry {video!r}", seconds)
        found[video] = {}
        for second, rows in seconds.items():
            place = f"video {video}, second {second}"
            if isinstance(rows, Tensor) and rows.ndim == 2:
                rows = list(rows)
            if type(second) is not int or not isinstance(rows, list | tuple):
                raise _foreign(source, place, rows)
            for row in rows:
                if not isinstance(row, Tensor) or row.ndim != 1:
                    raise _foreign(source, place, row)
                kind = kind or (row.dtype, len(row))
                if kind != (row.dtype, len(row)) or row.dtype not in (torch.float16, torch.float32):
                    raise UserError(
                        f"{source}: {place}: a feature of {len(row)} {row.dtype}; all must be "
                        f"float16 or float32, and like the first one, {kind[1]} {kind[0]}."
                    )
            if rows:
                found[video][second] = list(rows)
    return found


def _foreign(source: Path, place: str, value: Any) -> UserError:
    return UserError(
        f"{source}: not a feature bank of MMAction2, a dict video -> dict second -> list of "
        f"feature vectors: {place} has {type(value).__name__}. Point to the right file."
    )
