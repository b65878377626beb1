"""The frames of one video, before or after those of the whole data set are extracted."""

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from lfb.errors import UserError
from lfb.files.videos import find_videos
from lfb.video.extraction import extract_all
from lfb.video.frames import FrameFolder, FrameZip


def frames_of(
    video: str, settings: Mapping[str, Any], folder: str | Path
) -> FrameZip | FrameFolder:
    """Return the frames of a video; extract them as the whole data set's, if they are missing.

    Args:
        video: Its name.
        settings: See ``lfb.config.settings.data_settings``.
        folder: Of the zips of frames. A new zip is kept there.

    Raises:
        UserError: There are neither frames nor a video file, or the file is damaged or too short.
    """
    fps, first_second = settings["fps"], settings["first_second"]
    if "videos" not in settings:
        frames = settings["frames"]
        return FrameFolder(frames["folder"], frames["pattern"], video, fps, first_second)
    zipped, source = Path(folder, f"{video}.zip"), Path(settings["videos"])
    files = find_videos(source, [video]) if source.is_dir() else {}
    if video in files:
        cut = {key: settings[key] for key in ("fps", "first_second", "start", "seconds")}
        extract_all({video: files[video]}, folder, **cut)
    elif not zipped.is_file():
        raise UserError(f"{source}: has no video {video!r}.{similar(video, files)}")
    return FrameZip(zipped)


def similar(name: str, names: Collection[str]) -> str:
    """Return a sentence with the names most like one that does not exist."""
    near = difflib.get_close_matches(name, names, n=5, cutoff=0)
    return f" Its names include {', '.join(map(repr, near))}." if near else " It is empty."
