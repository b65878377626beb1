"""Tests of lfb.models.backbones.blocks."""

import pytest
import torch
from torch import nn

from lfb.models.backbones.blocks import Bottleneck, ConvBN, FrozenBatchNorm, initialise


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_a_convolution_changes_the_size_only_by_its_stride(stride, dilation):
    block = ConvBN(3, 4, (3, 3, 3), stride, dilation)
    assert block(torch.randn(1, 3, 5, 8, 12)).shape == (1, 4, 5, 8 // stride, 12 // stride)


def test_a_frozen_batch_norm_has_no_gradient_and_never_trains():
    block = ConvBN(3, 4, (1, 1, 1), frozen=True).train()
    assert isinstance(block.bn, FrozenBatchNorm)
    assert not block.bn.training
    assert not any(parameter.requires_grad for parameter in block.bn.parameters())


@pytest.mark.parametrize(
    ("channels", "stride", "shortcut"), [(8, 1, False), (8, 2, True), (4, 1, True)]
)
def test_a_shortcut_has_a_convolution_where_the_shape_changes(channels, stride, shortcut):
    block = Bottleneck(channels, 2, stride, 3)
    assert (block.downsample is not None) == shortcut
    assert block(torch.randn(1, channels, 2, 4, 4)).shape == (1, 8, 2, 4 // stride, 4 // stride)


def test_only_convolutions_with_a_batch_norm_are_initialised():
    torch.manual_seed(0)
    layers = nn.Sequential(ConvBN(32, 64, (1, 3, 3)), nn.Linear(2, 2))
    before = layers[1].weight.clone()
    layers.apply(initialise)
    assert layers[0].conv.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert torch.equal(layers[1].weight, before)
