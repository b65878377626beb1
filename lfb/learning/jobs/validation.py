"""The mAP of a model while it trains, on a fixed share of the validation keyframes.

Prediction and evaluation are those of the later stages, with the same batches. So on the CPU, all
keyframes give exactly the mAP of ``metrics.json``.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from lfb.bank.opening import open_bank
from lfb.bank.store import Bank
from lfb.data.boxes import Keyframe
from lfb.data.keyframes import Keyframes
from lfb.data.predictions import Predictions, join_predictions
from lfb.data.split import Split
from lfb.errors import UserError
from lfb.interruption import Stopped
from lfb.learning.clips import InOrder
from lfb.learning.jobs.inference import score_keyframes
from lfb.learning.team import Team
from lfb.models.action_model import ActionModel, build_model
from lfb.scoring.evaluation import metrics
from lfb.video.frames import Manifest

log = logging.getLogger("lfb")
Place = tuple[str, int]  # a video and a second
MAP = "validation_mAP"


@dataclass(frozen=True)
class ValidationFiles:
    """The files of the validation split.

    Attributes:
        keyframes: Keyframes for testing, ``.npz``.
        bank: Bank; None for the baseline.
        labels: Label list.
        annotations: Ground truth, csv.
        excluded: Excluded seconds, csv; None if there are none.
    """

    keyframes: str
    bank: str | None
    labels: str
    annotations: str
    excluded: str | None


@dataclass(frozen=True, eq=False)
class _Sample:
    """What is measured.

    Attributes:
        count: Number of keyframes, over all processes.
        keyframes: Those with people that this process scores.
        actions: Ids of the scored actions.
        bank: Bank of the split; None for the baseline.
        split: The ground truth, only in the first process.
        model: Takes the weights to measure.
    """

    count: int
    keyframes: list[Keyframe]
    actions: list[int]
    bank: Bank | None
    split: Split | None
    model: ActionModel


class Validation:
    """Measures a model on a fixed share of the validation keyframes.

    The processes of a team share the videos. Each works on a copy of the model, so nothing changes
    in the one that trains.

    Args:
        settings: From ``lfb.config.settings.validation_settings``.
        files: The files of the split; read at the first measurement.
        frames: Manifest of the frames.
        described: Arguments of ``build_model``.
        name: Name of the model in messages.
        seed: Seed of the draws from the bank, if testing draws.
        team: The processes that train together.
        stop: Returns why the training has to stop; None to go on.
        workers: Data-loading processes of each training process.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        files: ValidationFiles,
        *,
        frames: Manifest,
        described: Mapping[str, Any],
        name: str,
        seed: int,
        team: Team,
        stop: Callable[[], str | None],
        workers: int,
    ) -> None:
        self._settings, self._files = settings, files
        self._frames, self._described, self._name = frames, described, name
        self._seed, self._team, self._stop, self._workers = seed, team, stop, workers
        self._read: _Sample | None = None

    def is_due(self, epoch: int) -> bool:
        """Return whether to measure after an epoch, counted from 1."""
        return epoch % self._settings["epochs"] == 0

    def measure(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        """Return the mAP of a model with these weights, as fields of the history.

        All processes of the team call this. Those that do not lead get no fields.

        Returns:
            ``validation_mAP`` in percent under the protocol of the table, ``validation_keyframes``,
            their number, and ``validation_seconds``. Empty if there is no mAP, for example because
            no chosen keyframe has ground truth.

        Raises:
            Stopped: The training has to stop.
        """
        begin = time.monotonic()
        sample = self._read = self._read or self._open()
        sample.model.load_state_dict(weights)
        self._team.share(list(sample.model.buffers()))
        predictions = self._predict(sample)
        if sample.split is None:
            return {}
        split, protocol = sample.split, self._settings["protocol"]
        try:
            found = metrics(
                predictions, split.annotations, classes=split.labels, excluded=split.excluded
            )[protocol]
        except UserError as error:
            log.warning("warning: %s: no validation mAP: %s", self._name, error)
            return {}
        return {
            MAP: found["mAP"],
            "validation_keyframes": sample.count,
            "validation_seconds": round(time.monotonic() - begin, 2),
        }

    def _open(self) -> _Sample:
        """Read the files and choose the keyframes."""
        settings, files, team = self._settings, self._files, self._team
        keyframes = Keyframes.load(files.keyframes)
        split, chosen = None, set[Place]()
        if team.leads:
            split = Split.read(
                files.labels, settings["unscored"], files.annotations, excluded=files.excluded
            )
            table = split.annotations
            listed = list(zip(table["video"].tolist(), table["second"].tolist(), strict=True))
            people = ((k.video, k.second) for k in keyframes.keyframes)
            chosen = spread({*people, *listed}, settings["share"])
            split = replace(split, annotations=table[[place in chosen for place in listed]])
        chosen = team.gather(chosen)[0]
        own = keyframes.of(keyframes.videos[team.rank :: team.size])
        return _Sample(
            len(chosen),
            [k for k in own if (k.video, k.second) in chosen],
            keyframes.actions,
            open_bank(files.bank, data=self._frames.digest, published=settings["published"]),
            split,
            build_model(**self._described).eval().to(team.device),
        )

    def _predict(self, sample: _Sample) -> Predictions:
        """Return the scores of all people, joined from all processes."""
        inference = self._settings["prediction"]["inference"]
        views = len(inference["scales"] or [None])
        own = views * len(InOrder(sample.keyframes, inference["batch"]))
        (most,) = self._team.most(own)
        part = score_keyframes(
            self._settings["prediction"],
            sample.model,
            sample.keyframes,
            sample.actions,
            self._frames,
            sample.bank,
            seed=self._seed,
            device=self._team.device,
            workers=self._workers,
            after_batch=self._pause,
        )
        for _ in range(most - own):  # until the process with the most batches is through
            self._pause()
        return join_predictions(self._team.gather(part))

    def _pause(self) -> None:
        """Stop if any process has to; all of them ask after each batch."""
        reason = self._stop()
        (stop,) = self._team.most(reason is not None)
        if stop:
            raise Stopped(
                f"{self._name}: saved and stopped in a validation "
                f"({reason or 'a signal to another process'})"
            )


def spread(places: Collection[Place], share: float) -> set[Place]:
    """Return a fixed share of some keyframes, at least one, evenly spread over videos and time."""
    ordered = sorted(places)
    if not ordered:
        return set()
    count = max(1, round(share * len(ordered)))
    return {ordered[i] for i in (2 * np.arange(count) + 1) * len(ordered) // (2 * count)}
