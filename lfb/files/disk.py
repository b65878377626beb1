"""The free space on the disks that files will be written to."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Disk:
    """A disk, and what will be written to it.

    Attributes:
        folders: Folders on this disk, existing or not.
        needed: Bytes to write.
        free: Bytes free.
    """

    folders: list[str]
    needed: int
    free: int

    def __str__(self) -> str:
        needed, free = format_size(self.needed), format_size(self.free)
        return f"{', '.join(self.folders)}: {needed} needed, {free} free"


def disks(needed: Mapping[str, int]) -> list[Disk]:
    """Return the disks that folders are or will be on.

    Args:
        needed: Bytes to write to each folder.
    """
    found: dict[int, Disk] = {}
    for folder, size in needed.items():
        existing = next(p for p in [Path(folder), *Path(folder).absolute().parents] if p.exists())
        disk = found.get(number := existing.stat().st_dev)
        if disk is None:
            disk = Disk([], 0, shutil.disk_usage(existing).free)
        found[number] = Disk([*disk.folders, folder], disk.needed + size, disk.free)
    return list(found.values())


def format_size(size: float) -> str:
    """Return a number of bytes as a person writes it: ``1.65 GB``."""
    units = ["bytes", "kB", "MB", "GB"]
    while size >= 999.5 and units:
        size, _ = size / 1000, units.pop(0)
    return f"{size:.3g} {[*units, 'TB'][0]}"
