"""Run the whole demo on the device, from films to its table, by Snakemake."""

import os

from bench.gpu.findings import Findings, Setup
from bench.workflow import Failed, Workflow

# Mean over three seeds on a CPU, bench/README.md.
ON_CPU = {"baseline": 74.1, "lfb_avg": 85.5, "lfb_max": 85.9, "lfb_nl": 92.4}
BOUND = 4.0  # almost four times the largest deviation over those seeds, 1.1


def measure(setup: Setup) -> Findings:
    findings = Findings()
    config = "tests/workflow/tiny.yaml" if setup.tiny else "config/config.yaml"
    workers = 0 if setup.tiny else min(4, (os.cpu_count() or 1) // 2)
    changes = f"device={setup.device.type}", f"workers={workers}"
    workflow = Workflow(setup.folder / "demo", config, changes)
    try:
        seconds = workflow.run("results/map_table.csv", setup.seconds)
    except Failed as error:
        findings.problems.append(str(error))
        return findings
    scores, on_cpu = workflow.scores(), {} if setup.tiny else ON_CPU
    for model, expected in on_cpu.items():
        findings.check(
            abs(scores[model] - expected) <= BOUND,
            f"{model}: mAP {scores[model]:.2f}, on the CPU {expected}, bound {BOUND}",
        )
    findings.figures = {"seconds": seconds, "mAP": scores, "jobs": _jobs(workflow)}
    findings.lines.append(f"{seconds:.0f} s in all, with {workers} data-loading processes a job.")
    findings.add_table(
        ["model", "mAP", "mAP on a CPU, three seeds"],
        [(model, f"{score:.2f}", on_cpu.get(model, "")) for model, score in scores.items()],
    )
    slowest = sorted(findings.figures["jobs"].items(), key=lambda job: -job[1])[:8]
    findings.lines.append(
        "Seconds of the longest jobs: " + ", ".join(f"{job} {value:.0f}" for job, value in slowest)
    )
    return findings


def _jobs(workflow: Workflow) -> dict[str, float]:
    """Return the seconds of each job that has a benchmark."""
    folder = workflow.folder / "benchmarks"
    return {
        str(path.relative_to(folder).with_suffix("")): float(
            path.read_text().splitlines()[1].split("\t")[0]
        )
        for path in sorted(folder.rglob("*.tsv"))
    }
