"""The long-term feature bank: one Zarr store a split, and the look-up of a window in it.

A bank holds one feature vector per detected person (Wu et al., section 3.1). Rows are sorted by
(video, second, falling score), so the window around a keyframe is one contiguous slice. Layout of
the Zarr v3 group, with N rows, V videos and K keyframes (seconds that have rows):

    feature (N, C) float16 or float32     box (N, 4) float32, NaN where unknown
    score (N,) float32
    video (V,) string     video_start (V+1,) int64 into keyframes
    second (K,) int32     row_start (K+1,) int64 into rows

Attributes: ``format``, ``version``, ``split``, what the writer adds (digests of the checkpoint,
the data and the config, or the file that an imported bank is from), ``rows``, and ``complete``,
written last.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lfb.errors import UserError
from lfb.files import atomic

if TYPE_CHECKING:  # imported where used: workers that only look rows up start without Zarr
    import zarr

FORMAT = "lfb-bank"
VERSION = 1
CHUNK_ROWS = 2048  # 8 MiB of 2048 float16 channels
SHARD_ROWS = 8 * CHUNK_ROWS  # 25 files for AVA train and val together
OWN_ATTRIBUTES = ("format", "version", "split", "rows", "complete")


@dataclass(frozen=True)
class _Index:
    """Which rows belong to which second of which video."""

    videos: list[str]
    video_start: NDArray[np.int64]
    second: NDArray[np.int32]
    row_start: NDArray[np.int64]


@dataclass(frozen=True)
class _Windows:
    """Row numbers of every second of every video, with room for a window at both ends.

    Attributes:
        rows: (D, per_second) row numbers of the highest scores, -1 where empty.
        start: (D,) first row of the second.
        count: (D,) rows of the second.
        base: (V,) where a video begins in the arrays above.
        first: (V,) the second that lies there.
        span: (V,) seconds from the first to the last that has rows.
    """

    rows: NDArray[np.int64]
    start: NDArray[np.int64]
    count: NDArray[np.int64]
    base: list[int]
    first: list[int]
    span: list[int]


def write_bank(
    path: str | Path,
    *,
    split: str,
    video: Sequence[str],
    second: ArrayLike,
    feature: ArrayLike,
    box: ArrayLike,
    score: ArrayLike,
    attributes: Mapping[str, Any],
    dtype: DTypeLike = np.float16,
    videos: Iterable[str] = (),
) -> None:
    """Writes a bank, whole or not at all.

    Args:
        path: Folder of the store; an older one there is replaced.
        split: For example ``train``.
        video: (N,) name of the video of each row, in any order.
        second: (N,) second of each row.
        feature: (N, C).
        box: (N, 4) x1, y1, x2, y2 in [0, 1].
        score: (N,) detection score; rows of equal score keep their order.
        attributes: JSON values to keep beside the bank, such as digests.
        dtype: float16 or float32, how features are stored.
        videos: Videos the bank covers, for those in which nobody was detected.

    Raises:
        UserError: A feature is not finite in ``dtype``, or the disk is full.
        ValueError: The arrays do not fit together, or an attribute takes a reserved name.
    """
    if reserved := sorted(set(OWN_ATTRIBUTES) & set(attributes)):
        raise ValueError(f"attributes {', '.join(reserved)} are the bank's own")
    if np.dtype(dtype) not in (np.float16, np.float32):
        raise ValueError(f"features are stored as float16 or float32, not {np.dtype(dtype)}")
    names = sorted({*video, *videos})
    number = {name: i for i, name in enumerate(names)}
    owner = np.array([number[name] for name in video], np.int64)
    seconds, scores = np.asarray(second, np.int32), np.asarray(score, np.float32)
    with np.errstate(over="ignore"):
        features = np.asarray(feature).astype(dtype, copy=False)
    boxes = np.asarray(box, np.float32)
    shapes = [len(owner), len(seconds), len(features), len(boxes), len(scores)]
    if len(set(shapes)) > 1 or features.ndim != 2 or boxes.shape[1:] != (4,):
        raise ValueError(f"rows of video, second, feature, box, score do not match: {shapes}")

    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise UserError(
            f"{path}: the feature of video {video[row]}, second {seconds[row]} is not finite as "
            f"{np.dtype(dtype)}. A finite but too large feature fits in float32; otherwise the "
            "checkpoint or that clip is broken."
        )

    order = np.lexsort((-scores, seconds, owner))
    owner, seconds = owner[order], seconds[order]
    new = np.ones(len(order), bool)
    new[1:] = (owner[1:] != owner[:-1]) | (seconds[1:] != seconds[:-1])
    row_start = np.flatnonzero(new)
    index = _Index(
        names,
        np.searchsorted(owner[row_start], np.arange(len(names) + 1)),
        seconds[row_start],
        np.append(row_start, len(order)),
    )
    blocks = (
        features[order[start : start + SHARD_ROWS]] for start in range(0, len(order), SHARD_ROWS)
    )
    _write(
        path,
        {"split": split, **attributes},
        index,
        boxes[order],
        scores[order],
        blocks,
        (len(order), features.shape[1]),
        np.dtype(dtype),
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
    """Writes a bank of which only the features are known, whole or not at all.

    Boxes are NaN and scores 1, so that the rows of a second keep their order. Holds one shard of
    features in memory beside the array at hand.

    Args:
        path: Folder of the store; an older one there is replaced.
        split: For example ``train``.
        counts: Rows of each second of each video, none of them 0.
        features: (n, C) rows of each video, in the order of their names, second by second.
        channels: C.
        dtype: float16 or float32, what ``features`` are and how they are stored.
        attributes: JSON values to keep beside the bank.

    Raises:
        UserError: A feature is not finite, or the disk is full.
    """
    names = sorted(counts)
    keyframes = [(second, n) for name in names for second, n in sorted(counts[name].items())]
    index = _Index(
        names,
        np.cumsum([0, *(len(counts[name]) for name in names)]),
        np.array([second for second, _ in keyframes], np.int32),
        np.cumsum([0, *(n for _, n in keyframes)]),
    )

    def checked() -> Iterator[NDArray[Any]]:
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
        _shards(checked(), np.dtype(dtype), channels),
        (total, channels),
        np.dtype(dtype),
    )


def gather(parts: Iterable[str | Path], path: str | Path) -> None:
    """Merges banks of different videos into one; holds two shards of features in memory.

    The result is, byte for byte, what :func:`write_bank` makes of all rows at once.

    Raises:
        UserError: A part is broken, or two parts disagree or share a video.
    """
    banks = [Bank.open(part) for part in parts]
    if not banks:
        raise ValueError("no parts to gather")
    one = banks[0]
    place: dict[str, tuple[Bank, int]] = {}
    for bank in banks:
        _agree(one, bank)
        for i, name in enumerate(bank.videos):
            if name in place:
                raise UserError(
                    f"{bank.path}: video {name} is also in {place[name][0].path}. Delete both "
                    "and build them again."
                )
            place[name] = bank, i

    names = sorted(place)
    pieces: list[tuple[Bank, int, int]] = []
    keyframes, seconds, counts = [0], [np.empty(0, np.int32)], [np.zeros(1, np.int64)]
    for name in names:
        bank, i = place[name]
        first, last = bank.index.video_start[i : i + 2]
        starts = bank.index.row_start[first : last + 1]
        pieces.append((bank, int(starts[0]), int(starts[-1])))
        keyframes.append(keyframes[-1] + int(last - first))
        seconds.append(bank.index.second[first:last])
        counts.append(np.diff(starts))
    index = _Index(
        names, np.array(keyframes), np.concatenate(seconds), np.cumsum(np.concatenate(counts))
    )

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
        _shards(_read_pieces(pieces), one.dtype, one.channels),
        (int(index.row_start[-1]), one.channels),
        one.dtype,
    )


@dataclass
class Bank:
    """An open bank: the index in memory, the features on demand.

    A pickled bank carries its index alone and looks rows up without Zarr, so data-loader workers
    can have one each.

    Attributes:
        path: Folder of the store.
        attributes: What the writer recorded, ``split`` included.
        channels: C, the width of a feature.
        dtype: How features are stored.
    """

    path: Path
    attributes: dict[str, Any]
    channels: int
    dtype: np.dtype[Any]
    index: _Index
    _number: dict[str, int] = field(repr=False)
    _windows: dict[tuple[int, int], _Windows] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: str | Path, **expected: Any) -> "Bank":
        """Opens a complete bank.

        Args:
            path: Folder of the store.
            **expected: Attributes that must have these values, e.g. ``checkpoint=digest``.

        Raises:
            UserError: No bank there, not finished, damaged, of another version or not as expected.
        """
        path = Path(path)
        group = _group(path)
        attributes = dict(group.attrs)
        for name, value in expected.items():
            if attributes.get(name) != value:
                made = f"built with {name} {attributes.get(name)}"
                if "source" in attributes:
                    made = f"imported from {attributes['source']}"
                elif name == "source":
                    made = "built here"
                raise UserError(
                    f"{path}: this bank was {made}, and {name} {value} is wanted. Delete the bank "
                    "and make it again, or go back to the settings it was made with."
                )
        feature = _array(group, path, "feature")
        videos = [str(name) for name in _values(group, path, "video")]
        index = _Index(videos, *(_values(group, path, n) for n in _INDEX))
        sizes = [len(index.video_start) - 1, index.video_start[-1], index.row_start[-1]]
        if sizes != [len(videos), len(index.second), feature.shape[0]]:
            raise _damaged(path, "its index does not match its features")
        kept = {name: v for name, v in attributes.items() if name not in OWN_ATTRIBUTES}
        number = {name: i for i, name in enumerate(videos)}
        kept = {"split": attributes["split"], **kept}
        return cls(path, kept, feature.shape[1], feature.dtype, index, number)

    @property
    def origin(self) -> str | None:
        """Digest of what it came from: the baseline's checkpoint, or an imported file."""
        return self.attributes.get("source_digest", self.attributes.get("checkpoint"))

    @property
    def videos(self) -> list[str]:
        """Names of the V videos, sorted; some may have no rows."""
        return self.index.videos

    def __len__(self) -> int:
        return int(self.index.row_start[-1])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_windows": {}}

    def rows(
        self,
        video: str,
        second: int,
        *,
        window: int,
        per_second: int,
        key: tuple[int, ...] | None,
    ) -> NDArray[np.int64]:
        """Row numbers of the window around a second, -1 where a slot is empty.

        Args:
            video: Name of the video.
            second: The middle of the window.
            window: Seconds; 60 is [second - 30, second + 29] (Wu et al., section 4.2).
            per_second: Slots of each second.
            key: Names the draw that picks the rows of a second with more rows than slots, such
                as (seed, epoch, video, second): the same key draws the same rows anywhere. None
                takes the highest scores.

        Returns:
            (window * per_second,) second by second; the slots of a second are filled from the
            left, by falling score.

        Raises:
            UserError: The bank does not cover the video.
        """
        table = self._windows.get((window, per_second))
        if table is None:
            table = self._windows[window, per_second] = _tabulate(self.index, window, per_second)
        number = self._number.get(video)
        if number is None:
            raise UserError(
                f"{self.path}: no video {video} among the {len(self.videos)} of this bank: it is "
                "the bank of another data set or split. Point the config at the right one, or "
                "build it for this data."
            )
        offset = second - window // 2 - table.first[number]
        begin = table.base[number] + min(max(offset, -window), table.span[number])
        rows = table.rows[begin : begin + window].copy()
        if key is not None:
            count = table.count[begin : begin + window]
            crowded = np.flatnonzero(count > per_second)
            if len(crowded):
                drawn = _draw(count[crowded], per_second, key)
                rows[crowded] = table.start[begin + crowded, None] + drawn
        return rows.reshape(-1)

    def feature(self) -> NDArray[Any]:
        """Reads all features: (N, C) of ``dtype``."""
        return self.read("feature")

    def read(self, name: str) -> NDArray[Any]:
        """Reads the whole of ``feature`` (N, C), ``box`` (N, 4) or ``score`` (N,).

        Raises:
            UserError: The store is damaged.
        """
        return _values(_group(self.path), self.path, name)


