"""Packed frames of videos that the data does not name any more."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from lfb.errors import UserError
from lfb.files.videos import list_videos
from lfb.video.frames import FrameZip


class UnusedZips(NamedTuple):
    """Zips of frames that the data does not use.

    Attributes:
        again: Those that can be made again, because their video is still there.
        lasting: All others.
    """

    again: list[Path]
    lasting: list[Path]


def find_unused_zips(folder: str | Path, videos: str | Path, used: Collection[str]) -> UnusedZips:
    """Return the zips in the folder of packed frames that the data does not use.

    Args:
        folder: Folder of the packed frames; need not exist.
        videos: Folder of the videos; need not exist.
        used: Names of the videos in the data.
    """
    zips = {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in sorted(Path(folder).rglob("[!.]*.zip"))
    }
    unused = {name: path for name, path in zips.items() if name not in used}
    present, _ = list_videos(videos, unused)
    again = [path for name, path in unused.items() if name in present and _is_packed(path)]
    return UnusedZips(again, [path for path in unused.values() if path not in again])


def _is_packed(path: Path) -> bool:
    """Return whether a zip is one that this project writes."""
    try:
        return FrameZip(path).info.frames > 0
    except UserError:
        return False
