"""The workflow run from other folders, as a module of a workflow, and as snakedeploy deploys it."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from lfb.models.checkpoints import load_checkpoint
from tests.workflow.runs import CONFIG, TABLE, Workflow

TINY = "--configfile {project}/tests/workflow/tiny.yaml --cores 2"


@pytest.fixture
def other(tmp_path: Path) -> Workflow:
    """Return a folder outside the project, with packages of the same names as the project's."""
    folder = tmp_path / "another folder"
    for package in "scripts", "lfb":
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").write_text("raise ImportError('not this one')\n")
    return Workflow(folder)


def test_results_go_to_the_working_directory(fresh: Workflow, other: Workflow) -> None:
    before = {path for path in fresh.folder.rglob("*") if "__pycache__" not in path.parts}
    command = f"snakemake -s {{project}}/Snakefile -d . {TINY} baseline"
    two = "--resources gpu=2 --set-resources train_baseline:gpu=2"  # two processes by torchrun
    result = other.shell(f"{command.format(project=fresh.folder)} {two}")
    assert result.code == 0, result.output
    assert "2 process" in result.output
    assert other.path("results/seed-0/baseline/metrics.json").exists()
    checkpoint = load_checkpoint(other.path("results/seed-0/baseline/checkpoint.safetensors"))
    assert re.fullmatch("[0-9a-f]{64}", checkpoint.about["code"])
    after = {path for path in fresh.folder.rglob("*") if "__pycache__" not in path.parts}
    assert after == before

    moved = fresh.folder.rename(fresh.folder.with_name("moved"))
    result = other.shell(f"{command.format(project=moved)} -n")
    assert "Nothing to be done" in result.output, result.output


MODULE = """
configfile: "config.yaml"

module lfb:
    snakefile: "{project}/Snakefile"
    config: config["lfb"]

use rule * from lfb as lfb_*

rule models:
    default_target: True
    input: "results/map_table.csv"
    output: "models.txt"
    shell: "cut -d, -f1 {{input}} > {{output}}"
"""


def test_another_workflow_uses_the_rules_with_a_prefix(
    fresh: Workflow, other: Workflow, finished: Workflow
) -> None:
    other.path("Snakefile").write_text(MODULE.format(project=fresh.folder))
    config = yaml.safe_load(fresh.path(CONFIG).read_text())
    config["bank"] = {"pieces": 1}  # fewer jobs; the table is the same
    other.path("config.yaml").write_text(yaml.safe_dump({"lfb": config}))
    result = other.shell("snakemake --cores 2")
    assert result.code == 0, result.output
    assert other.path("models.txt").read_text().split() == [
        "model",
        "baseline",
        "lfb_max",
        "lfb_nl",
    ]
    assert other.path(TABLE).read_bytes() == finished.path(TABLE).read_bytes()
    assert "lfb_train_lfb: seed 0, model lfb_nl" in result.output
    assert "Nothing to be done" in other.shell("snakemake --cores 2 -n").output
    result = other.shell("snakemake --cores 2 -n lfb_baseline lfb_frames lfb_lfb_max lfb_all")
    assert result.code == 0, result.output


# The Snakefile that `snakedeploy deploy-workflow CLONE FOLDER` writes, with the path of the clone.
# For a local clone, snakedeploy 0.17 writes "Snakefile" as the path, which is the new file itself.
DEPLOYED = """
from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


# declare {project} as a module
module lfb_workflow:
    snakefile:
        "{project}/Snakefile"
    config:
        config


# use all rules from {project}
use rule * from lfb_workflow
"""


def test_a_deployed_workflow_runs(fresh: Workflow, other: Workflow) -> None:
    for folder in "config", "profiles":
        shutil.copytree(fresh.path(folder), other.path(folder))
    shutil.copy(fresh.path(CONFIG), other.path("config/config.yaml"))
    other.path("workflow").mkdir()
    other.path("workflow/Snakefile").write_text(DEPLOYED.format(project=fresh.folder))
    everything = other.shell("snakemake --cores 2 -n")
    assert everything.code == 0, everything.output
    assert "Job 0: all: " in everything.output
    result = other.shell("snakemake --cores 2 frames")
    assert result.code == 0, result.output
    assert other.path("results/data/manifest.json").exists()
    assert not fresh.path("results").exists()
