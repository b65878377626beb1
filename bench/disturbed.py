"""Runs of the tiny workflow that are disturbed, and what they make in the end."""

import os
import re
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.workflow.runs import CONFIG, ENVIRONMENT, copy_project

COMMAND = ["snakemake", "--configfile", CONFIG, "--cores", "2"]
MADE = [
    *("results/map_table.csv", "results/data/*.npz", "results/data/*.json"),
    *("results/seed-0/*/checkpoint.safetensors", "results/seed-0/*/metrics.json"),
    *("results/seed-0/*/predictions.npz", "results/seed-0/bank/*.zarr/**/*"),
]


class Project:
    """A copy of the project in its own mount namespace, and the runs of Snakemake in it.

    Args:
        folder: A new folder.
        command: The command that is repeated after each disturbance.
    """

    def __init__(self, folder: Path, command: list[str] = COMMAND) -> None:
        self.command, self.outputs = command, 0
        self._folder = folder
        copy_project(folder)

    def __enter__(self) -> Self:
        self._holder = subprocess.Popen(["unshare", "--mount", "sleep", "infinity"])
        while Path(f"/proc/{self._holder.pid}/ns/mnt").samefile("/proc/self/ns/mnt"):
            time.sleep(0.01)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._holder.kill()
        self._holder.wait()

    @property
    def folder(self) -> Path:
        """The folder, with all that is mounted in it."""
        return Path(f"/proc/{self._holder.pid}/root{self._folder}")

    def shell(self, command: str) -> None:
        """Run a shell command in the folder, such as ``mount``."""
        self.ask(command)

    def ask(self, command: str) -> str:
        """Return what a shell command prints in the folder."""
        words = self._inside("bash", "-c", command)
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout

    def start(self, *prefix: str) -> psutil.Popen:
        """Start Snakemake in its own session; ``prefix`` begins the command."""
        self.outputs += 1
        with self._output(self.outputs).open("w") as file:
            return psutil.Popen(
                self._inside(*prefix, *self.command),
                env=ENVIRONMENT,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, *prefix: str) -> int:
        """Run Snakemake to its end; return its exit status."""
        return self.start(*prefix).wait()

    def job(self, snakemake: psutil.Popen, program: str, argument: str = "") -> psutil.Process:
        """Wait for a job of a program with this text in its arguments, and return its process."""
        while snakemake.poll() is None:
            with suppress(psutil.NoSuchProcess):
                for process in snakemake.children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        words = process.cmdline()
                        if words[1:3] == ["scripts", program] and argument in " ".join(words):
                            return process
            time.sleep(0.005)
        raise RuntimeError(f"no job of {program}:\n{self.output()}")

    def wait_for(self, snakemake: psutil.Popen, pattern: str) -> None:
        """Wait for a file whose path in the folder matches a pattern."""
        while not any(self.folder.glob(pattern)):
            if snakemake.poll() is not None:
                raise RuntimeError(f"no {pattern}:\n{self.output()}")
            time.sleep(0.005)

    def output(self, number: int = -1) -> str:
        """Return what one run printed, by default the last one."""
        return self._output(self.outputs if number == -1 else number).read_text()

    def made(self) -> dict[str, bytes]:
        """Return the content of all files that must not depend on disturbances, by path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for pattern in MADE
            for path in self.folder.glob(pattern)
            if path.is_file() and not path.name.startswith(".snakemake")
        }

    def left_over(self) -> list[str]:
        """Return scratch files and locks that are left."""
        return [
            str(path.relative_to(self.folder))
            for pattern in ("*.partial", ".*.lock")
            for path in self.folder.rglob(pattern)
        ]

    def repeated(self) -> Counter[str]:
        """Return how many epochs and jobs were done again, by their names."""
        text = "".join(self.output(number) for number in range(1, self.outputs + 1))
        epochs = Counter(re.findall(r"^\[(.*)\] \S+ epoch (\d+)/", text, re.MULTILINE))
        jobs: Counter[str] = Counter()
        for number in range(1, self.outputs + 1):
            output = self.output(number)
            names = dict(re.findall(r"^Job (\d+): (.*)\n", output, re.MULTILINE))
            ended = re.findall(r"^Finished jobid: (\d+) ", output, re.MULTILINE)
            jobs.update(names[job] for job in ended if not names[job].endswith("ready"))
        again = Counter({"epoch": sum(count - 1 for count in epochs.values())})
        for name, count in jobs.items():
            again[name.partition(":")[0]] += count - 1
        return +again

    def _inside(self, *command: str) -> list[str]:
        namespace = f"--target={self._holder.pid}"
        return ["nsenter", namespace, "--mount", f"--wdns={self._folder}", *command]

    def _output(self, number: int) -> Path:
        return self._folder.parent / f"{self._folder.name}-{number}.txt"


def kill_session(snakemake: psutil.Popen) -> list[psutil.Process]:
    """Kill Snakemake and its jobs at once; return the processes that were killed."""
    everything = [snakemake, *snakemake.children(recursive=True)]
    os.killpg(snakemake.pid, signal.SIGKILL)
    snakemake.wait()
    return everything
