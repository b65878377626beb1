"""Tests of lfb.bank.opening."""

import numpy as np
import pytest

from lfb.bank.opening import open_bank
from lfb.bank.writing import write_bank
from lfb.errors import UserError
from lfb.files.digests import digest


def write(path, **attributes: str) -> None:
    write_bank(
        path,
        split="val",
        video=["a"],
        second=[902],
        features=[np.ones((1, 2))],
        channels=2,
        box=np.array([[0, 0, 1, 1]]),
        score=np.ones(1),
        attributes=attributes,
    )


@pytest.mark.parametrize("path", [None, ""])
def test_without_a_folder_no_bank_is_opened(path):
    assert open_bank(path, data="d") is None


def test_a_bank_of_other_frames_or_another_baseline_is_refused(tmp_path):
    baseline = tmp_path / "checkpoint.safetensors"
    baseline.write_bytes(b"weights")
    write(tmp_path / "val.zarr", data="d", checkpoint=digest(baseline))
    assert open_bank(tmp_path / "val.zarr", data="d") is not None
    assert open_bank(tmp_path / "val.zarr", data="d", baseline=baseline) is not None
    with pytest.raises(UserError, match="but data e is needed"):
        open_bank(tmp_path / "val.zarr", data="e")
    baseline.write_bytes(b"others")
    with pytest.raises(UserError, match=r"but checkpoint .* is needed"):
        open_bank(tmp_path / "val.zarr", data="d", baseline=baseline)


def test_a_bank_imported_from_another_file_is_refused(tmp_path):
    write(tmp_path / "val.zarr", source="lfb_val.pkl", source_digest="5eed")
    assert open_bank(tmp_path / "val.zarr", data="d", published="x/lfb_val.pkl") is not None
    with pytest.raises(UserError, match=r"but source other\.pkl is needed"):
        open_bank(tmp_path / "val.zarr", data="d", published="other.pkl")
