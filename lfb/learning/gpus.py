"""Choose a device, and take GPUs for this job alone."""

import fcntl
import logging
import os
import random
import tempfile
import time
from pathlib import Path
from typing import IO

import torch

from lfb.errors import UserError

log = logging.getLogger("lfb")


def choose_device(device: str) -> torch.device:
    """Return the kind of device that a config asks for.

    Args:
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU if there is one.

    Raises:
        UserError: PyTorch sees no GPU, and ``device`` is ``cuda``, or it is ``auto`` and Slurm has
            given this job a GPU.
    """
    if device == "cpu" or torch.cuda.is_available():
        return torch.device("cpu" if device == "cpu" else "cuda")
    if device == "cuda":
        raise UserError(
            "config key device: cuda is set, but PyTorch sees no CUDA GPU here. Check "
            "nvidia-smi and CUDA_VISIBLE_DEVICES, or set device: cpu (or auto)."
        )
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given and "SLURM_JOB_ID" in os.environ:
        raise UserError(
            f"Slurm gave this job GPU {given} of {os.uname().nodename}, but PyTorch sees none. "
            "Check nvidia-smi there and PyTorch's CUDA version, or set device: cpu in the config."
        )
    return torch.device("cpu")


def require_gpus(count: int) -> int:
    """Return the number of GPUs that this program sees.

    Raises:
        UserError: There are fewer than ``count``.
    """
    available = torch.cuda.device_count()
    if count > available:
        raise UserError(
            f"{count} processes are set, but PyTorch sees {available} GPUs here, and each "
            "process needs one. Use fewer processes, or check CUDA_VISIBLE_DEVICES."
        )
    return available


def take_gpus(count: int) -> dict[int, IO[str]]:
    """Take ``count`` of the visible GPUs, and wait until they are free.

    Snakemake starts several GPU jobs on one machine without assigning GPUs. A lock for each GPU
    assigns them. It ends with the job, even if that is killed. A job that cannot get all its GPUs
    holds none while it waits, because two jobs could otherwise wait for each other.

    Returns:
        The open lock file of each GPU, by its number. Closing the file frees the GPU.

    Raises:
        UserError: There are fewer than ``count``.
    """
    available = require_gpus(count)
    waiting = False
    while True:
        held: dict[int, IO[str]] = {}
        for index in range(available):
            if file := _lock(index):
                held[index] = file
            if len(held) == count:
                return held
        for file in held.values():
            file.close()
        if not waiting:
            log.warning(
                "%d of %d GPUs are free of other jobs of this workflow; waiting for %d",
                len(held),
                available,
                count,
            )
            others = [_holder(index) for index in range(available) if index not in held]
            log.warning("the others belong to %s", ", ".join(others))
            waiting = True
        time.sleep(random.uniform(1, 3))  # two waiting jobs do not try at the same moments


def _lock(index: int) -> IO[str] | None:
    """Return the locked file of a GPU; None if another job holds it."""
    file = _lock_file(index).open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate(0)
    print(f"process {os.getpid()} (GPU {index})", file=file, flush=True)
    return file


def _holder(index: int) -> str:
    """Return the holder of a GPU, such as ``process 123 (GPU 0)``."""
    return _lock_file(index).read_text().strip()


def _lock_file(index: int) -> Path:
    name = os.environ.get("CUDA_VISIBLE_DEVICES", "").replace("/", "-")
    if not name.startswith("MIG-"):  # a process sees one slice, which may have its GPU's UUID
        name = str(torch.cuda.get_device_properties(index).uuid)
    return Path(tempfile.gettempdir()) / f"lfb-gpu-{os.getuid()}-{name}.lock"
