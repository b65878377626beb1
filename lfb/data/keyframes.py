"""Keyframes with the people in them, and the file that hands them from job to job."""

import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lfb.errors import UserError
from lfb.files.whole import write_npz


@dataclass(frozen=True, eq=False)
class Keyframe:
    """One second of a video and the people in it.

    Attributes:
        boxes: (N, 4) float32, fractions of the frame.
        scores: (N,) float32 detection scores; 1 for ground truth.
        labels: (N, outputs) uint8, 1 where the person does the action; None where unknown.
    """

    video: str
    second: int
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Keyframes:
    """The keyframes of a split that one stage works on.

    Attributes:
        keyframes: Sorted by video and second.
        videos: All videos of the split, also those without such a keyframe, sorted.
        actions: Ids of the label list, rising.
        outputs: Outputs of the classifier: one for each id up to the highest, scored or not.
    """

    keyframes: list[Keyframe]
    videos: list[str]
    actions: list[int]
    outputs: int

    def of(self, videos: Collection[str]) -> list[Keyframe]:
        """The keyframes of some videos."""
        wanted = set(videos)
        return [keyframe for keyframe in self.keyframes if keyframe.video in wanted]

    def save(self, path: str | Path) -> None:
        """Writes an ``.npz``; the same keyframes give the same bytes."""
        number = {video: i for i, video in enumerate(self.videos)}
        people = [len(keyframe.boxes) for keyframe in self.keyframes]
        arrays = {
            "videos": np.array(self.videos, np.str_),
            "actions": np.array(self.actions, np.int32),
            "outputs": np.array(self.outputs, np.int32),
            "video": np.array([number[k.video] for k in self.keyframes], np.int32),
            "second": np.array([k.second for k in self.keyframes], np.int32),
            "start": np.cumsum([0, *people]),
            "boxes": _stack([k.boxes for k in self.keyframes], np.empty((0, 4), np.float32)),
            "scores": _stack([k.scores for k in self.keyframes], np.empty(0, np.float32)),
        }
        labels = [k.labels for k in self.keyframes if k.labels is not None]
        if labels:
            arrays["labels"] = np.concatenate(labels)
        write_npz(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Keyframes":
        """Reads what ``save`` wrote.

        Raises:
            UserError: The file is missing or broken.
        """
        try:
            with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            videos = arrays["videos"].tolist()
            start, labels = arrays["start"].tolist(), arrays.get("labels")
            keyframes = [
                Keyframe(
                    videos[video],
                    second,
                    arrays["boxes"][a:b],
                    arrays["scores"][a:b],
                    None if labels is None else labels[a:b],
                )
                for video, second, a, b in zip(
                    arrays["video"].tolist(),
                    arrays["second"].tolist(),
                    start[:-1],
                    start[1:],
                    strict=True,
                )
            ]
            return cls(keyframes, videos, arrays["actions"].tolist(), int(arrays["outputs"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{path}: no whole file of keyframes ({error!r}). Delete it and run the same "
                "command again."
            ) from error


def _stack(parts: Sequence[np.ndarray], empty: np.ndarray) -> np.ndarray:
    return np.concatenate([empty, *parts])
