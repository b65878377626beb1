"""One finished run for all tests of this folder, and copies of it to work on."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.runs import Workflow, copy_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The whole workflow, run once without interruption. Not to be changed."""
    workflow = Workflow(tmp_path_factory.mktemp("finished"))
    copy_project(workflow.folder)
    result = workflow.run()
    assert result.code == 0, result.output
    return workflow


@pytest.fixture
def copy(finished: Workflow, tmp_path: Path) -> Iterator[Workflow]:
    """A copy of the finished run, times of the files and Snakemake's records included."""
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-a", finished.folder, folder], check=True)
    yield Workflow(folder)
    shutil.rmtree(folder)


@pytest.fixture
def fresh(tmp_path: Path) -> Workflow:
    """A copy of the project in which nothing has run yet."""
    workflow = Workflow(tmp_path / "fresh")
    copy_project(workflow.folder)
    return workflow


@pytest.fixture(scope="session")
def commands(finished: Workflow) -> dict[str, str]:
    """The shell command of every job."""
    return finished.jobs("--forceall")
