"""The paper's backbone: an I3D ResNet with non-local blocks, as the authors' code builds it.

That code is github.com/facebookresearch/video-long-term-feature-banks, lib/models/resnet_video.py;
``lfb/models/caffe2.py`` loads its weights.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lfb.models.backbones.slowonly import BLOCKS, Bottleneck, ConvBN, FrozenBatchNorm, initialise

STRIDES = (1, 2, 2, 1)
DILATIONS = (1, 1, 1, 2)
# Temporal kernels of the blocks of each stage, over and over.
TEMPORAL_KERNELS = ((3,), (3, 1), (3, 1), (1, 3))
# A non-local block follows every so many blocks of stages 2 and 3 (res3 and res4).
NONLOCAL_EVERY = {50: (None, 2, 2, None), 101: (None, 2, 7, None)}
# In stage 2 only so many neighbouring frames see each other.
NONLOCAL_FRAMES = (None, 4, None, None)


class NonLocalBlock(nn.Module):
    """Each position gathers from all, these pooled 2 x 2 (Wang et al., CVPR 2018, section 3.3).

    Args:
        channels: Of what goes in and comes out; half as many inside.
        frames: That see each other; None for all of the clip.
        frozen: Whether the batch norm is.
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
        nn.init.zeros_(self.out.weight)  # at first the block changes nothing

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(x)  # (B, C, T, H / 2, W / 2)
        frames = self.frames or x.shape[2]
        groups = (y.split(frames, 2) for y in (self.theta(x), self.phi(pooled), self.g(pooled)))
        found = torch.cat([_attend(*group) for group in zip(*groups, strict=True)], 2)
        return x + self.bn(self.out(found))


def _attend(theta: Tensor, phi: Tensor, g: Tensor) -> Tensor:
    """(B, C, T, H, W) of what the positions of theta take from those of phi and g."""
    query, key, value = (y.flatten(2).mT for y in (theta, phi, g))  # (B, positions, C)
    found = functional.scaled_dot_product_attention(query, key, value)
    return found.mT.reshape(theta.shape)


class I3D(nn.Module):
    """I3D ResNet with non-local blocks (Wu et al., CVPR 2019).

    The time is halved after stage 1. The last stage keeps its spatial stride at 1 and is dilated
    instead, so that a feature covers 16 x 16 pixels.

    Args:
        depth: 50 or 101, or the number of blocks of each of the four stages.
        width: Channels of the stem; the output has ``width * 32``.
        frozen_norm: Whether batch norms stay as they are loaded, as in all of the authors' training
            on AVA. Not for a training from nothing.
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
        """(B, 3, T, H, W) normalised RGB -> (B, channels, T / 2, H / 16, W / 16)."""
        x = self.pool1(self.conv1(clips).relu_())
        x = self.pool2(self.get_submodule("layer1")(x))
        for stage in 2, 3, 4:
            x = self.get_submodule(f"layer{stage}")(x)
        return x
