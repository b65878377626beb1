"""Measure the evaluation of predictions of AVA's size by our program and by MMAction2's.

Each runs in its own process, on files drawn from a seed: see tests/ava_sized.py.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.default_run import run
from lfb.data.annotations import write_annotations, write_excluded, write_labels
from tests.ava_sized import CLASSES, UNSCORED, make_ava

FILES = {"labels": "labels.pbtxt", "annotations": "truth.csv", "excluded": "excluded.csv"}
PROGRAMS = str(Path("scripts").resolve())  # they run in another folder
PEER = "import sys; from bench.evaluation import peer; peer(sys.argv[1], sys.argv[2])"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--peer",
        type=float,
        default=0.05,
        help="fraction of the rows that MMAction2 (in LFB_PEERS) scores; 1 takes 12 GB, 0 skips it",
    )
    part = parser.parse_args().peer
    os.environ["PYTHONPATH"] = str(Path.cwd())  # for the programs, which run in the folder
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth, excluded, predictions = make_ava()
        write_annotations(folder / "truth.csv", truth)
        write_labels(folder / "labels.pbtxt", CLASSES)
        write_excluded(folder / "excluded.csv", excluded)
        predictions.save(folder / "dense.npz")
        predictions.write_csv(folder / "submission.csv")
        print(f"{predictions.score.size:,} entries of {len(predictions.box):,} boxes")
        ours(folder, "dense.npz")
        ours(folder, "submission.csv")
        thresholds(folder, "dense.npz")
        if part:
            lines = (folder / "submission.csv").read_bytes().splitlines(keepends=True)
            drawn = np.flatnonzero(np.random.default_rng(0).random(len(lines)) < part)
            (folder / "part.csv").write_bytes(b"".join(lines[i] for i in drawn.tolist()))
            print(f"{len(drawn):,} rows:")
            del lines
            seconds, memory, found = ours(folder, "part.csv")
            packages = str(Path(os.environ["LFB_PEERS"]).resolve())
            command = [sys.executable, "-c", PEER, packages, str(folder)]
            slow, large = run(command, folder)
            theirs = float((folder / "peer.txt").read_text())
            print(
                f"MMAction2     part.csv: {slow:.1f} s, {large:.2f} GB, mAP {theirs!r} (mmaction2)"
            )
            print(f"MMAction2 / ours: {slow / seconds:.0f} x time, {large / memory:.0f} x memory")
            print(f"the mAPs differ by {abs(theirs - found / 100):.1e}")


def ours(folder: Path, predictions: str) -> tuple[float, float, float]:
    """Run the program that writes metrics.json; return its seconds, GB and mAP."""
    files = {**FILES, "predictions": predictions, "output": "m.json"}
    options = [f"--{option}={folder / file}" for option, file in files.items()]
    (folder / "settings.json").write_text(json.dumps({"unscored": sorted(UNSCORED)}))
    options.append(f"--settings={folder / 'settings.json'}")
    command = [sys.executable, PROGRAMS, "evaluate", *options]
    seconds, memory = run(command, folder)
    found = json.loads((folder / "m.json").read_text())["mmaction2"]["mAP"]
    print(
        f"ours {predictions:>17}: {seconds:.1f} s, {memory:.2f} GB, mAP {found / 100!r} (mmaction2)"
    )
    return seconds, memory, found


def thresholds(folder: Path, predictions: str) -> None:
    """Run the program that writes thresholds.json."""
    files = {**FILES, "predictions": predictions, "output": "t.json"}
    options = [f"--{option}={folder / file}" for option, file in files.items()]
    settings = folder / "threshold_settings.json"
    settings.write_text(json.dumps({"unscored": sorted(UNSCORED), "protocol": "mmaction2"}))
    command = [sys.executable, PROGRAMS, "choose_thresholds", *options, f"--settings={settings}"]
    seconds, memory = run(command, folder)
    chosen = json.loads((folder / "t.json").read_text())["classes"]
    print(f"thresholds of {len(chosen)} classes: {seconds:.1f} s, {memory:.2f} GB")


def peer(packages: str, folder: str) -> None:
    """Score a submission with MMAction2's `ava_eval`, in its 32 processes."""
    from tests import peers

    evaluation = peers.load(Path(packages)).evaluation
    root = Path(folder)
    submission, *others = (str(root / name) for name in ("part.csv", *FILES.values()))
    found = evaluation.ava_eval(submission, "mAP", *others)
    (root / "peer.txt").write_text(repr(float(found["overall"])))


if __name__ == "__main__":
    main()
