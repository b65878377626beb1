"""Tests of lfb.program."""

import errno
import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lfb.program
from lfb.errors import DataErrors, UserError
from lfb.files.disk import format_size
from lfb.program import (
    Progress,
    describe_failure,
    describe_failures,
    format_duration,
    program,
    progress,
)

ROOT = Path(__file__).parents[1]
LOG = "logs/seed-0/lfb_max/train.log"
JOB = """
import sys
from lfb.program import log, program
with program(sys.argv[1]):
    log.info("at work")
"""
LAUNCHER = """
import subprocess, sys
job = '''
import time
from lfb.program import program
with program(None):
    print("at work", flush=True)
    time.sleep(1000)
'''
subprocess.run([sys.executable, "-c", job], env={"RANK": "0"})
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "error", [UserError("config key data: is wrong"), DataErrors(["a.csv:1: bad"])]
)
def test_a_users_error_is_printed_without_a_traceback(tmp_path, capsys, error):
    with pytest.raises(SystemExit) as ended, program(LOG):
        raise error
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"[seed-0/lfb_max/train] error: {error}\n"
    kept = (tmp_path / LOG).read_text()
    assert kept.endswith(f" error: {error}\n")
    assert "Traceback" not in kept


def test_a_bug_is_printed_and_kept_with_its_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended, program("x.log"):
        [][0]
    assert ended.value.code == 2
    for printed in capsys.readouterr().err, (tmp_path / "x.log").read_text():
        assert "this is a bug in the workflow" in printed
        assert "Traceback" in printed
        assert printed.endswith("IndexError: list index out of range\n")


def test_an_interrupt_is_one_line(capsys):
    with pytest.raises(SystemExit) as ended, program(None):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted; run the same command to continue\n"


def test_log_lines_are_printed_and_appended_with_times_to_the_log_file(tmp_path, capsys):
    path = tmp_path / "x.log"
    path.write_text("of an earlier start\n")
    with program("x.log"):
        logging.getLogger("lfb").info("epoch %d", 1)
    assert capsys.readouterr().err == "[x] epoch 1\n"
    earlier, line = path.read_text().splitlines()
    assert earlier == "of an earlier start"
    assert line.endswith(" epoch 1")
    assert len(line) == len("2026-01-01 00:00:00 epoch 1")


def test_a_failure_is_described_by_the_error_at_the_end_of_the_log():
    error = DataErrors(["a.csv:1: bad", "a.csv:2: bad"])
    with pytest.raises(SystemExit), program("x.log"):
        raise error
    assert describe_failure("x.log") == f"error: {error}"
    with pytest.raises(SystemExit), program("y.log"):
        [][0]
    described = describe_failure("y.log")
    assert described.startswith("this is a bug in the workflow")
    assert described.endswith("IndexError: list index out of range")


def test_a_killed_program_is_not_explained_by_an_earlier_error():
    with pytest.raises(SystemExit), program("x.log"):
        raise UserError("of an earlier start")
    with program("x.log"):
        logging.getLogger("lfb").info("epoch 1")
    described = describe_failure("x.log")
    assert described.startswith("it ended without an error message")
    assert described.endswith(" epoch 1")
    assert "the log is empty" in describe_failure("no.log")


def test_the_last_failure_of_each_job_is_described_with_how_the_cluster_ended_it():
    with pytest.raises(SystemExit), program("x.log"):
        raise UserError("no such file")
    local = "Error in rule a:\n    jobid: 1\n    log: x.log (check log file(s) for details)\n"
    assert describe_failures(local * 2) == ["a failed, x.log:\nerror: no such file"]
    timeout = """\
Error in rule b:
    message: SLURM-job '7' failed, SLURM status is: 'TIMEOUT'. Detailed failure reason unavailable \
(status command is not 'sacct').For further error details see the cluster/cloud log.
    log: x.log, slurm_logs/rule_b/7.log (check log file(s) for error details)
"""
    assert describe_failures(timeout)[0].splitlines()[1:] == [
        "error: no such file",
        "SLURM-job '7' failed, SLURM status is: 'TIMEOUT'. See slurm_logs/rule_b/7.log.",
    ]
    refused = """\
Error in rule c:
    message: SLURM sbatch failed. The error message was 'sbatch: error: Invalid account'.
    sbatch call:
        sbatch --parsable
