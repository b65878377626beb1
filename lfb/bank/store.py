"""The long-term feature bank: one Zarr store for each split, and the look-up of windows in it.

``writing.py`` writes the store.

A bank holds one feature vector per detected person (Wu et al., section 3.1). Rows are sorted by
(video, second, falling score), so the window around a keyframe is one contiguous slice. Layout of
the Zarr v3 group, with N rows, V videos and K keyframes (seconds that have rows):

    feature (N, C) float16 or float32     box (N, 4) float32, NaN where unknown
    score (N,) float32
    video (V,) string     video_start (V+1,) int64 into keyframes
    second (K,) int32     row_start (K+1,) int64 into rows

Attributes: ``format``, ``version``, ``split``, those that the writer adds (digests of the
checkpoint, the data and the config, or the file of an imported bank), ``rows``, ``digest``, and
``complete``, which is written last.

A crc32c covers each chunk of each array, and ``digest`` all attributes and the metadata of all
arrays. Both are checked when they are read. Banks of version 1 have neither.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lfb.bank.shards import Damaged, MappedFeatures
from lfb.data.boxes import RowIndex
from lfb.errors import UserError
from lfb.files.digests import digest_json

if TYPE_CHECKING:  # data-loading workers look rows up without Zarr
    import zarr

FORMAT = "lfb-bank"
VERSION = 2
UNCHECKED_VERSION = 1  # without checksums, otherwise the same
OWN_ATTRIBUTES = ("format", "version", "split", "rows", "digest", "complete")
ARRAYS = ("feature", "box", "score", "video", "video_start", "second", "row_start")


@dataclass(frozen=True)
class _Windows:
    """Row numbers of every second of every video, with a margin of a window at both ends.

    Attributes:
        rows: (D, per_second) row numbers of the highest scores, -1 for an empty slot.
        start: (D,) first row of each second.
        count: (D,) number of rows of each second.
        base: (V,) place in the arrays above of the first second with rows of each video.
        first: (V,) that second.
        span: (V,) number of seconds from the first to the last one with rows.
    """

    rows: NDArray[np.int64]
    start: NDArray[np.int64]
    count: NDArray[np.int64]
    base: list[int]
    first: list[int]
    span: list[int]


@dataclass
class Bank:
    """An open bank: the index in memory, the features mapped from their files.

    A pickled bank has the index alone and looks rows up without Zarr. Each data-loading worker has
    one.

    Attributes:
        path: Folder of the store.
        attributes: Attributes from the writer, including ``split``.
        checked: Whether the bank has checksums.
        channels: C, the width of a feature.
        dtype: Stored type of a feature.
        index: Which rows belong to which second of which video.
    """

    path: Path
    attributes: dict[str, Any]
    checked: bool
    channels: int
    dtype: np.dtype[Any]
    index: RowIndex
    _number: dict[str, int] = field(repr=False)
    _windows: dict[tuple[int, int], _Windows] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: str | Path, **expected: Any) -> "Bank":
        """Open a complete bank.

        Args:
            path: Folder of the store.
            **expected: Attributes that must have these values, e.g. ``checkpoint=digest``.

        Raises:
            UserError: There is no bank, or it is unfinished, damaged, of another version or has
                other attributes.
        """
        path = Path(path)
        attributes = _attributes(path)
        group = _group(path)
        for name, value in expected.items():
            if attributes.get(name) != value:
                origin = f"built with {name} {attributes.get(name)}"
                if "source" in attributes:
                    origin = f"imported from {attributes['source']}"
                elif name == "source":
                    origin = "built here"
                raise UserError(
                    f"{path}: this bank was {origin}, but {name} {value} is needed. Delete the "
                    "bank and build it again, or return to its settings."
                )
        feature = _array(group, path, "feature")
        videos = [str(name) for name in _values(group, path, "video")]
        index = RowIndex(videos, *(_values(group, path, n) for n in _INDEX))
        sizes = [len(index.video_start) - 1, index.video_start[-1], index.row_start[-1]]
        if sizes != [len(videos), len(index.second), feature.shape[0]]:
            raise _damaged(path, "its index does not match its features")
        kept = {name: v for name, v in attributes.items() if name not in OWN_ATTRIBUTES}
        number = {name: i for i, name in enumerate(videos)}
        kept = {"split": attributes["split"], **kept}
        checked = attributes["version"] != UNCHECKED_VERSION
        return cls(path, kept, checked, feature.shape[1], feature.dtype, index, number)

    @property
    def origin(self) -> str | None:
        """Digest of its origin: the baseline's checkpoint or an imported file."""
        return self.attributes.get("source_digest", self.attributes.get("checkpoint"))

    def identity(self) -> str:
        """Return a digest of what its features follow from: their boxes and how they were made."""
        group = _group(self.path)
        about = [self.attributes, self.index.videos, str(self.dtype)]
        found = hashlib.sha256(digest_json(about).encode())
        for name in (*_INDEX, "box", "score"):
            found.update(_values(group, self.path, name).tobytes())
        return found.hexdigest()

    @property
    def videos(self) -> list[str]:
        """Names of the V videos, sorted; some may have no rows."""
        return self.index.videos

    def __len__(self) -> int:
        return int(self.index.row_start[-1])

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_windows": {}}
        state.pop("_features", None)
        return state

    def rows(
        self,
        video: str,
        second: int,
        *,
        window: int,
        per_second: int,
        key: tuple[int, ...] | None,
    ) -> NDArray[np.int64]:
        """Return the row numbers of the window around a second, -1 for an empty slot.

        Args:
            video: Name of the video.
            second: The middle of the window.
            window: Seconds; 60 is [second - 30, second + 29] (Wu et al., section 4.2).
            per_second: Number of slots of each second.
            key: Identifies the draw of the rows of a second with more rows than slots, such as
                (seed, epoch, video, second). The same key always draws the same rows. None takes
                the highest scores.

        Returns:
            (window * per_second,) second by second. The rows of a second come first in its slots,
            by falling score.

        Raises:
            UserError: The bank does not have the video.
        """
        table = self._windows.get((window, per_second))
        if table is None:
            table = self._windows[window, per_second] = _tabulate(self.index, window, per_second)
        number = self._number.get(video)
        if number is None:
            raise UserError(
                f"{self.path}: video {video} is not among the {len(self.videos)} of this bank: it "
                "is the bank of another data set or split. Point the config to the right one, or "
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
        """Return a copy of all features: (N, C) of ``dtype``."""
        return np.concatenate(
            [np.empty((0, self.channels), self.dtype), *self.blocks(0, len(self))]
        )

    def blocks(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """Yield the features (n, C) of rows ``start`` to ``stop - 1``, without a copy.

        Raises:
            UserError: The features are damaged.
        """
        try:
            yield from self._features.blocks(start, stop)
        except Damaged as error:
            raise _damaged(self.path, str(error)) from error

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the features (n, C) of row numbers (n,).

        Raises:
            UserError: The features are damaged.
        """
        try:
            return self._features.take(rows)
        except Damaged as error:
            raise _damaged(self.path, str(error)) from error

    def read(self, name: str) -> NDArray[Any]:
        """Read ``box`` (N, 4) or ``score`` (N,).

        Raises:
            UserError: The store is damaged.
        """
        return _values(_group(self.path), self.path, name)

    @cached_property
    def _features(self) -> MappedFeatures:
        try:
            return MappedFeatures(self.path / "feature")
        except Damaged as error:
            raise _damaged(self.path, str(error)) from error


_INDEX = ("video_start", "second", "row_start")


def _tabulate(index: RowIndex, window: int, per_second: int) -> _Windows:
    """Return the table in which any window of a video is one slice."""
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
    """Draw ``most`` different numbers below each count: (len(count), most), rising."""
    digest = hashlib.blake2b(repr(tuple(map(int, key))).encode(), digest_size=16).digest()
    random = np.random.Philox(key=int.from_bytes(digest, "little"))
    ranks = random.random_raw((len(count), int(count.max())))
    ranks[np.arange(ranks.shape[1]) >= count[:, None]] = np.iinfo(np.uint64).max
    drawn = ranks.argsort(axis=1, kind="stable")[:, :most]
    drawn.sort(axis=1)
    return drawn


def digest_of_metadata(path: Path) -> str:
    """Return the digest of all ``zarr.json`` of a bank, without its own two attributes.

    Raises:
        UserError: One of them is missing or unreadable.
    """
    whole = _metadata(path)
    kept = {k: v for k, v in whole["attributes"].items() if k not in ("digest", "complete")}
    return digest_json(
        [{**whole, "attributes": kept}, {name: _metadata(path, name) for name in ARRAYS}]
    )


def _metadata(path: Path, array: str = "") -> dict[str, Any]:
    file = path / array / "zarr.json"
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        raise _damaged(path, f"array {array} is missing") from error
    except (OSError, ValueError) as error:
        raise _damaged(path, f"{file} is unreadable ({error})") from error
    if not isinstance(content, dict) or not isinstance(content.get("attributes"), dict):
        raise _damaged(path, f"{file} has no attributes")
    return content


def _attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of a complete bank."""
    if not (path / "zarr.json").is_file():
        what = "this is not a feature bank" if path.exists() else "there is no feature bank here"
        raise UserError(f"{path}: {what}. Build it first, or fix the path.")
    attributes = _metadata(path)["attributes"]
    if attributes.get("format") != FORMAT:
        raise UserError(
            f"{path}: a Zarr group, but not a feature bank (its format is "
            f"{attributes.get('format')!r}, not {FORMAT!r}). Fix the path."
        )
    version = attributes.get("version")
    if version not in (UNCHECKED_VERSION, VERSION):
        raise UserError(
            f"{path}: a bank of version {version}, but this code reads version {VERSION}. Delete "
            "the bank and build it again."
        )
    if attributes.get("complete") is not True:
        raise UserError(f"{path}: this bank was never finished. Delete it and build it again.")
    unchecked = version == UNCHECKED_VERSION and "digest" not in attributes
    if not unchecked and attributes.get("digest") != digest_of_metadata(path):
        raise _damaged(path, "its attributes or the metadata of its arrays do not match its digest")
    return attributes


def _group(path: Path) -> "zarr.Group":
    import zarr

    try:
        return zarr.open_group(path, mode="r", zarr_format=3)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise _damaged(path, f"zarr.json is unreadable ({error})") from error


def _array(group: "zarr.Group", path: Path, name: str) -> "zarr.Array[Any]":
    import zarr

    array = group.get(name)
    if not isinstance(array, zarr.Array):
        raise _damaged(path, f"array {name} is missing")
    if array.nchunks_initialized < array.nchunks:  # Zarr would read a missing file as zeros
        raise _damaged(path, f"files of array {name} are missing")
    return array


def _values(group: "zarr.Group", path: Path, name: str) -> NDArray[Any]:
    try:
        return np.asarray(_array(group, path, name)[...])
    except (ValueError, RuntimeError, OSError) as error:
        raise _damaged(path, f"array {name} is unreadable ({error})") from error


def _damaged(path: Path, what: str) -> UserError:
    return UserError(f"{path}: the bank is damaged: {what}. Delete it and build it again.")
