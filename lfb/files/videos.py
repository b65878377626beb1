"""Names of video files, and the video files of a folder."""

from pathlib import Path

from lfb.errors import DataErrors

EXTENSIONS = (".mp4", ".mkv", ".webm", ".avi", ".mov")


def find_videos(folder: str | Path) -> dict[str, Path]:
    """Return the video files of a folder (.mp4 .mkv .webm .avi .mov) by name without extension.

    Raises:
        DataErrors: The folder does not exist, or files differ in the extension alone.
    """
    videos, errors = list_videos(folder)
    if errors:
        raise DataErrors(errors)
    return videos


def list_videos(folder: str | Path) -> tuple[dict[str, Path], list[str]]:
    """Return the files that ``find_videos`` finds, and its errors, one line each."""
    try:
        files = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in EXTENSIONS)
    except OSError as error:
        return {}, [f"{folder}: {error.strerror}; put the videos there or fix the config"]
    paths_of: dict[str, list[Path]] = {}
    for path in files:
        paths_of.setdefault(path.stem, []).append(path)
    errors = [
        f"{folder}: {', '.join(p.name for p in paths)} are all video '{name}'; keep one"
        for name, paths in paths_of.items()
        if len(paths) > 1
    ]
    return {name: paths[0] for name, paths in paths_of.items()}, errors
