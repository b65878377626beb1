"""Tests of lfb.models.backbones.i3d_nl; tests/models/test_caffe2.py compares it with Caffe2."""

import pytest
import torch
from torch import nn

from lfb.models.backbones.i3d_nl import I3D, NonLocalBlock


@pytest.fixture(scope="module", params=[50, 101])
def published(request) -> I3D:
    """Return a published network on the meta device."""
    with torch.device("meta"):
        return I3D(request.param)


def test_the_published_networks_have_a_feature_for_2_frames_and_16_pixels(published):
    features = published(torch.empty(2, 3, 32, 256, 320, device="meta"))
    assert features.shape == (2, 2048, 16, 256 // 16, 320 // 16)
    assert (published.stride, published.channels) == (16, 2048)


def test_the_last_stage_has_dilation_instead_of_a_stride(published):
    convolutions = [m for m in published.layer4.modules() if isinstance(m, nn.Conv3d)]
    assert all(conv.stride == (1, 1, 1) for conv in convolutions)
    assert {conv.dilation for conv in convolutions if conv.kernel_size[1] == 3} == {(1, 2, 2)}


def test_non_local_blocks_follow_every_second_block_or_in_stage_3_of_101_every_seventh(published):
    found = {name for name, m in published.named_modules() if isinstance(m, NonLocalBlock)}
    after = [1, 3, 5] if len(published.layer3) == 9 else [6, 13, 20]
    expected = {"layer2.nonlocal_1", "layer2.nonlocal_3"}
    assert found == expected | {f"layer3.nonlocal_{block}" for block in after}


def test_training_does_not_change_frozen_batch_norms():
    model = I3D([1, 1, 1, 1], width=2).train()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm3d)]
    assert len(norms) == 1 + 4 * 4
    before = [{n: t.clone() for n, t in norm.state_dict().items()} for norm in norms]
    model(torch.randn(1, 3, 4, 32, 32)).sum().backward()
    for norm, state in zip(norms, before, strict=True):
        assert not norm.training
        assert norm.weight.grad is None
        assert norm.bias.grad is None
        assert all(torch.equal(tensor, state[n]) for n, tensor in norm.state_dict().items())
    assert model.conv1.conv.weight.grad is not None


def test_batch_norms_that_are_not_frozen_are_trained():
    model = I3D([1, 2, 1, 1], width=2, frozen_norm=False).train()
    model(torch.randn(1, 3, 4, 32, 32)).sum().backward()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm3d)]
    assert all(norm.training and norm.num_batches_tracked == 1 for norm in norms)
    assert all(norm.weight.grad is not None for norm in norms)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_new_non_local_block_changes_nothing_and_can_learn(frozen):
    block = NonLocalBlock(6, None, frozen)
    x = torch.randn(2, 6, 3, 4, 5)
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.out.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(("frames", "seen"), [(None, [0, 1, 2, 3, 4, 5]), (4, [0, 1, 2, 3])])
def test_frames_see_only_those_of_their_group(frames, seen):
    block = NonLocalBlock(4, frames, True)
    nn.init.normal_(block.out.weight)
    x = torch.randn(1, 4, 6, 4, 4)
    other = x.clone()
    other[:, :, 1] += 1
    with torch.inference_mode():
        changed = (block(x) != block(other)).any(dim=(0, 1, 3, 4))
    assert changed.nonzero().flatten().tolist() == seen


def test_another_number_of_stages_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        I3D([1, 1])
