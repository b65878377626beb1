"""Tests of lfb.files.disk."""

import shutil
from collections import namedtuple

import pytest

from lfb.files.disk import disks, format_size


def test_folders_on_one_disk_are_added_up(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(5_000_000))
    here, below = str(tmp_path), str(tmp_path / "not/made/yet")
    (disk,) = disks({here: 1_000_000, below: 234_000})
    assert (disk.folders, disk.needed, disk.free) == ([here, below], 1_234_000, 5_000_000)
    assert str(disk) == f"{here}, {below}: 1.23 MB needed, 5 MB free"
    assert not (tmp_path / "not").exists()
    assert disks({}) == []


def test_a_folder_may_be_relative_and_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (disk,) = disks({"resources/ava": 1})
    assert disk.free == shutil.disk_usage(tmp_path).free


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (999_700, "1 MB"),
        (1_650_000_000, "1.65 GB"),
        (512e9, "512 GB"),
        (5.25e12, "5.25 TB"),
    ],
)
def test_a_size_is_written_for_people(size, text):
    assert format_size(size) == text
