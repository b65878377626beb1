"""What a network sees of a keyframe: a clip, the boxes in it, and the bank rows around it."""

import math
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from lfb.bank.features import BankFeatures
from lfb.bank.store import Bank
from lfb.data.boxes import Keyframe
from lfb.errors import UserError
from lfb.learning.lookup import Draws, Lookup, Window
from lfb.randomness import generator
from lfb.video.frames import FrameInfo
from lfb.video.images import decode_frame, resize

if TYPE_CHECKING:  # data-loading workers start without the models
    from lfb.models.action_model import ActionModel


class Frames(Protocol):
    """The frames of one video (``lfb.video.frames.FrameZip`` or ``FrameFolder``)."""

    @property
    def info(self) -> FrameInfo: ...

    def read(self, number: int) -> bytes: ...


@dataclass(frozen=True)
class Input:
    """How to make a clip. MMAction2's values for AVA: 4, 16, 256, (256, 320), 256, 0.5, defaults.

    Attributes:
        frames: Frames of a clip.
        interval: Frames of the video from one frame of the clip to the next.
        short_side: Short side in testing, pixels.
        train_short_side: Range of the short side in training, pixels.
        crop: Side of the random square crop in training, pixels.
        flip: Probability that a training clip is mirrored.
        jitter: Whether each position moves in training, by up to half an interval.
        test_crop: Side of the centre crop in testing, pixels; None for the whole frame.
    """

    frames: int
    interval: int
    short_side: int
    train_short_side: tuple[int, int]
    crop: int
    flip: float
    jitter: bool = True
    test_crop: int | None = None


@dataclass(frozen=True)
class Batch:
    """Keyframes of equal clip size, side by side.

    Attributes:
        clips: (B, 3, T, H, W) uint8 RGB.
        rois: (R, 5) index of the clip and the box in pixels.
        labels: (R, outputs) float, or (R, 0) where unknown.
        rows: (B, M) row numbers in the bank, -1 where a slot is empty; (B, 0) without a bank. With
            D draws in testing (R, D, M), for each RoI.
        keyframes: The B keyframes.
    """

    clips: Tensor
    rois: Tensor
    labels: Tensor
    rows: Tensor
    keyframes: list[Keyframe]

    def mirrored(self) -> "Batch":
        """Return the batch with left and right swapped."""
        clips, boxes = mirror(self.clips, self.rois[:, 1:])
        return replace(self, clips=clips, rois=torch.cat([self.rois[:, :1], boxes], 1))

    def pin_memory(self) -> "Batch":
        return self._each(Tensor.pin_memory)

    def to(self, device: torch.device) -> "Batch":
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        return Batch(
            change(self.clips),
            change(self.rois),
            change(self.labels),
            change(self.rows),
            self.keyframes,
        )


