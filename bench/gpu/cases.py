"""The models of the configs, with weights and inputs that resemble trained ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lfb.config.checks import check_config
from lfb.config.layers import read_file, read_layers
from lfb.config.settings import model_settings
from lfb.models.action_model import ActionModel, build_model
from lfb.models.backbones import build_backbone
from lfb.models.backbones.blocks import Bottleneck
from lfb.models.signatures import arguments

ROOT = Path(__file__).parents[2]
CONFIGS = ("config/config.yaml", "config/ava.yaml", "config/ava_paper.yaml")
OUTPUTS = 81  # action ids of AVA, and the reserved 0
WIDE = 16 / 9  # most films of AVA


@dataclass(frozen=True)
class BackboneCase:
    """A backbone, and the shapes of the clips that it sees in training and in testing."""

    name: str
    backbone: dict[str, Any]
    clips: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Sample:
    """Inputs of a model: what ``ActionModel.forward`` takes, and labels (R, outputs)."""

    clips: Tensor
    rois: Tensor
    rows: Tensor
    real: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "Sample":
        return Sample(*(value.to(device) for value in vars(self).values()))


@cache
def read_config(name: str, tiny: bool) -> dict[str, Any]:
    """Return a config of this project, checked; with ``tiny``, with small networks and clips."""
    default = ROOT / "config/config.yaml"
    config = check_config(
        read_layers([ROOT / name], {}, default).config,
        read_file(ROOT / "config/schema.yaml"),
        arguments("operators"),
        arguments("backbones"),
    )
    if tiny:
        config["backbone"] |= {"depth": [1, 2, 2, 1], "width": 4}
        config["input"] |= {"frames": 8, "short_side": 32, "crop": 32}
        if config["input"]["test_crop"]:
            config["input"]["test_crop"] = 32
        config["training"]["batch"] = config["inference"]["batch"] = 2
        for model in config["models"].values():
            model.pop("training", None)
        config["window"] = {"seconds": 4, "per_second": 2}
        config["head"]["roi_size"] = 3
    return config


def backbone_cases(tiny: bool) -> Iterator[BackboneCase]:
    """Yield the backbones of the AVA configs."""
    for name in CONFIGS[1:]:
        config = read_config(name, tiny)
        shape = config["input"]
        short = shape["short_side"]
        test = (shape["test_crop"],) * 2 if shape["test_crop"] else (short, round(short * WIDE))
        yield BackboneCase(
            config["backbone"]["name"],
            config["backbone"],
            {
                "training": (
                    config["training"]["batch"],
                    3,
                    shape["frames"],
                    shape["crop"],
                    shape["crop"],
                ),
                "testing": (config["inference"]["batch"], 3, shape["frames"], *test),
            },
        )


def models(name: str, tiny: bool, only: str | None = None) -> Iterator[tuple[str, ActionModel]]:
    """Yield the models of a config, or ``only`` one, with names, on the CPU, without dropout.

    All get the same backbone. Its batch norms have the statistics of random clips, as after a
    training. Otherwise the activations of a deep network with random weights grow without bound,
    and no tolerance fits its logits.
    """
    config = read_config(name, tiny)
    backbone = None
    for model in [only] if only else config["models"]:
        torch.manual_seed(0)
        described = model_settings(config, model)
        described["head"] = {**described["head"], "dropout": 0.0}
        if described["operator"] and described["operator"]["name"] == "non_local":
            described["operator"] = {**described["operator"], "dropout": 0.0}
        if backbone is None:
            backbone = _calibrated(described, sample(name, tiny).clips)
        built = build_model(**described, outputs=OUTPUTS)
        built.backbone.load_state_dict(backbone)
        _fill(built)
        yield model, built


def sample(name: str, tiny: bool, clips: int = 2, people: int = 3, seed: int = 0) -> Sample:
    """Return random training inputs of a config's size.

    The clips are coarse patterns, not noise: a network's activations then differ between places. A
    quarter of each window is empty.
    """
    config = read_config(name, tiny)
    side, frames = config["input"]["crop"], config["input"]["frames"]
    slots = config["window"]["seconds"] * config["window"]["per_second"]
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(clips * frames, 3, 8, 8, generator=draw) * 255
    pictures = nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    corners = torch.rand(clips * people, 2, 2, generator=draw).sort(1).values  # top left, then
    boxes = (corners * 0.7 + torch.tensor([[0.0], [0.3]])).flatten(1) * side  # bottom right
    labels = (torch.rand(clips * people, OUTPUTS, generator=draw) < 0.05).float()
    labels[:, 1] = 1
    real = torch.rand(clips, slots, generator=draw) < 0.75
    with torch.device("meta"):
        channels = build_backbone(**config["backbone"]).channels
    rows = torch.rand(clips, slots, channels, generator=draw) * 2 * real[..., None]
    return Sample(
        pictures.byte().unflatten(0, (clips, frames)).movedim(1, 2).contiguous(),
        torch.cat([torch.arange(clips).repeat_interleave(people)[:, None].float(), boxes], 1),
        rows,
        real,
        labels,
    )


def _calibrated(described: Mapping[str, Any], clips: Tensor) -> dict[str, Tensor]:
    """Return the weights of a new backbone, with batch norm statistics of these clips."""
    backbone = dict(described["backbone"])
    if "frozen_norm" in backbone:
        backbone["frozen_norm"] = False
    model = build_model(backbone, described["head"], None, OUTPUTS)
    _fill(model)
    for name, module in model.named_modules():
        if isinstance(module, Bottleneck):
            # As in trained networks, a block changes its input little. With random weights it
            # would replace the input and multiply each rounding error, block by block.
            nn.init.constant_(module.conv3.bn.weight, 0.2)
        if isinstance(module, nn.BatchNorm3d):
            # The mean of all passes. The attention of a random block finds the same everywhere,
            # and its variance would amplify rounding errors only.
            module.momentum = 0 if "nonlocal" in name else None
    with torch.no_grad():
        model.train().backbone((clips - model.mean) / model.std)
    return model.backbone.state_dict()


def _fill(model: nn.Module) -> None:
    """Draw weights that start at zero, behind which no error would show."""
    for parameter in model.parameters():
        if parameter.ndim > 1 and not parameter.any():
            nn.init.normal_(parameter, std=0.02)
