"""Measure how well people keep their numbers: IDF1 on the demo's known people and on hard cases.

The demo's people are linked by their annotated boxes, by all proposals, and by the people in the
banks of a finished default run. False proposals and people without one lower IDF1 whatever the
numbers are. The column "best" shows the highest IDF1 that these boxes can have.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from lfb.bank.store import Bank
from lfb.data.annotations import read_annotations
from lfb.data.boxes import RowIndex, box_iou
from lfb.data.proposals import read_proposals
from lfb.data.tracks import link
from lfb.files.csv_table import BOX, KEY
from tests.identity import CASES, idf1, scenes

IOU = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path(), help="folder of a default run")
    run = parser.parse_args().run
    print(f"{'':>32}{'boxes':>8}{'features':>10}{'best':>8}")
    for split in ("train", "val"):
        truth = known_people(run / f"resources/demo/{split}.csv")
        for name, found, feature in found_people(run, split, truth):
            best = idf1(truth, best_numbers(found, truth))
            show(f"{split}, {name}", found, feature, truth, best)
    for case in CASES:
        table, feature = scenes(case, count=200)
        show(case, table, feature, table, 1)
    measure_time()


def show(
    name: str, found: pd.DataFrame, feature: np.ndarray | None, truth: pd.DataFrame, best: float
) -> None:
    """Print the IDF1 of linked people, by boxes alone and with their features."""
    alone = idf1(truth, linked(found))
    both = "" if feature is None else f"{100 * idf1(truth, linked(found, feature)):.2f}"
    print(f"{name:>32}{100 * alone:8.2f}{both:>10}{100 * best:8.2f}")


def linked(found: pd.DataFrame, feature: np.ndarray | None = None) -> pd.DataFrame:
    """Return found people with linked numbers."""
    number = link(found["video"].to_numpy(), found["second"], found[BOX], feature)
    return found.assign(person=number)


def known_people(path: Path) -> pd.DataFrame:
    """Return the annotated people, a row for each person and second."""
    return read_annotations(path, None).valid.drop_duplicates([*KEY, "person"])


def found_people(
    run: Path, split: str, truth: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame, np.ndarray | None]]:
    """Yield name, people and features of each source."""
    yield "annotated people", truth, None
    proposals = read_proposals(run / f"resources/demo/{split}_proposals.pkl").valid
    yield "all proposals", table(proposals.index, proposals.boxes), None
    bank = Bank.open(run / f"results/seed-0/bank/{split}.zarr")
    yield "people in the bank", table(bank.index, bank.read("box")), bank.feature()


def table(index: RowIndex, boxes: np.ndarray) -> pd.DataFrame:
    """Return video, second and box of each row of an index."""
    keys = pd.DataFrame(index.keys(), columns=KEY).loc[
        np.repeat(np.arange(len(index)), index.count)
    ]
    found = pd.DataFrame(boxes, columns=BOX)
    return pd.concat([keys.reset_index(drop=True), found], axis=1)


def best_numbers(found: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return found people with the number of the person they overlap most; others are strangers."""
    pairs = found.reset_index().merge(truth, on=KEY, suffixes=("", "_true"))
    iou = box_iou(pairs[BOX].to_numpy(), pairs[[f"{name}_true" for name in BOX]].to_numpy())
    pairs = (
        pairs.assign(iou=iou)[iou >= IOU].sort_values("iou").drop_duplicates("index", keep="last")
    )
    known = pairs.set_index("index")["person"].reindex(found.index)
    return found.assign(person=known.fillna(-1 - found.index.to_series()))


def measure_time() -> None:
    """Print the time for films of several lengths."""
    random = np.random.default_rng(0)
    for seconds, people in ((900, 4), (3600, 4), (14400, 4), (3600, 16)):
        corner = random.uniform(0, 0.8, people * 2).reshape(1, people, 2)
        corner = corner + random.normal(0, 0.01, (seconds, people, 2))
        boxes = np.concatenate([corner, corner + 0.15], 2).reshape(-1, 4)
        second = np.repeat(np.arange(seconds), people)
        feature = random.normal(size=(len(boxes), 256)).astype(np.float16)
        start = time.process_time()
        link(["a"] * len(boxes), second, boxes, feature)
        spent = time.process_time() - start
        print(f"{seconds} s of {people} people, 256 channels: {spent:.2f} s")


if __name__ == "__main__":
    main()
