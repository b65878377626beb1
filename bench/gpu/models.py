"""Compare every model of the configs on the GPU with the CPU: logits, features and gradients.

The CPU in float32 is the reference.
"""

import copy
from typing import NamedTuple

import torch
from torch import Tensor

from bench.gpu.cases import CONFIGS, Sample, models, sample
from bench.gpu.findings import Findings, Setup
from lfb.learning.training import action_loss
from lfb.models.action_model import ActionModel


class Way(NamedTuple):
    """How to compute a model."""

    bfloat16: bool = False
    channels_last: bool = False
    tf32: bool = False


class Outputs(NamedTuple):
    """What a model computes: logits, RoI features, and all gradients in one row, on the CPU."""

    logits: Tensor
    features: Tensor
    gradients: Tensor


# Measured on a CPU in another memory format, with the networks of AVA: 2e-6 and 2e-3. The gradient
# differs more because the maximum of two almost equal values can be another one.
LOGITS, GRADIENTS = 1e-4, 0.02
# Measured on a CPU: 0.02 to 0.03, where logits deviate by 0.5, and 0.2. A gradient in bfloat16 is
# that coarse; ``convolutions`` checks each layer's with a bound that leaves no room. TF32 has three
# bits more than bfloat16.
LOGITS_BFLOAT16, GRADIENTS_BFLOAT16 = 0.1, 0.6

WAYS = {
    "float32": Way(),
    "float32, channels-last": Way(channels_last=True),
    "TF32": Way(tf32=True),
    "bfloat16": Way(bfloat16=True),
    "bfloat16, channels-last": Way(bfloat16=True, channels_last=True),
}


def bounds(way: Way) -> tuple[float, float]:
    """Return the bounds of the largest error of logits, and of the gradient's relative error."""
    if way.bfloat16 or way.tf32:
        return LOGITS_BFLOAT16, GRADIENTS_BFLOAT16
    return LOGITS, GRADIENTS


def compute(model: ActionModel, inputs: Sample, way: Way, device: torch.device) -> Outputs:
    """Run a copy of a model forward and backward on a device."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = way.tf32
    model, here = copy.deepcopy(model).to(device), inputs.to(device)
    clips, bank = here.clips, (here.rows, here.real) if model.operator is not None else ()
    if way.channels_last:
        model.to(memory_format=torch.channels_last_3d)
        clips = clips.contiguous(memory_format=torch.channels_last_3d)

    def precision() -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=way.bfloat16)

    with torch.inference_mode(), precision():
        features = model.eval().roi_features(clips, here.rois)
        logits = model(clips, here.rois, *bank)
    with precision():
        loss = action_loss(model.train()(clips, here.rois, *bank), here.labels)
    loss.backward()
    found = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    gradients = torch.cat([gradient.flatten() for gradient in found])
    return Outputs(*(value.detach().float().cpu() for value in (logits, features, gradients)))


def relative(found: Tensor, expected: Tensor) -> float:
    """Return the norm of the error in parts of the norm of the expected tensor."""
    return ((found - expected).norm() / expected.norm()).item()


def measure(setup: Setup) -> Findings:
    findings = Findings()
    rows = []
    for config in CONFIGS:
        inputs = sample(config, setup.tiny)
        for name, model in models(config, setup.tiny):
            expected = compute(model, inputs, Way(), torch.device("cpu"))
            size = expected.logits.std().item()
            row: list[str] = [config.removeprefix("config/"), name, f"{size:.2f}"]
            for title, way in WAYS.items():
                found = compute(model, inputs, way, setup.device)
                errors = {
                    "logits": (found.logits - expected.logits).abs().max().item(),
                    "features": relative(found.features, expected.features),
                    "gradients": relative(found.gradients, expected.gradients),
                }
                findings.figures[f"{config}, {name}, {title}"] = errors
                most = dict(zip(("logits", "gradients"), bounds(way), strict=True))
                for what, bound in most.items():
                    findings.check(
                        errors[what] <= bound,
                        f"{config}, {name}, {title}: {what} are off by {errors[what]:.2e}, "
                        f"bound {bound:g}",
                    )
                row.append(f"{errors['logits']:.0e} / {errors['gradients']:.0e}")
            rows.append(row)
    findings.lines.append(
        "Largest error of the logits / relative error of the loss's gradient, against the CPU in "
        f"float32. Bounds: {LOGITS:g} / {GRADIENTS:g}, in TF32 and bfloat16 "
        f"{LOGITS_BFLOAT16:g} / {GRADIENTS_BFLOAT16:g}."
    )
    findings.add_table(["config", "model", "deviation of logits", *WAYS], rows)
    return findings
