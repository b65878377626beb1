import pytest
import torch
from torchvision import io, ops
from torchvision.transforms.v2 import functional as v2

from lfb.video import images


@pytest.fixture
def rois() -> torch.Tensor:
    corner = torch.rand(7, 2) * 40
    size = torch.rand(7, 2) * 30
    return torch.cat([torch.tensor([[0, 0, 1, 1, 1, 0, 1]]).T, corner, corner + size], 1)


@pytest.mark.parametrize("aligned", [True, False])
def test_roi_align_and_its_gradient_are_those_of_torchvision(
    rois: torch.Tensor, aligned: bool
) -> None:
    features = torch.rand(2, 5, 16, 20, requires_grad=True)
    weight = torch.rand(7, 5, 4, 4)
    theirs = ops.roi_align(features, rois, 4, spatial_scale=0.25, aligned=aligned)
    ours = images.roi_align(features, rois, 4, 0.25, aligned)
    assert torch.equal(ours, theirs)
    (expected,) = torch.autograd.grad((theirs * weight).sum(), features)
    (gradient,) = torch.autograd.grad((ours * weight).sum(), features)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")
def test_decoded_jpegs_are_those_of_torchvision() -> None:
    jpeg = io.encode_jpeg(torch.randint(0, 256, (3, 21, 34), dtype=torch.uint8))
    theirs = io.decode_jpeg(jpeg, io.ImageReadMode.RGB)
    assert torch.equal(images.decode_jpeg(jpeg.numpy().tobytes()), theirs)


@pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")
def test_grey_jpegs_become_rgb() -> None:
    jpeg = io.encode_jpeg(torch.randint(0, 256, (1, 8, 8), dtype=torch.uint8))
    assert images.decode_jpeg(jpeg.numpy().tobytes()).shape == (3, 8, 8)


def test_bytes_that_are_no_jpeg_are_refused() -> None:
    with pytest.raises(RuntimeError):
        images.decode_jpeg(b"not a picture")


@pytest.mark.parametrize("size", [(16, 20), (30, 41)])
def test_resized_clips_are_those_of_transforms_v2(size: tuple[int, int]) -> None:
    clip = torch.randint(0, 256, (4, 3, 24, 32), dtype=torch.uint8)
    assert torch.equal(images.resize(clip, size), v2.resize(clip, list(size), antialias=True))
