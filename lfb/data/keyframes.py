"""The file that passes the keyframes of a split from one job to the next."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lfb.data.boxes import Keyframe, PersonBoxes, RowIndex
from lfb.errors import UserError
from lfb.files.npz import read_npz, write_npz


@dataclass(frozen=True, eq=False)
class Keyframes:
    """The keyframes of a split that one stage works on.

    Attributes:
        people: Boxes on the keyframes. Their index lists all videos of the split, also those
            without a keyframe.
        actions: Ids of the label list, rising.
        outputs: Outputs of the classifier: one for each id up to the highest, scored or not.
    """

    people: PersonBoxes
    actions: list[int]
    outputs: int

    @property
    def videos(self) -> list[str]:
        """All videos of the split, sorted."""
        return self.people.index.videos

    @property
    def keyframes(self) -> list[Keyframe]:
        """The keyframes one by one, sorted by video and second."""
        return self.people.keyframes()

    def of(self, videos: Collection[str]) -> list[Keyframe]:
        """Return the keyframes of some videos."""
        names = set(videos)
        return [keyframe for keyframe in self.keyframes if keyframe.video in names]

    def save(self, path: str | Path) -> None:
        """Write an ``.npz``. The same keyframes give the same bytes."""
        write_npz(path, self.arrays())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the file."""
        people, index = self.people, self.people.index
        arrays = {
            "videos": np.array(index.videos, np.str_),
            "actions": np.array(self.actions, np.int32),
            "outputs": np.array(self.outputs, np.int32),
            "video": index.video.astype(np.int32),
            "second": index.second,
            "start": index.row_start,
            "boxes": people.boxes,
            "scores": people.scores,
        }
        if people.labels is not None and len(index):
            arrays["labels"] = people.labels
        return arrays

    @classmethod
    def load(cls, path: str | Path) -> "Keyframes":
        """Read what ``save`` wrote.

        Raises:
            UserError: The file is missing or damaged.
        """
        try:
            arrays = read_npz(path)
            index = RowIndex.of(
                arrays["videos"].tolist(),
                arrays["video"],
                arrays["second"],
                np.diff(arrays["start"]),
            )
            people = PersonBoxes(index, arrays["boxes"], arrays["scores"], arrays.get("labels"))
            return cls(people, arrays["actions"].tolist(), int(arrays["outputs"]))
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"{path}: not a complete file of keyframes ({error!r}). Delete it and run the same "
                "command again."
            ) from error
