"""Killed and restarted runs give the same bytes, and repeat no finished job."""

import random
import re
import time
from pathlib import Path

from tests.workflow.runs import TABLE, Running, Workflow

RESULTS = [TABLE, "results/seed-0/*/checkpoint.safetensors", "results/seed-0/*/metrics.json"]
BANKS = ["results/seed-0/baseline/checkpoint.safetensors", "results/seed-0/bank/*.zarr/**/*"]


def test_a_run_killed_several_times_gives_the_same_table(
    fresh: Workflow, finished: Workflow, commands: dict[str, str]
) -> None:
    done = []

    run = Running(fresh)
    run.wait_for_file("resources/demo/videos/*.mp4")
    run.kill_job("demo_data")
    done += run.done()

    run = Running(fresh)
    run.wait_for_file("resources/frames/*.zip")
    run.kill_everything()
    done += run.done()
    frames = times(fresh, "resources/frames/*.zip")

    run = Running(fresh)
    run.wait_for_file("results/seed-0/baseline/trainings/*/resume.pt")
    run.kill_job("train")
    done += run.done()

    run = Running(fresh)
    run.wait_for_file("results/seed-0/baseline/trainings/*/resume.pt")
    run.kill_everything()
    done += run.done()

    run = Running(fresh)
    run.wait_for_file("results/seed-0/bank/pieces/*.zarr")
    run.wait_for_job("build_bank")
    run.kill_everything()
    done += run.done()

    run = Running(fresh)
    state = run.wait_for_file("results/seed-0/lfb_*/trainings/*/resume.pt")
    model = state.parents[2].name
    run.kill_job("train", model)
    done += run.done()

    run = Running(fresh)
    assert run.wait() == 0
    done += run.done()

    assert contents(fresh, RESULTS) == contents(finished, RESULTS)
    assert sorted(done) == sorted(commands)
    assert frames.items() <= times(fresh, "resources/frames/*.zip").items()
    for trained, epochs in ("baseline", 2), (model, 1):
        assert kept_epochs(fresh.path(f"logs/seed-0/{trained}/train.log")) >= epochs
    assert not list(fresh.folder.rglob("*.partial"))


def test_banks_are_the_same_after_kills_at_random_moments(
    fresh: Workflow, finished: Workflow
) -> None:
    moments = random.Random(0)
    done = []
    for _ in range(3):
        run = Running(fresh, "banks")
        run.wait_for_file("logs/**/*.log")
        time.sleep(moments.uniform(0, 5))
        run.kill_everything()
        done += run.done()
    run = Running(fresh, "banks")
    assert run.wait() == 0
    done += run.done()

    assert contents(fresh, BANKS) == contents(finished, BANKS)
    assert len(done) == len(set(done))


def contents(workflow: Workflow, patterns: list[str]) -> dict[str, bytes]:
    """Return the content of the files that match some patterns, by path."""
    found = {
        str(path.relative_to(workflow.folder)): path.read_bytes()
        for pattern in patterns
        for path in workflow.folder.glob(pattern)
        if path.is_file() and not path.name.startswith(".snakemake")
    }
    assert found
    return found


def times(workflow: Workflow, pattern: str) -> dict[Path, int]:
    """Return the times at which the files that match a pattern were written."""
    return {path: path.stat().st_mtime_ns for path in workflow.folder.glob(pattern)}


def kept_epochs(log: Path) -> int:
    """Return the number of epochs after which a training continued."""
    text = log.read_text()
    (kept,) = map(int, re.findall(r"continuing after epoch (\d+)", text))
    trained = [int(number) for number in re.findall(r" epoch (\d+)/", text)]
    assert trained == list(range(kept + 1, 9))
    return kept
