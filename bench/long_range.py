"""Measure the gain from the bank on the demo data, and from another video's bank.

Run the default config first. All seeds under results/ are measured.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lfb.bank.store import Bank
from lfb.data.demo import LONG_RANGE
from lfb.data.keyframes import Keyframes
from lfb.data.split import Split
from lfb.learning.clips import Clips, Input, Window
from lfb.learning.inference import predict
from lfb.models.checkpoints import load_checkpoint
from lfb.randomness import generator
from lfb.scoring.evaluation import evaluate
from lfb.video.frames import Manifest

DATA = Path("resources/demo")


@dataclass
class Swapped:
    """A bank that returns another video's rows for each video."""

    bank: Bank
    other: dict[str, str]

    def rows(self, video: str, second: int, **how) -> np.ndarray:
        return self.bank.rows(self.other[video], second, **how)

    def __len__(self) -> int:
        return len(self.bank)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bank, name)  # all else is the bank's


def swapped(bank: Bank) -> Swapped:
    """Return a bank in which each video gets the rows of the next one in a random order."""
    order = generator("swapped banks").permutation(bank.videos).tolist()
    return Swapped(bank, dict(zip(order, order[1:] + order[:1], strict=True)))


def main() -> None:
    split = Split.read(
        DATA / "labels.pbtxt",
        [],
        DATA / "val.csv",
        DATA / "val_proposals.pkl",
        DATA / "val_excluded.csv",
    )
    chosen = Keyframes.load("results/data/val-testing.npz")
    manifest = Manifest("results/data/manifest.json")
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for folder in sorted(Path("results").glob("seed-*")):
        bank = swapped(Bank.open(folder / "bank/val.zarr"))
        for path in sorted(folder.glob("*/metrics.json")):
            measured = json.loads(path.read_text())["mmaction2"]
            ap = {row["name"]: row["AP"] for row in measured["classes"]}
            own = np.mean([ap[name] for name in LONG_RANGE])
            visible = np.mean([ap[name] for name in ap if name not in LONG_RANGE])
            checkpoint = load_checkpoint(path.with_name("checkpoint.safetensors"))
            settings, foreign = checkpoint.about["settings"], float("nan")
            if "window" in settings:
                clips = Clips(
                    chosen.keyframes,
                    manifest.open,
                    Input(**settings["input"]),
                    bank,
                    Window(**settings["window"]),
                )
                predictions = predict(
                    checkpoint.build(),
                    clips,
                    chosen.actions,
                    batch=16,
                    workers=0,
                    device=torch.device("cpu"),
                )
                result = evaluate(
                    predictions,
                    split.annotations,
                    classes=split.labels,
                    excluded=split.excluded,
                    protocol="mmaction2",
                )
                numbers = {name: number for number, name in split.labels.items()}
                foreign = 100 * np.mean([result.ap[numbers[name]] for name in LONG_RANGE])
            scores = measured["mAP"], visible, own, foreign
            found.setdefault(path.parent.name, []).append(scores)
            print(folder.name, path.parent.name, *(f"{score:.1f}" for score in scores), flush=True)
    print("\nprotocol mmaction2, percent\n")
    print("| model | seeds | mAP | visible | long-range | long-range, another video's bank |")
    print("|---|---|---|---|---|---|")
    for model, rows in found.items():
        columns = [_cell(values) for values in zip(*rows, strict=True)]
        print(f"| {model} | {len(rows)} | {' | '.join(columns)} |")


def _cell(values: tuple[float, ...]) -> str:
    """Return the mean over seeds, with the deviation if there are several; empty for NaN."""
    if not np.isfinite(values).all():
        return ""
    spread = f" ± {np.std(values, ddof=1):.1f}" if values[1:] else ""
    return f"{np.mean(values):.1f}{spread}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
