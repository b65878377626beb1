"""Backbones: 3D networks that turn a clip into a feature map.

Each family has one file, and ``blocks.py`` holds what they share. The config names a
backbone by its file: ``name: slowonly`` is the subclass of ``Backbone`` in ``slowonly.py``, and the
other keys are its arguments.
"""

from typing import Any

from torch import Tensor, nn

from lfb.models.by_name import class_in


class Backbone(nn.Module):
    """The contract of every backbone, which is built as ``Subclass(**arguments)``.

    Attributes:
        channels: C, the channels of the output and of the bank.
        stride: Pixels of the input for each pixel of the output, in height and width. RoIAlign
            scales the boxes by it.
        mean: Of the pixels in training, for R, G and B, on the scale 0..255.
        std: Their standard deviation, on the same scale. ``ActionModel`` subtracts ``mean`` from
            its uint8 clips and divides by ``std``, so a backbone gets normalised pixels.
    """

    channels: int
    stride: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def forward(self, clips: Tensor) -> Tensor:
        """Return (B, C, T', H / ``stride``, W / ``stride``), where the backbone chooses T'.

        Args:
            clips: (B, 3, T, H, W) normalised RGB, float32 (bfloat16 inside autocast).
        """
        raise NotImplementedError


def build_backbone(name: str, **arguments: Any) -> Backbone:
    """Return the backbone that a config names.

    Raises:
        UserError: No file of this folder has that name.
    """
    return class_in("lfb.models.backbones", name, Backbone)(**arguments)
