"""The check of video files: each annotated video has a file that is long enough."""

import unicodedata
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lfb.errors import UserError
from lfb.files.videos import EXTENSIONS, list_videos


def check_videos(
    annotated: Mapping[str, str],
    folder: str | Path,
    *,
    start: float,
    seconds: float | None,
    fps: float,
    probe: Callable[[Path], Any] | None,
) -> tuple[dict[str, float], list[str]]:
    """Compare the annotated videos with the files of a folder.

    Args:
        annotated: The line that first names each video, such as ``train.csv:7``.
        folder: Folder of video files.
        start: Second of a file at which the part to extract begins.
        seconds: Length of the part, s; None: to the end of the video.
        fps: Frames per second of the extracted frames. The part may be one frame too short.
        probe: Returns an object with the ``duration`` (s) of a video file or raises UserError;
            None for ``lfb.video.decoding.probe``.

    Returns:
        Seconds from ``start`` to the end of each valid video, and one line for each error.
    """
    read_length = probe or _probe
    files, errors = list_videos(folder)
    lengths: dict[str, float] = {}
    for video, where in annotated.items() if files or not errors else ():
        if video not in files:
            missing = f"no {video} with {', '.join(EXTENSIONS)} in {folder}"
            errors.append(f"{where}: {missing}; {_advice(video, files)}")
            continue
        try:
            duration = read_length(files[video]).duration
        except UserError as error:
            errors.append(str(error))
            continue
        end = start + (1 / fps if seconds is None else seconds - 1 / fps)
        if duration < end:
            errors.append(
                f"{files[video]}: ends early, at {duration:.2f} s, but the part from "
                f"{start:g} s to {end:.2f} s is needed; get the whole video or change the part"
            )
        else:
            lengths[video] = duration - start
    return lengths, errors


def _advice(video: str, files: Mapping[str, Path]) -> str:
    """Return what to do about a video that is not among the files."""
    if video.endswith(EXTENSIONS):
        return "name videos without the extension"
    same = {unicodedata.normalize("NFC", name): path for name, path in files.items()}
    if path := same.get(unicodedata.normalize("NFC", video)):
        return f"{path.name} looks the same, but its letters are encoded differently; rename it"
    if close := get_close_matches(video, files, 1):
        return f"is it {files[close[0]].name}? Use one name, or delete its rows"
    return "add the video or delete its rows"


def _probe(path: Path) -> Any:
    from lfb.video.decoding import probe  # only the check of videos needs the decoder

    return probe(path)
