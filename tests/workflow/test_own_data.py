"""The user's own data in unusual formats, from the files to the table."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torchvision.models.detection import faster_rcnn

from lfb.data.keyframes import Keyframes
from lfb.data.proposals import read_proposals
from lfb.video.decoding import probe
from tests.films import make_video
from tests.samples import parts
from tests.workflow.runs import CONFIG, TABLE, Workflow

DETECTOR = "fasterrcnn_mobilenet_v3_large_320_fpn"
TRAIN, VAL = ["my film.v2", "Straße 1"], ["day 1/<i>cam</i> \"3\"; 'left'"]
SECONDS = range(2, 8)
LEFT, RIGHT = (0.1, 0.2, 0.45, 0.9), (0.5, 0.1, 0.9, 0.95)


def configure(workflow: Workflow, **changes: Any) -> None:
    """Replace sections of the tests' config; None removes one."""
    config = yaml.safe_load(workflow.path(CONFIG).read_text()) | changes
    config = {key: value for key, value in config.items() if value is not None}
    config["base"] = None
    workflow.path(CONFIG).write_text(yaml.safe_dump(config, allow_unicode=True))


def rows(videos: list[str], actions: tuple[int, int]) -> str:
    """Return annotation rows: one person on the left, one on the right, in every second."""
    return "".join(
        f"{video},{second},{','.join(map(str, box))},{action},{person}\n"
        for video in videos
        for second in SECONDS
        for person, (box, action) in enumerate(zip((LEFT, RIGHT), actions, strict=True))
    )


def write_frames(folder: Path, video: str, count: int) -> None:
    """Write a folder of frames with SlowFast's names."""
    (folder / f"{video}/{video}").parent.mkdir(parents=True)
    for number in range(1, count + 1):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / video / f"{video}_{number:06d}.jpg")


def write_detector(path: Path) -> None:
    """Write the weights of a detector that takes everything for a person."""
    torch.manual_seed(0)
    model = getattr(faster_rcnn, DETECTOR)(weights=None, weights_backbone=None)
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.bias[1] = 20
    torch.save(model.state_dict(), path)


def test_slowfast_frames_with_gaps_in_action_ids_and_without_proposals(fresh: Workflow) -> None:
    own = fresh.path("my data")
    for video in TRAIN + VAL:
        write_frames(own / "frames", video, count=int(7.5 * len(SECONDS)))
    (own / "labels.pbtxt").write_text(
        "".join(
            f'label {{\n  name: "{name}"\n  label_id: {number}\n  label_type: X\n}}\n'
            for number, name in {3: "stand", 17: "wave", 250: "sit"}.items()
        )
    )
    (own / "train.csv").write_text(rows(TRAIN, (3, 250)) + f"{TRAIN[0]},3,0,0,1,1,17,5\n")
    (own / "val.csv").write_text(rows(VAL, (17, 250)))
    write_detector(own / "detector.pth")
    configure(
        fresh,
        demo=None,
        data={
            "frames": {"folder": "my data/frames", "pattern": "{video}/{video}_{frame:06d}.jpg"},
            "fps": 7.5,
            "first_second": 2,
            "labels": "my data/labels.pbtxt",
            "train": {"annotations": "my data/train.csv"},
            "val": {"annotations": "my data/val.csv"},
        },
        detector={"name": DETECTOR, "weights": "my data/detector.pth", "pieces": 1},
        bank={"pieces": 1},
        models={"baseline": {"operator": None}, "lfb_max": {"operator": {"name": "max"}}},
    )
    shown = f"results/films/train/ground_truth/{TRAIN[0]}.html"
    result = fresh.run("all", "proposals", shown)
    assert result.code == 0, result.output
    assert fresh.path(shown).read_text().count("<figure") == len(SECONDS)

    report = fresh.path("results/report.html").read_text()
    assert "day 1/&lt;i&gt;cam&lt;/i&gt; &#34;3&#34;; &#39;left&#39;" in report
    assert "<i>cam" not in report
    with fresh.path(TABLE).open() as file:
        assert [row["model"] for row in csv.DictReader(file)] == ["baseline", "lfb_max"]
    assert "val: recall at IoU 0.5: " in result.output
    assert "train: recall" not in result.output
    data = fresh.path("results/data")
    found, errors = parts(read_proposals(data / "val-proposals.pkl"))
    assert not errors
    assert found.index.keys() == [(VAL[0], second) for second in SECONDS]
    recall = json.loads((data / "val-recall.json").read_text())
    assert (recall["boxes"], recall["keyframes"], recall["without"]) == (12, 6, 0)
    training = Keyframes.load(data / "train-training.npz")
    assert [(k.video, k.second) for k in training.keyframes] == [
        (video, second) for video in sorted(TRAIN) for second in SECONDS
    ]
    assert sorted({len(keyframe.boxes) for keyframe in training.keyframes}) == [2, 3]
    assert (training.actions, training.outputs) == ([3, 17, 250], 251)
    bank = Keyframes.load(data / "train-bank.npz")
    assert sum(len(keyframe.boxes) for keyframe in bank.keyframes) == 2 * 2 * 6 + 1
    metrics = json.loads(fresh.path("results/seed-0/lfb_max/metrics.json").read_text())
    assert metrics["mmaction2"]["left_out"]  # val has no action "stand"
    assert set(fresh.jobs("all", "proposals", shown)) == set()

    # The trained model scores a video without annotations.
    write_frames(own / "frames", "new", count=30)
    (own / "new.csv").write_text("new,3\nnew,5\n")
    data = yaml.safe_load(fresh.path(CONFIG).read_text())["data"]
    del data["train"]
    trained = {"operator": None, "checkpoint": "results/seed-0/baseline/checkpoint.safetensors"}
    configure(
        fresh,
        pathvars={"results": "results/new"},
        data=data | {"val": {"annotations": "my data/new.csv"}},
        models={"baseline": trained},
    )
    submission = "results/new/seed-0/baseline/submission.csv"
    result = fresh.run(submission)
    assert result.code == 0, result.output
    with fresh.path(submission).open() as file:
        scored = {(row[0], row[1], row[6]) for row in csv.reader(file)}
    assert scored == {("new", f"000{t}", action) for t in (3, 5) for action in ("3", "17", "250")}


