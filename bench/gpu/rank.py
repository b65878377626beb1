"""One of several processes that train together, for ``bench.gpu.processes``.

It trains twice: a small model without dropout and with fixed batch norms, whose loss is the same
for any number of processes, and the baseline of config/ava.yaml, for its speed.
"""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, distributed
from torch.nn.parallel import DistributedDataParallel

from bench.gpu.cases import Sample, models, read_config, sample
from bench.gpu.findings import Setup
from bench.gpu.speed import timed
from lfb.config.settings import training_settings
from lfb.learning.clips import Batch
from lfb.learning.optimizer import SGD
from lfb.learning.team import Team, join_team
from lfb.learning.training import Training, training_step
from lfb.models.action_model import ActionModel

CLIPS = 8  # of the total batch
STEPS = 6
RATE = 1e-3


@contextmanager
def gloo(device: torch.device) -> Iterator[Team]:
    """Join the other processes with gloo, on any device."""
    distributed.init_process_group("gloo")
    try:
        yield Team(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), device)
    finally:
        distributed.destroy_process_group()


def share(whole: Sample, team: Team, device: torch.device) -> Batch:
    """Return this process's part of a total batch, with as many people as that of the others."""
    each = len(whole.clips) // team.size
    clips = slice(team.rank * each, (team.rank + 1) * each)
    mine = (whole.rois[:, 0] >= clips.start) & (whole.rois[:, 0] < clips.stop)
    rois = whole.rois[mine].clone()
    rois[:, 0] -= clips.start
    rows = torch.empty(each, 0, dtype=torch.int64)
    return Batch(whole.clips[clips], rois, whole.labels[mine], rows, []).to(device)


def parallel(model: ActionModel, team: Team) -> torch.nn.Module:
    return DistributedDataParallel(model) if team.size > 1 else model


def losses(team: Team) -> tuple[list[float], Tensor]:
    """Return the losses of some steps of the small model, and its weights after them."""
    training = Training(
        **training_settings(read_config("config/ava_paper.yaml", True), "baseline")["training"]
    )
    ((_, model),) = models("config/ava_paper.yaml", True, only="baseline")
    torch.manual_seed(team.rank)  # nothing may depend on it
    model.to(team.device).train()
    optimizer = SGD(model.parameters(), 0.9, 1e-5)
    network = parallel(model, team)
    found = []
    for step in range(STEPS):
        batch = share(sample("config/ava_paper.yaml", True, CLIPS, seed=step), team, team.device)
        loss, _ = training_step(network, batch, arguments, optimizer, RATE, training)
        found.append(team.mean(loss.item()))
    return found, torch.cat([weight.detach().flatten().cpu() for weight in model.parameters()])


def arguments(batch: Batch) -> tuple[Tensor, ...]:
    """Return the arguments of the baseline for a batch."""
    return batch.clips, batch.rois


def speed(team: Team, tiny: bool) -> float:
    """Return the clips a second of all processes with the baseline of config/ava.yaml."""
    described = training_settings(read_config("config/ava.yaml", tiny), "baseline")["training"]
    training = replace(Training(**described), bfloat16=True, channels_last=True)
    ((_, model),) = models("config/ava.yaml", tiny, only="baseline")
    model.to(team.device, memory_format=torch.channels_last_3d).train()
    optimizer = SGD(model.parameters(), training.momentum, training.weight_decay)
    network = parallel(model, team)
    whole = sample("config/ava.yaml", tiny, training.batch * team.size)
    batch = share(whole, team, team.device)
    setup = Setup(team.device, tiny, Path(), 0)
    seconds = timed(
        lambda: training_step(network, batch, arguments, optimizer, 1e-4, training), setup
    )
    return training.batch * team.size / seconds


def main() -> None:
    parser = argparse.ArgumentParser("bench.gpu.rank", description=__doc__)
    parser.add_argument("--device", required=True, help="of this process, for gloo")
    parser.add_argument("--backend", required=True, choices=["gloo", "workflow"])
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--output", required=True, type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    # The workflow's own way: nccl on GPUs, each process on that of its LOCAL_RANK.
    joined = gloo(device) if arguments.backend == "gloo" else join_team(device.type, 1)
    with joined as team:
        found, weights = losses(team)
        reached = speed(team, arguments.tiny)
        same = len(set(team.gather(weights.double().sum().item()))) == 1
        if team.leads:
            arguments.output.write_text(
                json.dumps({"losses": found, "clips/s": reached, "same weights": same})
            )


if __name__ == "__main__":
    main()
