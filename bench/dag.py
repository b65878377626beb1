"""Measure how Snakemake plans a run of AVA's 299 videos, and one of 10,000 videos.

A data set of short videos is made in a temporary folder. Nothing is extracted or trained: for the
run in which all is done, every output is an empty file.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lfb.data.boxes import PersonBoxes
from lfb.data.proposals import write_proposals
from tests.films import make_video

ROOT = Path(__file__).parents[1]
SECONDS = 3  # length of a video, all of them annotated


def write_data(folder: Path, videos: int, pieces: int) -> None:
    """Write the videos, their annotations, and a config that builds on AVA's."""
    names = [f"video_{number:06d}" for number in range(videos)]
    make_video(folder / "film.mp4", 24 * SECONDS)
    for place in "videos", "resources/frames":
        (folder / place).mkdir(parents=True)
    for name in names:
        os.link(folder / "film.mp4", folder / f"videos/{name}.mp4")
        (folder / f"resources/frames/{name}.zip").touch()
    (folder / "labels.pbtxt").write_text('item { name: "stand" id: 1 }\n')
    training = round(0.8 * videos)
    splits = {"train": names[:training], "val": names[training:]}
    for split, its_videos in splits.items():
        keyframes = [(name, second) for name in its_videos for second in range(SECONDS)]
        rows = [f"{name},{second},0.1,0.1,0.5,0.9,1,0\n" for name, second in keyframes]
        (folder / f"{split}.csv").write_text("".join(rows))
        boxes = np.tile(np.float32([0.1, 0.1, 0.5, 0.9]), (len(keyframes), 1))
        people = PersonBoxes.from_rows(*zip(*keyframes, strict=True), boxes, np.ones(len(boxes)))
        write_proposals(folder / f"{split}.pkl", people)
    config = {
        "base": str(ROOT / "config/ava.yaml"),
        "pathvars": {place: place for place in ("results", "resources", "logs", "benchmarks")},
        "data": {
            "videos": "videos",
            "fps": 24,
            "first_second": 0,
            "start": 0,
            "seconds": SECONDS,
            "labels": "labels.pbtxt",
            "unscored": [],
            "expected": None,
            **{
                split: {
                    "annotations": f"{split}.csv",
                    "proposals": f"{split}.pkl",
                    "excluded": None,
                }
                for split in splits
            },
        },
        "weights": None,
        **{stage: {"pieces": pieces} for stage in ("frames", "bank", "inference")},
    }
    (folder / "config.yaml").write_text(json.dumps(config))


def run(folder: Path, *options: str) -> tuple[str, str]:
    """Run Snakemake; return its output, and its time in words."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile")]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*command, "--configfile", "config.yaml", "--cores", "2", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seconds, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, f"{seconds:.1f} s ({cpu:.1f} s CPU)"


def pretend(folder: Path) -> None:
    """Make every output an empty file or folder, and let Snakemake record it as done."""
    summary, _ = run(folder, "--summary")
    for name in re.findall(r"^(results/[^\t]+)\t", summary, re.MULTILINE):
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if path.suffix == ".zarr" else path.touch()
    run(folder, "--touch")


def main() -> None:
    """Print the figures of both data sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, nargs="+", default=[299, 10_000])
    parser.add_argument("--pieces", type=int, nargs="+", default=[16, 64], help="of each stage")
    arguments = parser.parse_args()
    for videos, pieces in zip(arguments.videos, arguments.pieces, strict=True):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_data(folder, videos, pieces)
            planned, dry = run(folder, "--dry-run", "--printshellcmds")
            jobs = re.findall(r"^total +(\d+)", planned, re.MULTILINE)[0]
            longest = max(map(len, re.findall(r"^Shell command: (.*)", planned, re.MULTILINE)))
            print(f"{videos} videos, {pieces} pieces: {jobs} jobs")
            print(f"    dry run of a new run       {dry}")
            print(f"    data check                 {run(folder, 'results/data/check.json')[1]}")
            pretend(folder)
            output, nothing = run(folder)
            assert "Nothing to be done" in output, output
            print(f"    run with nothing to do     {nothing}")
            print(f"    longest command            {longest} characters", flush=True)


if __name__ == "__main__":
    main()
