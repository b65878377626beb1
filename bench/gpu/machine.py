"""Name the card, the processor and the versions that all other figures depend on."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

import torch

from bench.gpu.findings import Findings, Setup


def measure(setup: Setup) -> Findings:
    findings = Findings()
    figures: dict[str, object] = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        "snakemake": _version("snakemake"),
        "CPUs": os.cpu_count(),
    }
    if setup.device.type == "cuda":
        properties = torch.cuda.get_device_properties(0)
        figures |= {
            "GPUs": torch.cuda.device_count(),
            "GPU": properties.name,
            "memory": f"{properties.total_memory / 2**30:.0f} GiB",
            "driver": _driver(),
            "CUDA": torch.version.cuda,
            "cuDNN": _dotted(torch.backends.cudnn.version()),
            "NCCL": ".".join(map(str, torch.cuda.nccl.version())),
        }
    findings.figures = figures
    findings.lines.append(", ".join(f"{name} {value}" for name, value in figures.items()))
    return findings


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _dotted(number: int | None) -> str:
    """Return cuDNN's version 91002 as 9.10.2."""
    assert number is not None
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.split()[0]
