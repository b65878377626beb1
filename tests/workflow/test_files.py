"""The number of files that a run writes. Shared file systems are slow with many."""

from collections import Counter
from pathlib import Path

from tests.workflow.runs import Workflow

VIDEOS, MODELS, BANKS, PIECES = 6, 3, 2, 4  # pieces of all banks


def kind(path: Path) -> str:
    """Return what a file of a run belongs to, by its path in the working directory."""
    if any(part.endswith(".zarr") for part in path.parts):
        return "banks"
    folders = 2 if path.parts[0] in ("resources", ".snakemake") else 1
    return "/".join(path.parts[:folders])


def test_files_are_few(finished: Workflow) -> None:
    folders = "resources/frames", "results", "logs", "benchmarks", ".snakemake/metadata"
    paths = [path for folder in folders for path in finished.path(folder).rglob("*")]
    kinds = Counter(kind(path.relative_to(finished.folder)) for path in paths if path.is_file())
    jobs = 9 + 3 * MODELS + BANKS + PIECES
    settings = 14 + MODELS
    assert kinds == {
        "resources/frames": VIDEOS,
        "banks": 16 * BANKS,  # 15, and one for each shard of features
        "results": 10 + 9 * MODELS,
        "logs": jobs + settings,
        "benchmarks": 2 + 2 * MODELS + PIECES,
        ".snakemake/metadata": 18 + 4 * MODELS + BANKS + PIECES,  # outputs, also deleted ones
    }
