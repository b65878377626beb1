"""Tests of lfb.models.backbones.slowonly."""

import pytest
import torch
from torch import nn

from lfb.models.backbones.slowonly import SlowOnly


@pytest.fixture(scope="module")
def published() -> SlowOnly:
    """Return the published network on the meta device."""
    with torch.device("meta"):
        return SlowOnly(50)


def test_the_published_network_has_a_feature_for_each_frame_and_16_pixels(published):
    features = published(torch.empty(2, 3, 4, 256, 320, device="meta"))
    assert features.shape == (2, 2048, 4, 256 // 16, 320 // 16)
    assert (published.stride, published.channels) == (16, 2048)


def test_only_the_first_convolutions_of_stages_3_and_4_see_neighbouring_frames(published):
    convolutions = {n: m for n, m in published.named_modules() if isinstance(m, nn.Conv3d)}
    temporal = {name for name, conv in convolutions.items() if conv.kernel_size[0] == 3}
    expected = {f"layer3.{i}.conv1.conv" for i in range(6)}
    expected |= {f"layer4.{i}.conv1.conv" for i in range(3)}
    assert temporal == expected
    assert all(conv.stride[0] == 1 for conv in convolutions.values())
    assert published.conv1.conv.kernel_size == (1, 7, 7)


def test_names_are_those_of_published_checkpoints(published):
    names = published.state_dict().keys()
    assert {
        "conv1.conv.weight",
        "conv1.bn.running_var",
        "layer1.0.downsample.conv.weight",
        "layer3.5.conv2.bn.bias",
        "layer4.2.conv3.conv.weight",
    } <= names
    assert "layer1.1.downsample.conv.weight" not in names


def test_depth_101_has_23_blocks_in_stage_3():
    with torch.device("meta"):
        assert len(SlowOnly(101).layer3) == 23


@pytest.mark.parametrize(
    ("stem_stride", "stem_pool", "strides", "stride"),
    [(2, True, (1, 2), 8), (1, False, (1, 2), 2), (2, False, (1, 1), 2), (1, True, (2, 2), 8)],
)
def test_the_attribute_stride_is_that_of_the_output(stem_stride, stem_pool, strides, stride):
    backbone = SlowOnly([1, 2], 4, strides, (False, True), stem_stride, stem_pool)
    features = backbone(torch.randn(1, 3, 3, 32, 48))
    assert backbone.stride == stride
    assert features.shape == (1, backbone.channels, 3, 32 // stride, 48 // stride)


def test_without_inflated_stages_frames_do_not_see_each_other():
    clip = torch.randn(1, 3, 4, 16, 16)
    other = clip.clone()
    other[:, :, 3] += 1
    for inflate, alone in (((False, False), True), ((False, True), False)):
        torch.manual_seed(0)
        backbone = SlowOnly([1, 1], 4, (1, 2), inflate).eval()
        with torch.inference_mode():
            assert torch.equal(backbone(clip)[:, :, 2], backbone(other)[:, :, 2]) == alone
