"""Tests of lfb.models.backbones, for every backbone."""

import pytest
import torch

from lfb.errors import UserError
from lfb.models.backbones import Backbone, build_backbone
from lfb.models.signatures import arguments

CASES = {
    "i3d_nl": {"depth": [1, 1, 1, 1], "width": 2},
    "slowonly": {"depth": [1, 1, 1, 1], "width": 2},
}


def test_every_backbone_is_tested_here():
    assert sorted(arguments("backbones")) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_channels_and_stride_are_those_of_the_output(name):
    backbone = build_backbone(name, **CASES[name])
    features = backbone(torch.randn(2, 3, 4, 32, 64))
    assert features.shape[:2] == (2, backbone.channels)
    assert features.shape[3:] == (32 / backbone.stride, 64 / backbone.stride)


@pytest.mark.parametrize("name", CASES)
def test_mean_and_std_are_three_numbers_of_pixels(name):
    backbone = build_backbone(name, **CASES[name])
    for values in backbone.mean, backbone.std:
        assert len(values) == 3
        assert all(1 < value < 255 for value in values)


def test_an_unknown_backbone_is_an_error_that_names_the_missing_file():
    with pytest.raises(UserError, match=r"no backbone 'vit'; add it in .*/backbones/vit\.py"):
        build_backbone("vit")


def test_the_base_class_computes_nothing():
    with pytest.raises(NotImplementedError):
        Backbone()(torch.zeros(1))
