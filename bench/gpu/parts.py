"""The parts of the benchmark, and the program that runs one of them."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

import torch

from bench.gpu.findings import Findings, Setup

# In the order in which they run: the demo is last and gets the time that is left.
PARTS = {
    "machine": "The machine",
    "convolutions": "Convolutions in bfloat16 against float32",
    "models": "Models on the GPU against the CPU",
    "speed": "Training speed on clips of AVA's size",
    "processes": "Several processes",
    "resume": "A training killed and started again",
    "demo": "The demo, from films to its table",
}


def measure(part: str, setup: Setup) -> Findings:
    """Run a part in this process."""
    return import_module(f"bench.gpu.{part}").measure(setup)


def main() -> None:
    parser = argparse.ArgumentParser("bench.gpu.parts", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--device", required=True)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--seconds", required=True, type=float)
    parser.add_argument("--findings", required=True, type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cpu":
        torch.set_num_threads(1)  # other tests run beside it
    setup = Setup(device, arguments.tiny, arguments.folder, arguments.seconds)
    measure(arguments.part, setup).save(arguments.findings)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
