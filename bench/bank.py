"""Build, gather, open and look up a bank of five times AVA's size, and measure time and memory.

The rows are synthetic. Each step runs in processes of its own. "Own memory" is what a process
allocates (RssAnon); "with the bank" adds the pages of the bank's files, which they share (PSS).
"""

import argparse
import multiprocessing
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from lfb.bank.store import Bank
from lfb.bank.writing import gather, write_bank

CHANNELS = 2048
PIECES = 4
SECONDS = range(902, 1799)  # AVA's keyframes of a video
PEOPLE = 3  # in a second
BATCH, WINDOW, PER_SECOND = 16, 60, 5  # of the published models


def build(folder: Path, videos: int, piece: int) -> None:
    """Write every fourth video as a piece, in blocks like those of a model's batches."""
    names = [f"video_{number:05d}" for number in range(videos)][piece::PIECES]
    count = len(SECONDS) * PEOPLE
    random = np.random.default_rng(piece)
    noise = random.normal(size=(BATCH * PEOPLE + CHANNELS, CHANNELS)).astype(np.float32)
    total = len(names) * count

    def batches() -> Iterator[np.ndarray]:
        for _ in names:
            for start in range(0, count, BATCH * PEOPLE):
                first = int(random.integers(CHANNELS))
                yield noise[first : first + min(BATCH * PEOPLE, count - start)]

    write_bank(
        folder / f"piece-{piece}.zarr",
        split="train",
        video=np.repeat(names, count).tolist(),
        second=np.tile(np.repeat(SECONDS, PEOPLE), len(names)),
        features=batches(),
        channels=CHANNELS,
        box=np.tile(np.float32([0, 0, 1, 1]), (total, 1)),
        score=random.random(total, np.float32),
        attributes={},
    )


def join(folder: Path) -> None:
    gather([folder / f"piece-{piece}.zarr" for piece in range(PIECES)], folder / "bank.zarr")


def read(folder: Path, batches: int, seed: int, result: Any) -> None:
    """Look up random windows as a training does; the first pass also checks the checksums."""
    import torch

    from lfb.bank.features import BankFeatures

    torch.set_num_threads(1)
    begin = time.monotonic()
    bank = Bank.open(folder / "bank.zarr")
    opened = time.monotonic() - begin
    features = BankFeatures(bank, CHANNELS, torch.device("cpu"))
    passes = []
    for _ in range(2):
        random = np.random.default_rng(seed)
        begin = time.monotonic()
        for _ in range(batches):
            windows = [
                bank.rows(
                    bank.videos[random.integers(len(bank.videos))],
                    int(random.integers(SECONDS[0], SECONDS[-1])),
                    window=WINDOW,
                    per_second=PER_SECOND,
                    key=(seed,),
                )
                for _ in range(BATCH)
            ]
            features(torch.from_numpy(np.stack(windows)))
        passes.append((time.monotonic() - begin) / batches)
    result.put((opened, *passes))


def measure(work: Callable[..., None], *arguments: tuple[Any, ...]) -> tuple[float, float, float]:
    """Run ``work`` in a process for each of ``arguments``.

    Returns:
        Seconds; the largest own memory of a process and that of all with the bank, in GB.
    """
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=work, args=values) for values in arguments]
    begin, own, together = time.monotonic(), 0, 0
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        shared = 0
        for process in processes:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
                shared += psutil.Process(process.pid).memory_full_info().pss
            except (psutil.Error, OSError):
                continue  # it has just ended
            found = re.search(r"RssAnon:\s+(\d+) kB", status)
            own = max(own, 1024 * int(found[1]) if found else 0)
        together = max(together, shared)
        time.sleep(0.2)
    if any(process.exitcode for process in processes):
        raise SystemExit("a process failed")
    return time.monotonic() - begin, own / 1e9, together / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=743, help="AVA has 299; 743 give 2 million")
    parser.add_argument("--readers", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--batches", type=int, default=1000, help="batches that a reader looks up")
    parser.add_argument("--folder", help="where the bank is written; it needs twice its size")
    arguments = parser.parse_args()

    rows = arguments.videos * len(SECONDS) * PEOPLE
    print(f"{rows:,} rows of {CHANNELS} float16: {rows * CHANNELS * 2 / 1e9:.1f} GB", flush=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        spent = own = 0.0
        for piece in range(PIECES):
            seconds, memory, _ = measure(build, (folder, arguments.videos, piece))
            spent, own = spent + seconds, max(own, memory)
        print(f"build {PIECES} pieces: {spent:.0f} s, own memory {own:.2f} GB", flush=True)
        seconds, own, _ = measure(join, (folder,))
        print(f"gather: {seconds:.0f} s, own memory {own:.2f} GB", flush=True)
        for piece in range(PIECES):
            shutil.rmtree(folder / f"piece-{piece}.zarr")
        for readers in arguments.readers:
            result: Any = multiprocessing.get_context("spawn").Queue()
            jobs = [(folder, arguments.batches, seed, result) for seed in range(readers)]
            _, own, together = measure(read, *jobs)
            opened, first, second = np.mean([result.get() for _ in jobs], 0).tolist()
            print(
                f"{readers} reader{'s' if readers > 1 else ''}: open {opened:.2f} s, a batch "
                f"{first * 1000:.1f} ms, later {second * 1000:.1f} ms; own memory of each "
                f"{own:.2f} GB, all with the bank {together:.2f} GB",
                flush=True,
            )


if __name__ == "__main__":
    main()