def test_videos_with_a_detectors_boxes_in_pixels_and_a_single_action(fresh: Workflow) -> None:
    own = fresh.path("films")
    own.mkdir()
    for video in TRAIN + VAL:
        (own / f"{video}.mkv").parent.mkdir(parents=True, exist_ok=True)
        make_video(own / f"{video}.mkv", frames=8 * 24)
    (own / "labels.pbtxt").write_text('item { name: "stand" id: 1 }')
    for split, videos in ("train", TRAIN), ("val", VAL):
        (own / f"{split}.csv").write_text(rows(videos, (1, 1)))
        boxes = "".join(
            f"{video},{second},{x1 * 64},{y1 * 48},{x2 * 64},{y2 * 48},0.95\n"
            for video in [*videos, "other"]
            for second in SECONDS[:-1]
            for x1, y1, x2, y2 in (LEFT, (0, 0, 1, 1))
        )
        (own / f"{split}_boxes.csv").write_text(boxes)
    data = {
        "videos": "films",
        "fps": 25,
        "first_second": 0,
        "labels": "films/labels.pbtxt",
        **{
            split: {
                "annotations": f"films/{split}.csv",
                "detections": f"films/{split}_boxes.csv",
            }
            for split in ("train", "val")
        },
    }
    configure(fresh, demo=None, data=data)
    film = f"results/films/train/ground_truth/{TRAIN[1]}.mp4"
    result = fresh.run(film)  # before the frames of the whole data set
    assert result.code == 0, result.output
    assert "Straße 1: 1 of 1 videos" in result.output
    assert probe(fresh.path(film)).duration == pytest.approx(8, abs=0.1)
    assert not fresh.path("results/data").exists()
    result = fresh.run("proposals")
    assert result.code == 0, result.output
    for line in (
        "train: recall at IoU 0.5: 41.7 % of 24 annotated people, ",
        "val: recall at IoU 0.5: 41.7 % of 12 annotated people, 41.7 % with scores of 0.9 or more "
        "(boxes.bank_score, boxes.test_score); 1.67 boxes per keyframe; 1 of 6 keyframes have none",
        "30 boxes in pixels, divided by the size of the frames; 10 of them on other videos, left",
    ):
        assert line in result.output
    found, _ = parts(read_proposals(fresh.path("results/data/train-proposals.pkl")))
    assert found.index.keys() == [
        (video, second) for video in sorted(TRAIN) for second in SECONDS[:-1]
    ]
    np.testing.assert_allclose(found.boxes[:2], [LEFT, (0, 0, 1, 1)], atol=1e-6)
    tested = "results/data/val-testing.npz"
    assert fresh.run(tested).code == 0
    assert [len(k.boxes) for k in Keyframes.load(fresh.path(tested)).keyframes] == [2] * 5 + [1]
    assert set(fresh.jobs("proposals")) == set()

    data["val"]["detections"] = "films/train_boxes.csv"
    configure(fresh, data=data)
    result = fresh.run("proposals")
    assert result.code == 1
    assert "films/train_boxes.csv: none of the 6 keyframes of films/val.csv have" in result.output


def test_config_own_yaml_lists_the_missing_files(fresh: Workflow) -> None:
    result = fresh.shell("snakemake --configfile config/own.yaml config/small.yaml -n")
    assert result.code == 1
    for message in (
        "data.videos: resources/own/videos",
        "data.train.annotations: resources/own/train.csv",
        "detector.weights: resources/own/weights/fasterrcnn_mobilenet_v3_large_320_fpn-907",
        "(fetch_weights)",
    ):
        assert message in result.output
