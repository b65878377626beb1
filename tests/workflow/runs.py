"""Copies of the project, and Snakemake at work in them."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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
    """Copies what git tracks, and what it would if it were added."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@dataclass
class Result:
    """What a finished command said and its exit status."""

    code: int
    output: str


@dataclass
class Workflow:
    """A copy of the project with its results."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name

    def run(self, *arguments: str) -> Result:
        """Runs Snakemake to its end."""
        return self._run(_snakemake(*arguments))

    def shell(self, command: str) -> Result:
        """Runs a shell command, such as that of a job."""
        return self._run(["bash", "-c", command])

    def jobs(self, *arguments: str) -> dict[str, str]:
        """Shell commands of the jobs that would run, by name, such as ``predict 0 lfb_max``."""
        result = self.run("--dry-run", "--printshellcmds", *arguments)
        assert result.code == 0, result.output
        return {job.name: job.command for job in _jobs(result.output)}

    def replace(self, name: str, old: str, new: str) -> None:
        """Edits a file; ``old`` must be there once."""
        text = self.path(name).read_text()
        assert text.count(old) == 1
        self.path(name).write_text(text.replace(old, new))

    def append(self, name: str, text: str) -> None:
        """Adds to the end of a file."""
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


@dataclass
class Running:
    """Snakemake at work in a session of its own, to be killed.

    Attributes:
        started: When, by the clock of the file system.
    """

    workflow: Workflow
    arguments: tuple[str, ...] = ()
    started: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self._output = self.workflow.path("output.txt")
        with self._output.open("w") as file:
            self._process = subprocess.Popen(
                _snakemake(*self.arguments),
                cwd=self.workflow.folder,
                env=ENVIRONMENT,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, moment: Callable[[], bool]) -> None:
        """Waits for a moment that must come before Snakemake ends."""
        while not moment():
            assert self._process.poll() is None, self._output.read_text()
            time.sleep(0.005)

    def has_new(self, pattern: str) -> bool:
        """Whether this run has written a file of such a name."""
        files = self.workflow.folder.glob(pattern)
        return any(file.stat().st_mtime > self.started for file in files)

    def program(self, name: str) -> psutil.Process | None:
        """The process of a running job."""
        for process in psutil.Process(self._process.pid).children(recursive=True):
            try:
                if process.cmdline()[1:3] == ["-m", f"scripts.{name}"]:
                    return process
            except psutil.NoSuchProcess:
                continue
        return None

    def kill_job(self, program: str) -> None:
        """Kills the process of one job; Snakemake lets others end, and gives up."""
        job = self.program(program)
        assert job is not None
        helpers = job.children(recursive=True)
        job.kill()
        assert self._process.wait() == 1, self._output.read_text()
        _, alive = psutil.wait_procs(helpers, timeout=10)
        assert not alive, "processes of a killed job go on"

    def kill_everything(self) -> None:
        """Kills Snakemake and all that it started, at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        assert self._process.wait() == -signal.SIGKILL
        while any(_session(process) == self._process.pid for process in psutil.process_iter()):
            time.sleep(0.01)

    def wait(self) -> int:
        """Waits for the end; the exit status."""
        return self._process.wait()

    def done(self) -> list[str]:
        """Names of the jobs that have ended well."""
        output = self._output.read_text()
        names = {job.number: job.name for job in _jobs(output)}
        ended = re.findall(r"^Finished jobid: (\d+) ", output, re.MULTILINE)
        return [names[number] for number in ended if number in names]


@dataclass
class _Job:
    number: str
    name: str
    command: str


def _snakemake(*arguments: str) -> list[str]:
    return ["snakemake", "--configfile", CONFIG, "--cores", "2", *arguments]


def _jobs(output: str) -> Iterator[_Job]:
    """The jobs that Snakemake announces, without the targets, which have no output."""
    announced = r"^(?:local)?rule (\w+):\n((?:    .*\n)+)(?:Shell command: (.*)\n)?"
    for rule, about, command in re.findall(announced, output, re.MULTILINE):
        lines = dict(line.strip().split(": ", 1) for line in about.splitlines())
        if "output" in lines:
            values = re.findall(r"=([^,]+)", lines.get("wildcards", ""))
            yield _Job(lines["jobid"], " ".join([rule, *values]), command)


def _session(process: psutil.Process) -> int | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None


def option(command: str, name: str) -> str:
    """The value of an option in a shell command."""
    words = shlex.split(command)
    return words[words.index(name) + 1]
