"""Kill unattended runs at random moments, repeat the same command, and compare what they make.

    python -m bench.kills [--kills 100] [--seed 0]

Each kill is drawn from KINDS, at a random moment of a run of the tiny workflow of the tests. The
same command follows at once. A run that ends is compared, byte for byte, with one that was never
killed, and another one begins. Training saves at every iteration. Needs root, for mount namespaces.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from bench.disturbed import Project, kill_session
from tests.workflow.runs import CONFIG

KINDS = ["kill -9 job", "kill -9 Snakemake", "kill -9 all", "SIGTERM job", "SIGTERM Snakemake"]
# Snakemake waits for its jobs after SIGTERM. Its handler takes a lock, and waits for ever if its
# main thread holds that already (9.27). No job of the tiny workflow takes so many seconds.
HANGS = 120


def saving_often(folder: Path) -> Project:
    """Return a copy of the project whose trainings save at every iteration."""
    project = Project(folder)
    config = folder / CONFIG
    config.write_text(config.read_text().replace("training:\n", "training:\n  save_minutes: 0\n"))
    return project


def jobs_of(snakemake: psutil.Popen) -> list[psutil.Process]:
    """Return the programs that run for Snakemake."""
    found = []
    for process in snakemake.children(recursive=True):
        try:
            if process.cmdline()[1:2] == ["scripts"]:
                found.append(process)
        except psutil.Error:
            continue  # it has just ended
    return found


def disturb(
    snakemake: psutil.Popen, kind: str, random_moment: float, choose: random.Random
) -> str | None:
    """Kill at a moment; return the program that ran, or None if Snakemake ended before."""
    try:
        snakemake.wait(random_moment)
        return None
    except psutil.TimeoutExpired:
        pass
    running = jobs_of(snakemake)
    while "job" in kind and not running and snakemake.poll() is None:
        time.sleep(0.01)
        running = jobs_of(snakemake)
    if snakemake.poll() is not None:
        return None
    job = choose.choice(running) if running else None
    name = job.cmdline()[2] if job else "(no job)"
    if kind == "kill -9 all":
        kill_session(snakemake)
    elif "job" in kind:
        job.send_signal(signal.SIGKILL if "-9" in kind else signal.SIGTERM)
        snakemake.wait()
    elif "-9" in kind:
        snakemake.kill()
        snakemake.wait()
    else:
        snakemake.terminate()
        try:
            snakemake.wait(HANGS)
        except psutil.TimeoutExpired:
            kill_session(snakemake)
            return f"{name}, and hung"
    return name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    choose = random.Random(arguments.seed)
    begin = time.monotonic()
    kills: Counter[tuple[str, str]] = Counter()
    starts, finished, again = 0, 0, Counter()
    with tempfile.TemporaryDirectory() as name:
        with saving_often(Path(name) / "undisturbed") as project:
            if project.run():
                sys.exit(project.output())
            expected = project.made()
            length = time.monotonic() - begin
        print(f"undisturbed: {length:.0f} s, {len(expected)} files to compare", flush=True)
        while kills.total() < arguments.kills:
            with saving_often(Path(name) / f"run-{finished}") as project:
                while True:
                    left = arguments.kills - kills.total()
                    snakemake = project.start()
                    starts += 1
                    try:
                        kind = choose.choice(KINDS)
                        moment = choose.uniform(0, length / 6) if left > 0 else 86400
                        program = disturb(snakemake, kind, moment, choose)
                    except psutil.NoSuchProcess:
                        program = None  # the job ended at this very moment
                    if program:
                        kills[kind, program] += 1
                    elif snakemake.wait() == 0:
                        break
                    else:
                        sys.exit(f"a start failed that was not killed:\n{project.output()}")
                finished += 1
                made = project.made()
                differing = [path for path in expected if made.get(path) != expected[path]]
                if differing or project.left_over():
                    sys.exit(f"different: {differing}; left over: {project.left_over()}")
                again += project.repeated()
            print(f"{kills.total()} kills, {finished} runs finished, all the same", flush=True)
    seconds = time.monotonic() - begin
    print(f"\n{kills.total()} kills, {starts} starts, {seconds / 60:.0f} min in all")
    for kind in KINDS:
        programs = Counter({program: n for (k, program), n in kills.items() if k == kind})
        at = ", ".join(f"{program} {n}" for program, n in programs.most_common())
        print(f"  {kind}: {programs.total()} ({at})")
    print(f"done again: {', '.join(f'{what} {n}' for what, n in again.items()) or 'nothing'}")
    print(f"{finished} finished runs: {len(expected)} files each, all the same; nothing left over")


if __name__ == "__main__":
    main()
