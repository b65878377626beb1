"""Copies of the project, and runs of Snakemake in them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
CONFIG = "tests/workflow/tiny.yaml"
TABLE = "results/map_table.csv"
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "CUDA_VISIBLE_DEVICES": "",
}


def copy_project(folder: Path) -> None:
    """Copy the files that git tracks or does not ignore."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@dataclass
class Result:
    """Exit status and output of a finished command."""

    code: int
    output: str


@dataclass
class Workflow:
    """A copy of the project with its results."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name

    def run(self, *arguments: str) -> Result:
        """Run Snakemake, and wait for its end."""
        return self._run(_snakemake(*arguments))

    def shell(self, command: str) -> Result:
        """Run a shell command, for example that of a job."""
        return self._run(["bash", "-c", command])

    def jobs(self, *arguments: str) -> dict[str, str]:
        """Return the commands of the jobs that would run, by name (``predict 0 lfb_max``)."""
        result = self.run("--dry-run", "--printshellcmds", *arguments)
        assert result.code == 0, result.output
        return {job.name: job.command for job in _jobs(result.output)}

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text of a file; the text must occur once."""
        text = self.path(name).read_text()
        assert text.count(old) == 1
        self.path(name).write_text(text.replace(old, new))

    def with_settings(self, command: str, old: str, new: str) -> str:
        """Return a job's command that reads a copy of its settings, with one text replaced."""
        (name,) = re.findall(r"--settings (\S+)", command)
        text = self.path(name).read_text()
        assert text.count(old) == 1
        self.path("other_settings.json").write_text(text.replace(old, new))
        return command.replace(name, "other_settings.json")

    def append(self, name: str, text: str) -> None:
        """Add to the end of a file."""
        with self.path(name).open("a") as file:
            file.write(text)

    def _run(self, command: list[str]) -> Result:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Result(done.returncode, done.stdout)


class Running:
    """A run of Snakemake in its own session, for tests that kill it."""

    def __init__(self, workflow: Workflow, *arguments: str) -> None:
        self._folder = workflow.folder
        self._started = time.time()
        self._output = workflow.path("output.txt")
        with self._output.open("w") as file:
            self._snakemake = subprocess.Popen(
                _snakemake(*arguments),
                cwd=self._folder,
                env=ENVIRONMENT,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> int:
        """Wait for the end of the run, and return the exit status."""
        return self._snakemake.wait()

    def wait_for_file(self, pattern: str) -> Path:
        """Wait until this run has written a file that matches a pattern, and return its path."""
        while True:
            for path in self._folder.glob(pattern):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime > self._started:
                        return path
            self._wait()

    def wait_for_output(self, text: str) -> None:
        """Wait until this run has printed a text."""
        while text not in self._output.read_text():
            self._wait()

    def wait_for_job(self, program: str, argument: str = "") -> psutil.Process:
        """Wait for a job of a program, with this text in its arguments; return its process."""
        while True:
            for process in psutil.Process(self._snakemake.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    words = process.cmdline()
                    if words[1:3] == ["scripts", program] and argument in " ".join(words):
                        return process
            self._wait()

    def kill_job(self, program: str, argument: str = "") -> None:
        """Kill the process of one job, and wait until Snakemake fails."""
        job = self.wait_for_job(program, argument)
        helpers = job.children(recursive=True)
        job.kill()
        assert self.wait() == 1, self._output.read_text()
        _, alive = psutil.wait_procs(helpers, timeout=10)
        assert not alive, "processes of a killed job are still running"

    def kill_snakemake(self) -> None:
        """Kill Snakemake alone; its jobs go on."""
        self._snakemake.kill()
        self._snakemake.wait()

    def kill_everything(self) -> None:
        """Kill Snakemake and all its processes at once."""
        everything = psutil.Process(self._snakemake.pid).children(recursive=True)
        os.killpg(self._snakemake.pid, signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL
        _, alive = psutil.wait_procs(everything, timeout=10)
        assert not alive, "some processes are in another process group"

    def done(self) -> list[str]:
        """Return the names of the jobs that have succeeded."""
        output = self._output.read_text()
        names = {job.number: job.name for job in _jobs(output)}
        ended = re.findall(r"^Finished jobid: (\d+) ", output, re.MULTILINE)
        return [names[number] for number in ended if number in names]

    def _wait(self) -> None:
        assert self._snakemake.poll() is None, self._output.read_text()
        time.sleep(0.005)


@dataclass
class _Job:
    number: str
    name: str
    command: str


def _snakemake(*arguments: str) -> list[str]:
    return ["snakemake", "--configfile", CONFIG, "--cores", "2", *arguments]


def _jobs(output: str) -> Iterator[_Job]:
    """Yield the jobs that Snakemake announces, without targets, which run nothing."""
    announced = r"^Job (\d+): (\w+): (.*)\n(?:Reason: .*\n)?(?:Shell command: (.*)\n)?"
    for number, rule, about, command in re.findall(announced, output, re.MULTILINE):
        if not about.endswith("ready"):
            values = re.findall(r"(?:seed|model|split|purpose|piece) (\S+?)(?:,|$)", about)
            parts = [value for value in values if value != "1-of-1"]  # that is the whole
            yield _Job(number, " ".join([rule, *parts]), command)