_INDEX = ("video_start", "second", "row_start")


def _tabulate(index: _Index, window: int, per_second: int) -> _Windows:
    empty = np.diff(index.video_start) == 0
    first = np.zeros(len(index.videos), np.int64)
    span = np.zeros(len(index.videos), np.int64)
    first[~empty] = index.second[index.video_start[:-1][~empty]]
    span[~empty] = index.second[index.video_start[1:][~empty] - 1] - first[~empty] + 1
    end = window + np.cumsum(span + window)
    base = end - span - window
    place = index.second + np.repeat(base - first, np.diff(index.video_start))
    start = np.zeros(int(end[-1]) if len(end) else 0, np.int64)
    count = np.zeros_like(start)
    start[place] = index.row_start[:-1]
    count[place] = np.diff(index.row_start)
    slot = np.arange(per_second)
    rows = np.where(slot < count[:, None], start[:, None] + slot, -1)
    return _Windows(rows, start, count, base.tolist(), first.tolist(), span.tolist())


def _draw(count: NDArray[np.int64], most: int, key: tuple[int, ...]) -> NDArray[np.int64]:
    """Draws ``most`` different numbers below each count: (len(count), most), rising."""
    digest = hashlib.blake2b(repr(tuple(map(int, key))).encode(), digest_size=16).digest()
    random = np.random.Philox(key=int.from_bytes(digest, "little"))
    ranks = random.random_raw((len(count), int(count.max())))
    ranks[np.arange(ranks.shape[1]) >= count[:, None]] = np.iinfo(np.uint64).max
    drawn = ranks.argsort(axis=1, kind="stable")[:, :most]
    drawn.sort(axis=1)
    return drawn


