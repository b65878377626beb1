"""Kill a training, start the same command again, and compare with an undisturbed run.

On the CPU both are equal, bit for bit. On a GPU, RoIAlign, pooling and some convolutions add
gradients in any order, so two undisturbed runs differ too. The part measures by how much.
"""

import shutil
import time

from bench.gpu.findings import Findings, Setup
from bench.workflow import Failed, Workflow, kill

MODEL = "lfb_nl"
TARGET = f"results/seed-0/{MODEL}/metrics.json"
# mAP in percent, and relative for the loss of the last epoch, of runs that differ in rounding. The
# small demo has 8 validation videos; of three seeds, its mAP differs by several percent.
BOUNDS = {"mAP": 2.0, "loss": 0.02}


def measure(setup: Setup) -> Findings:
    findings = Findings()
    config = "tests/workflow/tiny.yaml" if setup.tiny else "bench/gpu/small.yaml"
    end = time.monotonic() + setup.seconds
    workflow = Workflow(setup.folder / "resume", config, (f"device={setup.device.type}",))

    def finish() -> tuple[dict[str, float], list[float], bytes]:
        workflow.run(TARGET, end - time.monotonic(), "--rerun-triggers", "mtime")
        results = workflow.folder / f"results/seed-0/{MODEL}"
        weights = (results / "checkpoint.safetensors").read_bytes()
        return workflow.scores(), workflow.losses(MODEL), weights

    try:
        undisturbed = finish()
        shutil.rmtree(workflow.folder / f"results/seed-0/{MODEL}")
        trained = kill_training(workflow, end)
        disturbed = finish()
    except Failed as error:
        findings.problems.append(str(error))
        return findings
    log = (workflow.folder / f"logs/seed-0/{MODEL}/train.log").read_text()
    findings.check("continuing after" in log, "the second start did not continue the first one")
    findings.lines.append(f"Killed after {trained} of {len(disturbed[1])} epochs of {MODEL}.")
    if disturbed == undisturbed:
        findings.figures["equal"] = True
        findings.lines.append("The weights equal those of an undisturbed run, bit for bit.")
        return findings
    shutil.rmtree(workflow.folder / f"results/seed-0/{MODEL}")
    try:
        again = finish()
    except Failed as error:
        findings.problems.append(str(error))
        return findings
    rows = []
    for name, run in {
        "undisturbed": undisturbed,
        "the same again": again,
        "killed": disturbed,
    }.items():
        scores, losses, _ = run
        rows.append((name, f"{scores[MODEL]:.2f}", f"{losses[0]:.6f}", f"{losses[-1]:.6f}"))
        findings.figures[name] = {"mAP": scores[MODEL], "losses": losses}
    findings.figures["equal"] = False
    findings.figures["undisturbed runs are equal"] = again == undisturbed
    findings.add_table(["run", "mAP", "loss of the first epoch", "loss of the last epoch"], rows)
    difference = abs(disturbed[0][MODEL] - undisturbed[0][MODEL])
    findings.check(
        difference <= BOUNDS["mAP"],
        f"the mAP of {MODEL} differs by {difference:.2f} after a kill, bound {BOUNDS['mAP']}",
    )
    one, other = disturbed[1][-1], undisturbed[1][-1]
    findings.check(
        abs(one - other) <= BOUNDS["loss"] * other,
        f"the last loss of {MODEL} is {one:.6f} after a kill, not {other:.6f}",
    )
    findings.check(
        again != undisturbed, "two undisturbed runs are equal, but the killed one differs from them"
    )
    return findings


def kill_training(workflow: Workflow, end: float) -> int:
    """Start the workflow, kill all of it within a training, and return the epochs trained."""
    states = f"results/seed-0/{MODEL}/trainings/*/resume.pt"
    started = workflow.start(TARGET, "--rerun-triggers", "mtime")
    while not any(workflow.folder.glob(states)):
        if started.poll() is not None or time.monotonic() > end:
            kill(started)
            raise Failed("the training ended before it could be killed")
        time.sleep(0.005)
    kill(started)
    log = workflow.folder / f"logs/seed-0/{MODEL}/train.log"
    workflow.unlock()
    return log.read_text().rpartition("learning rate")[2].count(", loss ")
