"""Disturb runs on a real Slurm, and compare their tables with that of a local run.

    python -m bench.slurm_faults                  # all disturbances
    python -m bench.slurm_faults scancel drained  # some of them

Each run is disturbed while the baseline trains. If Snakemake fails, the same command has to finish
the run. Prints for each disturbance what you see. Needs root and Slurm.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.workflow.runs import CONFIG, ENVIRONMENT, TABLE, Workflow, copy_project
from tests.workflow.slurm_cluster import SlurmCluster

SECONDS = 900  # of a run


class Disturbed:
    """A run on Slurm whose training of the baseline is held, so that it can be disturbed.

    Attributes:
        process: The training. It is stopped until ``go_on``.
        job: Its number in Slurm.
    """

    def __init__(self, cluster: SlurmCluster, folder: Path) -> None:
        self.cluster, self.folder, self._starts = cluster, folder, 0
        self.snakemake = self.start()
        self.process = self._training()
        self.process.suspend()
        self.job = self.process.environ()["SLURM_JOB_ID"]

    def start(self) -> psutil.Popen:
        """Start Snakemake."""
        self._starts += 1
        command = self.cluster.snakemake(self.folder, "--configfile", CONFIG, "--", TABLE)
        with self.folder.with_name(f"output-{self._starts}.txt").open("w") as file:
            return psutil.Popen(
                ["timeout", str(SECONDS), *command],
                env=ENVIRONMENT,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def go_on(self) -> None:
        """Let the training go on."""
        self.process.resume()

    def output(self) -> str:
        """Return what all runs printed."""
        numbers = range(1, self._starts + 1)
        return "".join(self.folder.with_name(f"output-{n}.txt").read_text() for n in numbers)

    def _training(self) -> psutil.Process:
        """Return the training process, once it has saved an epoch."""
        states = "results/seed-0/baseline/trainings/*/resume.pt"
        while self.snakemake.poll() is None:
            for process in psutil.process_iter():
                with suppress(psutil.Error):
                    words = process.cmdline()
                    if words[1:3] == ["scripts", "train"] and process.cwd() == str(self.folder):
                        while not any(self.folder.glob(states)):
                            time.sleep(0.01)
                        return process
            time.sleep(0.1)
        raise RuntimeError(self.output())


def step_killed(run: Disturbed) -> None:
    run.process.kill()


def scancel(run: Disturbed) -> None:
    run.cluster.ask(f"scancel {run.job}")


def preempted(run: Disturbed) -> None:
    run.cluster.ask("srun --partition=urgent --exclusive --mem=0 sleep 1")


def requeued(run: Disturbed) -> None:
    run.cluster.ask(f"scontrol requeue {run.job}")


def time_limit(run: Disturbed) -> None:
    run.cluster.ask(f"scontrol update JobId={run.job} TimeLimit=1")
    with suppress(psutil.TimeoutExpired):
        run.process.wait(150)


def controller_restarted(run: Disturbed) -> None:
    run.cluster.ask(f"kill $(cat {run.cluster.folder}/run/slurmctld.pid)")
    time.sleep(20)
    run.cluster.ask("slurmctld")
    run.go_on()


def drained(run: Disturbed) -> None:
    run.cluster.ask("scontrol update NodeName=node1 State=DRAIN Reason=test")
    run.go_on()
    time.sleep(20)
    run.cluster.ask("scontrol update NodeName=node1 State=RESUME")


def snakemake_killed(run: Disturbed) -> None:
    for process in run.snakemake.children(recursive=True):
        if "--profile" in process.cmdline() and "nsenter" not in process.cmdline()[0]:
            process.kill()
            break
    run.snakemake.wait()


DISTURBANCES: list[Callable[[Disturbed], None]] = [
    step_killed,
    scancel,
    preempted,
    requeued,
    time_limit,
    controller_restarted,
    drained,
    snakemake_killed,
]


def main() -> None:
    names = {disturb.__name__: disturb for disturb in DISTURBANCES}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*names, []], default=list(names))
    arguments = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        local = Workflow(Path(name) / "local")
        copy_project(local.folder)
        if (result := local.run(TABLE)).code:
            sys.exit(result.output)
        expected = local.path(TABLE).read_bytes()
        for disturbance in arguments.names:
            folder = Path(name) / disturbance
            with SlurmCluster(folder / "slurm") as cluster:
                copy_project(folder / "project")
                run = Disturbed(cluster, folder / "project")
                names[disturbance](run)
                first = code = run.snakemake.wait()
                if code:
                    code = run.start().wait()
                text = run.output()
                log = (folder / "project/logs/seed-0/baseline/train.log").read_text()
                (continued,) = re.findall(r"continuing (after .*?),", log) or ["from nothing"]
                table = folder / "project" / TABLE
                same = not code and table.read_bytes() == expected
                failed += not same
                print(
                    f"{disturbance} | first run: {first}, same command: {code} | "
                    f"training went on {continued} | "
                    f"{'same table' if same else 'BAD: ' + text[-3000:]}",
                    flush=True,
                )
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
