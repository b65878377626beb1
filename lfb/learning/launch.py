"""Start a program again as several processes that share each batch, on one node or several."""

import os
import socket
import sys

import torch

from lfb.errors import UserError
from lfb.learning.gpus import choose_device, require_gpus, take_gpus


def relaunch(processes: int, device: str, nodes: int = 1, threads: int = 1) -> None:
    """Replace this program by ``processes`` copies under torchrun, unless it is one of them.

    Args:
        processes: Number of copies, on all nodes together. On GPUs each copy gets one. On one node
            the program first waits until enough of them are free.
        device: As for ``choose_device``.
        nodes: Nodes of the Slurm job, of which this is the first. Each gets the same number.
        threads: CPUs of each node.

    Raises:
        UserError: The GPUs are fewer than the processes, or the nodes cannot share the work.
    """
    if "WORLD_SIZE" in os.environ or (nodes == 1 and processes <= 1):
        return
    _check_nodes(processes, nodes)
    here = processes // nodes
    if choose_device(device).type == "cuda":
        if nodes > 1:
            require_gpus(here)  # Slurm reserves them
        else:
            _hold(here)
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(here)]
    command = [sys.executable, *torchrun, "--standalone"]
    if nodes > 1:
        endpoint = f"{socket.gethostname()}:{_free_port()}"
        meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint]
        command = [
            *("srun", f"--nodes={nodes}", f"--ntasks={nodes}", f"--cpus-per-task={threads}"),
            *("--kill-on-bad-exit=1", sys.executable, *torchrun, "--nnodes", str(nodes), *meeting),
        ]
    # Without "--", torchrun reads our options as abbreviations of its options.
    command += ["--", *sys.argv]
    sys.stderr.flush()
    os.execvp(command[0], command)


def _check_nodes(processes: int, nodes: int) -> None:
    if nodes > 1 and "SLURM_JOB_ID" not in os.environ:
        raise UserError(
            f"resource nodes: {nodes} is set, but this job does not run under Slurm, which starts "
            "the processes on the other nodes. Use snakemake --profile slurm, or nodes: 1."
        )
    if processes % nodes:
        raise UserError(
            f"resource gpu: {processes} is not a multiple of nodes: {nodes}. Each node runs the "
            "same number of processes."
        )


def _hold(processes: int) -> None:
    """Take GPUs for the copies, and let torchrun keep their locks until it ends."""
    held = take_gpus(processes)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else list(map(str, range(torch.cuda.device_count())))
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(names[index] for index in held)
    for file in held.values():
        os.set_inheritable(file.fileno(), True)


def _free_port() -> int:
    """Return a port that no other program uses."""
    with socket.create_server(("", 0)) as server:
        return server.getsockname()[1]
