"""Tests of lfb.program."""

import errno
import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lfb.errors import DataErrors, UserError
from lfb.program import describe_failure, describe_failures, program, progress

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


def test_progress_yields_the_items_and_is_silent_without_a_terminal(capsys):
    assert list(progress(iter("abc"), "reading", 3)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


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
