"""The model that scores actions: clip -> backbone -> RoI features -> (operator) -> logits."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lfb.errors import UserError
from lfb.models.backbones import Backbone, build_backbone
from lfb.models.operators import Operator, build_operator
from lfb.models.roi_align import roi_align


class ActionModel(nn.Module):
    """The model that scores the actions of the people in given boxes.

    Args:
        backbone: Turns a clip into a feature map.
        outputs: Logits per RoI. Index i stands for action id i; index 0 is reserved.
        operator: Reads the bank for each RoI; None for the baseline.
        roi_size: Side of the RoIAlign grid (8 in MMAction2, 7 in the authors' code).
        aligned: Whether pixel centres lie at halves (MMAction2) or at whole numbers (the authors).
        dropout: Dropout before the classifier.
        dropout_before_pool: Whether the baseline drops entries of the RoI's map (MMAction2) or of
            its pooled feature (the authors). A model with an operator does the latter.
    """

    backbone: Backbone
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        outputs: int,
        operator: Operator | None = None,
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
            channels += operator.out_channels
        self.classifier = nn.Linear(channels, outputs)
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)
        for name, pixel in (("mean", backbone.mean), ("std", backbone.std)):
            self.register_buffer(name, torch.tensor(pixel).view(1, 3, 1, 1, 1), persistent=False)

    @property
    def channels(self) -> int:
        """Channels of the RoI features, which the bank holds."""
        return self.backbone.channels

    def roi_maps(self, clips: Tensor, rois: Tensor) -> Tensor:
        """Return the RoIs' feature maps (R, C, roi_size, roi_size).

        Args:
            clips: (B, 3, T, H, W) uint8 RGB.
            rois: (R, 5) clip, x1, y1, x2, y2 in pixels.
        """
        features = self.backbone((clips - self.mean) / self.std).mean(2)
        return roi_align(features, rois, self.roi_size, 1 / self.backbone.stride, self.aligned)

    def roi_features(self, clips: Tensor, rois: Tensor) -> Tensor:
        """Return (R, C), the bank's features: the mean over time, the maximum over the RoI."""
        return self.roi_maps(clips, rois).amax((2, 3))

    def forward(
        self,
        clips: Tensor,
        rois: Tensor,
        rows: Tensor | None = None,
        real: Tensor | None = None,
    ) -> Tensor:
        """Return logits (R, outputs).

        Args:
            clips: (B, 3, T, H, W) uint8 RGB.
            rois: (R, 5) clip, x1, y1, x2, y2 in pixels.
            rows: (B, M, C) bank rows of each clip's window, zero where empty; None for the
                baseline, as ``real``.
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
        """Return logits (R, outputs) of a model with an operator, from its RoI features.

        Args:
            features: (R, C) of ``roi_features``.
            rows: (W, M, C) bank rows of some windows.
            real: (W, M) which of them hold a feature.
            clip: (R,) the window of each RoI.

        Raises:
            UserError: The operator returns something else than its contract says.
        """
        assert self.operator is not None
        context = self.operator(features, rows, real, clip)
        check_context(self.operator, context, len(features))
        return self.classifier(self.dropout(torch.cat([features, context], 1)))


def check_context(operator: Operator, context: object, people: int) -> None:
    """Check what an operator returns for some people.

    Raises:
        UserError: It is something else than the operator's contract says.
    """
    wanted = (people, operator.out_channels)
    if not isinstance(context, Tensor) or context.shape != wanted:
        raise UserError(_wrong_context(operator, context, wanted))


def _wrong_context(operator: Operator, context: object, wanted: tuple[int, int]) -> str:
    """Return an error about what an operator returns."""
    file = f"{type(operator).__module__.replace('.', '/')}.py"
    found = type(context).__name__
    if isinstance(context, Tensor):
        found = f"a tensor of shape {tuple(context.shape)}"
    return (
        f"{file}: {type(operator).__name__}.forward returns {found}, but the model needs a tensor "
        f"of shape {wanted}: a row for each RoI, with `out_channels` numbers. Fix forward, or set "
        "self.out_channels in __init__ to its width."
    )


def build_model(
    backbone: Mapping[str, Any],
    head: Mapping[str, Any],
    operator: Mapping[str, Any] | None,
    outputs: int,
) -> ActionModel:
    """Return the model that a config describes, with random initial weights.

    Args:
        backbone: ``name`` and the arguments of the backbone.
        head: Arguments of ``ActionModel``: ``roi_size``, ``aligned``, ``dropout``,
            ``dropout_before_pool``.
        operator: ``name`` and the arguments of the operator; None for the baseline.
        outputs: Logits per RoI.
    """
    trunk = build_backbone(**backbone)
    reader = None if operator is None else build_operator(**operator, channels=trunk.channels)
    return ActionModel(trunk, outputs, reader, **head)
