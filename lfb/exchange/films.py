"""The videos that exports name, found among the videos or frames of the data set."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from lfb.errors import UserError
from lfb.exchange.tracks import Film
from lfb.files.videos import EXTENSIONS
from lfb.video.frames import FrameFolder

_UPLOAD = re.compile(r"^[0-9a-f]{8}-")  # Label Studio puts it before the names of uploaded files


class Films:
    """The videos of a data set.

    Args:
        data: The config's ``data``: ``videos`` or ``frames``, ``fps`` and ``first_second``.
        probe: Returns an object with ``duration``, ``fps``, ``width`` and ``height`` of a video
            file; None for ``lfb.video.decoding.probe``.
    """

    def __init__(self, data: Mapping[str, Any], probe: Callable[[Path], Any] | None = None) -> None:
        self._data = data
        self._probe = probe
        self._known: dict[str, Film] = {}

    def find(self, text: str) -> Film:
        """Return the video that a tool names by its path, address or name.

        Raises:
            UserError: There is none; the message has no place in a file.
        """
        for name in _candidates(text):
            if found := self._name(name):
                if found not in self._known:
                    self._known[found] = self._open(found)
                return self._known[found]
        folder = self._data.get("videos") or self._data["frames"]["folder"]
        close = get_close_matches(_plain(text), self._plain_names, 1)
        advice = f"is it {self._plain_names[close[0]]}? " if close else ""
        raise UserError(
            f"video '{text}' is not in {folder}; {advice}put it there, or name it as the file is "
            "named"
        )

    def file(self, film: Film) -> str:
        """Return the path of a video's file below the folder of videos."""
        if "videos" not in self._data:
            return f"{film.name}.mp4"
        return self._files[film.name].relative_to(self._data["videos"]).as_posix()

    @cached_property
    def _files(self) -> dict[str, Path]:
        """The video files by name, also those in folders."""
        folder = Path(self._data["videos"])
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; put the videos there or fix the config.")
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS)
        return {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}

    @cached_property
    def _plain_names(self) -> dict[str, str]:
        """The names of the video files, by how tools spell them."""
        return {_plain(name): name for name in self._files} if "videos" in self._data else {}

    def _name(self, name: str) -> str | None:
        if "videos" in self._data:
            return name if name in self._files else self._plain_names.get(_plain(name))
        return name if self._folder(name).path(1).exists() else None

    def _open(self, name: str) -> Film:
        if "videos" not in self._data:
            info = self._folder(name).info
            return Film(name, info.fps, info.frames, info.width, info.height)
        path = self._files[name]
        found = (self._probe or _probe)(path)
        if not found.fps:
            raise UserError(f"{path}: has no frame rate. Convert it to mp4 or mkv.")
        frames = round(found.duration * found.fps)
        return Film(name, found.fps, frames, found.width, found.height)

    def _folder(self, name: str) -> FrameFolder:
        data = self._data
        frames = data["frames"]
        return FrameFolder(
            frames["folder"], frames["pattern"], name, data["fps"], data["first_second"]
        )


def _candidates(text: str) -> Iterator[str]:
    """Yield names that a path or address may mean, the longest first."""
    address, _, query = text.partition("?")
    path = unquote(query.removeprefix("d=") if query.startswith("d=") else address)
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    for first in range(len(parts)):
        name = PurePosixPath(*parts[first:])
        if name.suffix.lower() in EXTENSIONS:
            yield name.with_suffix("").as_posix()
        yield name.as_posix()
    if parts and _UPLOAD.match(parts[-1]):
        yield from _candidates(_UPLOAD.sub("", parts[-1]))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).replace(" ", "_")


def _probe(path: Path) -> Any:
    from lfb.video.decoding import probe  # loads the decoder

    return probe(path)
