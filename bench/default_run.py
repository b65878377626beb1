"""Measure the default run in a fresh clone, a dry run, and the start of a job."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

START = "from scripts import train; import lfb.learning.jobs.training, zarr"


def run(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return its seconds and the peak memory of its processes in GB (PSS)."""
    begin, peak = time.monotonic(), 0
    with (folder / "log").open("w") as log:
        process = psutil.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    while process.poll() is None:
        total = 0
        for running in [process, *process.children(recursive=True)]:
            try:
                total += running.memory_full_info().pss
            except psutil.Error:
                continue  # it has just ended
        peak = max(peak, total)
        time.sleep(0.2)
    if process.returncode:
        sys.exit((folder / "log").read_text())
    return time.monotonic() - begin, peak / 1e9


def main() -> None:
    snakemake = [sys.executable, "-m", "snakemake"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        subprocess.run(["git", "clone", "--quiet", ".", str(folder)], check=True)
        dry = sorted(run([*snakemake, "-n"], folder)[0] for _ in range(3))[1]
        print(f"dry run: {dry:.1f} s (median of 3)", flush=True)
        start = sorted(run([sys.executable, "-c", START], folder)[0] for _ in range(3))[1]
        print(f"start of a training job (its imports): {start:.1f} s (median of 3)")
        seconds, memory = run([*snakemake, "--cores", "all", "results/map_table.csv"], folder)
        size = sum(
            path.stat().st_size
            for part in ("resources", "results")
            for path in (folder / part).rglob("*")
            if path.is_file()
        )
        print(f"default run: {seconds:.0f} s, {memory:.2f} GB memory, {size / 1e6:.0f} MB on disk")
        print((folder / "results/map_table.csv").read_text())
        for log in sorted((folder / "benchmarks").rglob("*.tsv")):
            seconds_of_job = log.read_text().splitlines()[1].split("\t")[0]
            print(f"{seconds_of_job:>8} s  {log.relative_to(folder / 'benchmarks')}")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
