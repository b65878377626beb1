"""Room on disks: how much is free where something will be written."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Disk:
    """What is to be written to one disk.

    Attributes:
        folders: Where on it, made already or not.
        needed: Bytes.
        free: Bytes.
    """

    folders: list[str]
    needed: int
    free: int

    def __str__(self) -> str:
        return (
            f"{', '.join(self.folders)}: {in_words(self.needed)} needed, {in_words(self.free)} free"
        )


def disks(needs: Mapping[str, int]) -> list[Disk]:
    """The disks that folders lie on, or will lie on.

    Args:
        needs: Bytes to write to each folder.
    """
    found: dict[int, Disk] = {}
    for folder, needed in needs.items():
        there = next(p for p in [Path(folder), *Path(folder).absolute().parents] if p.exists())
        disk = found.get(number := there.stat().st_dev)
        if disk is None:
            disk = Disk([], 0, shutil.disk_usage(there).free)
        found[number] = Disk([*disk.folders, folder], disk.needed + needed, disk.free)
    return list(found.values())


def in_words(size: float) -> str:
    """A number of bytes for people: ``1.65 GB``."""
    units = ["bytes", "kB", "MB", "GB"]
    while size >= 999.5 and units:
        size, _ = size / 1000, units.pop(0)
    return f"{size:.3g} {[*units, 'TB'][0]}"
