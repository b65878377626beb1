"""Tests of lfb.learning.attention."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lfb.errors import UserError
from lfb.learning.attention import MOST, Attended, _summary


def test_the_highest_rows_the_seconds_and_the_empty_slots_are_kept() -> None:
    rows = torch.tensor([[7, -1, 8, 9], [-1, -1, -1, -1]])  # two seconds of two slots
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]])
    row, weight, seconds, empty = _summary(weights, rows, 2)
    assert row.tolist() == [[9, 8, 7, -1, -1, -1], [-1] * MOST]
    np.testing.assert_allclose(weight, [[0.4, 0.3, 0.1, 0, 0, 0], [0] * MOST], atol=1e-6)
    np.testing.assert_allclose(seconds, [[0.1, 0.7], [0, 0]], atol=1e-6)
    np.testing.assert_allclose(empty, [0.2, 1], atol=1e-6)


def test_attention_survives_its_file(tmp_path: Path) -> None:
    arrays = _summary(torch.rand(3, 8), torch.arange(24).reshape(3, 8), 4)
    Attended(*arrays).save(tmp_path / "a.npz")
    for one, other in zip(vars(Attended.load(tmp_path / "a.npz")).values(), arrays, strict=True):
        np.testing.assert_array_equal(one, other)
    Attended.none().save(tmp_path / "none.npz")
    assert len(Attended.load(tmp_path / "none.npz").row) == 0
    (tmp_path / "a.npz").write_bytes(b"no")
    with pytest.raises(UserError, match=r"a\.npz: not a complete file of attention"):
        Attended.load(tmp_path / "a.npz")
