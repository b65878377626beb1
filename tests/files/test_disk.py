"""Tests of lfb.files.disk."""

import errno
import os
import shutil
from collections import namedtuple

import pytest

from lfb.errors import UserError
from lfb.files.disk import check_access, disks, explain_disk_error, format_size


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


def test_a_folder_without_access_is_an_error_that_names_the_existing_one(tmp_path, monkeypatch):
    check_access(tmp_path / "not/made/yet")
    # Root may write anywhere. tests/workflow/test_faults.py mounts a folder read-only.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UserError) as refused:
        check_access(tmp_path / "not/made/yet")
    assert str(refused.value).startswith(f"{tmp_path}: no access (Permission denied). Change")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "x: the disk is full (No space left on device). Free some space"),
        (errno.EDQUOT, "x: the disk is full (Disk quota exceeded). Free some space"),
        (errno.EROFS, "x: no access (Read-only file system). Change the permissions"),
        (errno.EACCES, "x: no access (Permission denied). Change the permissions"),
    ],
)
def test_an_error_of_the_disk_says_what_to_do(number, text):
    assert explain_disk_error(OSError(number, ""), "x").startswith(text)


def test_other_errors_are_not_explained():
    assert explain_disk_error(OSError(errno.EIO, ""), "x") is None
