"""The action detector: clip -> backbone -> RoI features -> (bank operator) -> action scores."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from lfb.models.backbone import SlowOnly
from lfb.vision import roi_align

# ImageNet statistics on the 0..255 scale, RGB, as in MMAction2's configurations.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)

BACKBONES = {"slowonly": SlowOnly}


class Detector(nn.Module):
    """Scores the actions of the people in given boxes.

    Args:
        backbone: (B, 3, T, H, W) -> (B, C, T, H / stride, W / stride).
        outputs: Logits per RoI. Index i stands for action id i; index 0 is reserved.
        operator: What the RoI takes from the bank; none for the baseline.
        roi_size: Side of the RoIAlign grid (8 in MMAction2, 7 in the authors' code).
        dropout: Before the classifier.
    """

    backbone: SlowOnly
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: SlowOnly,
        outputs: int,
        operator: nn.Module | None = None,
        roi_size: int = 8,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.operator = operator
        self.roi_size = roi_size
        self.dropout = nn.Dropout(dropout)
        channels = backbone.channels
        if operator is not None:
            channels += cast(int, operator.out_channels)
        self.classifier = nn.Linear(channels, outputs)
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1, 1), persistent=False)

    def roi_maps(self, clips: Tensor, rois: Tensor) -> Tensor:
        """(B, 3, T, H, W) uint8 RGB and (R, 5) [clip, x1, y1, x2, y2] pixels -> (R, C, s, s)."""
        features = self.backbone((clips - self.mean) / self.std).mean(2)
        return roi_align(features, rois, self.roi_size, 1 / self.backbone.stride)

    def roi_features(self, clips: Tensor, rois: Tensor) -> Tensor:
        """(R, C): mean over time, maximum over the RoI. This is what the bank keeps."""
        return self.roi_maps(clips, rois).amax((2, 3))

    def forward(
        self,
        clips: Tensor,
        rois: Tensor,
        rows: Tensor | None = None,
        real: Tensor | None = None,
    ) -> Tensor:
        """Logits (R, outputs).

        Args:
            clips: (B, 3, T, H, W) uint8 RGB.
            rois: (R, 5) clip index and box in pixels.
            rows: (B, M, C) bank rows of each clip's window, zero where empty.
            real: (B, M) which rows hold a feature.
        """
        maps = self.roi_maps(clips, rois)
        if self.operator is None:
            # MMAction2 drops entries of the map, before the pooling.
            return self.classifier(self.dropout(maps).amax((2, 3)))
        roi = maps.amax((2, 3))
        found = self.operator(roi, rows, real, rois[:, 0].long())
        return self.classifier(self.dropout(torch.cat([roi, found], 1)))


def build_detector(
    backbone: Mapping[str, Any],
    head: Mapping[str, Any],
    operator: Mapping[str, Any] | None,
    outputs: int,
) -> Detector:
    """The detector that a model's configuration describes.

    Args:
        backbone: ``name`` and the arguments of that backbone.
        head: Arguments of ``Detector``: ``roi_size``, ``dropout``.
        operator: ``name`` and the arguments of that operator; None for the baseline.
        outputs: Logits per RoI.
    """
    backbone = dict(backbone)
    trunk = BACKBONES[backbone.pop("name")](**backbone)
    module = None
    if operator is not None:
        # Here, so that the baseline and its banks do not depend on this file.
        from lfb.models.operators import OPERATORS

        operator = dict(operator)
        module = OPERATORS[operator.pop("name")](trunk.channels, **operator)
    return Detector(trunk, outputs, module, **head)
