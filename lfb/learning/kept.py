"""Trainings, kept under what they were made with.

Snakemake deletes a rule's outputs before a job and after a failure, so it does not know of these
folders. Each has the name of a key, which follows from the identity of its training: code,
settings, seed and data.

    identity.json             what the training depends on; its time is when it was last used
    resume.pt                 the state from which it continues, also when it is finished
    history.jsonl             metrics of each epoch
    best.safetensors          with `training.take: best`, the weights of the best epoch so far
    tensorboard/              with `training.tensorboard`, event files
    checkpoint.safetensors    the weights, when it is finished
    finished.json             digests of those two files, written last
"""

import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfb.files.atomic import atomic, write_json
from lfb.files.digests import digest, digest_json

log = logging.getLogger("lfb")

STATE = "resume.pt"
CHECKPOINT = "checkpoint.safetensors"
HISTORY = "history.jsonl"
_IDENTITY = "identity.json"
_FINISHED = "finished.json"
_NOT_CARRIED = {_IDENTITY, _FINISHED, CHECKPOINT}


def key_of(identity: Mapping[str, Any]) -> str:
    """Return the name of the folder of a training."""
    return digest_json(identity)[:12]


@dataclass(frozen=True)
class Kept:
    """One training on disk.

    Attributes:
        folder: Its files.
        identity: What it depends on; empty if that cannot be read.
        digests: The digests of the files of a finished training, by name; else empty.
        used: When it was last used, in nanoseconds since 1970.
    """

    folder: Path
    identity: dict[str, Any]
    digests: dict[str, str]
    used: int

    @classmethod
    def read(cls, folder: Path) -> "Kept":
        """Read what a folder says about its training."""
        path = folder / _IDENTITY
        used = path.stat().st_mtime_ns if path.exists() else 0
        return cls(folder, _read(path), _read(folder / _FINISHED), used)

    def is_of(self, checkpoint: Path) -> bool:
        """Return whether this training made a checkpoint."""
        return _has_digest(checkpoint, self.digests.get(CHECKPOINT, ""))

    def damaged(self) -> list[Path]:
        """Return the files of a finished training that are missing or not as they were written."""
        paths = {self.folder / name: value for name, value in self.digests.items()}
        return [path for path, value in paths.items() if not _has_digest(path, value)]


class Trainings:
    """The kept trainings of one model and seed.

    Args:
        folder: Their folder, ``trainings`` beside the outputs; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder(self, identity: Mapping[str, Any]) -> Path:
        """Return the folder of a training, which need not exist."""
        return self._folder / key_of(identity)

    def kept(self) -> list[Kept]:
        """Return all kept trainings, the last used first."""
        folders = [path for path in self._folder.glob("[!.]*") if path.is_dir()]
        return sorted(map(Kept.read, folders), key=lambda kept: kept.used, reverse=True)

    def is_finished(self, identity: Mapping[str, Any]) -> bool:
        """Return whether a training is finished and undamaged; log what is damaged."""
        found = Kept.read(self.folder(identity))
        damaged = found.damaged()
        for path in damaged:
            log.warning("warning: %s: missing or damaged. It is made again.", path)
        return bool(found.digests) and not damaged and key_of(found.identity) == key_of(identity)

    def begin(self, identity: Mapping[str, Any], start: Kept | None = None) -> None:
        """Make the folder of a training that begins or continues.

        Args:
            identity: What the training depends on.
            start: Another training, from whose state this one continues; None for none.
        """
        folder = self.folder(identity)
        if (folder / STATE).exists():
            write_json(folder / _IDENTITY, identity)
            return
        with atomic(folder) as scratch:
            scratch.mkdir()
            if start is not None:
                _carry(start.folder, scratch)
            write_json(scratch / _IDENTITY, identity)

    def finish(self, identity: Mapping[str, Any]) -> None:
        """Say that checkpoint and history of a training are complete."""
        folder = self.folder(identity)
        names = (CHECKPOINT, HISTORY)
        write_json(folder / _FINISHED, {name: digest(folder / name) for name in names})

    def place(self, identity: Mapping[str, Any], checkpoint: Path, history: Path) -> None:
        """Put the files of a finished training where Snakemake expects its outputs.

        They are hard links, or copies where the file system has no links.
        """
        folder = self.folder(identity)
        write_json(folder / _IDENTITY, identity)  # used now
        for name, output in ((CHECKPOINT, checkpoint), (HISTORY, history)):
            link(folder / name, output)
            # Newer than all inputs, and than all that was made from another training.
            os.utime(output)

    def keep(self, count: int, identity: Mapping[str, Any]) -> None:
        """Keep some finished trainings, and remove all that were used before them.

        Args:
            count: How many finished trainings stay: the one in use and those used last.
            identity: What the training in use depends on.
        """
        in_use = self.folder(identity)  # also if the clock was set back since another one was used
        left = count
        for kept in sorted(self.kept(), key=lambda kept: kept.folder != in_use):
            if left == 0:
                remove(kept)
            elif kept.digests:
                left -= 1
        for scratch in list(self._folder.rglob(".*.partial")):  # a killed training left it
            shutil.rmtree(scratch) if scratch.is_dir() else scratch.unlink(missing_ok=True)


def find_unused(results: Path) -> list[Kept]:
    """Return the kept trainings of all models and seeds that are not in use.

    In use are the one that made the checkpoint of its model, and the one that was used last, which
    may be unfinished.

    Args:
        results: Folder of the results.
    """
    unused = []
    for folder in sorted(results.glob("seed-*/*/trainings")):
        checkpoint = folder.with_name(CHECKPOINT)
        unused += [kept for kept in Trainings(folder).kept()[1:] if not kept.is_of(checkpoint)]
    return unused


def remove(kept: Kept) -> None:
    """Remove a training. If this is interrupted, the rest is no training any more."""
    (kept.folder / _IDENTITY).unlink(missing_ok=True)
    shutil.rmtree(kept.folder)


def _carry(source: Path, target: Path) -> None:
    """Copy the files of a training, without those of its end."""
    for path in source.rglob("[!.]*"):
        if path.is_file() and path.name not in _NOT_CARRIED:
            with atomic(target / path.relative_to(source)) as scratch:
                shutil.copy(path, scratch)


def link(source: Path, target: Path) -> None:
    """Make a second name for a file, or a copy where the file system has no links."""
    if target.exists() and target.samefile(source):
        return  # to rename one name of a file to another one does nothing
    with atomic(target) as scratch:
        try:
            os.link(source, scratch)
        except OSError:
            shutil.copy(source, scratch)


def _read(path: Path) -> dict[str, Any]:
    """Return a JSON object; an empty one if the file is missing or damaged."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _has_digest(path: Path, value: str) -> bool:
    return path.is_file() and digest(path) == value
