"""Frames as tensors: decoding and resizing."""

import torch
from torch import Tensor
from torch.nn import functional

from lfb.errors import UserError
from lfb.video.jpeg import decode_jpeg


def decode_frame(data: bytes, video: str, number: int) -> Tensor:
    """Return frame ``number`` of ``video``, a JPEG, as (3, H, W) uint8 RGB.

    Raises:
        UserError: It does not decode.
    """
    try:
        pixels = decode_jpeg(data)
    except ValueError as error:
        raise UserError(
            f"video {video}, frame {number}: not a JPEG that decodes ({error}). Extract the video "
            "again."
        ) from error
    return torch.from_numpy(pixels).permute(2, 0, 1)


def resize(clip: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a clip (T, 3, H, W) uint8 as (T, 3, *size) uint8, bilinear with antialiasing."""
    return functional.interpolate(clip, size, mode="bilinear", antialias=True)
