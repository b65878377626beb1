"""Tests of bench.gpu on the CPU: its parts run, and its checks can fail."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bench.gpu import __main__ as program
from bench.gpu import convolutions, demo, models, processes, resume, speed
from bench.gpu.cases import CONFIGS
from bench.gpu.findings import Findings, Setup
from bench.gpu.parts import PARTS
from bench.workflow import Failed, Workflow

ROOT = Path(__file__).parents[1]


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(torch.device("cpu"), True, tmp_path, 100)


# Convolutions


def test_both_backbones_pass_the_check_of_convolutions(setup):
    findings = convolutions.measure(setup)
    assert findings.problems == []
    counts = [figures["convolutions"] for figures in findings.figures.values()]
    assert len(counts) == 4
    assert min(counts) >= 20


class _Scaled(torch.autograd.Function):
    """The tensor itself, with a changed gradient."""

    @staticmethod
    def forward(ctx, tensor: Tensor, channel: int) -> Tensor:
        ctx.channel = channel
        return tensor.clone()

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor, None]:
        changed = gradients[0].clone()
        changed[:, ctx.channel] *= 1.1
        return changed, None


def wrong_channel(clips: Tensor, weight: Tensor, *how) -> Tensor:
    output = functional.conv3d(clips, weight, *how)
    return output * torch.where(torch.arange(output.shape[1]) == 2, 1.1, 1.0).view(-1, 1, 1, 1)


def wrong_last_frame(clips: Tensor, weight: Tensor, *how) -> Tensor:
    return functional.conv3d(clips, weight, *how).index_fill(2, torch.tensor([-1]), float("nan"))


def wrong_input_gradient(clips: Tensor, weight: Tensor, *how) -> Tensor:
    return functional.conv3d(_Scaled.apply(clips, 1), weight, *how)


def wrong_weight_gradient(clips: Tensor, weight: Tensor, *how) -> Tensor:
    return functional.conv3d(clips, _Scaled.apply(weight, 1), *how)


def no_kernel(clips: Tensor, weight: Tensor, *how) -> Tensor:
    raise RuntimeError("GET was unable to find an engine")


@pytest.mark.parametrize(
    ("convolve", "message"),
    [
        (wrong_channel, "output is wrong, error 0.0"),
        (wrong_last_frame, "output is wrong, error inf"),
        (wrong_input_gradient, "input gradient is wrong"),
        (wrong_weight_gradient, "weight gradient is wrong"),
        (no_kernel, "unable to find an engine"),
    ],
)
def test_a_wrong_convolution_is_named(convolve: Callable[..., Tensor], message: str):
    shape = convolutions.Convolution(
        (2, 4, 4, 8, 8), (8, 4, 3, 1, 1), (1, 1, 1), (1, 0, 0), (1,) * 3
    )
    _, wrong = convolutions.check({shape: ["layer3.0.conv1.conv"]}, torch.device("cpu"), convolve)
    place = "input 2x4x4x8x8, weight 8x4x3x1x1, stride 1, channels_last_3d (layer3.0.conv1.conv): "
    assert any(text.startswith(place) and message in text for text in wrong), wrong


# Models


def test_every_way_to_compute_a_model_is_within_its_bound(setup, monkeypatch):
    monkeypatch.setattr(models, "CONFIGS", CONFIGS[2:])
    findings = models.measure(setup)
    assert findings.problems == []
    assert len(findings.figures) == 5 * len(models.WAYS)


@pytest.mark.parametrize(("what", "error"), [("logits", 2e-4), ("gradients", 0.1)])
def test_a_model_that_computes_something_else_is_named(setup, monkeypatch, what, error):
    compute = models.compute

    def wrong(model, inputs, way, device):
        found = compute(model, inputs, way, device)
        if way != models.WAYS["float32, channels-last"]:
            return found
        return found._replace(**{what: getattr(found, what) * (1 + error) + error})

    monkeypatch.setattr(models, "CONFIGS", CONFIGS[:1])
    monkeypatch.setattr(models, "compute", wrong)
    findings = models.measure(setup)
    place = f"config/config.yaml, baseline, float32, channels-last: {what} are off by "
    assert findings.problems[0].startswith(place)
    assert len(findings.problems) == 4  # of four models


# Speed


def test_speed_is_measured_with_every_option(setup, monkeypatch):
    ways = [
        speed.Options(bfloat16=True, channels_last=True),
        speed.Options(bfloat16=True, channels_last=True, compile=True),
    ]
    trained = [("config/ava.yaml", "baseline", ways), ("config/ava.yaml", "lfb_nl", ways[:1])]
    monkeypatch.setattr(speed, "TRAINED", trained)
    findings = speed.measure(setup)
    assert findings.problems == []
    assert len(findings.figures) == 3 + 2


@pytest.mark.parametrize("name", ["loss", "norm"])
@pytest.mark.parametrize("value", [0.72, float("nan")])
def test_a_compiled_training_that_differs_is_named(name, value):
    plain = speed.Speed(1, 1, 1, loss=0.7, norm=0.7)
    assert speed.compare("one", plain, plain, 0) == []
    (text,) = speed.compare("one", replace(plain, **{name: value}), plain, 0.02)
    assert f"is {value:.6g}, but 0.7 without compilation" in text


# Processes


def test_two_processes_train_as_one(setup):
    findings = processes.measure(setup)
    assert findings.problems == []
    assert set(findings.figures) == {"1", "2, gloo"}


def test_other_losses_and_other_weights_are_problems(setup, monkeypatch):
    answers = [
        {"losses": [0.5, 0.4], "clips/s": 10, "same weights": True},
        {"losses": [0.5, float("nan")], "clips/s": 10, "same weights": False},
    ]
    monkeypatch.setattr(processes, "run_team", lambda *given, **how: answers.pop(0))
    first, second = processes.measure(setup).problems
    assert first.startswith("2 processes, gloo: a loss differs from that of one process by ")
    assert second == "2 processes, gloo: they end with different weights"


def test_the_reason_of_a_failed_team_is_what_nccl_says():
    log = """Traceback (most recent call last):
    torch.distributed.DistBackendError: NCCL error in: NCCLUtils.cpp:94, invalid usage
    ncclInvalidUsage: This usually reflects invalid usage of NCCL library.
    Duplicate GPU detected : rank 1 and rank 0 both on CUDA device 8000
    [rank0]: terminated
    """
    assert processes.reason(log).startswith("Duplicate GPU detected : rank 1 and rank 0")
    assert processes.reason("a\nValueError: no\nend\n") == "ValueError: no"
    assert processes.reason("killed\n") == "killed"


# Snakemake


class _Runs(Workflow):
    """Runs of the workflow that end at once, each with the next results."""

    results: tuple[tuple[float, float, bytes], ...] = ()

    def run(self, target: str, seconds: float, *options: str) -> float:
        model = self.folder / "results/seed-0/lfb_nl"
        model.mkdir(parents=True)
        log = self.folder / "logs/seed-0/lfb_nl/train.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("continuing after epoch 1\n")
        mean, loss, weights = type(self).results[0]
        type(self).results = type(self).results[1:]
        (model / "metrics.json").write_text(json.dumps({"mmaction2": {"mAP": mean}}))
        (model / "history.jsonl").write_text(json.dumps({"loss": loss}) + "\n")
        (model / "checkpoint.safetensors").write_bytes(weights)
        return 1.0


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        ([(50, 0.5, b"a"), (50, 0.5, b"a")], None),
        ([(50, 0.5, b"a"), (50.1, 0.501, b"b"), (50, 0.499, b"c")], None),
        ([(50, 0.5, b"a"), (53, 0.5, b"b"), (50, 0.5, b"c")], "the mAP of lfb_nl differs by 3.00"),
        ([(50, 0.5, b"a"), (50, 0.6, b"b"), (50, 0.5, b"c")], "the last loss of lfb_nl is 0.6"),
        ([(50, 0.5, b"a"), (50, 0.5, b"b"), (50, 0.5, b"a")], "two undisturbed runs are equal"),
    ],
    ids=["equal", "rounding", "mAP", "loss", "not resumed"],
)
def test_a_killed_training_must_end_as_an_undisturbed_one(setup, monkeypatch, results, problem):
    monkeypatch.setattr(_Runs, "results", tuple(results))
    monkeypatch.setattr(resume, "Workflow", _Runs)
    monkeypatch.setattr(resume, "kill_training", lambda workflow, end: 1)
    findings = resume.measure(setup)
    assert len(findings.problems) == (problem is not None)
    assert problem is None or findings.problems[0].startswith(problem)


def test_the_scores_of_the_demo_are_compared_with_those_on_a_cpu(setup, monkeypatch):
    monkeypatch.setattr(_Runs, "results", ((85.0, 0.1, b""),))
    monkeypatch.setattr(demo, "Workflow", _Runs)
    monkeypatch.setattr(demo, "ON_CPU", {"lfb_nl": 92.4})
    findings = demo.measure(replace(setup, tiny=False))
    assert findings.problems == ["lfb_nl: mAP 85.00, on the CPU 92.4, bound 4.0"]


def test_snakemake_plans_a_run(tmp_path):
    workflow = Workflow(tmp_path, "bench/gpu/small.yaml", ("device=cpu",))
    workflow.run(resume.TARGET, 60, "-n")
    assert "train_lfb" in workflow.log.read_text()


def test_a_failed_run_of_snakemake_is_an_error_with_its_output(tmp_path):
    workflow = Workflow(tmp_path, "bench/gpu/small.yaml", ("device=no such device",))
    with pytest.raises(Failed, match=r"exit status 1\n(.*\n)*.*no such device"):
        workflow.run(resume.TARGET, 60, "-n")


# The command


def test_the_command_runs_parts_and_keeps_their_findings(tmp_path):
    options = ["--output", str(tmp_path), "--device", "cpu", "--tiny", "--parts", "machine"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.gpu", *options], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"torch {torch.__version__}" in done.stdout
    assert (tmp_path / "gpu.md").read_text() in done.stdout
    figures = json.loads((tmp_path / "gpu.json").read_text())
    assert figures["machine"]["figures"]["torch"] == torch.__version__


def test_a_part_that_fails_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    def run_part(part: str, *given) -> Findings:
        return Findings(problems=["models: exit status -11"] if part == "models" else [])

    monkeypatch.setattr(program, "run_part", run_part)
    monkeypatch.setattr(sys, "argv", ["gpu", "--output", str(tmp_path), "--device", "cpu"])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 1
    assert list(json.loads((tmp_path / "gpu.json").read_text())) == list(PARTS)
    assert "- **wrong:** models: exit status -11" in capsys.readouterr().out


def test_without_a_gpu_the_command_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu", "--output", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    assert "PyTorch sees no CUDA GPU here; try --device cpu --tiny" in capsys.readouterr().err
