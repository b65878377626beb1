"""Tests of lfb.bank.features."""

import numpy as np
import pytest
import torch

from lfb.bank.features import BankFeatures
from lfb.bank.store import Bank
from lfb.bank.writing import write_bank
from lfb.errors import UserError
from tests.pictures import CHANNELS, make_bank


def test_bank_rows_are_gathered_and_empty_slots_are_zero(tmp_path):
    bank = make_bank(tmp_path)
    rows = torch.tensor([[3, -1, 0], [-1, -1, 5]])
    found, real = BankFeatures(bank, CHANNELS, torch.device("cpu"))(rows)
    assert found.dtype == torch.float32
    assert real.tolist() == [[True, False, True], [False, False, True]]
    feature = bank.feature().astype(np.float32)
    np.testing.assert_array_equal(found[0, [0, 2]], feature[[3, 0]])
    np.testing.assert_array_equal(found[1, 2], feature[5])
    assert not found[~real].any()


def test_an_empty_bank_is_refused(tmp_path):
    write_bank(
        tmp_path / "empty.zarr",
        split="train",
        video=[],
        second=[],
        features=[],
        channels=4,
        box=np.empty((0, 4)),
        score=[],
        attributes={},
        videos=["a"],
    )
    with pytest.raises(UserError, match="bank is empty"):
        BankFeatures(Bank.open(tmp_path / "empty.zarr"), 4, torch.device("cpu"))


def test_a_bank_of_another_width_is_refused(tmp_path):
    bank = make_bank(tmp_path)
    with pytest.raises(UserError, match=f"features have {CHANNELS} channels, the model's have 9"):
        BankFeatures(bank, 9, torch.device("cpu"))
