"""Training on a real Slurm cluster: over two nodes, and through a requeue."""

import json
import re
import subprocess
import time
from pathlib import Path

from tests.workflow.runs import CONFIG, Workflow
from tests.workflow.slurm_cluster import SlurmCluster

EPOCHS = 40
CHECKPOINT = "results/seed-0/baseline/checkpoint.safetensors"
LOG = "logs/seed-0/baseline/train.log"
TWO_NODES = ["--set-resources", "train_baseline:nodes=2", "train_baseline:gpu=2"]


def wait_for(text: str, log: Path, run: subprocess.Popen[str]) -> None:
    """Wait until a log contains a text."""
    while not (log.exists() and text in log.read_text()):
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.05)


def test_a_training_on_two_nodes_that_slurm_stops_continues_and_ends_with_the_same_bytes(
    two_nodes: SlurmCluster, copy: Workflow
):
    # Validation follows the line that this test waits for. Without it, Slurm stops within an epoch.
    copy.replace(CONFIG, "epochs: 8", f"epochs: {EPOCHS}\n  validation_epochs: null")
    log, job = copy.path(LOG), "1"
    log.unlink()
    # The same processes on one node, never stopped.
    jobs = copy.jobs("--forceall", *TWO_NODES[:1], TWO_NODES[2], "--", CHECKPOINT)
    alone = jobs["train_baseline 0"].replace("results/seed-0/", "alone/").replace(LOG, "a.log")

    # Snakemake first looks after 30 s, long after the job is back in the queue. Just before that,
    # Slurm calls it FAILED.
    looks = ["--slurm-init-seconds-before-status-checks", "30"]
    options = [*looks, "--configfile", CONFIG, *TWO_NODES, "--", CHECKPOINT]
    command = two_nodes.snakemake(copy.folder, *options)
    run = subprocess.Popen(
        ["timeout", "--kill-after=5", "400", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for("epoch 3/", log, run)
    two_nodes.ask(f"scancel --signal=TERM {job}")  # as Slurm does before it preempts a job
    wait_for(f"Slurm job {job} is back in the queue", log, run)
    # Slurm lets two minutes pass before it starts a job again.
    while "PENDING" not in two_nodes.ask(f"squeue --noheader --jobs={job} --format=%T"):
        time.sleep(0.2)
    two_nodes.ask(f"scontrol update JobId={job} StartTime=now")
    done = copy.shell(alone)  # while Snakemake waits
    assert done.code == 0, done.output
    output, _ = run.communicate()
    assert run.returncode == 0, output

    assert re.search(r"continuing after epoch \d+, iteration \d", log.read_text())
    assert "2 processes" in log.read_text()
    assert "Error" not in output
    shown = two_nodes.ask(f"scontrol show job --details {job}")
    gpus = ["JOB_GRES=gpu:a100:2", "TresPerNode=gres.gpu:1"]
    for expected in "Restarts=1", "NumNodes=2", "NumTasks=2", *gpus:
        assert re.search(expected, shown), shown
    for node in two_nodes.nodes:
        text = (two_nodes.folder / f"log/{node}.log").read_text()
        assert text.count("launch task") == 2  # torchrun, in each of the two tries

    assert copy.path("alone/baseline/checkpoint.safetensors").read_bytes() == (
        copy.path(CHECKPOINT).read_bytes()
    )
    history = copy.path("results/seed-0/baseline/history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in history] == list(range(1, EPOCHS + 1))
