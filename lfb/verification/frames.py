"""Compare the frames of videos with their manifest."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lfb.errors import UserError
from lfb.program import progress
from lfb.video.extraction import manifest_entry
from lfb.video.frames import FrameZip, Manifest


def check_frames(manifest: Manifest, threads: int) -> Iterator[str]:
    """Yield a line for each video whose frames are missing, damaged or not those of the manifest.

    Args:
        manifest: The manifest.
        threads: Videos to read at a time.
    """
    videos = list(manifest.videos)
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda video: _check_video(manifest, video), videos)
        for problem in progress(found, "frames: video", len(videos)):
            if problem:
                yield problem


def _check_video(manifest: Manifest, video: str) -> str | None:
    """Read every frame of a video; return what is wrong, None if nothing is."""
    entry = manifest.videos[video]
    frames = manifest.open(video)
    found, size = hashlib.sha256(), 0
    try:
        if isinstance(frames, FrameZip):
            expected = manifest_entry(frames.info, Path(frames.path).stat().st_size)
            if entry != expected:
                return (
                    f"{manifest.path}: its entry of video {video} does not match {frames.path}. "
                    "Delete the manifest and run the same command again."
                )
        for number in range(1, entry["frames"] + 1):
            data = frames.read(number)
            found.update(data)
            size += len(data)
    except UserError as error:
        return str(error)
    if found.hexdigest() != entry["digest"]:
        name = frames.path if isinstance(frames, FrameZip) else frames.path(1).parent
        return (
            f"{name}: the frames of video {video} are not those of {manifest.path}. Restore them, "
            "or delete the manifest and run the same command again."
        )
    return None
