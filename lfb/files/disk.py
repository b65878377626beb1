"""The disks that files are written to: their free space, and what to do if they take no more."""

import errno
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lfb.errors import UserError


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
        existing = _existing(folder)
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


def check_access(folder: str | Path) -> None:
    """Check that files can be written to a folder, which need not exist.

    Raises:
        UserError: They cannot.
    """
    existing = _existing(folder)
    if not os.access(existing, os.W_OK | os.X_OK):
        read_only = os.statvfs(existing).f_flag & os.ST_RDONLY
        error = OSError(errno.EROFS if read_only else errno.EACCES, "")
        raise UserError(str(explain_disk_error(error, existing)))


def explain_disk_error(error: OSError, path: str | Path) -> str | None:
    """Return what to do about a full disk or a file without access; None for any other error.

    Args:
        error: Raised while the file was read or written.
        path: The file.
    """
    why = os.strerror(error.errno or 0)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path}: the disk is full ({why}). Free some space and run the same command again."
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return (
            f"{path}: no access ({why}). Change the permissions, or set `pathvars` in the config "
            "to folders that you can write to, and run the same command again."
        )
    return None


def _existing(folder: str | Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in [Path(folder), *Path(folder).absolute().parents] if path.exists())
