"""Tests of lfb.files.locks."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lfb.files.locks import alone

HOLD = """
import os, sys, time
from multiprocessing import get_context
from lfb.files.locks import alone
with alone(sys.argv[1], waiting=lambda holder: print("waits for", holder, flush=True)):
    {inside}
    print("works", flush=True)
    sys.stdin.read()
print("ended", flush=True)
"""
RESTART = """
    if "again" not in sys.argv:
        os.execv(sys.executable, [sys.executable, "-c", "import sys; print('works', flush=True);"
                                  "sys.stdin.read()"])
"""
HELPERS = """
    import subprocess
    helper = get_context("forkserver").Process(target=time.sleep, args=(1000,), daemon=True)
    helper.start()
    print(helper.pid, flush=True)
"""

RUN = """
import errno, fcntl, sys
from lfb.files.locks import RunLock

def no_locks(*_):
    raise OSError(errno.ENOLCK, "no locks")

if "without" in sys.argv:
    fcntl.flock = no_locks
run = RunLock(sys.argv[1])
print("others:", run.begin(lambda holder: print("waits for", holder, flush=True)), flush=True)
sys.stdin.readline()
run.started()
print("started", flush=True)
sys.stdin.read()
"""


def start(path: Path, inside: str = "") -> subprocess.Popen:
    """Start a process that holds the lock until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD.format(inside=inside.strip()), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_second_process_waits_and_names_the_first_one(tmp_path):
    first = start(tmp_path / "x")
    assert line(first) == "works"
    second = start(tmp_path / "x")
    assert line(second) == f"waits for process {first.pid} on {os.uname().nodename}"
    first.communicate()
    assert line(second) == "works"
    assert second.communicate()[0] == "ended\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inside", ["pass", RESTART, HELPERS])
def test_the_lock_ends_with_a_killed_process(tmp_path, inside):
    first = start(tmp_path / "x", inside)
    helper = int(line(first)) if inside == HELPERS else None
    assert line(first) == "works"
    second = start(tmp_path / "x")
    assert line(second).startswith(f"waits for process {first.pid} ")
    first.send_signal(signal.SIGKILL)
    assert line(second) == "works"
    if helper:
        os.kill(helper, signal.SIGKILL)
    second.communicate()
    first.communicate()
    assert list(tmp_path.iterdir()) == []


def test_many_threads_take_turns(tmp_path):
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with alone(tmp_path / "x"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert list(tmp_path.iterdir()) == []


def test_other_names_do_not_wait(tmp_path):
    with alone(tmp_path / "new" / "x"), alone(tmp_path / "new" / "y"):
        assert len(list((tmp_path / "new").iterdir())) == 2


def test_a_file_system_without_locks_is_reported_once(tmp_path, monkeypatch):
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    calls = []
    with alone(tmp_path / "x", without=lambda: calls.append(1)):
        assert calls == [1]


def test_other_errors_of_a_lock_are_errors(tmp_path, monkeypatch):
    def flock(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="broken"), alone(tmp_path / "x"):
        pass


def begin(folder: Path, *arguments: str) -> subprocess.Popen:
    """Begin a run; it has started after it reads a line, and is alive until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def started(run: subprocess.Popen) -> None:
    assert run.stdin is not None
    run.stdin.write("\n")
    run.stdin.flush()
    assert line(run) == "started"


def test_a_run_is_alive_until_its_process_ends(tmp_path):
    first = begin(tmp_path)
    assert line(first) == "others: False"
    started(first)
    second = begin(tmp_path)
    assert line(second) == "others: True"
    started(second)
    first.kill()
    third = begin(tmp_path)
    assert line(third) == "others: True"
    second.kill()
    third.kill()
    fourth = begin(tmp_path)
    assert line(fourth) == "others: False"
    for run in first, second, third, fourth:
        run.communicate()


def test_starts_of_runs_take_turns(tmp_path):
    first = begin(tmp_path)
    assert line(first) == "others: False"
    second = begin(tmp_path)
    assert line(second) == f"waits for process {first.pid} on {os.uname().nodename}"
    started(first)
    assert line(second) == "others: True"
    for run in first, second:
        run.communicate()


def test_a_run_may_be_alive_where_the_file_system_has_no_locks(tmp_path):
    for _ in range(2):
        run = begin(tmp_path, "without")
        assert line(run) == "others: None"
        run.communicate()