def _write(
    path: str | Path,
    attributes: Mapping[str, Any],
    index: _Index,
    box: NDArray[np.float32],
    score: NDArray[np.float32],
    blocks: Iterable[NDArray[Any]],
    shape: tuple[int, int],
    dtype: np.dtype[Any],
) -> None:
    import zarr

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
                name, shape=values.shape, dtype=values.dtype, chunks=whole, compressors=None
            )
            array[...] = values
        names = np.array(index.videos, dtype=np.dtypes.StringDType())
        array = group.create_array(
            "video", shape=names.shape, dtype="string", chunks=(max(1, len(names)),)
        )
        array[...] = names
        feature = group.create_array(
            "feature",
            shape=shape,
            dtype=dtype,
            chunks=(CHUNK_ROWS, shape[1]),
            shards=(SHARD_ROWS, shape[1]),
            compressors=None,  # float16 features hardly shrink, and reading is what costs
        )
        start = 0
        for block in blocks:
            feature[start : start + len(block)] = block
            start += len(block)
        group.attrs["complete"] = True


def _read_pieces(pieces: Iterable[tuple[Bank, int, int]]) -> Iterator[NDArray[Any]]:
    """Features of row ranges of banks, at most a shard at a time."""
    for bank, start, stop in pieces:
        feature = _array(_group(bank.path), bank.path, "feature")
        for begin in range(start, stop, SHARD_ROWS):
            yield np.asarray(feature[begin : min(begin + SHARD_ROWS, stop)])


