"""Measure training and inference on clips of AVA's size, with each option that changes the speed.

Each training step is the workflow's own, from pinned memory to the changed weights. The films are
synthetic and already decoded.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bench.gpu.cases import Sample, backbone_cases, models, read_config, sample
from bench.gpu.findings import Findings, Setup
from lfb.config.settings import training_settings
from lfb.learning.clips import Batch
from lfb.learning.optimizer import SGD
from lfb.learning.training import Training, training_step
from lfb.models.action_model import ActionModel

AVA_CLIPS = 180_000  # training keyframes, rounded
BANK_ROWS = 680_315  # of AVA's training split, in float16
# A compiled backbone fuses operations, so it rounds at other places: once or twice a layer.
COMPILED = {False: 1e-3, True: 2e-2}  # relative, by bfloat16


@dataclass(frozen=True)
class Options:
    """One way to train."""

    bfloat16: bool = False
    channels_last: bool = False
    compile: bool = False
    tf32: bool = True
    benchmark: bool = False

    def __str__(self) -> str:
        names = ["bfloat16" if self.bfloat16 else "TF32" if self.tf32 else "float32"]
        names.append("channels-last" if self.channels_last else "contiguous")
        names += ["compiled"] * self.compile + ["cuDNN benchmark"] * self.benchmark
        return ", ".join(names)


EVERY = [
    Options(tf32=False),
    Options(),
    Options(channels_last=True),
    Options(channels_last=True, compile=True),
    Options(bfloat16=True),
    Options(bfloat16=True, channels_last=True),
    Options(bfloat16=True, channels_last=True, benchmark=True),
    Options(bfloat16=True, channels_last=True, compile=True),
]
SOME = [Options(channels_last=True), Options(bfloat16=True, channels_last=True)]
TRAINED = [
    ("config/ava.yaml", "baseline", EVERY),
    ("config/ava.yaml", "lfb_nl", SOME),
    ("config/ava_paper.yaml", "baseline", SOME),
]


@dataclass(frozen=True)
class Speed:
    """What training with one choice of options costs, and what its first step computes.

    Attributes:
        clips: Clips a second.
        memory: Peak memory of the device, GiB; 0 on the CPU.
        first: Seconds of the first step, which compiles and chooses kernels.
        loss: Loss of the first step.
        norm: Gradient norm of the first step.
    """

    clips: float
    memory: float
    first: float
    loss: float
    norm: float


class RandomBank:
    """Random features on a device, looked up by row number as ``BankFeatures`` does."""

    def __init__(self, rows: int, channels: int, device: torch.device) -> None:
        self.features = torch.rand(rows, channels, device=device, dtype=torch.float16)

    def __call__(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        real = rows >= 0
        found = self.features[rows.clamp(min=0)].float()
        return found.masked_fill_(~real[..., None], 0), real


def train(
    model: ActionModel, inputs: Sample, training: Training, options: Options, setup: Setup
) -> Speed:
    """Time training steps on the same batch again and again. Changes the model."""
    _set(options)
    device = setup.device
    model.to(device).train()
    if options.channels_last:
        model.to(memory_format=torch.channels_last_3d)
    optimizer = SGD(model.parameters(), training.momentum, training.weight_decay)
    features, rows = None, torch.empty(len(inputs.clips), 0, dtype=torch.int64)
    if model.operator is not None:
        count = 100 if setup.tiny else BANK_ROWS
        features = RandomBank(count, model.backbone.channels, device)
        rows = torch.where(inputs.real, torch.randint(count, inputs.real.shape), -1)
    batch = Batch(inputs.clips, inputs.rois, inputs.labels, rows, [])
    if device.type == "cuda":
        batch = batch.pin_memory()
        torch.cuda.reset_peak_memory_stats()
    if options.compile:
        torch.compiler.reset()
        model.backbone.compile(backend="inductor" if device.type == "cuda" else "aot_eager")
    how = replace(
        training,
        bfloat16=options.bfloat16,
        channels_last=options.channels_last,
        compile=options.compile,
    )

    def arguments(part: Batch) -> tuple[Tensor, ...]:
        return part.clips, part.rois, *(features(part.rows) if features else ())

    def step() -> tuple[Tensor, Tensor]:
        return training_step(model, batch.to(device), arguments, optimizer, 1e-4, how)

    begin = time.monotonic()
    loss, norm = (value.item() for value in step())
    first = time.monotonic() - begin
    seconds = timed(step, setup)
    memory = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
    return Speed(len(inputs.clips) / seconds, memory, first, loss, norm)


def infer(model: ActionModel, clips: Tensor, rois: Tensor, options: Options, setup: Setup) -> float:
    """Return the clips a second that a model computes features of, as for a bank."""
    _set(options)
    model.to(setup.device).eval()
    clips, rois = clips.to(setup.device), rois.to(setup.device)
    if options.channels_last:
        model.to(memory_format=torch.channels_last_3d)
        clips = clips.contiguous(memory_format=torch.channels_last_3d)
    with (
        torch.inference_mode(),
        torch.autocast(setup.device.type, torch.bfloat16, enabled=options.bfloat16),
    ):
        return len(clips) / timed(lambda: model.roi_features(clips, rois), setup)


def timed(step: Callable[[], object], setup: Setup) -> float:
    """Return the mean seconds of a step, without the first ones."""
    warm_up, steps = (1, 1) if setup.tiny else (3, 10)
    for _ in range(warm_up):
        step()
    _wait(setup.device)
    begin = time.monotonic()
    for _ in range(steps):
        step()
    _wait(setup.device)
    return (time.monotonic() - begin) / steps


def measure(setup: Setup) -> Findings:
    findings = Findings()
    rows = []
    for config, name, every in TRAINED:
        training = Training(**training_settings(read_config(config, setup.tiny), name)["training"])
        inputs = sample(config, setup.tiny, clips=training.batch)
        ((_, model),) = models(config, setup.tiny, only=name)
        found: dict[Options, Speed] = {}
        for options in every:
            what = f"{config}, {name}, {options}"
            try:
                speed = train(copy.deepcopy(model), inputs, training, options, setup)
            except torch.OutOfMemoryError as error:
                findings.problems.append(f"{what}: {error}")
                continue
            found[options] = speed
            findings.figures[what] = vars(speed)
            clips = training.epochs * (training.epoch_clips or AVA_CLIPS)
            rows.append(
                (
                    config.removeprefix("config/"),
                    name,
                    options,
                    len(inputs.clips),
                    f"{speed.clips:.0f}",
                    f"{speed.memory:.1f}",
                    f"{speed.first:.0f}",
                    f"{clips / speed.clips / 3600:.1f}",
                )
            )
            plain = found.get(replace(options, compile=False))
            if options.compile and plain:
                findings.problems += compare(what, speed, plain, COMPILED[options.bfloat16])
    findings.lines.append("Training on one GPU. The hours are those of the config's epochs on AVA:")
    findings.add_table(
        [
            "config",
            "model",
            "options",
            "batch",
            "clips/s",
            "GiB",
            "first step, s",
            "hours",
        ],
        rows,
    )
    rows = []
    for case, config in zip(backbone_cases(setup.tiny), ("ava", "ava_paper"), strict=True):
        ((_, model),) = models(f"config/{config}.yaml", setup.tiny, only="baseline")
        shape = case.clips["testing"]
        clips = torch.randint(0, 256, shape, dtype=torch.uint8)
        whole = torch.tensor([0.0, 0.0, shape[-1], shape[-2]]).expand(len(clips), 4)
        rois = torch.cat([torch.arange(len(clips))[:, None], whole], 1)
        speeds = {
            str(options): infer(model, clips, rois, options, setup)
            for options in (Options(), Options(bfloat16=True), *SOME)
        }
        findings.figures[f"{case.name}, inference"] = speeds
        rows.append((case.name, "x".join(map(str, shape)), *(f"{v:.0f}" for v in speeds.values())))
    findings.lines.append("Features for a bank, clips a second:")
    findings.add_table(["backbone", "clips", *speeds], rows)
    return findings


def compare(what: str, compiled: Speed, plain: Speed, bound: float) -> list[str]:
    """Return what differs between the first steps of a compiled and an ordinary training."""
    return [
        f"{what}: the first {name} is {one:.6g}, but {other:.6g} without compilation"
        for name, one, other in (
            ("loss", compiled.loss, plain.loss),
            ("gradient norm", compiled.norm, plain.norm),
        )
        if not abs(one - other) <= bound * abs(other)
    ]


def _set(options: Options) -> None:
    torch.backends.cudnn.allow_tf32 = options.tf32  # PyTorch's default: on for convolutions
    torch.backends.cudnn.benchmark = options.benchmark


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
