"""The check of video files: each annotated video has a file that is long enough."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lfb.data.footage import Footage
from lfb.data.key_mismatch import NEARLY
from lfb.errors import Problem, UserError
from lfb.files.videos import EXTENSIONS, list_videos

READERS = 8  # videos to open at once: a network file system takes its time for each
MOST_SEARCHES = 20  # missing videos to find a similar name for, which takes long in big folders
_SAME_RATE = 0.01  # 29.97 frames per second are as good as 30


def check_videos(
    annotated: Mapping[str, str],
    folder: str | Path,
    *,
    start: float,
    seconds: float | None,
    fps: float,
    probe: Callable[[Path], Any] | None,
) -> Footage:
    """Compare the annotated videos with the files of a folder.

    Args:
        annotated: The line that first names each video, such as ``train.csv:7``.
        folder: Folder of video files.
        start: Second of a file at which the part to extract begins.
        seconds: Length of the part, s; None: to the end of the video.
        fps: Frames per second of the extracted frames. The part may be one frame too short.
        probe: Returns an object with the ``duration`` (s), ``fps``, ``width`` and ``height`` of a
            video file or raises UserError; None for ``lfb.video.decoding.probe``.
    """
    look = probe or _probe
    files, errors = list_videos(folder, annotated)
    footage = Footage()
    if seconds is not None:
        footage.frames = dict.fromkeys(annotated, round(seconds * fps))
    known = _Names(files)
    present = [video for video in annotated if video in files]
    with ThreadPoolExecutor(READERS) as pool:
        probes = pool.map(lambda video: _attempt(look, files[video]), present)
        probed = dict(zip(present, probes, strict=True))
    missing: dict[str, list[tuple[str, str]]] = {}  # videos and advice, by the kind of advice
    short: list[tuple[str, float]] = []
    end = start + (1 / fps if seconds is None else seconds - 1 / fps)
    for video in annotated if files or not errors else ():
        if video not in files:
            kind, advice = known.advice(video)
            missing.setdefault(kind, []).append((video, advice))
            continue
        found = probed[video]
        if isinstance(found, UserError):
            errors.append(str(found))
            continue
        footage.rates[video] = found.fps
        footage.sizes[video] = found.width, found.height
        if found.duration < end:
            short.append((video, found.duration))
        else:
            footage.frames.setdefault(video, round((found.duration - start) * fps))
    for videos in missing.values():
        (video, advice), more = videos[0], _more(videos)
        names = f"no {video} with {', '.join(EXTENSIONS)} in {folder}{more}"
        errors.append(f"{annotated[video]}: {names}; {advice}")
    if short:
        (video, duration), more = short[0], _more(short)
        errors.append(
            f"{files[video]}: ends early{more}, at {duration:.2f} s, but the part from {start:g} s "
            f"to {end:.2f} s is needed; get the whole video or change the part"
        )
    footage.findings.problems += map(Problem, errors)
    footage.findings.warnings += _other_rates(footage.rates, fps)
    return footage


def _more(videos: list[Any]) -> str:
    return f" (and {len(videos) - 1} more such videos)" if len(videos) > 1 else ""


class _Names:
    """The names of the video files, for advice about videos that are not among them."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._same = {unicodedata.normalize("NFC", name): path for name, path in files.items()}
        self._searches = 0

    def advice(self, video: str) -> tuple[str, str]:
        """Return what to do about a video that is not among the files: its kind, and the words."""
        if video.endswith(EXTENSIONS):
            return "extension", "name videos without the extension"
        if path := self._same.get(unicodedata.normalize("NFC", video)):
            words = (
                f"{path.name} looks the same, but its letters are encoded differently; rename it"
            )
            return "encoding", words
        self._searches += 1
        if self._searches <= MOST_SEARCHES and (close := get_close_matches(video, self._files, 1)):
            return "name", f"is it {self._files[close[0]].name}? Use one name, or delete its rows"
        return "missing", "add the video or delete its rows"


def _attempt(look: Callable[[Path], Any], video: Path) -> Any:
    """Return what ``look`` finds in a video, or the error that it raises."""
    try:
        return look(video)
    except UserError as error:
        return error


def _other_rates(rates: Mapping[str, float], fps: float) -> list[str]:
    """Return a warning if nearly all video files have one rate, and the extracted frames another.

    Films of many rates, as AVA's, are resampled to one on purpose.
    """
    found = Counter(f"{rate:.5g}" for rate in rates.values())
    if not found:
        return []
    rate, count = found.most_common(1)[0]
    if count < NEARLY * len(rates) or abs(float(rate) / fps - 1) <= _SAME_RATE or rate == "0":
        return []
    return [
        f"{count} of {len(rates)} videos have {rate} frames per second, but data.fps is {fps:g}: "
        f"frames are {'left out' if float(rate) > fps else 'repeated'}; is data.fps right?"
    ]


def _probe(path: Path) -> Any:
    from lfb.video.decoding import probe  # only the check of videos needs the decoder

    return probe(path)
