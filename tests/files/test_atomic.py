"""Tests of lfb.files.atomic."""

import errno
import json
from pathlib import Path

import pytest

from lfb.errors import UserError
from lfb.files.atomic import atomic, open_file, write_json


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_and_raise(path: Path, error: BaseException, folder: bool = False) -> None:
    with atomic(path) as scratch:
        if folder:
            (scratch / "inner").mkdir(parents=True)
        else:
            scratch.write_text("half")
        raise error


def test_a_file_appears_under_its_name_only_when_complete(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with atomic(path) as scratch:
        scratch.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(path.parent) == ["table.csv"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(error):
        write_and_raise(path, error())
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_a_folder_replaces_an_older_one(tmp_path):
    path = tmp_path / "bank.zarr"
    for name in "first", "second":
        with atomic(path) as scratch:
            scratch.mkdir()
            (scratch / name).touch()
    assert names(path) == ["second"]
    assert names(tmp_path) == ["bank.zarr"]


def test_an_unfinished_folder_is_removed(tmp_path):
    with pytest.raises(RuntimeError):
        write_and_raise(tmp_path / "bank.zarr", RuntimeError(), folder=True)
    assert names(tmp_path) == []


def test_a_scratch_left_by_a_killed_process_is_replaced(tmp_path):
    with atomic(tmp_path / "x") as scratch:
        left = scratch
        scratch.write_text("1")
    left.mkdir()
    (left / "rest").touch()
    with atomic(tmp_path / "x") as scratch:
        scratch.write_text("2")
    assert (tmp_path / "x").read_text() == "2"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_an_error_that_names_the_file(tmp_path, number):
    with pytest.raises(UserError, match=r"x\.npz: the disk is full"):
        write_and_raise(tmp_path / "x.npz", OSError(number, "no space"))
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_without_access_is_an_error_that_names_the_file(tmp_path, number):
    with pytest.raises(UserError, match=r"x\.npz: no access \(.*Change the permissions"):
        write_and_raise(tmp_path / "x.npz", OSError(number, "no"))
    with pytest.raises(UserError, match=r"secret\.csv: no access"):
        write_and_raise(tmp_path / "x.npz", OSError(number, "no", "secret.csv"))
    assert names(tmp_path) == []


def test_other_system_errors_pass_unchanged(tmp_path):
    with pytest.raises(OSError, match="hardware"), atomic(tmp_path / "x"):
        raise OSError(errno.EIO, "hardware")


def test_json_is_indented(tmp_path):
    write_json(tmp_path / "m.json", {"mAP": 1.5})
    text = (tmp_path / "m.json").read_text()
    assert json.loads(text) == {"mAP": 1.5}
    assert text.count("\n") == 3


def test_a_file_that_cannot_be_opened_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UserError, match=r"gone\.pkl: No such file.*; fix the path"):
        open_file(tmp_path / "gone.pkl")
    with pytest.raises(UserError, match="Is a directory"):
        open_file(tmp_path)
