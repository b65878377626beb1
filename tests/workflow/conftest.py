"""One finished run for all tests of this folder, and copies of it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lfb.files.locks import alone
from tests.workflow.runs import TABLE, Running, Workflow, copy_project
from tests.workflow.slurm_cluster import SlurmCluster, why_not


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Return a finished run of the whole workflow, without interruptions. Do not change it.

    Its output is in output.txt. All processes of a test run share it: the first one makes it.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    workflow = Workflow(folder / "finished")
    with alone(workflow.folder):
        if not workflow.path(TABLE).exists():
            copy_project(workflow.folder)
            assert Running(workflow).wait() == 0, workflow.path("output.txt").read_text()
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


@pytest.fixture(scope="session")
def require_slurm() -> None:
    """Skip the test if no Slurm cluster can start here; with LFB_SLURM=required, fail."""
    if reason := why_not():
        skip = pytest.fail if os.environ.get("LFB_SLURM") == "required" else pytest.skip
        skip(reason)


@pytest.fixture
def cluster(require_slurm: None, tmp_path: Path) -> Iterator[SlurmCluster]:
    """Yield a cluster of one node."""
    with SlurmCluster(tmp_path / "slurm") as started:
        yield started


@pytest.fixture
def two_nodes(require_slurm: None, tmp_path: Path) -> Iterator[SlurmCluster]:
    """Yield a cluster of two nodes."""
    with SlurmCluster(tmp_path / "slurm", nodes=2) as started:
        yield started
