"""A small finished run, for the tests of the report."""

import io
import json
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lfb.bank.writing import write_bank
from lfb.data.annotations import write_annotations, write_labels
from lfb.data.predictions import Predictions
from lfb.data.proposals import write_proposals
from lfb.data.split import Split
from lfb.files.atomic import write_json
from lfb.files.digests import digest
from lfb.models.action_model import build_model
from lfb.models.checkpoints import save_checkpoint
from lfb.scoring.evaluation import metrics
from lfb.video.frames import FrameInfo
from scripts.__main__ import main
from tests.samples import annotation_table, proposals_of

VIDEOS = ("anna & <b>", "bert", "carl")
SECONDS = range(5, 11)
PEOPLE = ((0.1, 0.2, 0.4, 0.9), (0.5, 0.1, 0.9, 0.8))
LABELS = {1: "stand", 2: "<jump>", 4: "obey", 5: "never seen"}
BACKBONE = {
    "name": "slowonly",
    "depth": [1],
    "width": 2,
    "spatial_strides": [1],
    "inflate": [False],
}
OPERATORS: dict[str, dict[str, Any] | None] = {
    "baseline": None,
    "lfb_max": {"name": "max"},
    "lfb_nl": {"name": "non_local", "width": 4, "layers": 2},
}


def truth() -> list[tuple]:
    """Return annotations: all stand, person 1 obeys in even and person 2 jumps in odd seconds."""
    rows = []
    for video in VIDEOS:
        for second in SECONDS:
            for person, box in enumerate(PEOPLE):
                rows.append((video, second, *box, 1, person))
                if second % 2 == person:
                    rows.append((video, second, *box, (4, 2)[person], person))
    return rows


def split() -> Split:
    rows = annotation_table(*truth())
    found = proposals_of(*((v, s, *box, 0.95) for v in VIDEOS for s in SECONDS for box in PEOPLE))
    return Split(LABELS, (), rows, found, {("carl", 10)})


def predict(wrong: set[tuple[str, int]], people: int = 2) -> Predictions:
    """Return predictions that are correct, except on some keyframes, where every score is wrong."""
    actions: dict[tuple, list[int]] = {}
    for video, second, *box, action, _ in truth():
        actions.setdefault((video, second, *box), []).append(action)
    kept = [key for key in actions if key[2:] in PEOPLE[:people]]
    score = np.full((len(kept), len(LABELS)), 0.1, np.float32)
    for row, key in enumerate(kept):
        score[row, [sorted(LABELS).index(action) for action in actions[key]]] = 0.8
        if key[:2] in wrong:
            score[row] = 0.9 - score[row]
    return Predictions(
        list(VIDEOS),
        np.array([VIDEOS.index(key[0]) for key in kept], np.int32),
        np.array([key[1] for key in kept], np.int32),
        np.array([key[2:] for key in kept], np.float32),
        score,
        np.array(sorted(LABELS), np.int32),
    )