def _shards(
    parts: Iterable[NDArray[Any]], dtype: np.dtype[Any], channels: int
) -> Iterator[NDArray[Any]]:
    """Features joined and cut into whole shards; each is overwritten by the next."""
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


def _agree(one: Bank, other: Bank) -> None:
    said = [
        {**bank.attributes, "channels": bank.channels, "dtype": str(bank.dtype)}
        for bank in (one, other)
    ]
    for name in sorted(said[0].keys() | said[1].keys()):
        if said[0].get(name) != said[1].get(name):
            raise UserError(
                f"{other.path}: {name} is {said[1].get(name)}, but {said[0].get(name)} in "
                f"{one.path}. Pieces of one bank must come from one run; delete the older one "
                "and build it again."
            )


def _group(path: Path) -> "zarr.Group":
    import zarr
    from zarr.errors import GroupNotFoundError

    try:
        group = zarr.open_group(path, mode="r", zarr_format=3)
    except (GroupNotFoundError, FileNotFoundError) as error:
        what = "this is not a feature bank" if path.exists() else "there is no feature bank here"
        raise UserError(f"{path}: {what}. Build it first, or correct the path.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"zarr.json is unreadable ({error})") from error
    if group.attrs.get("format") != FORMAT:
        raise UserError(
            f"{path}: a Zarr group, but not a feature bank (its format is "
            f"{group.attrs.get('format')!r}, not {FORMAT!r}). Correct the path."
        )
    if group.attrs.get("version") != VERSION:
        raise UserError(
            f"{path}: a bank of version {group.attrs.get('version')}; this code reads version "
            f"{VERSION}. Delete the bank and build it again."
        )
    if group.attrs.get("complete") is not True:
        raise UserError(f"{path}: this bank was never finished. Delete it and build it again.")
    return group


def _array(group: "zarr.Group", path: Path, name: str) -> "zarr.Array[Any]":
    import zarr

    array = group.get(name)
    if not isinstance(array, zarr.Array):
        raise _damaged(path, f"array {name} is missing")
    if array.nchunks_initialized < array.nchunks:  # Zarr would read a lost file as zeros
        raise _damaged(path, f"files of array {name} are missing")
    return array


def _values(group: "zarr.Group", path: Path, name: str) -> NDArray[Any]:
    try:
        return np.asarray(_array(group, path, name)[...])
    except (ValueError, RuntimeError, OSError) as error:
        raise _damaged(path, f"array {name} is unreadable ({error})") from error


def _damaged(path: Path, what: str) -> UserError:
    return UserError(f"{path}: the bank is damaged: {what}. Delete it and build it again.")
