"""Tests of lfb.files.npz."""

import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lfb.files.npz import read_npz, write_npz

ARRAYS = {"box": np.eye(3, dtype=np.float32), "video": np.array(["a", "bc"])}


def test_arrays_are_written_without_compression_or_date_and_without_pickles(tmp_path):
    arrays = ARRAYS
    write_npz(tmp_path / "a.npz", arrays)
    assert all(np.array_equal(read_npz(tmp_path / "a.npz")[name], arrays[name]) for name in arrays)
    with np.load(tmp_path / "a.npz") as read:
        assert list(read) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array, strict=True)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        for member in archive.infolist():
            assert member.compress_type == zipfile.ZIP_STORED
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
    with pytest.raises(ValueError, match="Object arrays"):
        write_npz(tmp_path / "b.npz", {"x": np.array([None])})
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_byte_is_noticed_or_without_meaning(tmp_path, data):
    path = tmp_path / "a.npz"
    write_npz(path, ARRAYS)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = read_npz(path)
    except ValueError:
        return
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_a_missing_file_and_one_of_something_else_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes(b"not a zip, and long enough")
    with pytest.raises(ValueError, match="BadZipFile"):
        read_npz(tmp_path / "a.npz")
