"""Tests of lfb.models.operators."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from lfb.models.operators import OPERATORS, Average, Maximum, NonLocal

CHANNELS = 6
BUILD = {
    "avg": lambda empty: Average(CHANNELS, empty=empty),
    "max": lambda empty: Maximum(CHANNELS, empty=empty),
    "non_local": lambda empty: NonLocal(CHANNELS, width=5, layers=2, empty=empty),
}
NAMES = list(OPERATORS)


def build(name: str, empty: str) -> torch.nn.Module:
    torch.manual_seed(3)
    return BUILD[name](empty).double().eval()


def draw(
    seed: int, filled: list[list[int]], rois: int = 4
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """roi, rows, real and clip for windows whose slots are given as 0 or 1."""
    random = torch.Generator().manual_seed(seed)
    real = torch.tensor(filled, dtype=torch.bool)
    rows = torch.randn(*real.shape, CHANNELS, generator=random, dtype=torch.float64)
    rows[~real] = 0
    roi = torch.randn(rois, CHANNELS, generator=random, dtype=torch.float64)
    return roi, rows, real, torch.arange(rois) % len(filled)


def windows(least: int = 0) -> st.SearchStrategy[list[list[int]]]:
    """One to three windows of equally many slots, each with at least ``least`` features."""
    return st.integers(2, 6).flatmap(
        lambda slots: st.lists(
            st.lists(st.integers(0, 1), min_size=slots, max_size=slots).filter(
                lambda window: sum(window) >= least
            ),
            min_size=1,
            max_size=3,
        )
    )


def test_every_operator_is_tested_here():
    assert list(BUILD) == NAMES


@pytest.mark.parametrize("name", NAMES)
@given(filled=windows(least=1), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_mask_is_the_operator_on_the_real_rows_alone(name, filled, seed):
    operator = build(name, "mask")
    roi, rows, real, clip = draw(seed, filled)
    found = operator(roi, rows, real, clip)
    for r, window in enumerate(clip.tolist()):
        alone = rows[window, real[window]][None]
        only = torch.ones(alone.shape[:2], dtype=torch.bool)
        wanted = operator(roi[r : r + 1], alone, only, torch.tensor([0]))
        torch.testing.assert_close(found[r : r + 1], wanted)


@pytest.mark.parametrize("name", NAMES)
@given(filled=windows(), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_zero_lets_rows_of_zeros_take_part(name, filled, seed):
    operator = build(name, "zero")
    roi, rows, real, clip = draw(seed, filled)
    everything = torch.ones_like(real)
    torch.testing.assert_close(
        operator(roi, rows, real, clip), operator(roi, rows, everything, clip), rtol=0, atol=0
    )


@pytest.mark.parametrize("name", NAMES)
def test_zero_and_mask_differ_where_a_slot_is_empty_and_agree_where_none_is(name):
    for filled, same in (([[1, 1, 0]], False), ([[1, 1, 1]], True)):
        roi, rows, real, clip = draw(0, filled)
        rows = -rows.abs()  # so that a zero is the maximum
        zero, mask = (build(name, empty)(roi, rows, real, clip) for empty in ("zero", "mask"))
        assert torch.allclose(zero, mask) == same


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
def test_an_operator_says_how_many_channels_it_returns(name):
    operator = build(name, "zero")
    assert operator(*draw(0, [[1, 0]])).shape == (4, operator.out_channels)


@given(filled=windows(), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_average_and_maximum_are_those_of_plain_loops(filled, seed):
    roi, rows, real, clip = draw(seed, filled)
    for empty in "zero", "mask":
        average = Average(CHANNELS, empty)(roi, rows, real, clip)
        maximum = Maximum(CHANNELS, empty)(roi, rows, real, clip)
        for r, window in enumerate(clip.tolist()):
            for c in range(CHANNELS):
                values = [
                    rows[window, m, c].item()
                    for m in range(rows.shape[1])
                    if empty == "zero" or real[window, m]
                ]
                mean = math.fsum(values) / len(values) if values else 0.0
                assert average[r, c].item() == pytest.approx(mean, abs=1e-12)
                assert maximum[r, c].item() == max(values, default=0.0)


def test_non_local_is_the_papers_block_written_out_for_one_roi_after_the_other():
    operator = build("non_local", "zero")
    for layer in operator.layers:  # a scale and shift that are not those of the initialisation
        torch.nn.init.normal_(layer.norm.weight)
        torch.nn.init.normal_(layer.norm.bias)
    roi, rows, real, clip = draw(5, [[1, 0, 1, 1], [0, 0, 1, 0]], rois=3)
    wanted = []
    for r, window in enumerate(clip.tolist()):
        state = operator.project_roi.weight @ roi[r] + operator.project_roi.bias
        bank = [
            operator.project_bank.weight @ row + operator.project_bank.bias for row in rows[window]
        ]
        for layer in operator.layers:
            theta = layer.theta.weight @ state + layer.theta.bias
            logits = [
                theta @ (layer.phi.weight @ row + layer.phi.bias) / math.sqrt(len(theta))
                for row in bank
            ]
            weights = [logit.exp() for logit in logits]
            found = sum(
                weight / sum(weights) * (layer.g.weight @ row + layer.g.bias)
                for weight, row in zip(weights, bank, strict=True)
            )
            spread = ((found - found.mean()) ** 2).mean() + layer.norm.eps
            normed = (found - found.mean()) / spread.sqrt() * layer.norm.weight + layer.norm.bias
            state = state + layer.out.weight @ normed.clamp(min=0) + layer.out.bias
        wanted.append(state)
    torch.testing.assert_close(operator(roi, rows, real, clip), torch.stack(wanted))


def test_non_local_without_affine_norms_is_one_whose_norms_scale_by_one_and_shift_by_none():
    torch.manual_seed(0)
    plain = NonLocal(CHANNELS, width=5, norm_affine=False)
    affine = NonLocal(CHANNELS, width=5)
    assert {name for name in affine.state_dict() if ".norm." in name}
    assert not {name for name in plain.state_dict() if ".norm." in name}
    affine.load_state_dict({**affine.state_dict(), **plain.state_dict()})
    task = [x.float() if x.is_floating_point() else x for x in draw(0, [[1, 0, 1], [0, 1, 1]])]
    assert torch.equal(plain.eval()(*task), affine.eval()(*task))


def test_the_authors_initial_weights_give_what_the_bank_holds_no_say_at_first():
    torch.manual_seed(0)
    operator = NonLocal(200, width=100, init_std=0.01).eval()
    for name, parameter in operator.named_parameters():
        if "norm" not in name:
            drawn = not (name.endswith("bias") or ".out." in name)
            assert parameter.std().item() == pytest.approx(0.01 if drawn else 0, rel=0.05)
    roi, rows = torch.randn(3, 200), torch.randn(1, 7, 200)
    found = operator(roi, rows, torch.ones(1, 7, dtype=torch.bool), torch.zeros(3, dtype=int))
    assert torch.equal(found, operator.project_roi(roi))


def test_non_local_drops_projections_and_the_residual_branch_in_training_only():
    torch.manual_seed(0)
    operator = NonLocal(CHANNELS, width=5, layers=1, dropout=1.0).double()
    everything = draw(0, [[1, 1]])
    torch.testing.assert_close(operator(*everything), torch.zeros(4, 5).double())
    assert operator.eval()(*everything).any()


@pytest.mark.parametrize("empty", ["zero", "mask"])
@given(filled=windows(), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_attention_sums_to_one_and_masks_empty_slots(empty, filled, seed):
    operator = build("non_local", empty)
    roi, rows, real, clip = draw(seed, filled)
    weights = operator.attention(roi, rows, real, clip)
    assert weights.shape == (4, 2, rows.shape[1])
    torch.testing.assert_close(weights.sum(2), torch.ones(4, 2).double())
    if empty == "mask":
        left_out = ~real[clip] & real.any(1)[clip][:, None]
        assert (weights[left_out[:, None].expand_as(weights)] == 0).all()


def test_forward_follows_from_what_attention_shows():
    operator = build("non_local", "mask")
    roi, rows, real, clip = draw(1, [[1, 0, 1], [0, 0, 0]])
    weights = operator.attention(roi, rows, real, clip)
    state = operator.project_roi(roi)
    bank = (operator.project_bank(rows) * real[..., None])[clip]
    for step, layer in enumerate(operator.layers):
        found = (weights[:, step, :, None] * layer.g(bank)).sum(1)
        branch = layer.out(torch.relu(functional.layer_norm(found, (5,), *layer.norm.parameters())))
        state = state + branch
    torch.testing.assert_close(operator(roi, rows, real, clip), state)
