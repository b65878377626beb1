"""The action detector: clip -> backbone -> RoI features -> (bank operator) -> action scores."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from lfb.models.backbones.i3d_nl import I3D
from lfb.models.backbones.slowonly import SlowOnly
from lfb.video.images import roi_align

BACKBONES: dict[str, type[SlowOnly | I3D]] = {"slowonly": SlowOnly, "i3d_nl": I3D}


class ActionModel(nn.Module):
    """Scores the actions of the people in given boxes.

    Args:
        backbone: (B, 3, T, H, W) -> (B, C, T', H / stride, W / stride); its ``mean`` and ``std``
            are those of the pixels it is given.
        outputs: Logits per RoI. Index i stands for action id i; index 0 is reserved.
        operator: What the RoI takes from the bank; none for the baseline.
        roi_size: Side of the RoIAlign grid (8 in MMAction2, 7 in the authors' code).
        aligned: Whether pixel centres lie at halves (MMAction2) or at whole numbers (the authors).
        dropout: Before the classifier.
        dropout_before_pool: Whether the baseline drops entries of the RoI's map (MMAction2) or of
            its pooled feature (the authors); a model with an operator does the latter.
    """

    backbone: SlowOnly | I3D
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: SlowOnly | I3D,
        outputs: int,
        operator: nn.Module | None = None,
        roi_size: int = 8,
        aligned: bool = True,
        dropout: float = 0.5,
        dropout_before_pool: bool = True,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.operator = operator
        self.roi_size = roi_size
        self.aligned = aligned
        self.dropout = nn.Dropout(dropout)
        self.dropout_before_pool = dropout_before_pool
        channels = backbone.channels
        if operator is not None:
            channels += cast(int, operator.out_channels)
        self.classifier = nn.Linear(channels, outputs)
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)
        for name, pixel in (("mean", backbone.mean), ("std", backbone.std)):
            self.register_buffer(name, torch.tensor(pixel).view(1, 3, 1, 1, 1), persistent=False)

    def roi_maps(self, clips: Tensor, rois: Tensor) -> Tensor:
        """(B, 3, T, H, W) uint8 RGB and (R, 5) [clip, x1, y1, x2, y2] pixels -> (R, C, s, s)."""
        features = self.backbone((clips - self.mean) / self.std).mean(2)
        return roi_align(features, rois, self.roi_size, 1 / self.backbone.stride, self.aligned)

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
        if self.operator is not None:
            return self.classify(maps.amax((2, 3)), rows, real, rois[:, 0].long())
        if self.dropout_before_pool:
            return self.classifier(self.dropout(maps).amax((2, 3)))
        return self.classifier(self.dropout(maps.amax((2, 3))))

    def classify(
        self, features: Tensor, rows: Tensor | None, real: Tensor | None, clip: Tensor
    ) -> Tensor:
        """Logits (R, outputs) of a model with an operator, from what the backbone gave.

        Args:
            features: (R, C) of ``roi_features``.
            rows: (W, M, C) bank rows of some windows.
            real: (W, M) which of them hold a feature.
            clip: (R,) the window of each RoI.
        """
        assert self.operator is not None
        found = self.operator(features, rows, real, clip)
        return self.classifier(self.dropout(torch.cat([features, found], 1)))


def build_model(
    backbone: Mapping[str, Any],
    head: Mapping[str, Any],
    operator: Mapping[str, Any] | None,
    outputs: int,
) -> ActionModel:
    """The detector that a model's configuration describes.

    Args:
        backbone: ``name`` and the arguments of that backbone.
        head: Arguments of ``ActionModel``: ``roi_size``, ``aligned``, ``dropout``,
            ``dropout_before_pool``.
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
    return ActionModel(trunk, outputs, module, **head)