@dataclass
class Run:
    """The files of a finished run, and the arguments that write its report."""

    arguments: list[str]
    output: Path

    def report(self, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setattr(sys, "path", list(sys.path))  # a program changes it
        main(["report", *self.arguments])
        return self.output.read_text(encoding="utf-8")


def finished(
    folder: Path, models: tuple[str, ...], seeds: list[int], imported: tuple[str, ...] = ()
) -> Run:
    """Write the inputs of the rule report; an imported bank has no boxes."""
    data, classes = split(), dict(LABELS)
    write_labels(folder / "labels.pbtxt", classes)
    write_annotations(folder / "val.csv", data.annotations)
    write_proposals(folder / "proposals.pkl", data.proposals)
    for video in VIDEOS:
        write_frames(folder / f"{video}.zip")
    info = {"frames": 24, "fps": 4, "first_second": 5, "width": 32, "height": 24, "digest": ""}
    write_json(
        folder / "manifest.json",
        {"folder": str(folder), "pattern": None, "videos": dict.fromkeys(VIDEOS, info)},
    )
    counts = {str(i): {"name": name, "boxes": 1} for i, name in classes.items()}
    numbers = dict.fromkeys(("videos", "keyframes", "excluded", "rows", "boxes"), 1234)
    summary = {**numbers, "boxes_of_class": counts, "unscored_rows": 0}
    summary |= {"without_proposal": ["bert,0005"]}
    write_json(
        folder / "check.json",
        {
            "splits": {"train": summary, "val": summary},
            "warnings": ["few <boxes>"],
            "seconds": {},
        },
    )
    manifest = digest(folder / "manifest.json")
    files: dict[str, list[str]] = {"metrics": [], "histories": [], "predictions": []}
    files["checkpoints"] = []
    table = ["model,operator,backbone,seeds,mAP,mAP_std,gain,published_mAP,difference,protocol"]
    for model in models:
        wrong = {("bert", 5), (VIDEOS[0], 8)} if model == "baseline" else {("bert", 5)}
        predictions = predict(wrong)
        for seed in seeds:
            target = folder / f"seed-{seed}" / model
            measured = metrics(
                predictions, data.annotations, classes=classes, excluded=data.excluded
            )
            write_json(target / "metrics.json", measured)
            lines = [{"epoch": e, "loss": 1 / e, "learning_rate": 0.1} for e in (1, 2, 3)]
            (target / "history.jsonl").write_text(
                "".join(json.dumps(line) + "\n" for line in lines)
            )
            files["metrics"].append(str(target / "metrics.json"))
            if model not in imported:
                files["histories"].append(str(target / "history.jsonl"))
        target = folder / f"seed-{seeds[0]}" / model
        predictions.save(target / "predictions.npz")
        write_checkpoint(target / "checkpoint.safetensors", model, manifest, model in imported)
        files["predictions"].append(str(target / "predictions.npz"))
        files["checkpoints"].append(str(target / "checkpoint.safetensors"))
        table.append(
            f"{model},none,slowonly,{len(seeds)},{measured['mmaction2']['mAP']},,0,,,mmaction2"
        )
    (folder / "map_table.csv").write_text("\n".join(table) + "\n")
    settings = {
        "data": "three <videos>",
        "protocol": "mmaction2",
        "sampling": "highest",
        "seeds": seeds,
        "models": list(models),
        "trained": [model for model in models if model not in imported],
        "unscored": [],
        "input": {"frames": 2, "interval": 2, "short_side": 24, "train_short_side": [24, 24]}
        | {"crop": 24, "flip": 0.5},
        "window": {"seconds": 6, "per_second": 2},
    }
    write_json(folder / "settings.json", settings)
    arguments = [
        "--settings",
        str(folder / "settings.json"),
        "--output",
        str(folder / "report.html"),
        "--browser",
        str(folder / "browse.html"),
    ]
    for option, name in {
        "labels": "labels.pbtxt",
        "annotations": "val.csv",
        "manifest": "manifest.json",
        "check": "check.json",
        "table": "map_table.csv",
    }.items():
        arguments += [f"--{option}", str(folder / name)]
    for option, paths in files.items():
        arguments += [f"--{option}", *paths]
    if len(models) > 1:
        baseline = files["checkpoints"][models.index("baseline")]
        write_bank_of(folder / "val.zarr", baseline, manifest, "bank" in imported)
        arguments += ["--bank", str(folder / "val.zarr")]
        if "bank" in imported:
            arguments += ["--published", "somewhere/lfb_val.pkl"]
    return Run(arguments, folder / "report.html")


def write_frames(path: Path) -> None:
    info = FrameInfo(4, 5, 24, 32, 24)
    with zipfile.ZipFile(path, "w") as zipped:
        for number in range(1, info.frames + 1):
            buffer = io.BytesIO()
            Image.new("RGB", (32, 24), (10 * number, 80, 80)).save(buffer, "JPEG")
            zipped.writestr(f"{number:06d}.jpg", buffer.getvalue())
        zipped.writestr("info.json", json.dumps(asdict(info)))


def write_checkpoint(
    path: Path,
    model: str,
    manifest: str,
    imported: bool = False,
    training: Mapping[str, float] = {"batch": 4, "learning_rate": 0.3, "learning_rate_batch": 4},
) -> None:
    described: dict[str, Any] = {
        "backbone": BACKBONE,
        "head": {"roi_size": 2},
        "operator": OPERATORS[model],
        "outputs": 6,
    }
    torch.manual_seed(0)
    about: dict[str, Any] = {"source": "published.pth", "source_digest": "c0ffee"}
    if not imported:
        about = {"epoch": 3, "settings": {"training": training}, "data": manifest, "processes": 1}
    save_checkpoint(path, build_model(**described), {"model": described, **about})


def write_bank_of(path: Path, checkpoint: str, manifest: str, imported: bool) -> None:
    keys = [(v, s, box) for v in VIDEOS for s in SECONDS for box in PEOPLE]
    channels = 4 * BACKBONE["width"]
    write_bank(
        path,
        split="val",
        video=[key[0] for key in keys],
        second=[key[1] for key in keys],
        features=[np.random.default_rng(0).normal(size=(len(keys), channels))],
        channels=channels,
        box=np.full((len(keys), 4), np.nan) if imported else [key[2] for key in keys],
        score=np.ones(len(keys)),
        attributes={"source": "lfb_val.pkl"}
        if imported
        else {"checkpoint": digest(checkpoint), "data": manifest},
        videos=VIDEOS,
    )
