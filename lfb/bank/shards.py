"""The features of a bank, mapped from its files into memory.

Feature files are not compressed, so their rows are read where they lie. The pages of a map belong
to the file cache of the operating system: one copy serves all processes of a node, and a process
needs no memory of its own for them.
"""

import json
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
_CRC = {"name": "crc32c"}
_CRC_SIZE = 4


class Damaged(Exception):
    """A file of the features is truncated, or does not match its checksum."""


class MappedFeatures:
    """The array ``feature`` of a bank, read from a map of its files.

    A checksum covers the rows of each chunk. It is checked when a process first reads the chunk.
    Banks of version 1 have no checksums.

    Args:
        folder: Folder of the Zarr array, sharded and not compressed.

    Raises:
        Damaged: The array has another layout.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        about = json.loads((folder / "zarr.json").read_text())
        try:
            self.shape: tuple[int, int] = tuple(about["shape"])
            self.dtype = np.dtype(about["data_type"])
            shard_rows = about["chunk_grid"]["configuration"]["chunk_shape"][0]
            (codec,) = about["codecs"]
            layout = codec["configuration"]
            self._chunk_rows: int = layout["chunk_shape"][0]
            self.checked: bool = layout["codecs"] == [_BYTES, _CRC]
            known = layout["index_codecs"] == [_BYTES, _CRC] and layout["index_location"] == "end"
            if not known or layout["codecs"] not in ([_BYTES], [_BYTES, _CRC]):
                raise ValueError("its codecs are others")
            self._chunks_per_shard = shard_rows // self._chunk_rows
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Damaged(f"array feature has an unknown layout ({error!r})") from error
        self._open: dict[int, _Shard] = {}

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the features (n, C) of row numbers (n,).

        Raises:
            Damaged: A file is damaged.
        """
        found = np.empty((len(rows), self.shape[1]), self.dtype)
        chunk, place = np.divmod(rows, self._chunk_rows)
        for number in np.unique(chunk).tolist():
            own = np.flatnonzero(chunk == number)
            found[own] = self._chunk(number)[place[own]]
        return found

    def blocks(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """Yield the features of rows ``start`` to ``stop - 1``, chunk by chunk, without a copy.

        A file is mapped only while its rows are in use.

        Raises:
            Damaged: A file is damaged.
        """
        shard = None
        for number in range(start // self._chunk_rows, -(-stop // self._chunk_rows)):
            if shard is None or number % self._chunks_per_shard == 0:
                shard = self._map(number // self._chunks_per_shard)
            first = number * self._chunk_rows
            chunk = shard.chunk(number % self._chunks_per_shard)
            yield chunk[max(start - first, 0) : stop - first]

    def _chunk(self, number: int) -> NDArray[Any]:
        shard, place = divmod(number, self._chunks_per_shard)
        if shard not in self._open:
            self._open[shard] = self._map(shard)
        return self._open[shard].chunk(place)

    def _map(self, shard: int) -> "_Shard":
        first = shard * self._chunks_per_shard * self._chunk_rows
        chunks = -(-(self.shape[0] - first) // self._chunk_rows)
        return _Shard(
            self._folder / "c" / str(shard) / "0",
            self._chunks_per_shard,
            min(chunks, self._chunks_per_shard),
            (self._chunk_rows, self.shape[1]),
            self.dtype,
            self.checked,
        )


class _Shard:
    """One mapped file: chunks one after the other, then the index of their places.

    Args:
        path: The file.
        places: Entries of the index.
        chunks: Chunks in use.
        shape: (rows, C) of a chunk.
        dtype: Type of the features.
        checked: Whether a crc32c follows each chunk.
    """

    def __init__(
        self,
        path: Path,
        places: int,
        chunks: int,
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        checked: bool,
    ) -> None:
        self._path, self._shape, self._dtype, self._checked = path, shape, dtype, checked
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # an empty file cannot be mapped
            raise Damaged(f"array feature is unreadable ({path}: {error})") from error
        index_size = 16 * places
        end = len(self._map) - index_size - _CRC_SIZE
        if end < 0:
            raise self._damaged("is truncated")
        self._check(end, index_size)
        index = np.frombuffer(self._map, "<u8", 2 * places, end).reshape(places, 2)[:chunks]
        self._size = shape[0] * shape[1] * dtype.itemsize
        size = self._size + _CRC_SIZE * checked
        if (index[:, 1] != size).any() or (index[:, 0] > max(end - size, 0)).any() or size > end:
            raise self._damaged("is truncated, or of another array")
        self._offsets: list[int] = index[:, 0].tolist()
        self._seen = [not checked] * chunks

    def chunk(self, number: int) -> NDArray[Any]:
        """Return the rows of a chunk, which are those of the file.

        Raises:
            Damaged: They do not match their checksum.
        """
        offset = self._offsets[number]
        if not self._seen[number]:
            self._check(offset, self._size)
            self._seen[number] = True
        count = self._shape[0] * self._shape[1]
        return np.frombuffer(self._map, self._dtype, count, offset).reshape(self._shape)

    def _check(self, offset: int, size: int) -> None:
        """Compare ``size`` bytes with the crc32c that follows them."""
        import google_crc32c

        end = offset + size
        found = google_crc32c.value(np.frombuffer(self._map, np.uint8, size, offset))
        if found != int.from_bytes(self._map[end : end + _CRC_SIZE], "little"):
            raise self._damaged("does not match its checksum")

    def _damaged(self, what: str) -> Damaged:
        return Damaged(f"array feature is unreadable ({self._path} {what})")
