"""Start a program again as several processes that share each batch."""

import os
import sys

import torch

from lfb.learning.gpus import choose_device, take_gpus


def relaunch(processes: int, device: str) -> None:
    """Replace this program by ``processes`` copies under torchrun, unless it is one of them.

    Args:
        processes: Number of copies. On GPUs each copy gets one; the program first waits until
            enough of them are free.
        device: As for ``choose_device``.

    Raises:
        UserError: ``device`` asks for a GPU and there is none, or there are fewer than processes.
    """
    if processes == 1 or "WORLD_SIZE" in os.environ:
        return
    if choose_device(device).type == "cuda":
        held = take_gpus(processes)
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        names = visible.split(",") if visible else list(map(str, range(torch.cuda.device_count())))
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(names[index] for index in held)
        for file in held.values():
            os.set_inheritable(file.fileno(), True)  # torchrun keeps the locks until it ends
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    # Without "--", torchrun reads our options as abbreviations of its options.
    command = [sys.executable, "-m", *torchrun, "--", *sys.argv]
    sys.stderr.flush()
    os.execv(sys.executable, command)
