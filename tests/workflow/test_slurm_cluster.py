"""Tests of the Slurm cluster that other tests use."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.workflow.slurm_cluster import SlurmCluster

KEEP_RUNNING = """
import sys, time
from pathlib import Path
from tests.workflow.slurm_cluster import SlurmCluster
with SlurmCluster(Path(sys.argv[1])) as cluster:
    print(cluster.ask("sbatch --parsable --output=/dev/null --wrap 'sleep 1000'"), flush=True)
    time.sleep(1000)
"""


def test_two_clusters_of_two_nodes_run_side_by_side(require_slurm: None, tmp_path: Path):
    with SlurmCluster(tmp_path / "a", nodes=2) as first, SlurmCluster(tmp_path / "b") as second:
        show = "--gpus-per-node=2 bash -c 'echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES'"
        assert sorted(first.ask(f"srun -N2 {show}").splitlines()) == ["node1 0,1", "node2 0,1"]
        assert second.ask(f"srun {show}") == "node1 0,1\n"


def test_no_process_survives_a_killed_test(require_slurm: None, tmp_path: Path):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", KEEP_RUNNING, str(tmp_path / "cluster")]
    test = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    assert test.stdout is not None
    assert test.stdout.readline() == "1\n"
    started = psutil.Process(test.pid).children(recursive=True)
    names = {process.name() for process in started}
    assert {"munged", "slurmctld", "slurmd"} <= names
    os.kill(test.pid, signal.SIGKILL)
    test.communicate()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert not alive
