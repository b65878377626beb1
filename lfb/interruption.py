"""Requests to stop a long job: signals, and the time limit of a Slurm job.

A job that can save its work asks ``Interruption.reason`` now and then, saves, and ends. Under Slurm
it also puts its own Slurm job back into the queue, so Snakemake sees a job that waits and runs
again, not one that failed.
"""

import logging
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from types import FrameType

from lfb.errors import UserError

log = logging.getLogger("lfb")

_SIGNALS = signal.SIGTERM, signal.SIGUSR1
_ASK_AGAIN = 60  # seconds until the next question, if Slurm names no limit


class Stopped(UserError):
    """A job stopped on request, after it saved its work."""


class Interruption:
    """Requests to stop this process, while the block runs.

    SIGTERM and SIGUSR1 no longer end the process: ``reason`` returns them.

    Args:
        job: The Slurm job whose time limit counts; None for none.
    """

    def __init__(self, job: "SlurmJob | None" = None) -> None:
        self._job = job
        self._signal: int | None = None
        self._before: dict[int, object] = {}
        self._ask_at = time.monotonic()

    def __enter__(self) -> "Interruption":
        self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def reason(self) -> str | None:
        """Return why the process has to stop: a signal, or the time limit; None to go on."""
        if self._signal is not None:
            return f"signal {signal.Signals(self._signal).name}"
        if self._job is not None and time.monotonic() >= self._ask_at:
            # The limit may have changed since the last question.
            left = self._job.seconds_left()
            if left is not None and left <= 0:
                return "the time limit of its Slurm job"
            self._ask_at = time.monotonic() + (_ASK_AGAIN if left is None else left)
        return None

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signal = number


@dataclass(frozen=True)
class SlurmJob:
    """A Slurm job, as ``scontrol`` shows it."""

    number: str

    @classmethod
    def current(cls) -> "SlurmJob | None":
        """Return the Slurm job that this process runs in; None outside Slurm."""
        number = os.environ.get("SLURM_JOB_ID")
        return cls(number) if number else None

    def seconds_left(self) -> float | None:
        """Return the seconds until the job has to save; None if Slurm does not say.

        The job keeps two minutes for that, or a tenth of its time if that is less.
        """
        shown = self._shown()
        start, end = shown.get("StartTime", ""), shown.get("EndTime", "")
        if not (start.isdigit() and end.isdigit()):
            return None  # "Unknown": no limit
        return int(end) - min(120, (int(end) - int(start)) / 10) - time.time()

    def requeue(self) -> str:
        """Put the job back into the queue, and return what happens next, for the log.

        A job that Slurm is ending stays as it is. It is cancelled, or Slurm requeues it itself.
        """
        if self._shown().get("JobState") != "RUNNING":
            return f"Slurm ends job {self.number}; when it runs again, it continues"
        if self._scontrol("requeue", self.number) is None:
            return f"Slurm does not requeue job {self.number}; run the same command to continue"
        return f"Slurm job {self.number} is back in the queue, and continues when it runs again"

    def _shown(self) -> dict[str, str]:
        text = self._scontrol("show", "job", "--oneliner", self.number) or ""
        return dict(re.findall(r"(?:^| )(\w+)=(\S*)", text))

    def _scontrol(self, *words: str) -> str | None:
        """Return what ``scontrol`` prints; None if it fails."""
        try:
            return subprocess.run(
                ["scontrol", *words],
                env={**os.environ, "SLURM_TIME_FORMAT": "%s"},  # seconds since 1970
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            details = getattr(error, "stderr", None) or error
            log.warning("scontrol %s: %s", words[0], str(details).strip())
            return None
