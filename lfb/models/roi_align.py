"""RoIAlign with torchvision's compiled kernels, without its Python package.

``from torchvision.ops import roi_align`` imports torchvision and ``torch._dynamo``. This adds
1.2 s of CPU time to the start of every job, where loading the kernels takes 0.01 s (medians of 7
runs, torch 2.14.1 and torchvision 0.29.2; ``import torch`` takes 1.3 s). A test compares this
function and its gradient with torchvision's.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def _load_kernels() -> None:
    spec = find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("torchvision is not installed: pip install -r requirements.txt")
    for library in sorted(Path(spec.submodule_search_locations[0]).glob("_C*.so")):
        torch.ops.load_library(library)


_load_kernels()


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
    """Pool RoIs of a feature map with an adaptive number of samples (sampling_ratio 0).

    Args:
        features: (B, C, H, W).
        rois: (R, 5) batch index, x1, y1, x2, y2 in pixels of the input.
        size: Side of the output grid.
        scale: Feature pixels per input pixel.
        aligned: Whether pixel centres lie at halves; otherwise at whole numbers, as in Caffe2.

    Returns:
        (R, C, size, size) float32.
    """
    return _RoIAlign.apply(features.float().contiguous(), rois.float(), size, scale, aligned)
