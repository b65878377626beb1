"""Remove kept trainings and packed frames that are not in use."""

import argparse
import logging
import time
from pathlib import Path

from lfb.data.annotations import named_videos
from lfb.files.disk import format_size
from lfb.learning.kept import Kept, find_unused, remove
from lfb.video.unused import find_unused_zips

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", help="folder of results, to remove trainings")
    parser.add_argument("--frames", help="folder of packed frames, to remove zips")


def run(arguments: argparse.Namespace) -> None:
    sizes = []
    if arguments.results:
        sizes += [remove_training(kept) for kept in find_unused(Path(arguments.results))]
    if arguments.frames:
        sizes += remove_frames(arguments.frames, **arguments.settings)
    log.info("%d removed, %s in all", len(sizes), format_size(sum(sizes)))


def remove_training(kept: Kept) -> int:
    """Remove a training, and return its size in bytes."""
    size = sum(path.stat().st_size for path in kept.folder.rglob("*") if path.is_file())
    state = "finished" if kept.digests else "not finished"
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.used / 1e9))
    remove(kept)
    log.info("removed %s: %s, used last on %s, %s", kept.folder, state, used, format_size(size))
    return size


def remove_frames(folder: str, videos: str | None, annotations: list[str]) -> list[int]:
    """Remove the packed frames that can be made again, and return their sizes in bytes.

    Args:
        folder: Folder of packed frames.
        videos: Folder of the videos; None if the config names a folder of frames.
        annotations: The annotation files.
    """
    if videos is None:
        log.info("the frames are your own: none are removed")
        return []
    unused = find_unused_zips(folder, videos, set().union(*map(named_videos, annotations)))
    sizes = []
    for path in unused.again:
        sizes.append(path.stat().st_size)
        path.unlink()
        log.info("removed %s: no annotation names its video, %s", path, format_size(sizes[-1]))
    if unused.lasting:
        log.info(
            "kept %s%s: no annotation names its video, but %s does not have it, so its frames "
            "could not be made again",
            unused.lasting[0],
            f" and {len(unused.lasting) - 1} like it" if len(unused.lasting) > 1 else "",
            videos,
        )
    return sizes
