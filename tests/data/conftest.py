"""A small data set for the tests of the data check."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lfb.data.annotations import write_labels
from lfb.data.boxes import PersonBoxes
from lfb.data.check import check
from lfb.data.check_split import SplitFiles
from lfb.data.proposals import write_proposals
from lfb.errors import DataErrors, UserError


class DataSet:
    """A valid data set of two splits in a folder. Tests change its files one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.videos = folder / "videos"
        self.videos.mkdir()
        self.labels = folder / "labels.pbtxt"
        write_labels(self.labels, {1: "bend", 3: "stand"})
        self.splits = {}
        self.durations: dict[str, float | str] = {}
        for split, names in (("train", ["a", "b"]), ("val", ["c"])):
            self.splits[split] = SplitFiles(
                annotations=folder / f"{split}.csv",
                proposals=folder / f"{split}.pkl",
                excluded=folder / f"{split}_excluded.csv",
            )
            keys = [(name, second) for name in names for second in (902, 903, 904)]
            self.annotate(
                split, *(f"{v},{t},0.1,0.1,0.5,0.9,{a},0" for v, t in keys for a in (1, 3))
            )
            self.propose(split, *((*key, 0.95) for key in keys))
            self.exclude(split)
            for name in names:
                self.add_video(f"{name}.mp4", 911.0)

    def annotate(self, split: str, *rows: str) -> None:
        self.splits[split].annotations.write_text("\n".join(rows) + "\n")

    def propose(self, split: str, *rows: tuple[str, int, float]) -> None:
        video, second, score = zip(*rows, strict=True)
        boxes = np.tile([0.1, 0.1, 0.5, 0.9], (len(rows), 1))
        write_proposals(
            self.splits[split].proposals, PersonBoxes.from_rows(video, second, boxes, score)
        )

    def exclude(self, split: str, *rows: str) -> None:
        self.splits[split].excluded.write_text("".join(f"{row}\n" for row in rows))

    def add_video(self, name: str, duration: float | str) -> None:
        (self.videos / name).touch()
        self.durations[name] = duration

    def probe(self, path: Path) -> SimpleNamespace:
        found = self.durations[path.name]
        if isinstance(found, str):
            raise UserError(f"{path}: {found}")
        return SimpleNamespace(duration=found, fps=30, width=400, height=300)

    def check(self, **options) -> dict:
        settings = {
            "splits": self.splits,
            "labels": self.labels,
            "unscored": {2},
            "videos": self.videos,
            "first_second": 900,
            "start": 900.0,
            "seconds": 11.0,
            "fps": 30.0,
            "expected": {},
            "probe": self.probe,
        }
        return check(**settings | options)

    def errors(self, **options) -> list[str]:
        with pytest.raises(DataErrors) as caught:
            self.check(**options)
        return [error.removeprefix(f"{self.folder}/") for error in caught.value.errors]


@pytest.fixture
def data(tmp_path):
    return DataSet(tmp_path)
