"""The processes that share the work of a job, and the device of each."""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed

from lfb.learning.gpus import choose_device, take_gpus
from lfb.learning.memory import keep_freed_memory

Value = TypeVar("Value")
log = logging.getLogger("lfb")


@dataclass(frozen=True)
class Team:
    """This process among those that share its work.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
        device: The device of this process.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and the log."""
        return self.rank == 0

    def mean(self, value: float) -> float:
        """Return the mean of a number over all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.item() / self.size

    def most(self, *values: int) -> list[int]:
        """Return the largest of each number over all processes."""
        if self.size == 1:
            return list(values)
        largest = torch.tensor(values)
        distributed.all_reduce(largest, distributed.ReduceOp.MAX)
        return largest.tolist()

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Copy tensors of the first process into those of all others."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, 0)

    def gather(self, value: Value) -> list[Value]:
        """Return the values of all processes, by rank."""
        if self.size == 1:
            return [value]
        values = [value] * self.size
        distributed.all_gather_object(values, value)
        return values


@contextmanager
def join_team(device: str, threads: int) -> Iterator[Team]:
    """Set up this process and join the others of its job: with gloo on the CPU, nccl on GPUs.

    A process that runs alone on a GPU takes a free one, and waits for it.

    Args:
        device: As for ``choose_device``.
        threads: CPU threads of each process.

    Raises:
        UserError: ``device`` is ``cuda`` and there is no GPU.
    """
    torch.set_num_threads(threads)
    keep_freed_memory()
    rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    with ExitStack() as stack:
        chosen = choose_device(device)
        if chosen.type == "cuda":
            if size > 1:
                index = int(os.environ["LOCAL_RANK"])  # among the GPUs that ``relaunch`` took
            else:
                ((index, file),) = take_gpus(1).items()
                stack.callback(file.close)
            chosen = torch.device("cuda", index)
            torch.cuda.set_device(chosen)
        if rank == 0:
            name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else "CPU"
            log.info("device: %s (%s), %d process%s", chosen, name, size, "es" if size > 1 else "")
        else:
            log.setLevel(logging.WARNING)
        if size > 1:
            # On GPUs too, small messages go from CPU to CPU, which does not wait for the GPU.
            distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if chosen.type == "cuda" else "gloo"
            )
            stack.callback(distributed.destroy_process_group)
        yield Team(rank, size, chosen)
