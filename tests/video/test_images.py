"""Tests of lfb.video.images."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as v2

from lfb.errors import UserError
from lfb.video import images
from tests.video.test_jpeg import encode


def test_a_frame_is_its_decoded_pixels() -> None:
    pixels = np.full((5, 7, 3), 200, np.uint8)
    frame = images.decode_frame(encode(pixels), "a", 3)
    assert torch.equal(frame, torch.full((3, 5, 7), 200, dtype=torch.uint8))


def test_a_frame_that_does_not_decode_is_an_error_with_its_number() -> None:
    with pytest.raises(
        UserError, match=r"video a, frame 3: not a JPEG that decodes \(.+\)\. Extract"
    ):
        images.decode_frame(b"not a picture", "a", 3)


@pytest.mark.parametrize("size", [(16, 20), (30, 41)])
def test_resized_clips_equal_those_of_transforms_v2(size: tuple[int, int]) -> None:
    clip = torch.randint(0, 256, (4, 3, 24, 32), dtype=torch.uint8)
    assert torch.equal(images.resize(clip, size), v2.resize(clip, list(size), antialias=True))
