"""Tests of lfb.learning.disk_use."""

from argparse import Namespace

import pytest

from lfb.data.annotations import read_annotations
from lfb.data.split import Split
from lfb.learning.disk_use import bank_size, checkpoint_size, estimate_disk_use, frames_size
from lfb.models.action_model import build_model
from lfb.program import program
from lfb.video.extraction import extract, jpeg_sizes
from scripts.estimate_disk_use import run
from tests.films import CUT
from tests.samples import parts, proposals_of, write


def test_the_size_of_frames_is_estimated_from_some_frames(videos, tmp_path):
    files = {name: videos / f"{name}.mp4" for name in ("plain", "fast")}
    cut = {key: CUT[key] for key in ("fps", "start", "seconds")}
    for name, path in files.items():
        extract(path, tmp_path / f"{name}.zip", **CUT)
    actual = sum((tmp_path / f"{name}.zip").stat().st_size for name in files)
    estimate = frames_size(files, tmp_path / "other", **cut)
    assert estimate == pytest.approx(actual, rel=0.2)

    (tmp_path / "plain.zip").unlink()
    assert frames_size(files, tmp_path, **cut) == pytest.approx(estimate / 2, rel=0.01)
    (tmp_path / "plain.zip").touch()
    assert frames_size(files, tmp_path, **cut) == 0


def test_the_length_of_videos_is_measured_if_the_config_sets_none(videos, tmp_path):
    files = {"plain": videos / "plain.mp4"}
    (size, *_) = jpeg_sizes(files["plain"], fps=24, start=2.5, count=1)
    estimate = frames_size(files, tmp_path, fps=24, start=1, seconds=None)  # of 4 s
    assert estimate == pytest.approx(3 * 24 * size, rel=0.2)


def test_the_size_of_banks_follows_from_their_rows(tmp_path):
    rows, errors = parts(
        read_annotations(write(tmp_path, "a,902,0.1,0.1,0.5,0.9,1,0"), {1: "bend"}, [])
    )
    assert not errors
    proposals = proposals_of(
        ("a", 902, 0.1, 0.1, 0.5, 0.9, 0.95),
        ("a", 902, 0.5, 0.1, 0.9, 0.9, 0.85),
        ("a", 907, 0.2, 0.2, 0.4, 0.4, 0.93),
    )
    split = Split({1: "bend"}, [], rows, proposals, set())
    for seconds, count in ("all", 2), ("annotated", 1):
        boxes = {"bank_score": 0.9, "bank_seconds": seconds}
        assert bank_size([split], boxes, 8, "float16") == 2 * count * (8 * 2 + 20)
        assert bank_size([split, split], boxes, 8, "float32") == 4 * count * (8 * 4 + 20)


def test_the_size_of_a_checkpoint_is_that_of_its_weights():
    model = {
        "backbone": {"name": "slowonly", "depth": [1, 1, 1, 1], "width": 2},
        "head": {},
        "operator": {"name": "avg"},
    }
    weights = build_model(**model, outputs=5).state_dict().values()
    assert checkpoint_size(model, 5) == (sum(tensor.nbytes for tensor in weights), 64)


def test_a_run_needs_frames_banks_and_checkpoints_of_all_seeds(videos, tmp_path):
    rows, _ = parts(
        read_annotations(write(tmp_path, "plain,902,0.1,0.1,0.5,0.9,1,0"), {1: "bend"}, [])
    )
    split = Split({1: "bend"}, [], rows, None, set())
    backbone = {"name": "slowonly", "depth": [1, 1, 1, 1], "width": 2}
    baseline = {"backbone": backbone, "head": {}, "operator": None}
    models = {"baseline": baseline, "lfb_avg": {**baseline, "operator": {"name": "avg"}}}
    settings = {
        "models": models,
        "boxes": {"bank_score": 0.9, "bank_seconds": "all"},
        "dtype": "float16",
        "seeds": 3,
        "videos": str(videos),
        "fps": 24,
        "start": 1,
        "seconds": 2,
    }
    cut = {key: settings[key] for key in ("fps", "start", "seconds")}
    small, large = (checkpoint_size(model, 2)[0] for model in models.values())
    assert estimate_disk_use([split, split], settings, tmp_path) == (
        frames_size({"plain": videos / "plain.mp4"}, tmp_path, **cut),
        3 * 2 * 2 * (64 * 2 + 20),
        3 * 3 * (small + large) + 2 * large,
    )
    del settings["videos"]
    assert estimate_disk_use([split], settings, tmp_path).frames == 0


def test_errors_in_the_data_are_left_to_the_check(tmp_path, capsys):
    (tmp_path / "labels.pbtxt").write_text('item { name: "bend" id: 1 }')
    files = {"val": {"annotations": str(write(tmp_path, "a,902,left,0.1,0.5,0.9,1,0"))}}
    arguments = Namespace(
        settings={"unscored": [], "files": files, "invalid_keyframes": "error"},
        labels=str(tmp_path / "labels.pbtxt"),
        frames=str(tmp_path),
        results=str(tmp_path),
    )
    with program(None):
        run(arguments)
    assert capsys.readouterr().err == (
        "cannot estimate disk use: the data has errors; check_data lists them\n"
    )
