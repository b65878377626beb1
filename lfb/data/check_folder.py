"""The check of frames that exist already: all have names that follow the pattern."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from lfb.data.footage import Footage
from lfb.errors import Problem, UserError
from lfb.video.frames import FrameFolder, decoded_size, other_size

_SHOWN = 3  # videos or frames that a line names before it counts the rest


def check_folder(
    videos: Iterable[str], folder: str | Path, pattern: str, *, fps: float, first_second: int
) -> Footage:
    """Look at frames that exist already: the names of all, and the first and last of each video.

    The last frame is the one that an interrupted extraction leaves incomplete. The frames between
    are decoded when the manifest is written: AVA has millions.

    Args:
        videos: The annotated videos.
        folder, pattern: As in ``lfb.video.frames.FrameFolder``.
        fps: Frames per second.
        first_second: Number of the second at which a video begins.
    """
    footage = Footage()
    absent: list[FrameFolder] = []
    from_zero: list[str] = []
    gaps: list[str] = []
    errors: list[str] = []
    for video in videos:
        frames = FrameFolder(folder, pattern, video, fps, first_second)
        try:
            if not frames.path(1).exists():
                absent.append(frames)
                continue
            numbers = frames.numbers()
            footage.frames[video] = numbers[-1]
            footage.sizes[video] = _size(frames, numbers[-1])
        except UserError as error:
            errors.append(str(error))
            continue
        if numbers[0] == 0:
            from_zero.append(str(frames.path(0)))
        if missing := sorted(set(range(1, numbers[-1])) - set(numbers)):
            gaps.append(f"'{video}' {_listed(missing)} of {numbers[-1]}")
    if absent:
        errors.append(_absent(absent))
    if from_zero:
        errors.append(
            f"{_listed(from_zero)}: frames count from 1; number all frames of these videos one "
            "higher, or delete these files if they are not frames"
        )
    if gaps:
        errors.append(
            f"{folder}: frames are missing in {len(gaps)} of the videos: {_listed(gaps, '; ')}; "
            "extract these videos again"
        )
    footage.findings.problems += map(Problem, errors)
    return footage


def _size(frames: FrameFolder, last: int) -> tuple[int, int]:
    """Return width and height of the first frame, after decoding it and the last one.

    Raises:
        UserError: One does not decode, or their sizes differ.
    """
    size, other = (decoded_size(frames.read(n), frames.path(n)) for n in (1, last))
    if size != other:
        raise UserError(other_size(frames.path(last), other, size))
    return size


def _absent(folders: Sequence[FrameFolder]) -> str:
    """Return an error about videos without a first frame, with a file that exists beside it."""
    first = folders[0].path(1)
    more = f" (nor do those of {len(folders) - 1} more videos)" if len(folders) > 1 else ""
    text = f"{first}: the first frame of video '{folders[0].video}' does not exist{more}"
    if existing := _some_file(first.parent) or _some_file(folders[0].root):
        text += f", but {existing} does"
    return f"{text}; fix data.frames.folder or data.frames.pattern, or extract the video"


def _some_file(folder: Path) -> Path | None:
    """Return the first file of a folder or, if it has none, of the first folder in it."""
    for here, folders, files in os.walk(folder):
        if files:
            return Path(here, min(files))
        folders[:] = sorted(folders)[:1]
    return None


def _listed(names: Sequence[object], separator: str = ", ") -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{separator.join(map(str, names[:_SHOWN]))}{more}"
