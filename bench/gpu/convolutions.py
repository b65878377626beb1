"""Compare each conv3d of both backbones in bfloat16 with float32, forward and backward.

cuDNN 9.8 to 9.10 computed some of them wrong, without an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.gpu.cases import backbone_cases
from bench.gpu.findings import Findings, Setup
from lfb.models.backbones import build_backbone

# Inputs are exact in bfloat16 and sums are in float32, so the rounding of the result is the only
# error: 2^-9 of its size. 8 times that leaves room for partial sums in bfloat16. A wrong kernel is
# off by about 1.
BOUND = 2**-6

Convolve = Callable[..., Tensor]


@dataclass(frozen=True)
class Convolution:
    """One convolution of a backbone: shapes and arguments of ``functional.conv3d``."""

    clips: tuple[int, ...]
    weight: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    def __str__(self) -> str:
        sizes = "x".join(map(str, self.clips)), "x".join(map(str, self.weight))
        return f"input {sizes[0]}, weight {sizes[1]}, stride {self.stride[1]}" + (
            f", dilation {self.dilation[1]}" if self.dilation[1] > 1 else ""
        )


def convolutions_of(
    backbone: Mapping[str, Any], clips: tuple[int, ...]
) -> dict[Convolution, list[str]]:
    """Return the distinct convolutions of a backbone, each with the layers that compute it.

    Args:
        backbone: ``name`` and the arguments of the backbone.
        clips: Shape of its input (B, 3, T, H, W).
    """
    found: dict[Convolution, list[str]] = {}
    with torch.device("meta"):  # shapes without values
        model, batch = build_backbone(**backbone), torch.empty(clips)

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            assert isinstance(module, nn.Conv3d)
            assert isinstance(module.padding, tuple)
            key = Convolution(
                tuple(inputs[0].shape),
                tuple(module.weight.shape),
                module.stride,
                module.padding,
                module.dilation,
            )
            found.setdefault(key, []).append(name)

        return hook

    for name, module in model.named_modules():
        if isinstance(module, nn.Conv3d):
            module.register_forward_hook(note(name))
    model(batch)
    return found


def worst_error(found: Tensor, expected: Tensor) -> float:
    """Return the largest error of an element, in parts of its size plus the usual size.

    The usual size is the root mean square of all. It keeps sums near zero from counting too much.
    """
    usual = expected.square().mean().sqrt()
    error = (found - expected).abs() / (expected.abs() + usual)
    return error.nan_to_num(nan=float("inf")).max().item()


def errors(
    convolution: Convolution,
    memory_format: torch.memory_format,
    device: torch.device,
    convolve: Convolve = functional.conv3d,
) -> dict[str, float]:
    """Return the worst errors of output, input gradient and weight gradient in bfloat16.

    Args:
        convolution: The convolution.
        memory_format: Memory format of the clips and the weight.
        device: The device under test. It also computes the reference, in float32.
        convolve: The function under test.
    """
    draw = torch.Generator(device).manual_seed(0)

    def random(shape: tuple[int, ...], scale: float = 1) -> Tensor:
        return (torch.randn(shape, generator=draw, device=device) * scale).bfloat16()

    how = convolution.stride, convolution.padding, convolution.dilation
    shapes = convolution.clips, convolution.weight
    output = functional.conv3d(*(torch.empty(shape, device="meta") for shape in shapes), None, *how)
    clips = random(convolution.clips)
    weight = random(convolution.weight, torch.Size(convolution.weight[1:]).numel() ** -0.5)
    gradient = random(tuple(output.shape))

    def compute(function: Convolve, *inputs: Tensor) -> tuple[Tensor, ...]:
        leaves = [tensor.detach().requires_grad_() for tensor in inputs]
        output = function(*leaves, None, *how)
        output.backward(gradient.to(output.dtype))
        return output.detach().float(), *(leaf.grad.float() for leaf in leaves)

    expected = compute(functional.conv3d, clips.float(), weight.float())
    found = compute(
        convolve, *(tensor.contiguous(memory_format=memory_format) for tensor in (clips, weight))
    )
    names = "output", "input gradient", "weight gradient"
    return {name: worst_error(*pair) for name, *pair in zip(names, found, expected, strict=True)}


def check(
    shapes: Mapping[Convolution, list[str]],
    device: torch.device,
    convolve: Convolve = functional.conv3d,
) -> tuple[float, list[str]]:
    """Return the worst error of all convolutions in both memory formats, and each wrong one."""
    worst, wrong = 0.0, []
    for convolution, layers in shapes.items():
        for memory_format in torch.contiguous_format, torch.channels_last_3d:
            try:
                found = errors(convolution, memory_format, device, convolve)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:  # cuDNN has no kernel for it, for example
                wrong.append(f"{_place(convolution, layers, memory_format)}: {error}")
                continue
            worst = max(worst, *found.values())
            wrong += [
                f"{_place(convolution, layers, memory_format)}: {part} is wrong, "
                f"error {value:.3g}, bound {BOUND:.3g}"
                for part, value in found.items()
                if not value <= BOUND
            ]
    return worst, wrong


def measure(setup: Setup) -> Findings:
    torch.backends.cudnn.allow_tf32 = False  # in the reference
    findings = Findings()
    rows = []
    for case in backbone_cases(setup.tiny):
        for purpose, clips in case.clips.items():
            shapes = convolutions_of(case.backbone, clips)
            worst, wrong = check(shapes, setup.device)
            findings.problems += [f"{case.name}, {purpose}: {text}" for text in wrong]
            rows.append((case.name, purpose, len(shapes), len(wrong), f"{worst:.2e}"))
            findings.figures[f"{case.name}, {purpose}"] = {
                "convolutions": len(shapes),
                "worst error": worst,
                "wrong": wrong,
            }
    findings.lines.append(
        "Each distinct convolution, forward and backward, contiguous and channels-last. An element "
        f"may be off by {BOUND:.3g} of its size plus the root mean square of all."
    )
    findings.add_table(["backbone", "clips of", "convolutions", "wrong", "worst error"], rows)
    return findings


def _place(convolution: Convolution, layers: list[str], memory_format: torch.memory_format) -> str:
    name = str(memory_format).removeprefix("torch.")
    return f"{convolution}, {name} ({', '.join(layers)})"
