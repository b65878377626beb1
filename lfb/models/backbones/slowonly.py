"""The 3D ResNet that turns a clip into a feature map, from the smallest block to the whole network.

Parameter names follow MMAction2's, so that its checkpoints load name by name. ``i3d.py`` builds the
paper's network of the same blocks.
"""

from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


class FrozenBatchNorm(nn.BatchNorm3d):
    """Batch norm that training leaves as it was loaded: one scale and shift a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.requires_grad_(False).train(False)

    def train(self, mode: bool = True) -> Self:
        return super().train(False)


class ConvBN(nn.Module):
    """Convolution and batch norm over (B, C, T, H, W); stride and dilation are those in space."""

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
    """Residual block 1x1x1 (or 3x1x1), 1x3x3, 1x1x1; the middle one strides or is dilated."""

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


class SlowOnly(nn.Module):
    """The slow pathway of SlowFast (Feichtenhofer et al., ICCV 2019, Table 1) on its own.

    No stage strides in time. The published network is ``SlowOnly(50)``: the last stage keeps its
    spatial stride at 1, so that a feature covers 16 x 16 pixels.

    Args:
        depth: 50 or 101, or the number of blocks of each stage.
        width: Channels of the stem; the output has ``width * 32`` for four stages.
        spatial_strides: Stride of the first block of each stage.
        inflate: Which stages see neighbouring frames (temporal kernel 3 in each first convolution).
        stem_stride: Spatial stride of the 1x7x7 stem.
        stem_pool: Whether a 1x3x3 max pooling of stride 2 follows the stem.
    """

    # ImageNet statistics on the 0..255 scale, RGB, as in MMAction2's configurations.
    mean = (123.675, 116.28, 103.53)
    std = (58.395, 57.12, 57.375)

    def __init__(
        self,
        depth: int | Sequence[int] = 50,
        width: int = 64,
        spatial_strides: Sequence[int] = (1, 2, 2, 1),
        inflate: Sequence[bool] = (False, False, True, True),
        stem_stride: int = 2,
        stem_pool: bool = True,
    ) -> None:
        super().__init__()
        blocks = BLOCKS[depth] if isinstance(depth, int) else tuple(depth)
        self.stages = len(blocks)
        self.conv1 = ConvBN(3, width, (1, 7, 7), stem_stride)
        self.pool1 = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)) if stem_pool else nn.Identity()
        self.stride = stem_stride * (2 if stem_pool else 1)
        channels = width
        for stage, (count, stride, inflated) in enumerate(
            zip(blocks, spatial_strides, inflate, strict=True)
        ):
            layer = nn.Sequential()
            for block in range(count):
                layer.append(
                    Bottleneck(
                        channels,
                        width * 2**stage,
                        stride if block == 0 else 1,
                        3 if inflated else 1,
                    )
                )
                channels = width * 2**stage * Bottleneck.expansion
            self.add_module(f"layer{stage + 1}", layer)
            self.stride *= stride
        self.channels = channels
        self.apply(initialise)

    def forward(self, clips: Tensor) -> Tensor:
        """(B, 3, T, H, W) normalised RGB -> (B, channels, T, H / stride, W / stride)."""
        x = self.pool1(self.conv1(clips).relu_())
        for stage in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{stage}")(x)
        return x


def initialise(module: nn.Module) -> None:
    """He et al.'s initial weights, where a module is a convolution with batch norm."""
    if isinstance(module, ConvBN):
        nn.init.kaiming_normal_(module.conv.weight, mode="fan_out", nonlinearity="relu")
