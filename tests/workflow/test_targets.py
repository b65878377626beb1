"""Targets, their jobs, and the resources that jobs request from a cluster."""

import json
import re
import shutil
import zipfile

import pytest

from tests.workflow.runs import Workflow
from tests.workflow.test_reruns import DATA, banks, chain, training

START = {"demo_data"} | DATA
TO_BASELINE = {
    "demo_data",
    "check_data",
    "extract_frames",
    "select_keyframes train training",
    "select_keyframes val testing",
    training("baseline"),
}


@pytest.mark.parametrize(
    ("target", "jobs"),
    [
        ("frames", {"demo_data", "check_data", "extract_frames"}),
        ("baseline", TO_BASELINE | chain(["baseline"])),
        ("banks", START | TO_BASELINE | banks()),
        ("lfb_max", START | TO_BASELINE | banks() | chain(["lfb_max"])),
        (
            "report",
            START | banks() | chain(["baseline", "lfb_max", "lfb_nl"]) | {"map_table", "report"},
        ),
    ],
)
def test_a_target_runs_the_jobs_that_it_needs(fresh: Workflow, target: str, jobs: set[str]) -> None:
    assert set(fresh.jobs(target)) == jobs


RESOURCES = """
include: "Snakefile"
import json
declared = {
    one.name: {
        name: None if resource.is_evaluable() else resource.value
        for name, resource in one.resources.items()
    }
    for one in workflow.rules
}
print("declared:", json.dumps(declared))
"""


def test_rules_declare_the_resources_of_a_cluster(fresh: Workflow) -> None:
    fresh.path("resources.smk").write_text(RESOURCES)
    result = fresh.run("--profile", "slurm", "--dry-run", "--snakefile", "resources.smk")
    assert result.code == 0, result.output
    (printed,) = re.findall(r"^declared: (.*)$", result.output, re.MULTILINE)
    declared = json.loads(printed)
    for rule in "train_baseline", "train_lfb", "build_bank_piece", "predict":
        assert declared[rule]["gpu"] == 1
        assert declared[rule]["mem_mb"] >= 8000
        assert declared[rule]["runtime"] >= 240
    assert "gpu" not in declared["extract_frames"]
    assert declared["map_table"]["mem_mb"] == 4000  # from the profile


def test_all_missing_files_of_ava_are_listed_together(fresh: Workflow) -> None:
    result = fresh.shell("snakemake --configfile config/ava.yaml --cores 1 --dry-run")
    assert result.code == 1
    assert "Traceback" not in result.output
    line = r"^  ([a-z.]+): resources/ava/\S+ \((fetch_[a-z]+)\)$"
    files = dict(re.findall(line, result.output, re.MULTILINE))
    assert files == {
        "data.videos": "fetch_videos",
        "data.labels": "fetch_annotations",
        **{
            f"data.{split}.{key}": f"fetch_{kind}"
            for split in ("train", "val")
            for key, kind in (
                ("annotations", "annotations"),
                ("excluded", "annotations"),
                ("proposals", "proposals"),
            )
        },
        "weights": "fetch_weights",
    }


def test_fetch_fails_if_the_config_names_nothing_to_fetch(fresh: Workflow) -> None:
    result = fresh.run("fetch")
    assert result.code == 1
    assert "error: config key fetch: names nothing to fetch." in result.output
    assert "Traceback" not in result.output


def test_existing_frames_are_used_in_place(copy: Workflow) -> None:
    for zipped in copy.path("resources/frames").glob("*.zip"):
        with zipfile.ZipFile(zipped) as frames:
            frames.extractall(copy.path(f"mine/{zipped.stem}"))
    copy.replace(
        "tests/workflow/tiny.yaml",
        "  videos: resources/demo/videos\n",
        "  frames: {folder: mine, pattern: '{video}/{frame:06d}.jpg'}\n",
    )
    drop_demo(copy)
    before = json.loads(copy.path("results/data/manifest.json").read_text())
    result = copy.run("frames")
    assert result.code == 0, result.output
    after = json.loads(copy.path("results/data/manifest.json").read_text())
    assert (after["folder"], after["pattern"]) == ("mine", "{video}/{frame:06d}.jpg")
    assert {name: video["digest"] for name, video in after["videos"].items()} == {
        name: video["digest"] for name, video in before["videos"].items()
    }


def test_videos_may_be_deleted_after_extraction(copy: Workflow) -> None:
    drop_demo(copy)
    shutil.rmtree(copy.path("resources/demo/videos"))
    assert set(copy.jobs()) == set()
    shutil.rmtree(copy.path("results/seed-0"))
    for name in "map_table.csv", "report.html", "data/train-training.npz":
        copy.path(f"results/{name}").unlink()
    jobs = set(copy.jobs())
    assert {training("baseline"), "select_keyframes train training"} <= jobs
    assert jobs.isdisjoint({"check_data", "extract_frames"})

    copy.path("results/data/check.json").unlink()
    result = copy.run("--dry-run")
    assert result.code == 1
    assert "Error: files that the config names do not exist:\n" in result.output
    assert "  data.videos: resources/demo/videos\n" in result.output


def drop_demo(workflow: Workflow) -> None:
    """Remove `demo` from the config: its files become the user's own."""
    config = workflow.path("tests/workflow/tiny.yaml")
    config.write_text(re.sub(r"^demo:\n(?:  .*\n)+", "", config.read_text(), flags=re.MULTILINE))