def frame_numbers(
    centre: int, count: int, shape: Input, random: np.random.Generator | None
) -> np.ndarray:
    """Return the 1-based frames of a clip around frame ``centre`` of a video of ``count`` frames.

    Without a generator, 4 frames at interval 16 are centre - 32, - 16, + 0, + 16. With a generator
    and ``shape.jitter``, every position moves by -interval/2 .. interval/2 - 1 (MMAction2's
    SampleAVAFrames). Positions outside the video become its first or last frame.
    """
    first = centre - shape.interval * shape.frames // 2
    numbers = first + shape.interval * np.arange(shape.frames)
    if random is not None and shape.jitter:
        numbers += random.integers(-(shape.interval // 2), (shape.interval + 1) // 2, shape.frames)
    return numbers.clip(1, count)


def mirror(clips: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return clips (..., W) and boxes (N, 4) in their pixels, with left and right swapped."""
    width = clips.shape[-1]
    x1, y1, x2, y2 = boxes.unbind(-1)
    return clips.flip(-1), torch.stack([width - x2, y1, width - x1, y2], -1)


class Clips(Dataset):
    """Keyframes with their clips and bank windows.

    The index of an item is (epoch, number). Every draw is keyed by (seed, epoch, video, second), so
    it does not depend on the number of workers and processes.

    Args:
        keyframes: The keyframes.
        frames: Returns the frames of a video.
        shape: How to make a clip.
        bank: Bank to look windows up in; None for the baseline.
        window: What to look up.
        seed: Seed of augmentation and of draws from crowded seconds of the bank. None for testing,
            where a window takes the rows with the highest scores.
        draws: In testing, draw from crowded seconds instead of taking the highest scores.
    """

    def __init__(
        self,
        keyframes: Sequence[Keyframe],
        frames: Callable[[str], Frames],
        shape: Input,
        bank: Bank | None = None,
        window: Window | None = None,
        seed: int | None = None,
        draws: Draws | None = None,
    ) -> None:
        self.keyframes = keyframes
        self.shape = shape
        self.bank = bank
        self.window = window
        self.seed = seed
        self.draws = draws
        self._open = frames
        self._videos: dict[str, Frames] = {}

    def at(self, short_side: int) -> "Clips":
        """Return the same keyframes with test clips of whole frames, at another short side."""
        shape = replace(self.shape, short_side=short_side, test_crop=None)
        return Clips(
            self.keyframes, self._open, shape, self.bank, self.window, self.seed, self.draws
        )

    def __len__(self) -> int:
        return len(self.keyframes)

    def load(self, batches: Sampler, workers: int, device: torch.device) -> DataLoader:
        """Return a loader of these batches; see ``load``."""
        return load(self, batches, workers, device)

    def inputs(
        self, model: "ActionModel", device: torch.device
    ) -> Callable[[Batch], tuple[Tensor, ...]]:
        """Return the function from a batch to the arguments of a model.

        Raises:
            UserError: The bank is empty or has another number of channels.
        """
        if self.bank is None:
            return lambda batch: (batch.clips, batch.rois)
        features = BankFeatures(self.bank, model.channels, device)
        return lambda batch: (batch.clips, batch.rois, *features(batch.rows))

    def __getitem__(self, item: tuple[int, int]) -> Batch:
        epoch, number = item
        keyframe = self.keyframes[number]
        random = None
        if self.seed is not None:
            random = generator("clip", self.seed, epoch, keyframe.video, keyframe.second)
        clip, boxes = self._clip(keyframe, random)
        labels = keyframe.labels if keyframe.labels is not None else np.empty((len(boxes), 0))
        return Batch(
            clip[None],
            torch.cat([torch.zeros(len(boxes), 1), boxes], 1),
            torch.from_numpy(labels.astype(np.float32)),
            torch.from_numpy(self._rows(keyframe, epoch)),
            [keyframe],
        )

    def _rows(self, keyframe: Keyframe, epoch: int) -> np.ndarray:
        """Return (1, M) row numbers, or (N, D, M) with draws."""
        if self.bank is None or self.window is None:
            return np.empty((1, 0), np.int64)
        lookup = Lookup(self.bank, self.window, self.seed, self.draws)
        return lookup.rows(keyframe.video, keyframe.second, len(keyframe.boxes), epoch)

    def _clip(
        self, keyframe: Keyframe, random: np.random.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """Return a clip (3, T, H, W) uint8 and the boxes (N, 4) in its pixels."""
        video = self._videos.get(keyframe.video)
        if video is None:
            video = self._videos[keyframe.video] = self._open(keyframe.video)
        info = video.info
        centre = info.number(keyframe.second)
        numbers = frame_numbers(centre, info.frames, self.shape, random)
        clip = torch.stack(
            [decode_frame(video.read(n), keyframe.video, n) for n in numbers.tolist()]
        )

        shape = self.shape
        short = shape.short_side
        if random is not None:
            short = int(random.integers(shape.train_short_side[0], shape.train_short_side[1] + 1))
        height, width = clip.shape[-2:]
        scale = short / min(height, width)
        size = max(short, round(height * scale)), max(short, round(width * scale))
        if size != (height, width):
            clip = resize(clip, size)
        boxes = torch.from_numpy(keyframe.boxes * np.array([size[1], size[0]] * 2, np.float32))

        crop = shape.test_crop if random is None else shape.crop
        if crop is not None:
            room = size[0] - crop, size[1] - crop
            if random is None:
                top, left = math.ceil(room[0] / 2), math.ceil(room[1] / 2)  # as the authors round
            else:
                top, left = int(random.integers(room[0] + 1)), int(random.integers(room[1] + 1))
            clip = clip[..., top : top + crop, left : left + crop]
            boxes = (boxes - torch.tensor([left, top] * 2)).clip(0, crop)
        if random is not None and random.random() < shape.flip:
            clip, boxes = mirror(clip, boxes)
        return clip.movedim(0, 1), boxes.float()


def collate(items: Sequence[Batch]) -> Batch:
    """Return a batch of keyframes of equal clip size."""
    rois = [item.rois.clone() for item in items]
    for number, part in enumerate(rois):
        part[:, 0] = number
    return Batch(
        torch.cat([item.clips for item in items]),
        torch.cat(rois),
        torch.cat([item.labels for item in items]),
        torch.cat([item.rows for item in items]),
        [keyframe for item in items for keyframe in item.keyframes],
    )


class Shuffled(Sampler):
    """The batches of one process in one epoch of training: (pass, number) pairs in random order.

    All processes draw the same order for each pass over the keyframes, and each takes its share of
    every total batch. Keyframes that do not fill a total batch are left out of that pass.

    Args:
        size: Number of keyframes.
        batch: Clips of a batch of one process.
        seed: Seed of the run.
        rank: Number of this process.
        processes: Number of processes.
        clips: Clips of an epoch. Each epoch then continues where the last one stopped. None for one
            pass over the keyframes.

    Attributes:
        epoch: Number of the epoch, from 0.
        first: Number of the first batch in the epoch; the batches before it are skipped.
    """

    def __init__(
        self,
        size: int,
        batch: int,
        seed: int,
        rank: int = 0,
        processes: int = 1,
        clips: int | None = None,
    ) -> None:
        if clips is not None and clips < batch * processes:
            raise UserError(
                f"config key training.epoch_clips: {clips} clips do not fill one batch of {batch} "
                f"on each of {processes} processes. Raise it, or lower training.batch."
            )
        if size < batch * processes:
            raise UserError(
                f"{size} training keyframes do not fill one batch of {batch} clips on each of "
                f"{processes} processes. Lower training.batch."
            )
        self.size, self.batch, self.seed = size, batch, seed
        self.rank, self.processes = rank, processes
        self.clips = size if clips is None else clips
        self.epoch = 0
        self.first = 0

    def __len__(self) -> int:
        return self.clips // (self.batch * self.processes)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        total = self.batch * self.processes
        begin = self.epoch * len(self)
        drawn = None
        for iteration in range(begin + self.first, begin + len(self)):
            number, place = divmod(iteration, self.size // total)
            if number != drawn:
                order = generator("order", self.seed, number).permutation(self.size)
                drawn = number
            first = place * total + self.rank * self.batch
            yield [(number, int(keyframe)) for keyframe in order[first : first + self.batch]]


class InOrder(Sampler):
    """Batches for testing: keyframes in order, each batch of one video, with clips of one size."""

    def __init__(self, keyframes: Sequence[Keyframe], batch: int) -> None:
        self.batches: list[list[tuple[int, int]]] = []
        video = None
        for number, keyframe in enumerate(keyframes):
            if keyframe.video != video or len(self.batches[-1]) == batch:
                self.batches.append([])
                video = keyframe.video
            self.batches[-1].append((0, number))

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter(self.batches)


def load(clips: Clips, batches: Sampler, workers: int, device: torch.device) -> DataLoader:
    """Return a loader of ``Batch``es. ``workers`` processes prepare them; 0 uses this process."""
    # A fork of a process with threads can deadlock. A fork of a server that has only imported this
    # module cannot, and it starts at once.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return DataLoader(
        clips,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=device.type == "cuda",
        multiprocessing_context=context if workers else None,
        worker_init_fn=_leave_signals_to_the_job,
    )


def _leave_signals_to_the_job(worker: int) -> None:
    """Ignore the signals that ask a job to stop. It needs this worker until it has saved."""
    for number in signal.SIGTERM, signal.SIGUSR1:
        signal.signal(number, signal.SIG_IGN)
