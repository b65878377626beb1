"""torchvision's person detectors on keyframes: proposals for videos that have none."""

from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.models.detection import faster_rcnn

from lfb.data.boxes import PersonBoxes
from lfb.errors import UserError
from lfb.files.torch_file import read_tensors
from lfb.program import progress
from lfb.video.frames import FrameFolder, FrameInfo, FrameZip
from lfb.video.images import decode_frame

PERSON = 1  # among the 91 classes of torchvision's COCO weights
_IMAGES = 4  # at a time; they are scaled to 800 x 1333 pixels or so


def load_detector(name: str, weights: str | Path, score: float) -> nn.Module:
    """A detector of torchvision with COCO weights, in evaluation mode.

    Args:
        name: A function of ``torchvision.models.detection``, such as ``fasterrcnn_resnet50_fpn_v2``
            (43.7 million parameters) or ``fasterrcnn_mobilenet_v3_large_320_fpn`` (19.4 million).
        weights: Its published ``.pth``.
        score: Least score of a box.

    Raises:
        UserError: The file is broken, another one than its name says, or of another network.
    """
    model = getattr(faster_rcnn, name)(
        weights=None, weights_backbone=None, num_classes=91, box_score_thresh=score
    )
    tensors = read_tensors(weights)
    try:
        # Not our own load_weights: torchvision renames the tensors of its older files.
        model.load_state_dict(tensors)
    except RuntimeError:
        raise UserError(
            f"{weights}: not the weights of {name}. Set detector.name to the network of this file, "
            "or detector.weights to the file of this network."
        ) from None
    return model.eval()


def keyframes_to_search(
    annotations: pd.DataFrame,
    info: Callable[[str], FrameInfo],
    seconds: Literal["all", "annotated"],
) -> list[tuple[str, int]]:
    """The (video, second) pairs to look for people in, sorted.

    Args:
        info: Of the frames of a video.
        seconds: ``annotated``: the keyframes of the annotations; ``all``: every second of their
            videos of which there is a frame.
    """
    if seconds == "annotated":
        found = annotations[["video", "second"]].drop_duplicates()
        return sorted(zip(found["video"].tolist(), found["second"].tolist(), strict=True))
    keyframes = []
    for video in sorted(annotations["video"].unique()):
        about = info(video)
        begin, end = about.first_second, about.first_second + int(about.frames / about.fps) + 1
        keyframes += [
            (video, second)
            for second in range(begin, end + 1)
            if about.number(second) <= about.frames
        ]
    return keyframes


def detect(
    model: nn.Module,
    keyframes: Sequence[tuple[str, int]],
    frames: Callable[[str], FrameZip | FrameFolder],
    *,
    workers: int,
    device: torch.device,
) -> PersonBoxes:
    """The people that a detector finds in the frames of keyframes.

    Args:
        model: Of ``load_detector``.
        keyframes: (video, second) pairs.
        frames: Opens the frames of a video by name.
        workers: Processes that read the frames.
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
    with torch.inference_mode():
        for batch in progress(images, "looking for people", len(images)):
            batch = [image.to(device).float() / 255 for image in batch]
            for image, found in zip(batch, model(batch), strict=True):
                height, width = image.shape[1:]
                size = torch.tensor([width, height] * 2, device=device)
                people = found["labels"] == PERSON
                boxes.append((found["boxes"][people] / size).clamp(0, 1).cpu().numpy())
                scores.append(found["scores"][people].cpu().numpy())
    counts = [len(part) for part in scores[1:]]
    video = np.repeat(np.array([video for video, _ in keyframes], dtype=object), counts)
    second = np.repeat(np.array([second for _, second in keyframes], dtype=np.int64), counts)
    return PersonBoxes.from_rows(video, second, np.concatenate(boxes), np.concatenate(scores))


class _Images(Dataset):
    """The frames of keyframes, each (3, H, W) uint8."""

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
