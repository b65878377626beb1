"""Videos and their frames, made once for all tests."""

import os

# One thread for each process: threads of PyTorch that wait for each other keep the cores busy,
# which costs minutes if anything else runs on them. Jobs of Snakemake get their own number.
os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

from lfb.program import log
from lfb.video.extraction import extract
from tests.films import CUT, make_video

# A slow example is not a failure: the machine may be busy.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _fresh_log() -> Iterator[None]:
    """Remove the log handlers that a program adds, as the end of its process would."""
    before, level = list(log.handlers), log.level
    yield
    for handler in set(log.handlers) - set(before):
        log.removeHandler(handler)
        handler.close()
    log.setLevel(level)


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of videos of 4 s, and of broken ones."""
    folder = tmp_path_factory.mktemp("videos")
    for name in "plain.mp4", "other.mkv":
        make_video(folder / name, 96)
    make_video(folder / "fast.mp4", 96, faststart=True)
    for name in "plain.mp4", "fast.mp4", "other.mkv":
        data = (folder / name).read_bytes()
        (folder / f"half_{name}").write_bytes(data[: len(data) // 2])
    (folder / "text.mp4").write_text("no video")
    return folder


@pytest.fixture(scope="session")
def cut(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the zip of seconds 1 to 3 of a video."""
    path = tmp_path_factory.mktemp("zips") / "plain.zip"
    extract(videos / "plain.mp4", path, **CUT)
    return path


@pytest.fixture(scope="session")
def peer() -> SimpleNamespace:
    """Return MMAction2's own classes; see CONTRIBUTING.md."""
    folder = os.environ.get("LFB_PEERS")
    if not folder:
        pytest.skip("LFB_PEERS names no folder with tests/peers.txt installed; see CONTRIBUTING.md")
    from tests import peers

    return peers.load(Path(folder))
