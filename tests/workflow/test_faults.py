"""Disturbed runs: the same command then finishes, with the same bytes. bench/faults.py has more."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.workflow.runs import Running, Workflow

FRAMES = "snakemake --configfile tests/workflow/tiny.yaml --cores 2 frames"
ZIPS = "resources/frames/*.zip"
METRICS = "results/seed-0/lfb_nl/metrics.json"


@pytest.fixture
def require_mounts() -> None:
    """Skip the test if this user cannot mount a file system."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("only root can mount a small disk and a read-only folder")


def contents(workflow: Workflow, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in workflow.folder.glob(pattern)}


def test_a_run_waits_for_a_job_that_a_killed_snakemake_has_left(
    fresh: Workflow, finished: Workflow
):
    first = Running(fresh, "frames")
    job = first.wait_for_job("demo_data")
    lock = first.wait_for_file("logs/.demo_data.log.lock")
    while not lock.read_text():  # it names its process once it is taken
        time.sleep(0.005)
    job.suspend()
    first.kill_snakemake()
    second = Running(fresh, "frames")
    second.wait_for_output(f"this job runs already: process {job.pid} on {os.uname().nodename}")
    job.resume()
    assert second.wait() == 0
    assert contents(fresh, ZIPS) == contents(finished, ZIPS)
    assert not list(fresh.folder.rglob(".*.partial")) + list(fresh.folder.rglob(".*.lock"))


def test_a_second_run_on_the_same_files_is_refused(fresh: Workflow):
    first = Running(fresh, "frames")
    job = first.wait_for_job("demo_data")
    job.suspend()  # until the second run has ended
    second = fresh.run("frames")
    job.resume()
    assert second.code == 1
    assert "Another Snakemake is running in this folder." in second.output
    assert "Directory cannot be locked" in second.output
    assert first.wait() == 0


def test_a_full_disk_is_reported_and_the_same_command_continues(
    require_mounts: None, fresh: Workflow, finished: Workflow
):
    done = in_mount(
        fresh,
        "mount -t tmpfs -o size=32k tmpfs resources",
        f"if {FRAMES}; then exit 9; fi",
        "mount -o remount,size=50m resources",
        FRAMES,
        "mkdir frames && cp resources/frames/*.zip frames",
    )
    assert "the disk is full (No space left on device). Free some space" in done
    assert contents(fresh, "frames/*.zip") == contents(finished, ZIPS)


def test_a_read_only_folder_is_reported_and_the_same_command_continues(
    require_mounts: None, fresh: Workflow, finished: Workflow
):
    done = in_mount(
        fresh,
        "mount --bind results results && mount -o remount,ro,bind results",
        f"if {FRAMES}; then exit 9; fi",
        "mount -o remount,rw,bind results",
        FRAMES,
    )
    assert (
        "results: no access (Read-only file system). Change the permissions, or set `pathvars`"
        in done
    )
    assert contents(fresh, ZIPS) == contents(finished, ZIPS)


def test_a_clock_that_is_set_back_does_not_stop_a_run(copy: Workflow, finished: Workflow):
    for path in copy.folder.rglob("*"):
        if not path.is_symlink():
            found = path.stat()
            os.utime(path, (found.st_atime, found.st_mtime + 3600))
    done = copy.run("--force", METRICS)
    assert done.code == 0, done.output
    assert "the clock was set back" in done.output
    assert "Finished jobid: 0 (Rule: evaluate)" in done.output
    assert copy.path(METRICS).read_bytes() == finished.path(METRICS).read_bytes()


def in_mount(workflow: Workflow, *commands: str) -> str:
    """Run shell commands, one after the other, in a mount namespace; return their output."""
    script = Path(workflow.folder / "commands.sh")
    script.write_text("\n".join(["set -e", "mkdir resources results", *commands]))
    done = workflow.shell("unshare --mount bash commands.sh")
    assert done.code == 0, done.output
    return done.output
