"""Keyframes as the network sees them: a clip, the boxes in it, and the bank rows around it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from lfb.bank.store import Bank
from lfb.data.boxes import Keyframe
from lfb.errors import UserError
from lfb.randomness import generator, seed_of
from lfb.video.frames import FrameInfo
from lfb.video.images import decode_frame, resize


class Frames(Protocol):
    """The frames of one video (``lfb.video.frames.FrameZip`` or ``FrameFolder``)."""

    @property
    def info(self) -> FrameInfo: ...

    def read(self, number: int) -> bytes: ...


@dataclass(frozen=True)
class Input:
    """What a clip is. MMAction2's values for AVA are 4, 16, 256, (256, 320), 256, 0.5 and defaults.

    Attributes:
        frames: Frames of a clip.
        interval: Frames of the video from one to the next.
        short_side: Pixels of the short side in testing.
        train_short_side: Range it is drawn from in training.
        crop: Side of the square that is cut out in training.
        flip: Chance that a training clip is mirrored.
        jitter: Whether each position moves in training, by up to half an interval.
        test_crop: Side of the square from the middle that is seen in testing; None for all.
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
class Window:
    """What is looked up in the bank: ``per_second`` rows of each of ``seconds`` seconds."""

    seconds: int
    per_second: int


@dataclass(frozen=True)
class Draws:
    """Windows drawn in testing, for every RoI afresh and ``count`` times over.

    The published models were tested like this, with one draw (MMAction2's lfb.py). Here each draw
    is keyed by (seed, draw, video, second, number of the RoI), so that it can be repeated.
    """

    count: int
    seed: int


