"""Write feature banks, whole or not at all. ``store.py`` describes and reads them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lfb.bank.store import FORMAT, OWN_ATTRIBUTES, VERSION, Bank, digest_of_metadata
from lfb.data.boxes import RowIndex, group_rows
from lfb.errors import UserError
from lfb.files.atomic import atomic

CHUNK_ROWS = 2048  # 8 MiB of 2048 float16 channels
SHARD_ROWS = 8 * CHUNK_ROWS  # 25 files for AVA train and val together


def write_bank(
    path: str | Path,
    *,
    split: str,
    video: Sequence[str],
    second: ArrayLike,
    features: Iterable[NDArray[Any]],
    channels: int,
    box: ArrayLike,
    score: ArrayLike,
    attributes: Mapping[str, Any],
    dtype: DTypeLike = np.float16,
    videos: Iterable[str] = (),
) -> None:
    """Write a bank, whole or not at all, with one shard of features in memory.

    Args:
        path: Folder of the store; replaces an older one.
        split: For example ``train``.
        video: (N,) name of the video of each row, sorted.
        second: (N,) second of each row, rising within a video.
        features: Arrays (n, C) that make up the N rows. Each has all rows of its seconds.
        channels: C.
        box: (N, 4) x1, y1, x2, y2 in [0, 1].
        score: (N,) detection score, in any order within a second. Rows of equal score keep their
            order.
        attributes: JSON values to store with the bank, such as digests.
        dtype: Type to store features in, float16 or float32.
        videos: Further videos of the bank, those without rows.

    Raises:
        UserError: A feature is not finite in ``dtype``, or the disk is full.
        ValueError: The arrays do not have the same length, rows are not sorted, or an attribute has
            a reserved name.
    """
    if reserved := sorted(set(OWN_ATTRIBUTES) & set(attributes)):
        raise ValueError(f"attributes {', '.join(reserved)} are reserved")
    kind = np.dtype(dtype)
    if kind not in (np.float16, np.float32):
        raise ValueError(f"features are stored as float16 or float32, not {kind}")
    seconds, scores = np.asarray(second, np.int32), np.asarray(score, np.float32)
    boxes = np.asarray(box, np.float32)
    shapes = [len(video), len(seconds), len(boxes), len(scores)]
    if len(set(shapes)) > 1 or boxes.shape[1:] != (4,):
        raise ValueError(f"rows of video, second, box, score do not match: {shapes}")
    order, index = group_rows(video, seconds, scores, videos)

    def sorted_features() -> Iterator[NDArray[Any]]:
        start = 0
        for part in features:
            own = order[start : start + len(part)] - start
            if len(own) != len(part) or ((own < 0) | (own >= len(part))).any():
                raise ValueError("features and rows do not match, or the rows are not sorted")
            with np.errstate(over="ignore"):
                part = part.astype(kind, copy=False)
            finite = np.isfinite(part).all(axis=1)
            if not finite.all():
                row = start + int(np.argmin(finite))
                raise UserError(
                    f"{path}: the feature of video {video[row]}, second {seconds[row]} is not "
                    f"finite as {kind}. If it is finite in float32, store the bank in float32. "
                    "Otherwise the checkpoint or that clip is broken."
                )
            yield part[own]
            start += len(part)
        if start != len(order):
            raise ValueError(f"{start} features do not match {len(order)} rows")

    _write(
        path,
        {"split": split, **attributes},
        index,
        boxes[order],
        scores[order],
        _shards(sorted_features(), kind, channels),
        (len(order), channels),
        kind,
    )


def write_features(
    path: str | Path,
    *,
    split: str,
    counts: Mapping[str, Mapping[int, int]],
    features: Iterable[NDArray[Any]],
    channels: int,
    dtype: DTypeLike,
    attributes: Mapping[str, Any],
) -> None:
    """Write a bank of features without boxes and scores, whole or not at all.

    Its boxes are NaN and its scores 1. The memory holds one shard of features and the current array
    of ``features``.

    Args:
        path: Folder of the store; replaces an older one.
        split: For example ``train``.
        counts: Number of rows of each second of each video, at least 1.
        features: (n, C) rows of each video, by rising name and second.
        channels: C.
        dtype: Type of ``features``, float16 or float32. The bank stores the same type.
        attributes: JSON values to store with the bank.

    Raises:
        UserError: A feature is not finite, or the disk is full.
    """
    names = sorted(counts)
    keyframes = [
        (number, second, rows)
        for number, name in enumerate(names)
        for second, rows in sorted(counts[name].items())
    ]
    index = RowIndex.of(names, *np.array(keyframes, np.int64).reshape(-1, 3).T)

    def finite() -> Iterator[NDArray[Any]]:
        for name, part in zip(names, features, strict=True):
            if not np.isfinite(part).all():
                raise UserError(f"{path}: a feature of video {name} is not finite.")
            yield part

    total = int(index.row_start[-1])
    _write(
        path,
        {"split": split, **attributes},
        index,
        np.full((total, 4), np.nan, np.float32),
        np.ones(total, np.float32),
        _shards(finite(), np.dtype(dtype), channels),
        (total, channels),
        np.dtype(dtype),
    )


def gather(parts: Iterable[str | Path], path: str | Path) -> None:
    """Merge banks of different videos into one, with one shard of features in memory.

    The files are the same, byte for byte, as those of ``write_bank`` with all rows.

    Raises:
        UserError: A part is broken, or two parts have other attributes or the same video.
    """
    banks = [Bank.open(part) for part in parts]
    if not banks:
        raise ValueError("no parts to gather")
    one = banks[0]
    place: dict[str, tuple[Bank, int]] = {}
    for bank in banks:
        _check_same_run(one, bank)
        for i, name in enumerate(bank.videos):
            if name in place:
                raise UserError(
                    f"{bank.path}: video {name} is also in {place[name][0].path}. Delete both and "
                    "build them again."
                )
            place[name] = bank, i

    names = sorted(place)
    counts = {bank.path: bank.index.count for bank in banks}
    pieces: list[tuple[Bank, int, int]] = []
    video: list[NDArray[Any]] = [np.empty(0, np.int64)]
    second, count = video.copy(), video.copy()
    for number, name in enumerate(names):
        bank, i = place[name]
        first, last = bank.index.video_start[i : i + 2]
        pieces.append((bank, *bank.index.row_start[[first, last]].tolist()))
        video.append(np.full(last - first, number))
        second.append(bank.index.second[first:last])
        count.append(counts[bank.path][first:last])
    index = RowIndex.of(names, *map(np.concatenate, (video, second, count)))

    def column(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        whole = {bank.path: bank.read(name) for bank in banks}
        empty = np.empty(shape, np.float32)
        return np.concatenate([empty, *(whole[bank.path][a:b] for bank, a, b in pieces)])

    _write(
        path,
        one.attributes,
        index,
        column("box", (0, 4)),
        column("score", (0,)),
        _shards(
            chain.from_iterable(b.blocks(*rows) for b, *rows in pieces), one.dtype, one.channels
        ),
        (int(index.row_start[-1]), one.channels),
        one.dtype,
    )


def _write(
    path: str | Path,
    attributes: Mapping[str, Any],
    index: RowIndex,
    box: NDArray[np.float32],
    score: NDArray[np.float32],
    blocks: Iterable[NDArray[Any]],
    shape: tuple[int, int],
    dtype: np.dtype[Any],
) -> None:
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    with atomic(path) as scratch, zarr.config.set({"array.write_empty_chunks": True}):
        group = zarr.create_group(
            scratch,
            zarr_format=3,
            attributes={"format": FORMAT, "version": VERSION, **attributes, "rows": shape[0]},
        )
        small: dict[str, NDArray[Any]] = {
            "box": box,
            "score": score,
            "video_start": index.video_start,
            "second": index.second,
            "row_start": index.row_start,
        }
        for name, values in small.items():
            whole = tuple(max(1, n) for n in values.shape)
            array = group.create_array(
                name,
                shape=values.shape,
                dtype=values.dtype,
                chunks=whole,
                compressors=[Crc32cCodec()],
            )
            array[...] = values
        names = np.array(index.videos, dtype=np.dtypes.StringDType())
        array = group.create_array(
            "video",
            shape=names.shape,
            dtype="string",
            chunks=(max(1, len(names)),),
            compressors=[ZstdCodec(), Crc32cCodec()],
        )
        array[...] = names
        feature = group.create_array(
            "feature",
            shape=shape,
            dtype=dtype,
            chunks=(CHUNK_ROWS, shape[1]),
            shards=(SHARD_ROWS, shape[1]),
            compressors=[Crc32cCodec()],  # float16 features hardly shrink, and are mapped
        )
        start = 0
        for block in blocks:
            feature[start : start + len(block)] = block
            start += len(block)
        group.attrs["digest"] = digest_of_metadata(scratch)
        group.attrs["complete"] = True


def _shards(
    parts: Iterable[NDArray[Any]], dtype: np.dtype[Any], channels: int
) -> Iterator[NDArray[Any]]:
    """Yield the features in whole shards. Each one overwrites the one before it."""
    block, filled = np.empty((SHARD_ROWS, channels), dtype), 0
    for part in parts:
        while len(part):
            size = min(len(part), SHARD_ROWS - filled)
            block[filled : filled + size] = part[:size]
            part, filled = part[size:], filled + size
            if filled == SHARD_ROWS:
                yield block
                filled = 0
    if filled:
        yield block[:filled]


def _check_same_run(one: Bank, other: Bank) -> None:
    """Raise UserError if two banks differ in an attribute, the channels or the dtype."""
    first, second = (
        {**bank.attributes, "channels": bank.channels, "dtype": str(bank.dtype)}
        for bank in (one, other)
    )
    for name in sorted(first.keys() | second.keys()):
        if first.get(name) != second.get(name):
            raise UserError(
                f"{other.path}: {name} is {second.get(name)}, but {first.get(name)} in "
                f"{one.path}. Pieces of one bank must come from one run. Delete the older one and "
                "build it again."
            )
