"""`snakemake --profile slurm` on a real Slurm cluster."""

import re
import stat
import sys
from collections import Counter
from pathlib import Path

from tests.workflow.runs import CONFIG, TABLE, Workflow
from tests.workflow.slurm_cluster import OPTIONS, SlurmCluster

RUN = ["snakemake", "--profile", "slurm", "--configfile", CONFIG]
# Stands before Python in the search path of the jobs, and keeps what each start of a program sees.
PROBE = """\
#!/bin/sh
echo "${{SLURM_JOB_ID:-local}} $2 ${{CUDA_VISIBLE_DEVICES:-none}}" >> probe.txt
exec {python} "$@"
"""


def declared(folder: Path, rule: str) -> dict[str, int]:
    """Return the numbers that a rule declares as its threads and resources."""
    text = "".join(path.read_text() for path in folder.glob("rules/*.smk"))
    (body,) = re.findall(rf"^rule {rule}:\n((?:    .*\n|\n)*)", text, re.MULTILINE)
    (threads,) = re.findall(r"    threads: (\d+)", body)  # 1 + workers; the tiny config has none
    (resources,) = re.findall(r"    resources:\n((?:        .*\n)*)", body)
    found = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+),", resources)}
    return {"threads": int(threads), **found}


def submitted_jobs(cluster: SlurmCluster) -> list[dict[str, str]]:
    """Return what Slurm knows about each job, by the names of its fields."""
    lines = cluster.ask("scontrol show job --details --oneliner").splitlines()
    return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if "JobId" in line]


def megabytes(memory: str) -> float:
    """Return the megabytes of ``8000M`` or ``8G``."""
    return float(memory[:-1]) * {"M": 1, "G": 1024}[memory[-1]]


def minutes(limit: str) -> int:
    """Return the minutes of a time limit such as ``1-00:00:00``."""
    days, hours, rest, _ = map(int, re.split("[-:]", limit if "-" in limit else f"0-{limit}"))
    return (days * 24 + hours) * 60 + rest


def test_a_run_on_slurm_writes_the_table_of_a_local_run_and_jobs_get_what_they_ask_for(
    cluster: SlurmCluster, fresh: Workflow, finished: Workflow
):
    fresh.append(CONFIG, "bank: {pieces: 1}\n")  # fewer jobs, for the clock
    probe = fresh.path("probe/python")
    probe.parent.mkdir()
    probe.write_text(PROBE.format(python=sys.executable))
    probe.chmod(probe.stat().st_mode | stat.S_IXUSR)
    changed = {"predict": {"gpu": 2}, "extract_frames": {"mem_mb": 5000, "runtime": 50}}
    options = [f"{r}:{key}={n}" for r, asked in changed.items() for key, n in asked.items()]
    done = cluster.run(
        *("bash", "-c", 'PATH="$PWD/probe:$PATH" exec "$@"', "-", *RUN, *OPTIONS),
        *("--set-resources", *options, "--", TABLE),
        folder=fresh.folder,
        seconds=600,
    )
    assert done.returncode == 0, done.stdout
    assert fresh.path(TABLE).read_bytes() == finished.path(TABLE).read_bytes()

    starts = [line.split() for line in fresh.path("probe.txt").read_text().splitlines()]
    visible = {job: gpus for job, _, gpus in starts}
    count = Counter(job for job, _, _ in starts if job != "local")
    assert set(count.values()) == {1}, "a program ran more than once in a job"
    found = set()
    for job in submitted_jobs(cluster):
        rule = re.fullmatch(r"rule_(\w+?)(_wildcards_.*)?", job["Comment"])[1]
        asked = declared(fresh.folder, rule) | changed.get(rule, {})
        gpus = asked.get("gpu", 0)
        assert int(job["NumCPUs"]) == asked["threads"]
        assert minutes(job["TimeLimit"]) == asked["runtime"]
        assert megabytes(job["MinMemoryNode"]) == asked["mem_mb"]
        assert job["NumNodes"] == "1"
        assert job["JOB_GRES"] == (f"gpu:a100:{gpus}" if gpus else "(null)")
        seen = visible.pop(job["JobId"])
        assert seen in {0: {"none"}, 1: {"0", "1"}, 2: {"0,1"}}[gpus]
        found.add(rule)
    assert found == {"extract_frames", "train_baseline", "build_bank_piece", "train_lfb", "predict"}
    assert set(visible) == {"local"}


def test_jobs_that_can_never_start_stop_the_run_before_the_first_job(
    cluster: SlurmCluster, fresh: Workflow
):
    threads = ["--set-threads", "extract_frames=64"]
    resources = ["--set-resources", "train_lfb:gpu=3", "train_baseline:slurm_partition=short"]
    done = cluster.run(*RUN, *OPTIONS, *threads, *resources, folder=fresh.folder)
    assert done.returncode == 1
    assert "extract_frames asks for 64 CPUs on a node; partition main has 16" in done.stdout
    assert "set-resources: {train_lfb: {gpu: 2}}" in done.stdout
    assert "train_baseline asks for 1440 minutes; partition short allows 60" in done.stdout
    assert not fresh.path("resources").exists()
    assert cluster.ask("squeue --noheader --states=all") == ""


def test_without_accounting_the_error_names_the_status_command(
    cluster: SlurmCluster, fresh: Workflow
):
    done = cluster.run(*RUN, "--slurm-status-command", "sacct", folder=fresh.folder)
    assert done.returncode == 1
    assert "Set `slurm-status-command: squeue` in slurm/config.yaml" in done.stdout
    assert cluster.ask("squeue --noheader --states=all") == ""
