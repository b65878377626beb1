"""Tests of lfb.models.roi_align."""

import subprocess
import sys

import pytest
import torch
from torchvision import ops

from lfb.models.roi_align import roi_align


@pytest.fixture
def rois() -> torch.Tensor:
    corner = torch.rand(7, 2) * 40
    size = torch.rand(7, 2) * 30
    return torch.cat([torch.tensor([[0, 0, 1, 1, 1, 0, 1]]).T, corner, corner + size], 1)


@pytest.mark.parametrize("aligned", [True, False])
def test_roi_align_and_its_gradient_equal_torchvisions(rois: torch.Tensor, aligned: bool) -> None:
    features = torch.rand(2, 5, 16, 20, requires_grad=True)
    weight = torch.rand(7, 5, 4, 4)
    theirs = ops.roi_align(features, rois, 4, spatial_scale=0.25, aligned=aligned)
    ours = roi_align(features, rois, 4, 0.25, aligned)
    assert torch.equal(ours, theirs)
    (expected,) = torch.autograd.grad((theirs * weight).sum(), features)
    (gradient,) = torch.autograd.grad((ours * weight).sum(), features)
    torch.testing.assert_close(gradient, expected)


def test_importing_it_loads_neither_dynamo_nor_torchvision():
    code = (
        "import sys, lfb.models.roi_align;"
        "assert not {'torch._dynamo', 'torchvision'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
