"""Tests of lfb.models.operators.non_local."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from lfb.models.operators.non_local import NonLocal
from tests.operator_cases import CHANNELS, build, draw, windows


def test_forward_matches_the_papers_equations_one_roi_at_a_time():
    operator = build("non_local", "zero")
    for layer in operator.layers:  # another scale and shift than the initial ones
        torch.nn.init.normal_(layer.norm.weight)
        torch.nn.init.normal_(layer.norm.bias)
    roi, rows, real, clip = draw(5, [[1, 0, 1, 1], [0, 0, 1, 0]], rois=3)
    expected = []
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
        expected.append(state)
    torch.testing.assert_close(operator(roi, rows, real, clip), torch.stack(expected))


@pytest.mark.parametrize("empty", ["zero", "mask"])
def test_fold_changes_neither_output_nor_gradients(empty):
    torch.manual_seed(0)
    plain = NonLocal(CHANNELS, width=5, empty=empty).double().eval()
    folded = NonLocal(CHANNELS, width=5, empty=empty, fold=True).double().eval()
    folded.load_state_dict(plain.state_dict())
    task = draw(4, [[1, 0, 1, 1], [0, 0, 0, 0]])
    found, expected = folded(*task), plain(*task)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(folded.attention(*task), plain.attention(*task))
    for output in found, expected:
        output.square().sum().backward()
    for one, other in zip(folded.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_norm_affine_false_equals_norms_with_scale_1_and_shift_0():
    torch.manual_seed(0)
    plain = NonLocal(CHANNELS, width=5, norm_affine=False)
    affine = NonLocal(CHANNELS, width=5)
    assert {name for name in affine.state_dict() if ".norm." in name}
    assert not {name for name in plain.state_dict() if ".norm." in name}
    affine.load_state_dict({**affine.state_dict(), **plain.state_dict()})
    task = [x.float() if x.is_floating_point() else x for x in draw(0, [[1, 0, 1], [0, 1, 1]])]
    assert torch.equal(plain.eval()(*task), affine.eval()(*task))


def test_with_the_authors_initial_weights_the_bank_does_not_change_the_output():
    torch.manual_seed(0)
    operator = NonLocal(200, width=100, init_std=0.01).eval()
    for name, parameter in operator.named_parameters():
        if "norm" not in name:
            drawn = not (name.endswith("bias") or ".out." in name)
            assert parameter.std().item() == pytest.approx(0.01 if drawn else 0, rel=0.05)
    roi, rows = torch.randn(3, 200), torch.randn(1, 7, 200)
    found = operator(roi, rows, torch.ones(1, 7, dtype=torch.bool), torch.zeros(3, dtype=int))
    assert torch.equal(found, operator.project_roi(roi))


def test_dropout_acts_on_projections_and_layers_in_training_only():
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


def test_forward_uses_the_weights_that_attention_returns():
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