For further error details see the cluster/cloud log.
    log: none.log (check log file(s) for error details)
"""
    assert describe_failures(timeout + refused)[1:] == [
        "c was not submitted. SLURM sbatch failed. "
        "The error message was 'sbatch: error: Invalid account'."
    ]


class Clock:
    """A stand-in for the module time, in which time passes only where a test says so."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(lfb.program, "time", clock)
    return clock


def test_progress_yields_the_items_and_logs_nothing_in_the_first_minute(caplog, clock):
    caplog.set_level("INFO", "lfb")
    for letter in progress(iter("abc"), "reading, letter", 3):
        clock.now += 29
        assert letter in "abc"
    assert clock.now == 87
    assert not caplog.messages


def test_progress_logs_every_minute_what_is_done_and_how_long_the_rest_takes(caplog, clock):
    caplog.set_level("INFO", "lfb")
    for _ in progress(range(10), "a: epoch 2/5, batch", 14, 4, later=36):
        clock.now += 25
    assert caplog.messages == [  # after the third item and the sixth, not after the last
        "a: epoch 2/5, batch 7 of 14, 3 min left, 18 min in all",
        "a: epoch 2/5, batch 10 of 14, 2 min left, 17 min in all",
        "a: epoch 2/5, batch 13 of 14, 25 s left, 15 min in all",
    ]


def test_progress_counts_any_unit_and_a_download_that_begins_again(caplog, clock):
    caplog.set_level("INFO", "lfb")
    fetched = Progress("fetched", 3_000_000_000, write=format_size)
    clock.now = 70
    fetched.add(-5)
    fetched.add(1_000_000_005)
    assert caplog.messages == ["fetched 1 GB of 3 GB, 2 min left"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3569, "59 min"),
        (3599, "1 h 0 min"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_are_in_two_units_at_most(seconds, text):
    assert format_duration(seconds) == text


def test_a_second_start_of_a_job_waits_for_the_first(tmp_path):
    command = [sys.executable, "-c", JOB, str(tmp_path / LOG)]
    with program(LOG):
        second = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert second.stderr is not None
        host = os.uname().nodename
        expected = f"this job runs already: process {os.getpid()} on {host}; waiting for its end\n"
        assert second.stderr.readline().endswith(expected)
    assert second.communicate()[1].endswith("] at work\n")
    assert second.returncode == 0
    assert expected in (tmp_path / LOG).read_text()
    assert [path.name for path in (tmp_path / LOG).parent.iterdir()] == ["train.log"]


def test_the_processes_of_a_team_do_not_wait_for_their_launcher(tmp_path):
    command = [sys.executable, "-c", JOB, str(tmp_path / LOG)]
    with program(LOG):
        subprocess.run(command, cwd=ROOT, env={**os.environ, "RANK": "0"}, check=True, timeout=60)


def test_the_processes_of_a_team_end_with_their_launcher(tmp_path):
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER], cwd=ROOT, stdout=subprocess.PIPE)
    assert launcher.stdout is not None
    assert launcher.stdout.readline() == b"at work\n"
    launcher.kill()
    assert launcher.communicate()[0] == b""  # ends when no process has the pipe


def test_a_full_disk_or_no_access_is_an_error_of_the_user(tmp_path, capsys):
    for number, expected in (errno.ENOSPC, "the disk is full"), (errno.EROFS, "no access"):
        with pytest.raises(SystemExit) as ended, program("x.log"):
            raise OSError(number, "no", "results/y.csv")
        assert ended.value.code == 1
        assert f"error: results/y.csv: {expected}" in capsys.readouterr().err


def test_a_log_on_a_full_disk_is_reported_once(tmp_path, capsys):
    (tmp_path / "x.log").symlink_to("/dev/full")
    with program("x.log"):
        logging.getLogger("lfb").info("one")
        logging.getLogger("lfb").info("two")
    printed = capsys.readouterr().err.splitlines()
    assert [line.partition("x.log")[2] for line in printed if "No space left" in line] == [
        ": cannot write more log lines ([Errno 28] No space left on device)"
    ]
    assert [line for line in printed if "No space" not in line] == ["[x] one", "[x] two"]


def test_a_closed_terminal_does_not_end_a_job(tmp_path, monkeypatch):
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    with program("x.log"):
        logging.getLogger("lfb").info("at work")
    assert (tmp_path / "x.log").read_text().endswith(" at work\n")
