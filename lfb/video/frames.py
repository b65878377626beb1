"""Frames of a video: one zip of JPEGs, or a folder of JPEGs the user already has.

The zip holds ``000001.jpg``, ``000002.jpg``, ... stored without compression, and ``info.json``
(:class:`FrameInfo`). Numbers are 1-based: the frame of second t is
``round(fps * (t - first_second)) + 1``. ``extraction.py`` makes the zip and checks the folder.
"""

import io
import json
import mmap
import os
import re
import struct
import zipfile
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lfb.errors import UserError
from lfb.files.digests import digest

PATTERN = "Write it like '{video}/img_{frame:05d}.jpg'."


@dataclass(frozen=True)
class FrameInfo:
    """What is known of the frames of one video.

    Attributes:
        fps: Frames a second.
        first_second: Second of the video, in the numbering of the annotations, of frame 1.
        frames: How many there are.
        width: Pixels.
        height: Pixels.
        decoder: What decoded the video; empty for frames that are the user's own.
        source: File name and size of the video and how it was cut; empty likewise.
        digest: SHA-256 of all JPEGs in order, in hex; empty where nobody has read them all.
    """

    fps: float
    first_second: int
    frames: int
    width: int
    height: int
    decoder: str = ""
    source: Mapping[str, Any] | None = None
    digest: str = ""

    def number(self, second: int) -> int:
        """The frame of a second of the annotations, from 1."""
        return round(self.fps * (second - self.first_second)) + 1


class FrameZip:
    """Frames in a zip, read by offset from a memory map.

    Cheap to pickle, and safe in many processes, forked ones too: each maps the file itself.

    Args:
        path: The zip, as ``lfb.video.extraction.extract`` writes it.
        digest: Of the frames that are wanted, as in ``FrameInfo``; None takes what is there.
    """

    def __init__(self, path: str | Path, digest: str | None = None) -> None:
        self.path = Path(path)
        self.digest = digest

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "digest": self.digest}

    @cached_property
    def _contents(self) -> tuple[FrameInfo, NDArray[np.int64], tuple[int, ...]]:
        """The info, (frames,) offsets of their headers, and what identifies the file."""
        try:
            with self.path.open("rb") as file, zipfile.ZipFile(file) as zipped:
                state = os.fstat(file.fileno())
                info = FrameInfo(**json.loads(zipped.read("info.json")))
                members = {member.filename: member for member in zipped.infolist()}
                frames = [members[f"{n:06d}.jpg"] for n in range(1, info.frames + 1)]
        except FileNotFoundError as error:
            raise UserError(f"{self.path}: no frames there. Extract the video first.") from error
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{self.path}: not a whole zip of frames ({error}). Delete it and extract the "
                "video again."
            ) from error
        if self.digest not in (None, info.digest):
            raise UserError(
                f"{self.path}: not the frames that the manifest was made of: another config has "
                "extracted them anew. Delete the manifest and run the same command again; give "
                "the other config `pathvars: resources` of its own."
            )
        sizes_follow = 8  # flag: the header does not hold the size
        if any(m.compress_type != zipfile.ZIP_STORED or m.flag_bits & sizes_follow for m in frames):
            raise UserError(
                f"{self.path}: its frames are compressed, and are read as they lie. Delete it "
                "and extract the video again."
            )
        offsets = np.array([member.header_offset for member in frames], np.int64)
        return info, offsets, (state.st_dev, state.st_ino, state.st_mtime_ns)

    @property
    def info(self) -> FrameInfo:
        """What the zip says of itself.

        Raises:
            UserError: There is no such zip, it is broken or holds other frames.
        """
        return self._contents[0]

    def __len__(self) -> int:
        return self.info.frames

    def read(self, number: int) -> bytes:
        """The JPEG of frame ``number``, from 1.

        Raises:
            IndexError: There is no such frame.
            UserError: There is no such zip, or it is broken.
        """
        info, offsets, identity = self._contents
        if not 1 <= number <= info.frames:
            raise IndexError(f"{self.path}: no frame {number} of {info.frames}")
        view, offset = _map(self.path, identity), int(offsets[number - 1])
        size, name, extra = struct.unpack_from("<18xI4xHH", view, offset)
        begin = offset + 30 + name + extra
        return view[begin : begin + size]


