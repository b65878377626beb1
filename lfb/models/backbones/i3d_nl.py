"""The paper's backbone: an I3D ResNet with non-local blocks, as the authors' code builds it.

Source: lib/models/resnet_video.py of github.com/facebookresearch/video-long-term-feature-banks.
``lfb/models/caffe2.py`` loads its weights.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lfb.models.backbones import Backbone
from lfb.models.backbones.blocks import BLOCKS, Bottleneck, ConvBN, FrozenBatchNorm, initialise

STRIDES = (1, 2, 2, 1)
DILATIONS = (1, 1, 1, 2)
# Temporal kernels of the blocks of each stage; the blocks cycle through them.
TEMPORAL_KERNELS = ((3,), (3, 1), (3, 1), (1, 3))
# Blocks between two non-local blocks, by depth and stage (only stages 2 and 3: res3 and res4).
NONLOCAL_EVERY = {50: (None, 2, 2, None), 101: (None, 2, 7, None)}
# Frames in a group of each stage's non-local blocks; positions of a group see each other only.
NONLOCAL_FRAMES = (None, 4, None, None)


class NonLocalBlock(nn.Module):
    """Attention of each position to all positions (Wang et al., CVPR 2018, section 3.3).

    Keys and values are pooled 2 x 2 in space.

    Args:
        channels: Of the input and the output; half as many inside.
        frames: Frames of a group whose positions see each other; None for the whole clip.
        frozen: Whether the batch norm stays as it is loaded.
    """

    def __init__(self, channels: int, frames: int | None, frozen: bool) -> None:
        super().__init__()
        width = channels // 2
        self.frames = frames
        self.pool = nn.MaxPool3d((1, 2, 2))
        self.theta = nn.Conv3d(channels, width, 1)
        self.phi = nn.Conv3d(channels, width, 1)
        self.g = nn.Conv3d(channels, width, 1)
        self.out = nn.Conv3d(width, channels, 1)
        self.bn = FrozenBatchNorm(channels) if frozen else nn.BatchNorm3d(channels)
        for conv in self.theta, self.phi, self.g, self.out:
            nn.init.normal_(conv.weight, std=0.01)
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        nn.init.zeros_(self.out.weight)  # so a new block returns its input

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(x)  # (B, C, T, H / 2, W / 2)
        frames = self.frames or x.shape[2]
        groups = (y.split(frames, 2) for y in (self.theta(x), self.phi(pooled), self.g(pooled)))
        found = torch.cat([_attend(*group) for group in zip(*groups, strict=True)], 2)
        return x + self.bn(self.out(found))


def _attend(theta: Tensor, phi: Tensor, g: Tensor) -> Tensor:
    """Return (B, C, T, H, W): for each position of theta, the values g weighted by phi."""
    query, key, value = (y.flatten(2).mT for y in (theta, phi, g))  # (B, positions, C)
    found = functional.scaled_dot_product_attention(query, key, value)
    return found.mT.reshape(theta.shape)


class I3D(Backbone):
    """I3D ResNet with non-local blocks (Wu et al., CVPR 2019).

    Stage 1 is followed by a pooling that halves time. The last stage has a dilation of 2 in place
    of a stride, so a feature covers 16 x 16 pixels.

    Args:
        depth: 50 or 101, or the number of blocks of each of the four stages.
        width: Channels of the stem; the output has ``width * 32``.
        frozen_norm: Whether batch norms stay as they are loaded, as in all of the authors' training
            on AVA. Set it to False to train from random weights.
    """

    # On the 0..255 scale, RGB: 0.45 and 0.225 in the authors' lib/core/config.py.
    mean = (114.75, 114.75, 114.75)
    std = (57.375, 57.375, 57.375)

    def __init__(
        self, depth: int | Sequence[int] = 50, width: int = 64, frozen_norm: bool = True
    ) -> None:
        super().__init__()
        blocks = BLOCKS[depth] if isinstance(depth, int) else tuple(depth)
        every = NONLOCAL_EVERY[depth if isinstance(depth, int) else 50]
        self.conv1 = ConvBN(3, width, (5, 7, 7), 2, frozen=frozen_norm)
        self.pool1 = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        self.pool2 = nn.MaxPool3d((2, 1, 1))
        self.stride = 16
        channels = width
        for stage, (count, stride, dilation, kernels, step, frames) in enumerate(
            zip(
                blocks,
                STRIDES,
                DILATIONS,
                TEMPORAL_KERNELS,
                every,
                NONLOCAL_FRAMES,
                strict=True,
            )
        ):
            layer = nn.Sequential()
            for block in range(count):
                layer.add_module(
                    str(block),
                    Bottleneck(
                        channels,
                        width * 2**stage,
                        stride if block == 0 else 1,
                        kernels[block % len(kernels)],
                        dilation,
                        frozen_norm,
                    ),
                )
                channels = width * 2**stage * Bottleneck.expansion
                if step and block % step == step - 1:
                    nonlocal_block = NonLocalBlock(channels, frames, frozen_norm)
                    layer.add_module(f"nonlocal_{block}", nonlocal_block)
            self.add_module(f"layer{stage + 1}", layer)
        self.channels = channels
        self.apply(initialise)

    def forward(self, clips: Tensor) -> Tensor:
        """Return (B, channels, T / 2, H / 16, W / 16) of normalised RGB (B, 3, T, H, W)."""
        x = self.pool1(self.conv1(clips).relu_())
        x = self.pool2(self.get_submodule("layer1")(x))
        for stage in 2, 3, 4:
            x = self.get_submodule(f"layer{stage}")(x)
        return x
