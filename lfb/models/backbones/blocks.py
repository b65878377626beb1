"""Building blocks of the 3D ResNets, from the smallest to the residual block.

Parameter names follow MMAction2's, so that its checkpoints load name by name.
"""

from typing import Self

from torch import Tensor, nn

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}  # residual blocks of each stage, by depth


class FrozenBatchNorm(nn.BatchNorm3d):
    """Batch norm that training does not change: one fixed scale and shift for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.requires_grad_(False).train(False)

    def train(self, mode: bool = True) -> Self:
        return super().train(False)


class ConvBN(nn.Module):
    """Convolution and batch norm over (B, C, T, H, W); stride and dilation are spatial."""

    def __init__(
        self,
        channels_in: int,
        channels: int,
        kernel: tuple[int, int, int],
        stride: int = 1,
        dilation: int = 1,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv3d(
            channels_in,
            channels,
            kernel,
            (1, stride, stride),
            (kernel[0] // 2, dilation * (kernel[1] // 2), dilation * (kernel[2] // 2)),
            (1, dilation, dilation),
            bias=False,
        )
        self.bn = FrozenBatchNorm(channels) if frozen else nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class Bottleneck(nn.Module):
    """Residual block 1x1x1 (or 3x1x1), 1x3x3, 1x1x1; the middle one has the stride and dilation."""

    expansion = 4

    def __init__(
        self,
        channels_in: int,
        width: int,
        stride: int,
        temporal_kernel: int,
        dilation: int = 1,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        channels = width * self.expansion
        self.conv1 = ConvBN(channels_in, width, (temporal_kernel, 1, 1), frozen=frozen)
        self.conv2 = ConvBN(width, width, (1, 3, 3), stride, dilation, frozen)
        self.conv3 = ConvBN(width, channels, (1, 1, 1), frozen=frozen)
        self.downsample = (
            ConvBN(channels_in, channels, (1, 1, 1), stride, frozen=frozen)
            if stride != 1 or channels_in != channels
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.conv1(x).relu_()
        x = self.conv2(x).relu_()
        return self.conv3(x).add_(shortcut).relu_()


def initialise(module: nn.Module) -> None:
    """Draw He et al.'s initial weights if a module is a ``ConvBN``; for ``nn.Module.apply``."""
    if isinstance(module, ConvBN):
        nn.init.kaiming_normal_(module.conv.weight, mode="fan_out", nonlinearity="relu")
