"""Tests of lfb.interruption; tests/workflow has tests with a real Slurm."""

import os
import signal
import time
from pathlib import Path

import pytest

from lfb import interruption
from lfb.interruption import Interruption, SlurmJob


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_is_a_reason_to_stop_and_does_not_end_the_process(number):
    with Interruption() as requests:
        assert requests.reason() is None
        os.kill(os.getpid(), number)
        assert requests.reason() == f"signal {number.name}"


def test_after_the_block_signals_act_as_before():
    before = signal.getsignal(signal.SIGTERM)
    with Interruption():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_time_limit_is_a_reason_and_is_asked_for_again_when_it_is_near(slurm, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(interruption.time, "monotonic", lambda: now)
    slurm.show(StartTime=time.time() - 600, EndTime=time.time() + 600)
    requests = Interruption(SlurmJob("7"))
    assert requests.reason() is requests.reason() is None
    assert slurm.asked() == 1
    slurm.show(StartTime=time.time() - 600, EndTime=time.time() + 1200)  # an admin extends it
    now += 500
    assert requests.reason() is None
    assert slurm.asked() == 2
    slurm.show(StartTime=time.time() - 1700, EndTime=time.time() + 100)
    now += 1100
    assert requests.reason() == "the time limit of its Slurm job"


@pytest.mark.parametrize(
    ("minutes", "kept"), [(1440, 120), (10, 60), (1, 6)], ids=["day", "ten minutes", "minute"]
)
def test_a_job_keeps_two_minutes_or_a_tenth_of_its_time_to_save(slurm, minutes, kept):
    now = int(time.time())
    slurm.show(StartTime=now, EndTime=now + 60 * minutes)
    assert SlurmJob("7").seconds_left() == pytest.approx(60 * minutes - kept, abs=3)


@pytest.mark.parametrize("end", ["Unknown", "fail"])
def test_without_a_limit_or_an_answer_the_job_goes_on(slurm, end):
    if end == "fail":
        slurm.fail("show")
    else:
        slurm.show(StartTime=1, EndTime=end)
    assert SlurmJob("7").seconds_left() is None
    assert Interruption(SlurmJob("7")).reason() is None


def test_a_running_job_is_requeued_and_a_cancelled_one_is_not(slurm):
    slurm.show(JobState="RUNNING")
    assert "job 7 is back in the queue" in SlurmJob("7").requeue()
    assert slurm.commands()[-1] == "requeue 7"
    slurm.show(JobState="CANCELLED")
    assert "Slurm ends job 7" in SlurmJob("7").requeue()
    assert slurm.commands()[-1] == "show job --oneliner 7"


def test_a_job_that_slurm_does_not_requeue_says_so(slurm, caplog):
    slurm.show(JobState="RUNNING")
    slurm.fail("requeue")
    assert "run the same command" in SlurmJob("7").requeue()
    assert "scontrol requeue: disabled" in caplog.text


def test_the_job_is_that_of_the_environment(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert SlurmJob.current() is None
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert SlurmJob.current() == SlurmJob("7")


class FakeSlurm:
    """A program ``scontrol`` that notes its arguments and prints a job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "scontrol"
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {folder}/commands\n[ ! -e {folder}/failing-$1 ] ||'
            " { echo disabled >&2; exit 1; }\n"
            f'[ "$SLURM_TIME_FORMAT" = %s ] && cat {folder}/job\n'
        )
        program.chmod(0o755)

    def show(self, **values: object) -> None:
        values = {k: int(v) if isinstance(v, float) else v for k, v in values.items()}
        text = " ".join(f"{key}={value}" for key, value in values.items())
        (self.folder / "job").write_text(f"JobId=7 JobName=x {text} Comment=rule_train\n")

    def fail(self, command: str) -> None:
        (self.folder / f"failing-{command}").touch()

    def commands(self) -> list[str]:
        return (self.folder / "commands").read_text().splitlines()

    def asked(self) -> int:
        return len(self.commands())


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> FakeSlurm:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return FakeSlurm(tmp_path)
