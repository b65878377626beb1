"""Go through all results of a config, and list what is missing, damaged or does not fit."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch

from lfb.bank.opening import open_bank
from lfb.bank.store import Bank
from lfb.data.boxes import Keyframe
from lfb.data.keyframes import Keyframes
from lfb.data.predictions import Predictions
from lfb.data.split import Purpose, Split, read_outside
from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.learning.jobs.inference import score_keyframes
from lfb.learning.kept import CHECKPOINT, STATE, Trainings
from lfb.models.checkpoints import Checkpoint, load_checkpoint
from lfb.verification.data import check_keyframes, check_summary
from lfb.verification.frames import check_frames
from lfb.verification.models import (
    check_bank,
    check_history,
    check_origin,
    check_source,
    check_training,
)
from lfb.verification.scores import (
    check_metrics,
    check_predictions,
    check_report,
    check_scores,
    check_table,
    check_thresholds,
)
from lfb.video.frames import Manifest

log = logging.getLogger("lfb")
Content = TypeVar("Content")


class Findings(NamedTuple):
    """What a check found.

    Attributes:
        problems: A line for each file that is missing, damaged or does not fit.
        notes: A line for each thing that could not be checked.
        files: Number of files and stores that were read.
    """

    problems: list[str]
    notes: list[str]
    files: int


def verify(settings: Mapping[str, Any], results: str | Path, threads: int = 1) -> Findings:
    """Check all results of a config. Nothing is written.

    Args:
        settings: See ``lfb.config.settings.verification_settings``.
        results: Folder of the results.
        threads: Videos to read at a time.
    """
    walk = _Walk(settings, Path(results))
    walk.data()
    walk.frames(threads)
    for split, purpose in settings["keyframes"]:
        walk.selection(split, purpose)
    for seed in settings["seeds"]:
        walk.seed(seed)
    walk.table()
    return Findings(walk.problems, walk.notes, walk.files)


class _Walk:
    """The way through the results. Each file is read once, after those that it was made from."""

    def __init__(self, settings: Mapping[str, Any], results: Path) -> None:
        self.settings, self.results = settings, results
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.files = 0
        self._manifest: Manifest | None = None
        self._keyframes: dict[tuple[str, str], Keyframes | None] = {}
        self._splits: dict[str, Split | None] = {}
        self._damaged: set[Path] = set()

    def frames(self, threads: int) -> None:
        """Check the manifest and all frames."""
        log.info("frames")
        path = self.results / "data" / "manifest.json"
        self._manifest = self._read(Manifest, path)
        if self._manifest is not None:
            self.files += len(self._manifest.videos)
            self._add(path, check_frames(self._manifest, threads))

    def data(self) -> None:
        """Check the summary of the data check: check the data again."""
        log.info("data check")
        path, settings = self.results / "data" / "check.json", self.settings["check"]
        folder = settings.get("videos") or settings["frames"]["folder"]
        files = [file for of_split in settings["files"].values() for file in of_split.values()]
        missing = [file for file in (folder, settings["labels"], *files) if not Path(file).exists()]
        if not self._exists(path):
            return
        if missing:
            self.notes.append(f"{path}: not compared with the data: {missing[0]} is missing")
        else:
            self._add(path, check_summary(path, settings))

    def selection(self, split: str, purpose: Purpose) -> None:
        """Check keyframes: select them again."""
        log.info("keyframes: %s, %s", split, purpose)
        path = self._keyframes_file(split, purpose)
        found = self._keyframes[split, purpose] = self._read(Keyframes.load, path)
        annotations = self._split(split)
        if found is None or annotations is None:
            return
        boxes, outside = self.settings["boxes"][purpose], self._outside(split)
        self._add(path, check_keyframes(path, found, annotations, purpose, boxes, outside))

    def seed(self, seed: int) -> None:
        """Check the chain of one seed: checkpoints, banks, predictions, metrics."""
        folder = self.results / f"seed-{seed}"
        checkpoints = {"baseline": self._checkpoint(folder, "baseline")}
        banks = {split: self._bank(folder, split) for split in self.settings["banks"]}
        for split, purpose in self.settings["people"].items():
            self._people(folder, split, purpose)
        for model in self.settings["models"]:
            if model != "baseline":
                checkpoints[model] = self._checkpoint(folder, model, banks.get("train"))
            bank = banks["val"] if self.settings["models"][model]["operator"] else None
            self._scores(folder / model, checkpoints[model], bank, seed)

    def table(self) -> None:
        """Check the table, and the report if there is one."""
        log.info("table and report")
        path = self.results / "map_table.csv"
        settings = self.settings["table"]
        files = {
            model: [
                self.results / f"seed-{seed}" / model / "metrics.json"
                for seed in self.settings["seeds"]
            ]
            for model in self.settings["rows"]
        }
        measured = [file for of_model in files.values() for file in of_model]
        if self._exists(path) and self._exists(path.with_suffix(".json")):
            if all(file.exists() and file not in self._damaged for file in measured):
                self._add(path, check_table(path, settings, files))
            else:
                self.notes.append(f"{path}: not compared, because metrics do not fit")
        for page in (self.results / "report.html", self.results / "browse.html"):
            if page.exists() and path.exists() and path not in self._damaged:
                self.files += 1
                self._add(page, check_report(page, path))

    def _checkpoint(self, folder: Path, model: str, bank: Bank | None = None) -> Checkpoint | None:
        log.info("%s: %s", folder.name, model)
        about = self.settings["models"][model]
        path = folder / model / "checkpoint.safetensors"
        checkpoint = self._read(load_checkpoint, path)
        if about["trained"]:
            self._training(folder / model, checkpoint)
        if checkpoint is None:
            return None
        if checkpoint.about["model"]["operator"] != about["operator"]:
            self._add(path, [f"{path}: a model with another operator. Delete it and train again."])
            return None
        if not checkpoint.checked:
            self.notes.append(f"{path}: an earlier release wrote it, without a digest")
        expected: dict[str, str | None] = {}
        if about["trained"]:
            keyframes = self._keyframes_file("train", "training")
            if self._manifest is not None:
                expected["data"] = self._manifest.digest
            if keyframes.exists():
                expected["keyframes"] = digest(keyframes)
            weights = about["weights"]
            if about["head_only"]:
                weights = folder / "baseline" / CHECKPOINT
            if weights is None or Path(weights).exists():
                expected["weights"] = digest(weights) if weights else None
            if bank is not None and about["operator"]:
                expected["bank"] = bank.origin
        elif Path(about["source"]).exists():
            expected["source_digest"] = digest(about["source"])
        else:
            self.notes.append(f"{path}: not compared with {about['source']}, which is missing")
        self._add(path, check_origin(checkpoint, expected))
        return checkpoint

    def _training(self, folder: Path, checkpoint: Checkpoint | None) -> None:
        """Check the metrics of each epoch, and the kept trainings that are not in use."""
        history, state_file = folder / "history.jsonl", None
        for kept in Trainings(folder / "trainings").kept():
            if checkpoint is not None and kept.is_of(checkpoint.path):
                state_file = kept.folder / STATE
            else:
                self.files += 1
                self._add(kept.folder, check_training(kept))
        if self._exists(history) and checkpoint is not None:
            known = state_file if state_file and state_file.exists() else None  # you may delete it
            self._add(history, check_history(history, checkpoint, known))

    def _bank(self, folder: Path, split: str) -> Bank | None:
        log.info("%s: bank %s", folder.name, split)
        published = self.settings["banks"][split]
        baseline = folder / "baseline" / "checkpoint.safetensors"
        path = folder / "bank" / f"{split}.zarr"
        if self._manifest is None or not (published or baseline.exists()):
            bank = self._read(Bank.open, path)
        else:
            data = self._manifest.digest

            def matching(path: Path) -> Bank | None:
                return open_bank(path, data=data, published=published, baseline=baseline)

            bank = self._read(matching, path)
        if bank is None:
            return None
        if not bank.checked:
            self.notes.append(
                f"{path}: an earlier release wrote it, without checksums: a changed byte of its "
                "features cannot be noticed. Delete it and build it again to have them"
            )
        if published and Path(published).exists():
            self._add(path, check_source(bank, published))
        self._add(path, check_bank(bank, None if published else self._keyframes[split, "bank"]))
        return bank

    def _people(self, folder: Path, split: str, purpose: str) -> None:
        """Check the features of the people in some keyframes."""
        log.info("%s: people %s", folder.name, split)
        path, baseline = folder / "people" / f"{split}.zarr", folder / "baseline" / CHECKPOINT
        expected = {"checkpoint": digest(baseline)} if baseline.exists() else {}
        if self._manifest is not None:
            expected["data"] = self._manifest.digest
        store = self._read(partial(Bank.open, **expected), path)
        if store is not None:
            self._add(path, check_bank(store, self._keyframes[split, purpose]))

    def _scores(
        self, folder: Path, checkpoint: Checkpoint | None, bank: Bank | None, seed: int
    ) -> None:
        about = self.settings["models"][folder.name]
        path, measured = folder / "predictions.npz", folder / "metrics.json"
        predictions = self._read(Predictions.load, path)
        keyframes = self._keyframes["val", "testing"]
        if predictions is not None and keyframes is not None:
            self._add(path, check_predictions(path, predictions, keyframes))
            manifest = self._manifest
            fits = path not in self._damaged and (bank or not about["operator"])
            if checkpoint and manifest and fits:
                again = partial(
                    _score, about["prediction"], checkpoint, keyframes, manifest, bank, seed
                )
                try:
                    self._add(path, check_scores(path, predictions, keyframes, again))
                except UserError as error:  # a frame that is damaged, which is listed already
                    self.notes.append(f"{path}: not scored again: {error}")
        split = self._split("val")
        if self._exists(measured) and predictions is not None and split is not None:
            self._add(measured, check_metrics(measured, predictions, split))
        chosen, protocol = folder / "thresholds.json", self.settings["table"]["protocol"]
        if chosen.exists() and predictions is not None and split is not None:
            self.files += 1
            self._add(chosen, check_thresholds(chosen, predictions, split, protocol))

    def _split(self, name: str) -> Split | None:
        """Return the annotations and proposals of a split; None if you have deleted them."""
        if name not in self._splits:
            files = self.settings["files"][name]
            missing = [path for path in files.values() if path and not Path(path).exists()]
            for path in missing:
                self.notes.append(f"{path}: missing, so nothing was compared with it")
            self._splits[name] = None
            if not missing:
                self._splits[name] = self._read(
                    lambda path: Split.read(
                        files["labels"],
                        self.settings["unscored"],
                        path,
                        files["proposals"],
                        files["excluded"],
                    ),
                    Path(files["annotations"]),
                )
        return self._splits[name]

    def _outside(self, split: str) -> list[tuple[str, int]]:
        """Return the excluded keyframes outside of their video, none without a valid summary."""
        try:
            return read_outside(self.results / "data" / "check.json", split)
        except UserError:
            return []  # ``data`` lists the summary

    def _keyframes_file(self, split: str, purpose: str) -> Path:
        return self.results / "data" / f"{split}-{purpose}.npz"

    def _read(self, read: Callable[[Path], Content], path: Path) -> Content | None:
        """Read a file; None if it is missing or damaged."""
        if not self._exists(path):
            return None
        try:
            return read(path)
        except UserError as error:
            self._add(path, [str(error)])
            return None

    def _exists(self, path: Path) -> bool:
        self.files += 1
        if not path.exists():
            self._add(path, [f"{path}: missing. Run the workflow to make it."])
        return path.exists()

    def _add(self, path: Path, problems: Iterable[str]) -> None:
        for problem in problems:
            self.problems.append(problem)
            self._damaged.add(path)


def _score(
    settings: Mapping[str, Any],
    checkpoint: Checkpoint,
    keyframes: Keyframes,
    manifest: Manifest,
    bank: Bank | None,
    seed: int,
    some: Sequence[Keyframe],
) -> Predictions:
    """Score a few keyframes on the CPU."""
    return score_keyframes(
        settings,
        checkpoint.build(),
        some,
        keyframes.actions,
        manifest,
        bank,
        seed=seed,
        device=torch.device("cpu"),
        workers=0,
    )
