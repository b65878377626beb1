"""Disturb runs of the tiny workflow in many ways, and compare what they make in the end.

    python -m bench.faults                   # all disturbances of this machine
    python -m bench.faults disk_full quota   # some of them

After each disturbance the same command has to succeed, and to make the same bytes as a run without
disturbance. Prints a line for each: what you see, what was done again. Needs root, for mounts, and
btrfs-progs for the quota.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from bench.disturbed import Project, kill_session

HOUR = 3600
LATE_PYTHON = """\
#!/bin/sh
# Runs a program and shows its output late, as network file systems do.
{python} "$@" || exit
case "$2" in
evaluate|report) ;;
*) exit ;;
esac
while [ "$1" != --output ]; do shift; done
mv "$2" "$2.late"
(sleep {seconds}; mv "$2.late" "$2") > /dev/null 2>&1 &
"""


def error(project: Project) -> str:
    """Return the last error that a run printed, in one line."""
    found = re.findall(
        r"^(?:\[.*\] )?.*(?:rror|xception|No space).*", project.output(), re.MULTILINE
    )
    return found[-1].strip() if found else project.output().splitlines()[-1]


def job_killed(project: Project) -> str:
    snakemake = project.start()
    project.wait_for(snakemake, "results/seed-0/baseline/trainings/*/resume.pt")
    project.job(snakemake, "train").kill()
    snakemake.wait()
    return error(project)


def snakemake_killed(project: Project) -> str:
    """The job goes on without Snakemake; the next run waits for it."""
    snakemake = project.start()
    job = project.job(snakemake, "train")
    project.wait_for(snakemake, "results/seed-0/baseline/trainings/*/resume.pt")
    snakemake.kill()
    snakemake.wait()
    assert job.is_running()
    assert project.run() == 0, project.output()
    (line,) = re.findall(r"this job runs already: .*", project.output())
    return line


def everything_killed(project: Project) -> str:
    snakemake = project.start()
    project.wait_for(snakemake, "results/seed-0/baseline/trainings/*/resume.pt")
    kill_session(snakemake)
    return "Killed"


def terminated(project: Project) -> str:
    snakemake = project.start()
    project.job(snakemake, "train")
    snakemake.terminate()
    snakemake.wait()
    return error(project)


def disk_full(project: Project) -> str:
    """The whole folder is on a disk that grows only when it is full."""
    return full_in_steps(project, ".", 1000)


def results_full(project: Project) -> str:
    """The results are on a disk that grows only when it is full."""
    return full_in_steps(project, "results", 250)


def full_in_steps(project: Project, folder: str, step: int) -> str:
    """Run until the disk is large enough, ``step`` kB more each time."""
    kilobytes, seen, starts = step, {}, 0
    if folder == ".":
        kilobytes += int(project.ask("du --summarize --apparent-size -BK . | tr -d 'K.'")) + 600
        project.shell("cp -a . ../whole")
        project.shell(f"mount -t tmpfs -o size={kilobytes}k tmpfs $PWD && cp -a ../whole/. $PWD")
    else:
        project.shell(f"mkdir -p {folder} && mount -t tmpfs -o size={kilobytes}k tmpfs {folder}")
    while project.run():
        starts += 1
        seen[re.sub(r".*\] |\S*/", "", error(project))[:60]] = None
        text = project.output()
        assert "No space left" in text or "disk is full" in text, text
        assert "bug in the workflow" not in text, text
        kilobytes += step
        project.shell(f"mount -o remount,size={kilobytes}k {'$PWD' if folder == '.' else folder}")
    return f"{starts} times, e.g. {next(iter(seen))}"


def quota(project: Project) -> str:
    """The results are on a disk (btrfs) with a quota."""
    project.shell("truncate --size=200M ../disk.img && mkfs.btrfs --quiet ../disk.img")
    project.shell("mkdir -p results && mount -o loop ../disk.img results")
    project.shell("btrfs quota enable results && btrfs qgroup limit 300K results")
    assert project.run(), "the quota is too large"
    assert "Disk quota exceeded" in project.output(), project.output()
    seen = error(project)
    project.shell("btrfs qgroup limit none results")
    return seen


def results_read_only(project: Project) -> str:
    return start_read_only(project, "results")


def folder_read_only(project: Project) -> str:
    return start_read_only(project, "$PWD")


def start_read_only(project: Project, folder: str) -> str:
    project.shell(f"mkdir -p {folder} && mount --bind {folder} {folder}")
    project.shell(f"mount -o remount,ro,bind {folder}")
    assert project.run()
    seen = error(project)
    project.shell(f"mount -o remount,rw,bind {folder}")
    return seen


def results_turn_read_only(project: Project) -> str:
    """The results become read-only while a training runs, as after an error of the disk."""
    project.shell("mkdir -p results && mount --bind results results")
    snakemake = project.start()
    project.job(snakemake, "train")
    project.shell("mount -o remount,ro,bind results")
    assert snakemake.wait()
    seen = error(project)
    project.shell("mount -o remount,rw,bind results")
    return seen


def two_at_once(project: Project) -> str:
    """Two Snakemakes start at the same moment, five times; one of each pair refuses."""
    for _ in range(5):
        pair = [project.start(), project.start()]
        while all(run.poll() is None for run in pair):
            time.sleep(0.1)
        (working,) = [run for run in pair if run.poll() is None]
        time.sleep(5)
        assert working.poll() is None
        kill_session(working)
    return "Another Snakemake is running in this folder."


def clock_set_back(project: Project) -> str:
    """The clock goes back an hour between two runs: all files are from the future."""
    snakemake = project.start()
    project.wait_for(snakemake, "results/seed-0/baseline/trainings/*/resume.pt")
    kill_session(snakemake)
    move_times(project, HOUR)
    return "nothing"


def clock_set_back_during_a_run(project: Project) -> str:
    snakemake = project.start()
    project.wait_for(snakemake, "results/seed-0/baseline/trainings/*/resume.pt")
    move_times(project, HOUR)
    code = snakemake.wait()
    return error(project) if code else "nothing"


def clock_set_forward_during_a_run(project: Project) -> str:
    snakemake = project.start()
    project.wait_for(snakemake, "results/seed-0/baseline/trainings/*/resume.pt")
    move_times(project, -HOUR)
    assert snakemake.wait() == 0
    return "nothing"


def move_times(project: Project, seconds: float) -> None:
    """Move the times of all files, which is how a clock that jumps the other way looks."""
    for path in project.folder.rglob("*"):
        if not path.is_symlink():
            found = path.stat()
            os.utime(path, (found.st_atime + seconds, found.st_mtime + seconds))


def late_files(project: Project) -> str:
    """Files appear 3 s after their job ends; Snakemake waits for them (latency-wait)."""
    return show_late(project, 3)


def too_late_files(project: Project) -> str:
    """Files appear later than Snakemake waits."""
    return show_late(project, 12)


def show_late(project: Project, seconds: float) -> str:
    wrapper = project.folder / "late/python"
    wrapper.parent.mkdir()
    wrapper.write_text(LATE_PYTHON.format(python=sys.executable, seconds=seconds))
    wrapper.chmod(0o755)
    code = project.run("env", f"PATH={wrapper.parent.name}:{os.environ['PATH']}")
    seen = error(project) if code else "nothing"
    time.sleep(seconds)
    return seen


DISTURBANCES: list[Callable[[Project], str]] = [
    job_killed,
    snakemake_killed,
    everything_killed,
    terminated,
    disk_full,
    results_full,
    quota,
    results_read_only,
    folder_read_only,
    results_turn_read_only,
    two_at_once,
    clock_set_back,
    clock_set_back_during_a_run,
    clock_set_forward_during_a_run,
    late_files,
    too_late_files,
]


def main() -> None:
    names = {disturb.__name__: disturb for disturb in DISTURBANCES}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*names, []], default=list(names))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with Project(Path(folder) / "undisturbed") as project:
            if project.run():
                sys.exit(project.output())
            expected = project.made()
        failed = 0
        for name in arguments.names:
            with Project(Path(folder) / name) as project:
                try:
                    seen = names[name](project)
                    code = project.run()
                except (
                    AssertionError,
                    RuntimeError,
                    psutil.Error,
                    subprocess.CalledProcessError,
                ) as error:
                    seen, code = f"FAILED: {error!r:.2000}", 1
                made = project.made()
                differing = [path for path in expected if made.get(path) != expected[path]]
                good = not (code or differing or project.left_over())
                failed += not good
                again = ", ".join(f"{what} {n}" for what, n in project.repeated().items())
                result = "same bytes" if good else f"BAD {code} {differing} {project.left_over()}"
                print(f"{name} | {seen} | again: {again or 'nothing'} | {result}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
