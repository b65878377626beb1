"""Runs of the workflow in a folder of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


class Failed(Exception):
    """Snakemake failed or took too long; the message is the end of its output."""


@dataclass(frozen=True)
class Workflow:
    """The workflow in a folder, with one config.

    Attributes:
        folder: Working folder, which gets data and results.
        config: Config file, relative to the project.
        changes: Keys that override those of the file, such as ``device=cpu``; may be empty.
        results: Folder of the results, relative to ``folder``.
    """

    folder: Path
    config: str
    changes: tuple[str, ...]
    results: str = "results"

    @property
    def log(self) -> Path:
        """The output of all runs."""
        return self.folder / "snakemake.log"

    def run(self, target: str, seconds: float, *options: str) -> float:
        """Run Snakemake for a target, and return the seconds that it took.

        Raises:
            Failed: It failed, or did not end within ``seconds``.
        """
        begin = time.monotonic()
        started = self.start(target, *options)
        try:
            code = started.wait(seconds)
        except subprocess.TimeoutExpired:
            kill(started)
            raise Failed(f"{target}: no end in {seconds:.0f} s\n{self._end()}") from None
        if code:
            raise Failed(f"{target}: exit status {code}\n{self._end()}")
        return time.monotonic() - begin

    def start(self, target: str, *options: str) -> subprocess.Popen:
        """Start Snakemake in a session of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--directory", str(self.folder), "--configfile", str(ROOT / self.config)]
        command += ["--cores", "all", *options]
        command += [*(["--config", *self.changes] if self.changes else []), "--", target]
        with self.log.open("a") as log:
            return subprocess.Popen(
                command,
                env=ENVIRONMENT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def unlock(self) -> None:
        """Let Snakemake start again after it was killed."""
        self.run("all", 60, "--unlock")

    def scores(self, seed: int = 0) -> dict[str, float]:
        """Return the mAP of each model, in percent."""
        files = sorted(self._results(seed).glob("*/metrics.json"))
        return {
            path.parent.name: json.loads(path.read_text())["mmaction2"]["mAP"] for path in files
        }

    def losses(self, model: str, seed: int = 0) -> list[float]:
        """Return the loss of each epoch of a model."""
        text = (self._results(seed) / model / "history.jsonl").read_text()
        return [json.loads(line)["loss"] for line in text.splitlines()]

    def _results(self, seed: int) -> Path:
        return self.folder / self.results / f"seed-{seed}"

    def _end(self) -> str:
        return "\n".join(self.log.read_text().splitlines()[-15:])


def kill(process: subprocess.Popen) -> None:
    """Kill Snakemake and all its jobs at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
