"""Processes and devices: one process on the CPU or a GPU, or several that torchrun has started."""

import ctypes
import fcntl
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch
from torch import distributed

from lfb.errors import UserError

log = logging.getLogger("lfb")


@dataclass(frozen=True)
class Team:
    """This process among those that share its work."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and the log."""
        return self.rank == 0

    def mean(self, value: float) -> float:
        """The mean of a number over all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.item() / self.size


def relaunch(processes: int, device: str) -> None:
    """Starts this program again as so many processes, unless it is one of them already.

    Args:
        processes: Where they run on GPUs, each has one, and the program waits until so many are
            free.
        device: As for ``team``.

    Raises:
        UserError: As ``team``.
    """
    if processes > 1 and "WORLD_SIZE" not in os.environ:
        if choose_device(device).type == "cuda":
            held = _take_gpus(processes)
            seen = os.environ.get("CUDA_VISIBLE_DEVICES")
            names = seen.split(",") if seen else list(map(str, range(torch.cuda.device_count())))
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(names[index] for index in held)
            for file in held.values():
                os.set_inheritable(file.fileno(), True)  # torchrun holds them to its end
        torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        module = sys.modules["__main__"].__spec__
        assert module is not None, "programs are started as python -m scripts.NAME"
        # Behind "--", or torchrun would take our options for abbreviations of its own.
        command = [sys.executable, "-m", *torchrun, "-m", "--", module.name, *sys.argv[1:]]
        sys.stderr.flush()
        os.execv(sys.executable, command)


@contextmanager
def team(device: str, threads: int) -> Iterator[Team]:
    """Joins the processes of this job: gloo on the CPU, nccl on GPUs.

    Args:
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.
        threads: Of each process, for work on the CPU.

    Raises:
        UserError: ``cuda`` was asked for and there is none, or too few.
    """
    torch.set_num_threads(threads)
    _keep_freed_memory()
    rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    with ExitStack() as stack:
        chosen = choose_device(device)
        if chosen.type == "cuda":
            if size > 1:
                index = int(os.environ["LOCAL_RANK"])  # of those that ``relaunch`` took
            else:
                ((index, file),) = _take_gpus(1).items()
                stack.callback(file.close)
            chosen = torch.device("cuda", index)
            torch.cuda.set_device(chosen)
        if rank == 0:
            name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else "CPU"
            log.info("device: %s (%s), %d process%s", chosen, name, size, "es" if size > 1 else "")
        else:
            log.setLevel(logging.WARNING)
        if size > 1:
            backend = "nccl" if chosen.type == "cuda" else "gloo"
            distributed.init_process_group(backend)
            stack.callback(distributed.destroy_process_group)
        yield Team(rank, size, chosen)


def choose_device(device: str) -> torch.device:
    """The kind of device that ``device`` names.

    Raises:
        UserError: ``cuda`` was asked for and there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "config key device: cuda was asked for, but PyTorch sees no CUDA GPU here. Check "
            "nvidia-smi and CUDA_VISIBLE_DEVICES, or set device: cpu (or auto)."
        )
    return torch.device(device)


def _keep_freed_memory() -> None:
    """Has glibc keep the memory that tensors free.

    By default it returns tensors of this size to the system and faults them in again, which takes
    a fifth of a training step on the CPU (76 and 59 ms, medians of three, in the demo).
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        trim_threshold, mmap_threshold = -1, -3  # names in malloc.h
        libc.mallopt(mmap_threshold, 32 << 20)  # the most it takes
        libc.mallopt(trim_threshold, (1 << 31) - 1)


def _take_gpus(count: int) -> dict[int, IO[str]]:
    """Takes so many of the visible GPUs for this job alone, by their numbers.

    Snakemake starts several GPU jobs on one machine without telling them apart; a lock file for
    each GPU does. A job that does not get all it needs holds none while it waits, or two jobs
    could wait for each other.

    Returns:
        The open lock files; closing one gives its GPU back.

    Raises:
        UserError: There are not so many.
    """
    available = torch.cuda.device_count()
    if count > available:
        raise UserError(
            f"{count} processes were asked for, but PyTorch sees {available} GPUs here, and each "
            "process needs its own. Ask for fewer, or check CUDA_VISIBLE_DEVICES."
        )
    waiting = False
    while True:
        held: dict[int, IO[str]] = {}
        for index in range(available):
            uuid = torch.cuda.get_device_properties(index).uuid
            path = Path(tempfile.gettempdir()) / f"lfb-gpu-{os.getuid()}-{uuid}.lock"
            file = path.open("a")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            held[index] = file
            if len(held) == count:
                return held
        for taken in held.values():
            taken.close()
        if not waiting:
            log.warning(
                "%d of %d GPUs are free of other jobs of this workflow; waiting for %d",
                len(held),
                available,
                count,
            )
            waiting = True
        time.sleep(random.uniform(1, 3))  # two jobs that wait do not try at the same moments
