"""The targets that make room on the disk, and what Snakemake's own one leaves."""

import os
import shutil

from tests.workflow.runs import Workflow

TRAININGS = "results/seed-0/lfb_max/trainings"
FRAMES = "resources/frames"


def files(workflow: Workflow) -> set[str]:
    """Return the files of results and resources."""
    return {
        str(path.relative_to(workflow.folder))
        for folder in ("results", "resources")
        for path in workflow.path(folder).rglob("*")
        if path.is_file()
    }


def test_clean_removes_what_is_not_in_use_and_says_so(copy: Workflow) -> None:
    before = files(copy)
    old = copy.path(f"{TRAININGS}/0123456789ab")
    old.mkdir()
    (old / "resume.pt").write_bytes(bytes(3000))
    (old / "identity.json").write_text("{}")
    os.utime(old / "identity.json", (1e9, 1e9))
    for name in "again", "gone":
        shutil.copy(copy.path(f"{FRAMES}/val_000.zip"), copy.path(f"{FRAMES}/{name}.zip"))
    shutil.copy(
        copy.path("resources/demo/videos/val_000.mp4"), copy.path("resources/demo/videos/again.mp4")
    )
    result = copy.run("clean")
    assert result.code == 0, result.output
    size = copy.path(f"{FRAMES}/gone.zip").stat().st_size
    for line in (
        f"removed {TRAININGS}/0123456789ab: not finished, used last on 2001-09-09",
        f"removed {FRAMES}/again.zip: no annotation names its video, {size / 1000:.3g} kB",
        f"kept {FRAMES}/gone.zip: no annotation names its video, but resources/demo/videos does",
        f"2 removed, {(size + 3002) / 1000:.3g} kB in all",
    ):
        assert line in result.output
    kept = {f"{FRAMES}/gone.zip", "resources/demo/videos/again.mp4"}
    assert files(copy) == before | kept
    assert set(copy.jobs()) == set()
