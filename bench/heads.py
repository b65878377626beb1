"""Train heads on synthetic features of AVA's size, and measure time and memory.

The stores have the size of AVA's: 235 videos, 184,000 annotated seconds with 680,000 people to
train on, and a bank of 400,000 people. Windows have 300 rows of 2,048 channels. Training is that of
the workflow, on a part of an epoch. The time of a whole one is computed from that of an iteration.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lfb.bank.store import Bank
from lfb.bank.writing import write_bank
from lfb.data.boxes import PersonBoxes, RowIndex
from lfb.data.keyframes import Keyframes
from lfb.learning.heads import Head, People
from lfb.learning.lookup import Lookup, Window
from lfb.learning.team import Team
from lfb.learning.training import Training, train
from lfb.models.action_model import ActionModel
from lfb.models.backbones import Backbone
from lfb.models.operators import build_operator

CHANNELS, ACTIONS = 2048, 80
VIDEOS, BANK_SECONDS, KEYFRAMES = 235, 897, 784  # AVA's training split has 184,000 keyframes
IN_BANK, PEOPLE = 1.9, 3.7  # mean number of people in a second of the bank, and in a keyframe
OPERATORS: dict[str, dict[str, Any] | None] = {
    "baseline": None,
    "avg": {"name": "avg"},
    "max": {"name": "max"},
    "non_local": {"name": "non_local", "width": 512, "layers": 2, "dropout": 0.2, "fold": True},
}


class NoBackbone(Backbone):
    """In place of the backbone, which heads do not use."""

    channels, stride = CHANNELS, 16
    mean = std = (1.0, 1.0, 1.0)

    def forward(self, clips: Tensor) -> Tensor:
        raise NotImplementedError


def people(seconds: int, mean: float, least: int) -> PersonBoxes:
    """Return random numbers of people in some seconds of every video, without real boxes."""
    random = np.random.default_rng(seconds)
    count = np.maximum(random.poisson(mean, VIDEOS * seconds), least)
    some = np.flatnonzero(count)
    names = [f"video_{number:05d}" for number in range(VIDEOS)]
    index = RowIndex.of(names, some // seconds, 902 + some % seconds, count[some])
    total = int(index.row_start[-1])
    labels = np.zeros((total, ACTIONS + 1), np.uint8)
    labels[np.arange(total), random.integers(1, ACTIONS + 1, total)] = 1
    return PersonBoxes(
        index, np.tile(np.float32([0, 0, 1, 1]), (total, 1)), np.ones(total, np.float32), labels
    )


def store(path: Path, known: PersonBoxes) -> Bank:
    """Return random features of people, written block by block."""
    index, total = known.index, len(known.boxes)
    noise = np.random.default_rng(1).normal(size=(4 * CHANNELS, CHANNELS)).astype(np.float16)

    def blocks() -> Iterator[np.ndarray]:
        """Yield the features of each video."""
        for start, end in zip(index.video_start[:-1], index.video_start[1:], strict=True):
            size = int(index.row_start[end] - index.row_start[start])
            yield noise[int(start) % CHANNELS :][:size]

    if not path.exists():
        video = np.repeat(np.array(index.videos)[index.video], index.count)
        write_bank(
            path,
            split="train",
            video=video.tolist(),
            second=np.repeat(index.second, index.count),
            features=blocks(),
            channels=CHANNELS,
            box=known.boxes,
            score=known.scores,
            attributes={},
        )
    print(f"{path.name}: {total:,} people in {len(index):,} seconds", flush=True)
    return Bank.open(path)


def memory() -> tuple[float, float]:
    """Return what this process has allocated and what it maps from files, in GB."""
    status = Path("/proc/self/status").read_text()
    own, mapped = (
        int(found[1]) * 1024 / 1e9
        for name in ("RssAnon", "RssFile")
        if (found := re.search(rf"{name}:\s+(\d+) kB", status))
    )
    return own, mapped


def main() -> None:
    parser = argparse.ArgumentParser("bench.heads", description=__doc__)
    parser.add_argument("--folder", required=True, help="for the stores (4.5 GB), which are kept")
    parser.add_argument("--heads", nargs="+", default=list(OPERATORS), choices=list(OPERATORS))
    parser.add_argument("--batch", type=int, default=64, help="keyframes of a batch")
    parser.add_argument("--iterations", type=int, default=20, help="measured of each head")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    folder, batch = Path(arguments.folder), arguments.batch
    bank = store(folder / "bank.zarr", people(BANK_SECONDS, IN_BANK, 0))
    trained = people(KEYFRAMES, PEOPLE, 1)
    features = store(folder / "people.zarr", trained)
    keyframes = Keyframes(trained, list(range(1, ACTIONS + 1)), ACTIONS + 1)
    training = Training(
        epochs=2,  # the first one reads the files
        batch=batch,
        learning_rate=0.01,
        learning_rate_batch=batch,
        steps=(),
        warmup_epochs=0,
        warmup_from=1,
        momentum=0.9,
        weight_decay=1e-7,
        clip_norm=40,
        bfloat16=arguments.device == "cuda",
        epoch_clips=batch * arguments.iterations,
    )
    for name in arguments.heads:
        described = OPERATORS[name]
        operator = None if described is None else build_operator(**described, channels=CHANNELS)
        lookup = None if operator is None else Lookup(bank, Window(60, 5), 0)
        begin = time.process_time()
        with tempfile.TemporaryDirectory() as scratch:
            history = train(
                Head(ActionModel(NoBackbone(), ACTIONS + 1, operator)),
                People(keyframes, features, lookup),
                training,
                name=name,
                seed=0,
                team=Team(0, 1, torch.device(arguments.device)),
                folder=Path(scratch),
            )
        spent = (time.process_time() - begin) / arguments.iterations / training.epochs
        iteration = history[-1]["seconds"] / arguments.iterations
        epoch = iteration * len(trained.index) / batch
        own, mapped = memory()
        print(
            f"{name}: {iteration:.3f} s an iteration of {batch} keyframes ({spent:.3f} s of CPU); "
            f"x {len(trained.index) / batch:.0f} = {epoch / 60:.1f} min an epoch, "
            f"{epoch / 180:.1f} h for 20; memory {own:.2f} GB, and {mapped:.2f} GB of the files",
            flush=True,
        )


if __name__ == "__main__":
    main()