class FrameFolder:
    """Frames in a folder the user already has, read as they are.

    Args:
        root: Folder.
        pattern: Where a frame lies below it, such as ``{video}/img_{frame:05d}.jpg`` (MMAction2)
            or ``{video}/{video}_{frame:06d}.jpg`` (SlowFast); frames count from 1.
        video: Name of the video.
        fps: Frames a second.
        first_second: Annotated second of frame 1.

    Raises:
        UserError: The pattern names no frame.
    """

    def __init__(
        self, root: str | Path, pattern: str, video: str, fps: float, first_second: int
    ) -> None:
        if "{frame" not in Path(pattern).name:
            raise UserError(f"frame pattern {pattern!r}: no {{frame}} in the file name. {PATTERN}")
        self.root, self.pattern, self.video = Path(root), pattern, video
        self.fps, self.first_second = fps, first_second

    def path(self, number: int) -> Path:
        """Where frame ``number`` lies."""
        try:
            return self.root / self.pattern.format(video=self.video, frame=number)
        except (KeyError, IndexError, ValueError) as error:
            raise UserError(f"frame pattern {self.pattern!r}: {error!r}. {PATTERN}") from error

    @cached_property
    def info(self) -> FrameInfo:
        """Size of the first frame, and how many there are if none is missing in between.

        Raises:
            UserError: There is none, or the first does not decode.
        """
        size = decoded_size(self.read(1), self.path(1))
        beyond = 2
        while self.path(beyond).exists():
            beyond *= 2
        numbers = range(beyond // 2, beyond)
        frames = (
            beyond // 2 + bisect_left(numbers, True, key=lambda n: not self.path(n).exists()) - 1
        )
        return FrameInfo(self.fps, self.first_second, frames, *size)

    def numbers(self) -> list[int]:
        """Numbers of the frames that are there, gaps or not."""
        name = re.sub(r"\{frame[^}]*\}", "\0", Path(self.pattern).name).format(video=self.video)
        wanted = re.compile(re.escape(name).replace(re.escape("\0"), r"(\d+)"))
        matches = (wanted.fullmatch(entry.name) for entry in os.scandir(self.path(1).parent))
        return sorted(int(match[1]) for match in matches if match)

    def __len__(self) -> int:
        return self.info.frames

    def read(self, number: int) -> bytes:
        """The JPEG of frame ``number``, from 1.

        Raises:
            UserError: It is missing.
        """
        try:
            return self.path(number).read_bytes()
        except FileNotFoundError as error:
            raise UserError(
                f"{self.path(number)}: frame {number} of video {self.video} is missing. Check "
                "the frame folder and pattern in the config, or extract the video again."
            ) from error


def decoded_size(data: bytes, path: Path) -> tuple[int, int]:
    """Width and height of a JPEG that decodes whole; ``path`` is where it lies, to be told.

    Raises:
        UserError: It does not decode.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            size = image.size
            image.draft("RGB", (1, 1))  # decodes at an eighth of the size, yet reads every byte
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path}: does not decode ({error}). Extract it again.") from error
    return size


@lru_cache(maxsize=256)  # a map holds a file open, and a process may have some thousand files
def _map(path: Path, identity: tuple[int, ...]) -> mmap.mmap:
    """Maps a file; ``identity`` tells a replaced file from the one it replaced."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class Manifest:
    """The frames of a data set, as ``scripts/extract_frames.py`` describes them.

    Args:
        path: The JSON file: ``folder``, ``pattern`` (null for zips) and ``videos``.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            content = json.loads(self.path.read_text())
            self.folder, self.pattern = Path(content["folder"]), content["pattern"]
            self.videos: dict[str, dict[str, Any]] = content["videos"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path}: no manifest of frames ({error!r}). Delete it and run the same "
                "command again."
            ) from error

    @cached_property
    def digest(self) -> str:
        """What stands for the data wherever its identity is recorded."""
        return digest(self.path)

    def open(self, video: str) -> FrameZip | FrameFolder:
        """The frames of a video.

        Raises:
            UserError: It has none.
        """
        about = self.videos.get(video)
        if about is None:
            raise UserError(f"{self.path}: no frames of video {video}. Extract the frames again.")
        if self.pattern is None:
            return FrameZip(self.folder / f"{video}.zip", about["digest"])
        return FrameFolder(self.folder, self.pattern, video, about["fps"], about["first_second"])
