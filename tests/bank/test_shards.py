"""Tests of lfb.bank.shards."""

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.codecs import Crc32cCodec

from lfb.bank.shards import Damaged, MappedFeatures

ROWS, CHANNELS = 11, 3  # two files of three chunks of two rows, the last one with one row
VALUES = np.arange(ROWS * CHANNELS, dtype=np.float32).reshape(ROWS, CHANNELS)


def make(folder: Path, dtype: str = "float16", checked: bool = True) -> MappedFeatures:
    """Write an array as Zarr writes it, and return its map."""
    array = zarr.create_array(
        folder,
        shape=VALUES.shape,
        dtype=dtype,
        chunks=(2, CHANNELS),
        shards=(6, CHANNELS),
        compressors=[Crc32cCodec()] if checked else None,
    )
    array[...] = VALUES.astype(dtype)
    return MappedFeatures(folder)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("checked", [True, False])
def test_any_rows_are_those_that_zarr_reads(tmp_path, dtype, checked):
    mapped = make(tmp_path / "feature", dtype, checked)
    assert (mapped.shape, mapped.dtype, mapped.checked) == (VALUES.shape, dtype, checked)
    rows = np.array([10, 0, 3, 3, 5, 6])
    assert mapped.take(rows).dtype == dtype
    assert mapped.take(rows).tolist() == VALUES[rows].tolist()
    assert mapped.take(rows[:0]).shape == (0, CHANNELS)
    for start in range(ROWS + 1):
        for stop in range(start, ROWS + 1):
            parts = [np.empty((0, CHANNELS)), *mapped.blocks(start, stop)]
            assert np.concatenate(parts).tolist() == VALUES[start:stop].tolist()


def test_only_chunks_that_are_read_are_checked(tmp_path):
    mapped = make(tmp_path / "feature")
    file = tmp_path / "feature" / "c" / "0" / "0"
    content = bytearray(file.read_bytes())
    content[0] ^= 1  # in the first chunk, rows 0 and 1
    file.write_bytes(content)
    assert mapped.take(np.array([2, 9])).tolist() == VALUES[[2, 9]].tolist()
    for _ in range(2):
        with pytest.raises(Damaged, match="c/0/0 does not match its checksum"):
            mapped.take(np.array([2, 1]))
    with pytest.raises(Damaged, match="c/0/0 does not match its checksum"):
        list(mapped.blocks(1, 3))


def test_a_missing_or_truncated_file_is_damage(tmp_path):
    mapped = make(tmp_path / "feature")
    file = tmp_path / "feature" / "c" / "1" / "0"
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(Damaged, match="array feature is unreadable"):
            mapped.take(np.array([6]))
    file.unlink()
    with pytest.raises(Damaged, match="No such file"):
        mapped.take(np.array([6]))
    assert mapped.take(np.array([5])).tolist() == VALUES[[5]].tolist()


def test_an_array_of_another_layout_is_refused(tmp_path):
    make(tmp_path / "feature")
    file = tmp_path / "feature" / "zarr.json"
    about = json.loads(file.read_text())
    about["codecs"][0]["configuration"]["index_location"] = "start"
    file.write_text(json.dumps(about))
    with pytest.raises(Damaged, match="array feature has an unknown layout"):
        MappedFeatures(tmp_path / "feature")
    zarr.create_array(tmp_path / "plain", shape=(4, 3), chunks=(2, 3), dtype="float16")
    with pytest.raises(Damaged, match="array feature has an unknown layout"):
        MappedFeatures(tmp_path / "plain")
