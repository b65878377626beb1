"""One finished run for all tests of this folder, and copies of it."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.runs import Workflow, copy_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Return a finished run of the whole workflow, without interruptions. Do not change it."""
    workflow = Workflow(tmp_path_factory.mktemp("finished"))
    copy_project(workflow.folder)
    result = workflow.run()
    assert result.code == 0, result.output
    return workflow


@pytest.fixture
def copy(finished: Workflow, tmp_path: Path) -> Iterator[Workflow]:
    """Yield a copy of the finished run, with file times and Snakemake's records."""
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-a", finished.folder, folder], check=True)
    yield Workflow(folder)
    shutil.rmtree(folder)


@pytest.fixture
def fresh(tmp_path: Path) -> Workflow:
    """Return a copy of the project without any results."""
    workflow = Workflow(tmp_path / "fresh")
    copy_project(workflow.folder)
    return workflow


@pytest.fixture(scope="session")
def commands(finished: Workflow) -> dict[str, str]:
    """Return the shell command of every job."""
    return finished.jobs("--forceall")
