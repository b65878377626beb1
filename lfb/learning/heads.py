"""Heads: the part of a model behind its backbone, which reads features of people instead of clips.

The backbone of such a model is the baseline's and stays fixed. So the features of the people to
train on, or to score, are computed once, in a store of the bank's format. Row i of the store is
person i of the keyframes. The windows of the bank are those of ``Clips``, draw by draw.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lfb.bank.features import BankFeatures
from lfb.bank.store import Bank
from lfb.data.boxes import ragged
from lfb.data.keyframes import Keyframes
from lfb.data.predictions import Predictions
from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.learning.lookup import Lookup
from lfb.models.action_model import ActionModel, check_context
from lfb.program import progress

Item = tuple[int, int]  # the pass over the keyframes, which keys the draws, and a keyframe


class Head(nn.Module):
    """The operator and the classifier of a model. Training them here trains the model.

    Args:
        model: The model.
    """

    def __init__(self, model: ActionModel) -> None:
        super().__init__()
        self.channels = model.channels
        self.operator = model.operator
        self.dropout = model.dropout
        self.classifier = model.classifier

    def forward(
        self,
        people: Tensor,
        window: Tensor,
        rows: Tensor | None = None,
        slots: Tensor | None = None,
    ) -> Tensor:
        """Return logits (R, outputs).

        Args:
            people: (R, C) features of people.
            window: (R,) the window of each.
            rows: (U, C) bank rows, each once; None without an operator, as ``slots``.
            slots: (B, M) the place in ``rows`` of each slot of each window, U for an empty one.
        """
        if self.operator is None:
            return self.classifier(self.dropout(people))
        assert rows is not None
        assert slots is not None
        empty = self.operator.project(rows.new_zeros(1, rows.shape[1]))
        projected = torch.cat([self.operator.project(rows), empty])
        # Its gradient is a sum in a fixed order, which that of an index is not.
        windows = functional.embedding(slots, projected)
        context = self.operator.read(people, windows, slots < len(rows), window)
        check_context(self.operator, context, len(people))
        return self.classifier(self.dropout(torch.cat([people, context], 1)))


@dataclass(frozen=True)
class PeopleBatch:
    """The people of some keyframes.

    Attributes:
        people: (R,) row numbers in the store of people.
        window: (R,) the window of each.
        labels: (R, outputs) float, or (R, 0) where unknown.
        rows: (B, M) row numbers in the bank, -1 where a slot is empty; (B, 0) without a bank. With
            D draws in testing (R, D, M), for each person.
    """

    people: Tensor
    window: Tensor
    labels: Tensor
    rows: Tensor

    def to(self, device: torch.device) -> "PeopleBatch":
        """Return the batch on a device."""
        parts = self.people, self.window, self.labels, self.rows
        return PeopleBatch(*(part.to(device, non_blocking=True) for part in parts))

    def draws(self) -> "list[PeopleBatch]":
        """Return a batch for each draw from the bank."""
        if self.rows.ndim == 2:
            return [self]
        own = torch.arange(len(self.people), device=self.people.device)
        return [PeopleBatch(self.people, own, self.labels, rows) for rows in self.rows.unbind(1)]


class People:
    """Keyframes with the features of their people and the bank rows around them.

    Args:
        keyframes: The keyframes.
        store: Features of their people, from ``open_people``.
        lookup: Looks up the bank; None without an operator.
    """

    def __init__(self, keyframes: Keyframes, store: Bank, lookup: Lookup | None) -> None:
        self.keyframes = keyframes
        self.lookup = lookup
        self._store = store
        self._places = keyframes.people.index.keys()

    def __len__(self) -> int:
        return len(self._places)

    def load(
        self, batches: Iterable[Sequence[Item]], workers: int, device: torch.device
    ) -> "_Loader":
        """Return the batches of these items. Nothing is decoded, so no worker has to help."""
        return _Loader(self, batches)

    def inputs(
        self, head: Head, device: torch.device
    ) -> Callable[[PeopleBatch], tuple[Tensor, ...]]:
        """Return the function from a batch to the arguments of a head.

        Raises:
            UserError: The store or the bank is empty, or has another number of channels.
        """
        people = BankFeatures(self._store, head.channels, device)
        if self.lookup is None:
            return lambda batch: (people.take(batch.people), batch.window)
        bank = BankFeatures(self.lookup.bank, head.channels, device)

        def arguments(batch: PeopleBatch) -> tuple[Tensor, ...]:
            rows, slots = _unique(batch.rows)
            return people.take(batch.people), batch.window, bank.take(rows), slots

        return arguments

    def batch(self, items: Sequence[Item]) -> PeopleBatch:
        """Return the people of some keyframes."""
        index, labels = self.keyframes.people.index, self.keyframes.people.labels
        numbers = np.array([number for _, number in items])
        count = index.count[numbers]
        people, window = ragged(index.row_start[numbers], count)
        known = np.empty((len(people), 0)) if labels is None else labels[people]
        rows = np.empty((len(items), 0), np.int64)
        if self.lookup is not None:
            rows = np.concatenate(
                [
                    self.lookup.rows(*self._places[number], own, epoch)
                    for (epoch, number), own in zip(items, count.tolist(), strict=True)
                ]
            )
        return PeopleBatch(
            torch.from_numpy(people),
            torch.from_numpy(window),
            torch.from_numpy(known.astype(np.float32)),
            torch.from_numpy(rows),
        )


@dataclass(frozen=True)
class _Loader:
    """Batches of people; each pass asks for the items again."""

    people: People
    batches: Iterable[Sequence[Item]]

    def __iter__(self) -> Iterator[PeopleBatch]:
        return map(self.people.batch, self.batches)


def _unique(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the U different row numbers, and the place of each slot in them, U if it is empty."""
    found, places = rows.unique(return_inverse=True)
    empty = int((found < 0).sum())
    places = places - empty
    return found[empty:], places.masked_fill_(places < 0, len(found) - empty)


