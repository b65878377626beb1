"""torchvision's compiled operators without its Python package.

``import torchvision`` loads ``torch._dynamo`` and takes as long as ``import torch`` (1.5 s each),
which would double what a job costs before its work begins. The kernels are the same; tests hold
these functions to ``torchvision.ops.roi_align``, ``torchvision.io.decode_jpeg`` and
``transforms.v2``.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lfb.errors import UserError


def _load() -> None:
    spec = find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("torchvision is not installed: pip install -r requirements.txt")
    for library in sorted(Path(spec.submodule_search_locations[0]).glob("*.so")):
        torch.ops.load_library(library)


_load()


class _RoIAlign(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, rois: Tensor, size: int, scale: float, aligned: bool
    ) -> Tensor:
        ctx.save_for_backward(rois)
        ctx.arguments = scale, size, size, *features.shape, 0, aligned
        return torch.ops.torchvision.roi_align(features, rois, scale, size, size, 0, aligned)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (rois,) = ctx.saved_tensors
        (gradient,) = gradients
        back = torch.ops.torchvision._roi_align_backward
        return back(gradient.contiguous(), rois, *ctx.arguments), None, None, None, None


def roi_align(
    features: Tensor, rois: Tensor, size: int, scale: float, aligned: bool = True
) -> Tensor:
    """RoIAlign with an adaptive number of samples (sampling_ratio 0).

    Args:
        features: (B, C, H, W).
        rois: (R, 5) batch index, x1, y1, x2, y2 in pixels of the input.
        size: Side of the output grid.
        scale: Feature pixels per input pixel.
        aligned: Whether the centres of pixels lie at halves, or, as in Caffe2, at whole numbers.

    Returns:
        (R, C, size, size) float32.
    """
    return _RoIAlign.apply(features.float().contiguous(), rois.float(), size, scale, aligned)


def decode_jpeg(data: bytes) -> Tensor:
    """A JPEG as (3, H, W) uint8 RGB.

    Raises:
        RuntimeError: It does not decode.
    """
    rgb = 3  # torchvision.io.ImageReadMode.RGB
    return torch.ops.image.decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8), rgb)


def decode_frame(data: bytes, video: str, number: int) -> Tensor:
    """Frame ``number`` of ``video``, a JPEG, as (3, H, W) uint8 RGB.

    Raises:
        UserError: It does not decode.
    """
    try:
        return decode_jpeg(data)
    except RuntimeError as error:
        raise UserError(
            f"video {video}, frame {number}: not a JPEG that decodes ({error}). Extract the video "
            "again."
        ) from error


def resize(clip: Tensor, size: tuple[int, int]) -> Tensor:
    """(T, 3, H, W) uint8 -> (T, 3, *size) uint8, bilinear with antialiasing."""
    return functional.interpolate(clip, size, mode="bilinear", antialias=True)