@dataclass(frozen=True)
class Batch:
    """Keyframes side by side.

    Attributes:
        clips: (B, 3, T, H, W) uint8 RGB.
        rois: (R, 5) index of the clip and the box in pixels.
        labels: (R, outputs) float, or (R, 0) where unknown.
        rows: (B, M) row numbers in the bank, -1 where a slot is empty; (B, 0) without a bank;
            (R, D, M), each RoI's own, where windows are drawn D times in testing.
        keyframes: The B keyframes.
    """

    clips: Tensor
    rois: Tensor
    labels: Tensor
    rows: Tensor
    keyframes: list[Keyframe]

    def mirrored(self) -> "Batch":
        """The same with left and right swapped."""
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
    """The 1-based frames of a clip around frame ``centre`` of a video of ``count`` frames.

    Without a generator 4 x 16 gives centre - 32, - 16, + 0, + 16; with one and ``shape.jitter``,
    every position moves by -interval/2 .. interval/2 - 1 (MMAction2's SampleAVAFrames). Positions
    outside the video become its first or last frame.
    """
    first = centre - shape.interval * shape.frames // 2
    numbers = first + shape.interval * np.arange(shape.frames)
    if random is not None and shape.jitter:
        numbers += random.integers(-(shape.interval // 2), (shape.interval + 1) // 2, shape.frames)
    return numbers.clip(1, count)


def mirror(clips: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Clips (..., W) and boxes (N, 4) in their pixels with left and right swapped."""
    width = clips.shape[-1]
    x1, y1, x2, y2 = boxes.unbind(-1)
    return clips.flip(-1), torch.stack([width - x2, y1, width - x1, y2], -1)


class Clips(Dataset):
    """Keyframes with their clips and bank windows.

    An item is asked for as (epoch, number). Every draw is keyed by (seed, epoch, video, second),
    so it is the same on any number of workers and processes.

    Args:
        keyframes: What to show.
        frames: Opens the frames of a video by name.
        shape: What a clip is.
        bank: Where windows are looked up; none for the baseline.
        window: What is looked up.
        seed: Augments clips and draws from crowded seconds of the bank; None for testing, where a
            window takes the highest scores.
        draws: In testing, draws from crowded seconds in place of the highest scores.
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
        """The same with test clips of the whole frame, of another short side."""
        shape = replace(self.shape, short_side=short_side, test_crop=None)
        return Clips(
            self.keyframes, self._open, shape, self.bank, self.window, self.seed, self.draws
        )

    def __len__(self) -> int:
        return len(self.keyframes)

    def __getitem__(self, item: tuple[int, int]) -> Batch:
        epoch, number = item
        keyframe = self.keyframes[number]
        random = key = None
        if self.seed is not None:
            drawn = (self.seed, epoch, keyframe.video, keyframe.second)
            random, key = generator("clip", *drawn), (seed_of("bank", *drawn),)
        clip, boxes = self._clip(keyframe, random)
        labels = keyframe.labels if keyframe.labels is not None else np.empty((len(boxes), 0))
        return Batch(
            clip[None],
            torch.cat([torch.zeros(len(boxes), 1), boxes], 1),
            torch.from_numpy(labels.astype(np.float32)),
            torch.from_numpy(self._rows(keyframe, key)),
            [keyframe],
        )

    def _rows(self, keyframe: Keyframe, key: tuple[int, ...] | None) -> np.ndarray:
        """(1, M) row numbers, or (N, D, M) with draws."""
        if self.bank is None or self.window is None:
            return np.empty((1, 0), np.int64)
        bank, window = self.bank, self.window
        place = keyframe.video, keyframe.second

        def rows(key: tuple[int, ...] | None) -> np.ndarray:
            return bank.rows(*place, window=window.seconds, per_second=window.per_second, key=key)

        if self.draws is None:
            return rows(key)[None]
        people, count = len(keyframe.boxes), self.draws.count
        found = np.empty((people, count, window.seconds * window.per_second), np.int64)
        for person, draw in np.ndindex(people, count):
            found[person, draw] = rows((seed_of("test", self.draws.seed, draw, *place, person),))
        return found

    def _clip(
        self, keyframe: Keyframe, random: np.random.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """(3, T, H, W) uint8 and the boxes (N, 4) in its pixels."""
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
    """Puts keyframes of equal clip size side by side."""
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
    """One process's batches of one epoch of training: (pass, number) pairs in a drawn order.

    All processes draw the same order for each pass over the keyframes and take their share of each
    total batch; what does not fill a total batch waits for another pass.

    Args:
        size: Keyframes in all.
        batch: Clips of a batch of one process.
        seed: Of the run.
        rank: This process.
        processes: How many there are.
        clips: Of an epoch, which then goes on where the one before left off; None for one pass.
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
                f"config key training.epoch_clips: {clips} do not fill one batch of {batch} clips "
                f"on each of {processes} processes. Set it higher, or a smaller training.batch."
            )
        if size < batch * processes:
            raise UserError(
                f"{size} training keyframes do not fill one batch of {batch} clips on each of "
                f"{processes} processes. Set a smaller training.batch."
            )
        self.size, self.batch, self.seed = size, batch, seed
        self.rank, self.processes = rank, processes
        self.clips = size if clips is None else clips
        self.epoch = 0

    def __len__(self) -> int:
        return self.clips // (self.batch * self.processes)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        total = self.batch * self.processes
        begin = self.epoch * len(self)
        drawn = None
        for iteration in range(begin, begin + len(self)):
            number, place = divmod(iteration, self.size // total)
            if number != drawn:
                order = generator("order", self.seed, number).permutation(self.size)
                drawn = number
            first = place * total + self.rank * self.batch
            yield [(number, int(keyframe)) for keyframe in order[first : first + self.batch]]


class InOrder(Sampler):
    """Batches for testing: keyframes in order, each batch from one video, whose clips are alike."""

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
    """A loader of ``Batch``es; ``workers`` processes prepare them, 0 does so in this one."""
    # A forked copy of a process that runs threads can deadlock; a copy of one that has only
    # imported this module cannot, and is there at once.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return DataLoader(
        clips,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=device.type == "cuda",
        multiprocessing_context=context if workers else None,
    )
