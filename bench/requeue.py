"""Train on a real Slurm whose job needs more time than it may take, and compare the bytes.

    python -m bench.requeue [--epochs 1000] [--minutes 20]

The training may run for one minute at a time. It saves before that, and puts its own job back into
the queue. A job of another partition pre-empts its second try, and an operator requeues its third.
The end must equal a training without Slurm byte for byte, and no try may count as a failure. Needs
root and Debian's slurmctld, slurmd, slurm-client and munge, for a cluster on this machine.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.workflow.runs import CONFIG, Workflow, copy_project
from tests.workflow.slurm_cluster import SlurmCluster

CHECKPOINT = "results/seed-0/baseline/checkpoint.safetensors"
LOG = "logs/seed-0/baseline/train.log"
# One job carries the frames, on this machine: a run on Slurm starts with them.
BEFORE = ["results/data/manifest.json", "results/data/train-training.npz"]


def project(folder: Path, epochs: int) -> Workflow:
    """Return a copy of the project whose training has so many epochs."""
    copy_project(folder)
    workflow = Workflow(folder)
    workflow.replace(CONFIG, "epochs: 8", f"epochs: {epochs}")
    return workflow


def run_here(workflow: Workflow, *targets: str) -> None:
    done = workflow.run(*targets)
    if done.code:
        sys.exit(done.output)


def follow(cluster: SlurmCluster, run: subprocess.Popen[bytes], log: Path, rule: str) -> list[str]:
    """Disturb the training's job until Snakemake ends; return how each try but the last ended."""
    ends: list[str] = []
    seen = ""  # the first line of the try's log; Snakemake removes the log before each try
    while run.poll() is None:
        time.sleep(0.2)
        query = f"squeue --noheader --states=all --format='%i %T %k' | grep {rule} || true"
        number, state, *_ = [*cluster.ask(query).split(), "", ""][:3]
        if state == "PENDING" and "Restarts=0" not in cluster.ask(f"scontrol show job {number}"):
            # Do not wait the two minutes before Slurm starts it. This fails if it has started.
            cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now")
        text = log.read_text() if log.exists() else ""
        ended = re.search(r"epoch \d+/\d+: saved and stopped .*", text)
        if ended and (not ends or ends[-1] != ended[0]):
            ends.append(ended[0])
            print(f"  try {len(ends)}: {ended[0]}", flush=True)
        if state == "RUNNING" and " loss " in text and text.splitlines()[0] != seen:
            seen = text.splitlines()[0]
            if len(ends) == 1:
                cluster.ask(
                    "sbatch --partition=urgent --exclusive --output=/dev/null --wrap 'sleep 1'"
                )
            elif len(ends) == 2:
                cluster.ask(f"scontrol requeue {number}")
    return ends


def main(epochs: int, minutes: int, folder: Path) -> str:
    """Return what differs, or nothing."""
    alone, remote = project(folder / "alone", epochs), project(folder / "slurm", epochs)
    print("a training without Slurm", flush=True)
    run_here(alone, CHECKPOINT)
    run_here(remote, *BEFORE)
    print("the same on Slurm, one minute at a time", flush=True)
    options = ["--configfile", CONFIG, "--set-resources", "train_baseline:runtime=1"]
    output = folder / "output.txt"
    with SlurmCluster(folder / "cluster") as cluster, output.open("w") as file:
        command = cluster.snakemake(remote.folder, *options, "--", CHECKPOINT)
        limit = ["timeout", "--kill-after=5", str(60 * minutes)]
        run = subprocess.Popen([*limit, *command], stdout=file, stderr=subprocess.STDOUT)
        ends = follow(cluster, run, remote.path(LOG), "rule_train_baseline")
        shown = cluster.ask("scontrol show job 1")
    restarts = int(re.findall(r"Restarts=(\d+)", shown)[0])
    print(f"{restarts} restarts of one Slurm job, exit status {run.returncode}")
    if run.returncode or "Error in rule" in output.read_text():
        return f"Snakemake saw a failure:\n{output.read_text()}"
    if len(ends) < 3 or restarts < 3:
        return "the training was faster than its limits; raise --epochs"
    if remote.path(CHECKPOINT).read_bytes() != alone.path(CHECKPOINT).read_bytes():
        return "the checkpoints differ"
    print("the checkpoints are equal")
    return ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--minutes", type=int, default=20, help="limit of the whole run on Slurm")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sys.exit(main(arguments.epochs, arguments.minutes, Path(name)))
