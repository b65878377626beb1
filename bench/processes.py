"""Train with 1, 2 and 4 processes and the same total batch, on the CPU, and compare with the noise.

More processes divide a total batch: each normalises its own part of it, and the mean loss of each
part counts the same. So curves differ a little. The noise is how much they differ between seeds.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from statistics import mean, stdev

import yaml

from bench.workflow import ROOT, Workflow

CONFIG = "bench/processes.yaml"
COUNTS = (1, 2, 4)
BATCH = 16  # clips of a total batch
MODELS = ("baseline", "lfb_nl")
# Student's t for a difference of two means of three values each, 95 %.
QUANTILE = 2.78


def run(folder: Path, processes: int) -> Workflow:
    """Train all models with all seeds in a number of processes."""
    name = f"processes-{processes}"
    own = {
        "base": str(ROOT / CONFIG),
        "pathvars": {"results": name, "logs": f"logs/{name}", "benchmarks": f"benchmarks/{name}"},
        "training": {"batch": BATCH // processes},
    }
    config = folder / f"{name}.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps(own))
    workflow = Workflow(folder, str(config), (), name)
    gpu = [f"{rule}:gpu={processes}" for rule in ("train_baseline", "train_lfb")]
    workflow.run(
        f"{name}/map_table.csv", 3600, "--resources", f"gpu={processes}", "--set-resources", *gpu
    )
    return workflow


def compare(one: list[float], other: list[float]) -> tuple[float, float]:
    """Return the difference of the means, and the largest that is noise between seeds."""
    noise = math.sqrt((stdev(one) ** 2 + stdev(other) ** 2) / len(one))
    return mean(other) - mean(one), QUANTILE * noise


def main() -> None:
    parser = argparse.ArgumentParser("bench.processes", description=__doc__)
    parser.add_argument("--folder", required=True, type=Path, help="folder for data and results")
    folder = parser.parse_args().folder.resolve()
    seeds = yaml.safe_load((ROOT / CONFIG).read_text())["seeds"]
    runs = {}
    for processes in COUNTS:
        runs[processes] = run(folder, processes)
        print(f"trained with {processes}", file=sys.stderr, flush=True)
    beyond = []
    for model in MODELS:
        scores = {n: [runs[n].scores(seed)[model] for seed in seeds] for n in COUNTS}
        curves = {n: [runs[n].losses(model, seed) for seed in seeds] for n in COUNTS}
        last = {n: [curve[-1] for curve in curves[n]] for n in COUNTS}
        print(
            f"\n| {model}, processes | mAP | difference | noise | last loss | difference | noise |"
        )
        print("|---|---|---|---|---|---|---|")
        for n in COUNTS:
            cells = [str(n)]
            for what, values, form in (("mAP", scores, ".2f"), ("loss", last, ".4f")):
                cells.append(f"{mean(values[n]):{form}} ± {stdev(values[n]):{form}}")
                difference, noise = compare(values[1], values[n])
                cells += [f"{difference:+{form}}", f"± {noise:{form}}"] if n > 1 else ["", ""]
                if n > 1 and abs(difference) > noise:
                    beyond.append(f"{model}, {n} processes: {what} {difference:+{form}}")
            print(f"| {' | '.join(cells)} |")
        print(f"\n| {model}, processes | mean loss of each epoch |\n|---|---|")
        for n in COUNTS:
            epochs = zip(*curves[n], strict=True)
            print(f"| {n} | {', '.join(f'{mean(losses):.4f}' for losses in epochs)} |")
        same = [abs(a - b) for a, b in zip(scores[1], scores[2], strict=True)]
        print(f"\nThe same seed with 1 and 2 processes: mAP differs by {max(same):.2f} at most.")
    print("\nbeyond the noise:", "; ".join(beyond) or "nothing")
    sys.exit(bool(beyond))


if __name__ == "__main__":
    main()
