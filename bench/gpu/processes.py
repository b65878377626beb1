"""Train with several processes: by nccl on several GPUs, and both ways of two on one GPU.

One GPU is not enough for two processes of the workflow: it refuses them, because each needs its
own, and nccl refuses them too. The part shows what nccl answers.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import torch

from bench.gpu.findings import Findings, Setup

LIMIT = 90  # seconds for one team
# Of a loss; sums over the batch have another order.
BOUND = {"cpu": 1e-4, "cuda": 2e-3}


class Failed(Exception):
    """A team of processes ended without a result; the message is the last of its output."""


def run_team(setup: Setup, size: int, *, backend: str, gpus: int) -> dict:
    """Run processes that train together, and return what the first one found.

    Args:
        setup: Device, sizes and folder.
        size: Number of processes.
        backend: ``gloo``, or ``workflow`` for what the workflow uses.
        gpus: GPUs that they share; process i uses GPU i modulo this number.

    Raises:
        Failed: A process failed, or the team took too long.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    name = f"team-{size}-{backend}-{gpus}"
    output, log = setup.folder / f"{name}.json", setup.folder / f"{name}.log"
    with log.open("w") as file:
        started = [
            subprocess.Popen(
                _command(setup, backend, rank % max(gpus, 1), output),
                env={
                    **os.environ,
                    "RANK": str(rank),
                    "LOCAL_RANK": str(rank % max(gpus, 1)),
                    "LOCAL_WORLD_SIZE": str(size),
                    "WORLD_SIZE": str(size),
                    "MASTER_ADDR": "127.0.0.1",
                    "MASTER_PORT": str(port),
                },
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            for rank in range(size)
        ]
    end = time.monotonic() + LIMIT
    codes = [process.poll() for process in started]
    while None in codes and not any(codes) and time.monotonic() < end:
        time.sleep(0.1)
        codes = [process.poll() for process in started]
    for process in started:  # those that wait for one that has failed
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if any(codes):
        raise Failed(reason(log.read_text()))
    if None in codes:
        raise Failed(f"no end in {LIMIT} s")
    return json.loads(output.read_text())


def reason(log: str) -> str:
    """Return the line of a log that says why a process failed: nccl's, or the last error."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for pattern in (r"Duplicate GPU", r"(NCCL|ncclInvalid|nccl.*[Ee]rror)", r"^\S*Error"):
        if found := [line for line in lines if re.search(pattern, line)]:
            return found[-1]
    return lines[-1] if lines else "no output"


def _command(setup: Setup, backend: str, gpu: int, output: Path) -> list[str]:
    device = f"cuda:{gpu}" if setup.device.type == "cuda" else "cpu"
    command = [sys.executable, "-m", "bench.gpu.rank", "--backend", backend, "--device", device]
    return [*command, "--output", str(output), *["--tiny"] * setup.tiny]


def measure(setup: Setup) -> Findings:
    findings = Findings()
    cuda = setup.device.type == "cuda"
    gpus = torch.cuda.device_count() if cuda else 0
    alone = run_team(setup, 1, backend="workflow", gpus=min(gpus, 1))
    rows = [("1", "", f"{alone['clips/s']:.0f}", "", "")]
    findings.figures["1"] = alone
    teams = [(2, "gloo", min(gpus, 1), "gloo, on one GPU" if cuda else "gloo")]
    teams += [(n, "workflow", n, f"nccl, on {n} GPUs") for n in (2, 4, 8) if n <= gpus]
    for size, backend, used, title in teams:
        try:
            found = run_team(setup, size, backend=backend, gpus=used)
        except Failed as error:
            findings.problems.append(f"{size} processes, {title}: {error}")
            continue
        findings.figures[f"{size}, {title}"] = found
        pairs = zip(found["losses"], alone["losses"], strict=True)
        worst = torch.tensor([abs(one - other) / other for one, other in pairs]).max().item()
        bound = BOUND[setup.device.type]
        findings.check(
            worst <= bound,
            f"{size} processes, {title}: a loss differs from that of one process by {worst:.1e} "
            f"of its value, bound {bound:g}",
        )
        findings.check(
            found["same weights"], f"{size} processes, {title}: they end with different weights"
        )
        rows.append(
            (
                str(size),
                title,
                f"{found['clips/s']:.0f}",
                f"{found['clips/s'] / alone['clips/s']:.2f}",
                f"{worst:.0e}",
            )
        )
    findings.lines.append(
        "The baseline of config/ava.yaml in bfloat16, channels-last; the loss is that of a small "
        "model with the same total batch."
    )
    findings.add_table(
        ["processes", "joined by", "clips/s", "times one process", "loss differs by"], rows
    )
    if cuda:
        findings.lines.append(_two_by_nccl_on_one_gpu(setup, findings))
    return findings


def _two_by_nccl_on_one_gpu(setup: Setup, findings: Findings) -> str:
    """Return a sentence on what nccl answers to two processes on one GPU."""
    try:
        run_team(setup, 2, backend="workflow", gpus=1)
    except Failed as error:
        findings.figures["2, nccl, on one GPU"] = str(error)
        return f"Two processes on one GPU by nccl: refused. `{error}`"
    findings.figures["2, nccl, on one GPU"] = "works"
    return "Two processes on one GPU by nccl: they train."
