"""Names of video files, and the video files of a folder."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from lfb.errors import DataErrors

EXTENSIONS = (".mp4", ".mkv", ".webm", ".avi", ".mov")


def find_videos(folder: str | Path, names: Iterable[str] = ()) -> dict[str, Path]:
    """Return the video files of a folder (.mp4 .mkv .webm .avi .mov) by name without extension.

    Args:
        folder: The folder.
        names: Names of videos, which may contain folders, such as ``day1/cam2``. Only these folders
            in ``folder`` are searched too.

    Raises:
        DataErrors: The folder does not exist, or files differ in the extension alone.
    """
    videos, errors = list_videos(folder, names)
    if errors:
        raise DataErrors(errors)
    return videos


def list_videos(folder: str | Path, names: Iterable[str] = ()) -> tuple[dict[str, Path], list[str]]:
    """Return the files that ``find_videos`` finds, and its errors, one line each."""
    try:
        files = list(Path(folder).iterdir())
    except OSError as error:
        return {}, [f"{folder}: {error.strerror}; put the videos there or fix the config"]
    for inner in {PurePosixPath(name).parent for name in names} - {PurePosixPath(".")}:
        if Path(folder, inner).is_dir():
            files += Path(folder, inner).iterdir()
    paths_of: dict[str, list[Path]] = {}
    for path in sorted(path for path in files if path.suffix.lower() in EXTENSIONS):
        name = path.relative_to(folder).with_suffix("").as_posix()
        paths_of.setdefault(name, []).append(path)
    errors = [
        f"{folder}: {', '.join(p.name for p in paths)} are all video '{name}'; keep one"
        for name, paths in paths_of.items()
        if len(paths) > 1
    ]
    return {name: paths[0] for name, paths in paths_of.items()}, errors
