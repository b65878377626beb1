"""Tests of lfb.models.operators, for every operator."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.errors import UserError
from lfb.models.operators import Operator, build_operator
from lfb.models.signatures import arguments
from tests.operator_cases import CASES, build, draw, windows

NAMES = list(CASES)


def test_every_operator_is_tested_here():
    assert sorted(arguments("operators")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
@given(filled=windows(least=1), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_mask_equals_the_operator_on_only_the_real_rows(name, filled, seed):
    operator = build(name, "mask")
    roi, rows, real, clip = draw(seed, filled)
    found = operator(roi, rows, real, clip)
    for r, window in enumerate(clip.tolist()):
        alone = rows[window, real[window]][None]
        only = torch.ones(alone.shape[:2], dtype=torch.bool)
        expected = operator(roi[r : r + 1], alone, only, torch.tensor([0]))
        torch.testing.assert_close(found[r : r + 1], expected)


@pytest.mark.parametrize("name", NAMES)
@given(filled=windows(), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_zero_includes_rows_of_zeros(name, filled, seed):
    operator = build(name, "zero")
    roi, rows, real, clip = draw(seed, filled)
    everything = torch.ones_like(real)
    torch.testing.assert_close(
        operator(roi, rows, real, clip), operator(roi, rows, everything, clip), rtol=0, atol=0
    )


@pytest.mark.parametrize("name", NAMES)
def test_zero_and_mask_differ_only_if_a_slot_is_empty(name):
    for filled, same in (([[1, 1, 0]], False), ([[1, 1, 1]], True)):
        roi, rows, real, clip = draw(0, filled)
        rows = -rows.abs()  # a zero is then the maximum
        zero, mask = (build(name, empty)(roi, rows, real, clip) for empty in ("zero", "mask"))
        assert torch.allclose(zero, mask) == same


@pytest.mark.parametrize("empty", ["zero", "mask"])
@pytest.mark.parametrize("name", NAMES)
def test_rows_that_are_projected_before_give_the_same(name, empty):
    operator = build(name, empty)
    roi, rows, real, clip = draw(2, [[1, 0, 1], [0, 0, 0]])
    projected = torch.stack([operator.project(row) for row in rows.flatten(0, 1)])
    torch.testing.assert_close(
        operator.read(roi, projected.unflatten(0, real.shape), real, clip),
        operator(roi, rows, real, clip),
    )


@pytest.mark.parametrize("empty", ["zero", "mask"])
@pytest.mark.parametrize("name", NAMES)
@given(filled=windows(), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_the_order_of_the_rows_does_not_matter(name, empty, filled, seed):
    operator = build(name, empty)
    roi, rows, real, clip = draw(seed, filled)
    order = torch.randperm(rows.shape[1], generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        operator(roi, rows, real, clip), operator(roi, rows[:, order], real[:, order], clip)
    )


@pytest.mark.parametrize("empty", ["zero", "mask"])
@pytest.mark.parametrize("name", NAMES)
def test_a_window_without_features_gives_finite_values_and_gradients(name, empty):
    operator = build(name, empty)
    roi, rows, real, clip = draw(0, [[0, 0, 0], [1, 0, 1]])
    roi.requires_grad_()
    rows.requires_grad_()
    found = operator(roi, rows, real, clip)
    found.sum().backward()
    assert found.isfinite().all()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in operator.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_a_roi_sees_the_window_of_its_own_clip_only(name):
    operator = build(name, "mask")
    roi, rows, real, clip = draw(0, [[1, 1, 0], [1, 1, 1]])
    changed = rows.clone()
    changed[1, :2] += 1
    before, after = operator(roi, rows, real, clip), operator(roi, changed, real, clip)
    torch.testing.assert_close(before[clip == 0], after[clip == 0], rtol=0, atol=0)
    assert not torch.allclose(before[clip == 1], after[clip == 1])


@pytest.mark.parametrize("name", NAMES)
def test_out_channels_is_the_width_of_the_output(name):
    operator = build(name, "zero")
    assert operator(*draw(0, [[1, 0]])).shape == (4, operator.out_channels)


def test_an_unknown_operator_is_an_error_that_names_the_missing_file():
    with pytest.raises(UserError, match=r"no operator 'gru'; add it in .*/operators/gru\.py"):
        build_operator("gru", 6)


def test_the_base_class_stores_channels_and_empty():
    operator = Operator(7)
    assert (operator.out_channels, operator.empty) == (7, "zero")
    with pytest.raises(NotImplementedError):
        operator(*draw(0, [[1]]))
