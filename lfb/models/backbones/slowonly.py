"""SlowOnly: the 3D ResNet of MMAction2's LFB models, which does not reduce time."""

from collections.abc import Sequence

from torch import Tensor, nn

from lfb.models.backbones import Backbone
from lfb.models.backbones.blocks import BLOCKS, Bottleneck, ConvBN, initialise


class SlowOnly(Backbone):
    """The slow pathway of SlowFast alone (Feichtenhofer et al., ICCV 2019, Table 1).

    No stage has a stride in time. The published network is ``SlowOnly(50)``: its last stage keeps
    a spatial stride of 1, so a feature covers 16 x 16 pixels.

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
        """Return (B, channels, T, H / stride, W / stride) of normalised RGB (B, 3, T, H, W)."""
        x = self.pool1(self.conv1(clips).relu_())
        for stage in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{stage}")(x)
        return x