def open_people(
    path: str | Path, keyframes: Keyframes, source: str | Path, *, baseline: str | Path
) -> Bank:
    """Open the features of the people in some keyframes.

    Args:
        path: Folder of the store.
        keyframes: The keyframes.
        source: File of the keyframes, for the message.
        baseline: Checkpoint that the features must be computed with.

    Raises:
        UserError: There is no complete store, or it is of another checkpoint or of other people.
    """
    store = Bank.open(path, checkpoint=digest(baseline))
    people, index = keyframes.people, store.index
    pairs: list[tuple[Any, Any]] = [
        (store.videos, people.index.videos),
        (index.video_start, people.index.video_start),
        (index.second, people.index.second),
        (index.row_start, people.index.row_start),
        (store.read("box"), people.boxes),
    ]
    if not all(np.array_equal(*pair) for pair in pairs):
        raise UserError(
            f"{path}: these are the features of other people than those in {source}. Delete this "
            "folder and run the same command again."
        )
    return store


def predict_people(
    head: Head,
    people: People,
    numbers: NDArray[np.int64],
    actions: Sequence[int],
    *,
    batch: int,
    device: torch.device,
    bfloat16: bool = False,
) -> Predictions:
    """Return the scores of every person of some keyframes, for each draw from the bank.

    Args:
        head: In evaluation mode.
        people: The keyframes.
        numbers: (K,) rising numbers of those to score.
        actions: Ids of the actions to score.
        batch: Keyframes of a batch.
        device: Device that computes.
        bfloat16: Whether to compute in bfloat16 where autocast considers it safe.
    """
    head.to(device)
    arguments = people.inputs(head, device)
    starts = range(0, len(numbers), batch)
    parts = ([(0, number) for number in numbers[i : i + batch].tolist()] for i in starts)
    loaded = progress(people.load(parts, 0, device), "predicting", len(starts))
    draws = people.lookup.draws.count if people.lookup and people.lookup.draws else 1
    scores = [torch.empty(draws, 0, len(actions))]
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        for part in loaded:
            own = part.to(device).draws()
            logits = torch.stack([head(*arguments(draw)) for draw in own])[..., list(actions)]
            scores.append(logits.float().sigmoid().cpu())
    score = torch.cat(scores, 1).numpy()
    found = people.keyframes.people
    index = found.index
    rows, keyframe = ragged(index.row_start[numbers], index.count[numbers])
    names, video = np.unique(index.video[numbers], return_inverse=True)
    return Predictions(
        videos=[index.videos[number] for number in names.tolist()],
        video=video.astype(np.int32)[keyframe],
        second=index.second[numbers][keyframe],
        box=found.boxes[rows],
        score=score[0],
        classes=np.array(actions, np.int32),
        further=score[1:] if len(score) > 1 else None,
    )
