"""Tests of lfb.learning.disk_need."""

import json
import sys

import pytest

from lfb.data.annotations import read_annotations
from lfb.data.split import Split
from lfb.learning.disk_need import banks_need, frames_need, model_need
from lfb.models.action_model import build_model
from lfb.video.extraction import extract, jpeg_sizes
from scripts import disk_need as program
from tests.films import CUT
from tests.samples import proposals_of, write


def test_frames_are_estimated_from_some_of_the_videos_own(videos, tmp_path):
    files = {name: videos / f"{name}.mp4" for name in ("plain", "fast")}
    cut = {key: CUT[key] for key in ("fps", "start", "seconds")}
    for name, path in files.items():
        extract(path, tmp_path / f"{name}.zip", **CUT)
    really = sum((tmp_path / f"{name}.zip").stat().st_size for name in files)
    estimate = frames_need(files, tmp_path / "other", **cut)
    assert estimate == pytest.approx(really, rel=0.2)

    (tmp_path / "plain.zip").unlink()
    assert frames_need(files, tmp_path, **cut) == pytest.approx(estimate / 2, rel=0.01)
    (tmp_path / "plain.zip").touch()
    assert frames_need(files, tmp_path, **cut) == 0


def test_videos_of_unknown_length_are_measured(videos, tmp_path):
    files = {"plain": videos / "plain.mp4"}
    (size, *_) = jpeg_sizes(files["plain"], fps=24, start=2.5, count=1)
    need = frames_need(files, tmp_path, fps=24, start=1, seconds=None)  # of 4 s
    assert need == pytest.approx(3 * 24 * size, rel=0.2)


def test_banks_are_counted_by_their_rows(tmp_path):
    rows, faults = read_annotations(write(tmp_path, "a,902,0.1,0.1,0.5,0.9,1,0"), {1: "bend"}, [])
    assert not faults
    proposals = proposals_of(
        ("a", 902, 0.1, 0.1, 0.5, 0.9, 0.95),
        ("a", 902, 0.5, 0.1, 0.9, 0.9, 0.85),
        ("a", 907, 0.2, 0.2, 0.4, 0.4, 0.93),
    )
    split = Split({1: "bend"}, [], rows, proposals, set())
    for seconds, count in ("all", 2), ("annotated", 1):
        boxes = {"bank_score": 0.9, "bank_seconds": seconds}
        assert banks_need([split], boxes, 8, "float16") == 2 * count * (8 * 2 + 20)
        assert banks_need([split, split], boxes, 8, "float32") == 4 * count * (8 * 4 + 20)


def test_a_checkpoint_is_as_large_as_its_weights():
    model = {
        "backbone": {"name": "slowonly", "depth": [1, 1, 1, 1], "width": 2},
        "head": {},
        "operator": {"name": "avg"},
    }
    weights = build_model(**model, outputs=5).state_dict().values()
    assert model_need(model, 5) == (sum(tensor.nbytes for tensor in weights), 64)


def test_faults_of_the_data_are_left_to_the_check(tmp_path, monkeypatch, capsys):
    (tmp_path / "labels.pbtxt").write_text('item { name: "bend" id: 1 }')
    files = {"val": {"annotations": str(write(tmp_path, "a,902,left,0.1,0.5,0.9,1,0"))}}
    arguments = {
        "--settings": json.dumps({"unscored": []}),
        "--labels": str(tmp_path / "labels.pbtxt"),
        "--files": json.dumps(files),
        "--frames": str(tmp_path),
        "--results": str(tmp_path),
    }
    monkeypatch.setattr(sys, "argv", ["disk_need", *sum(arguments.items(), ())])
    program.main()
    assert capsys.readouterr().err == (
        "how much disk is needed cannot be told: the data has faults; the check names them\n"
    )
