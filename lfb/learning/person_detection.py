"""Detect people in keyframes: proposals for a split that has none."""

import logging
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lfb.data.boxes import PersonBoxes
from lfb.models.person_detector import CLASSES, PERSON, load_person_detector
from lfb.program import progress
from lfb.video.frames import FrameFolder, FrameInfo, FrameZip, Manifest
from lfb.video.images import decode_frame

_IMAGES = 4  # images of a batch; the network scales them to about 800 x 1333 pixels

log = logging.getLogger("lfb")


def detect_people(
    settings: Mapping[str, Any],
    *,
    annotations: pd.DataFrame,
    manifest: str | Path,
    weights: str | Path,
    piece: slice,
    device: torch.device,
    workers: int,
) -> PersonBoxes:
    """Detect the people in the keyframes of some of a split's videos.

    Args:
        settings: From ``lfb.config.settings.detection_settings``.
        annotations: A row for each box and action of the split.
        manifest: Manifest of the frames.
        weights: Weights of the person detector, ``.pth``.
        piece: Which of the split's videos, sorted by name.
        device: Device that computes.
        workers: Processes that read frames.
    """
    frames = Manifest(manifest)
    videos = sorted(annotations["video"].unique())[piece]
    keyframes = keyframes_to_search(
        annotations[annotations["video"].isin(videos)],
        lambda video: frames.open(video).info,
        settings["seconds"],
    )
    people = detect(
        load_person_detector(settings["name"], weights, settings["score"]),
        keyframes,
        frames.open,
        classes=[CLASSES.index(name) for name in settings["classes"]],
        workers=workers,
        device=device,
    )
    log.info("%d people in %d of %d frames", len(people.boxes), len(people.index), len(keyframes))
    return people


def detect_in_film(
    settings: Mapping[str, Any],
    *,
    video: str,
    manifest: str | Path,
    weights: str | Path,
    device: torch.device,
    workers: int,
) -> PersonBoxes:
    """Detect the people in every second of one video that has no annotations.

    Args:
        settings: ``name``, ``classes`` and ``score`` of the config's ``detector``.
        video: Name of the video.
        manifest: Manifest of its frames.
        weights: Weights of the person detector, ``.pth``.
        device: Device that computes.
        workers: Processes that read frames.
    """
    frames = Manifest(manifest)
    info = frames.open(video).info
    return detect(
        load_person_detector(settings["name"], weights, settings["score"]),
        [(video, second) for second in seconds_of(info)],
        frames.open,
        classes=[CLASSES.index(name) for name in settings["classes"]],
        workers=workers,
        device=device,
    )


def seconds_of(info: FrameInfo) -> list[int]:
    """Return the seconds of a video that have a frame."""
    begin, end = info.first_second, info.first_second + int(info.frames / info.fps) + 1
    return [second for second in range(begin, end + 1) if 1 <= info.number(second) <= info.frames]


def keyframes_to_search(
    annotations: pd.DataFrame,
    info: Callable[[str], FrameInfo],
    seconds: Literal["all", "annotated"],
) -> list[tuple[str, int]]:
    """Return the (video, second) pairs to look for people in, sorted.

    Args:
        annotations: A row for each box and action.
        info: Returns what is known of the frames of a video.
        seconds: ``annotated``: the annotated keyframes. ``all``: every second of the annotated
            videos. Seconds without a frame are left out: excluded ones may have none.
    """
    keyframes = []
    for video, annotated in annotations.groupby("video")["second"]:
        wanted = set(annotated.tolist())
        keyframes += [
            (video, second)
            for second in seconds_of(info(video))
            if seconds == "all" or second in wanted
        ]
    return keyframes


def detect(
    model: nn.Module,
    keyframes: Sequence[tuple[str, int]],
    frames: Callable[[str], FrameZip | FrameFolder],
    *,
    classes: Sequence[int] = (PERSON,),
    workers: int,
    device: torch.device,
) -> PersonBoxes:
    """Return the people that a detector finds in the frames of keyframes.

    Args:
        model: From ``load_person_detector``.
        keyframes: (video, second) pairs.
        frames: Returns the frames of a video.
        classes: Classes of the detector that count as people.
        workers: Processes that read frames.
        device: Device that computes.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    images = DataLoader(
        _Images(keyframes, frames),
        batch_size=_IMAGES,
        collate_fn=list,
        num_workers=workers,
        multiprocessing_context=context if workers else None,
    )
    boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
    model.to(device)
    wanted = torch.tensor(classes, device=device)
    with torch.inference_mode():
        for batch in progress(images, "detecting people, batch", len(images)):
            batch = [image.to(device).float() / 255 for image in batch]
            for image, found in zip(batch, model(batch), strict=True):
                height, width = image.shape[1:]
                size = torch.tensor([width, height] * 2, device=device)
                people = torch.isin(found["labels"], wanted)
                boxes.append((found["boxes"][people] / size).clamp(0, 1).cpu().numpy())
                scores.append(found["scores"][people].cpu().numpy())
    counts = [len(part) for part in scores[1:]]
    video = np.repeat(np.array([video for video, _ in keyframes], dtype=object), counts)
    second = np.repeat(np.array([second for _, second in keyframes], dtype=np.int64), counts)
    return PersonBoxes.from_rows(video, second, np.concatenate(boxes), np.concatenate(scores))


class _Images(Dataset):
    """The frames of keyframes, each (3, H, W) uint8 RGB."""

    def __init__(
        self, keyframes: Sequence[tuple[str, int]], frames: Callable[[str], FrameZip | FrameFolder]
    ) -> None:
        self.keyframes = keyframes
        self._open = frames
        self._videos: dict[str, FrameZip | FrameFolder] = {}

    def __len__(self) -> int:
        return len(self.keyframes)

    def __getitem__(self, item: int) -> Tensor:
        video, second = self.keyframes[item]
        if video not in self._videos:
            self._videos[video] = self._open(video)
        frames = self._videos[video]
        number = frames.info.number(second)
        return decode_frame(frames.read(number), video, number)
