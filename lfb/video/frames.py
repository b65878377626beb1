"""Read the frames of a video: a zip of JPEGs, or a folder of JPEGs that you already have.

The zip holds ``000001.jpg``, ``000002.jpg``, ... stored without compression, and ``info.json``
(``FrameInfo``). Numbers are 1-based: the frame of second t is
``round(fps * (t - first_second)) + 1``. ``extraction.py`` writes the zip and checks the folder.
"""

import json
import mmap
import os
import re
import struct
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.video.jpeg import jpeg_size

PATTERN = "Write it like '{video}/img_{frame:05d}.jpg'."


@dataclass(frozen=True)
class FrameInfo:
    """Properties of the frames of one video.

    Attributes:
        fps: Frames per second.
        first_second: Second of frame 1, as the annotations count.
        frames: Number of frames.
        width: Pixels.
        height: Pixels.
        decoder: Name and version of the decoder; "" for frames in a folder.
        source: Name and size of the video file and the extraction settings; None for a folder.
        digest: SHA-256 of all JPEGs in order, in hex; "" if not computed.
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
        """Return the frame number, from 1, of a second of the annotations."""
        return round(self.fps * (second - self.first_second)) + 1


class FrameZip:
    """Frames in a zip, read by offset from a memory map and compared with the zip's checksums.

    It is cheap to pickle. Many processes may read it, forked ones too: each maps the file itself.

    Args:
        path: The zip, as ``lfb.video.extraction.extract`` writes it.
        digest: The expected digest of the frames, as in ``FrameInfo``; None accepts any.
    """

    def __init__(self, path: str | Path, digest: str | None = None) -> None:
        self.path = Path(path)
        self.digest = digest

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "digest": self.digest}

    @cached_property
    def _contents(self) -> tuple[FrameInfo, NDArray[np.int64], tuple[int, ...]]:
        """The info, (2, frames) offsets of the headers and CRC-32, and the identity of the file."""
        try:
            with self.path.open("rb") as file, zipfile.ZipFile(file) as zipped:
                state = os.fstat(file.fileno())
                info = FrameInfo(**json.loads(zipped.read("info.json")))
                members = {member.filename: member for member in zipped.infolist()}
                frames = [members[f"{n:06d}.jpg"] for n in range(1, info.frames + 1)]
        except FileNotFoundError as error:
            raise UserError(f"{self.path}: no such zip. Extract the video first.") from error
        except Exception as error:  # a damaged zip can make the reader raise anything
            raise UserError(
                f"{self.path}: not a complete zip of frames ({error}). Delete it and extract the "
                "video again."
            ) from error
        if self.digest not in (None, info.digest):
            raise UserError(
                f"{self.path}: not the frames of the manifest: another config has extracted them "
                "again. Give the other config its own `pathvars: resources`, delete the manifest "
                "and run the same command again."
            )
        sizes_follow = 8  # flag: the header does not contain the size
        if any(m.compress_type != zipfile.ZIP_STORED or m.flag_bits & sizes_follow for m in frames):
            raise UserError(
                f"{self.path}: its frames are compressed, but are read directly. Delete it and "
                "extract the video again."
            )
        places = np.array([[m.header_offset for m in frames], [m.CRC for m in frames]], np.int64)
        return info, places, (state.st_dev, state.st_ino, state.st_mtime_ns)

    @property
    def info(self) -> FrameInfo:
        """The content of ``info.json``.

        Raises:
            UserError: The zip is missing or broken, or has another digest.
        """
        return self._contents[0]

    def __len__(self) -> int:
        return self.info.frames

    def read(self, number: int) -> bytes:
        """Return the JPEG of frame ``number``, from 1.

        Raises:
            IndexError: There is no such frame.
            UserError: The zip is missing or damaged, or has another digest.
        """
        info, places, identity = self._contents
        if not 1 <= number <= info.frames:
            raise IndexError(f"{self.path}: no frame {number} of {info.frames}")
        view, (offset, crc) = _map(self.path, identity), places[:, number - 1].tolist()
        try:
            size, name, extra = struct.unpack_from("<18xI4xHH", view, offset)
        except struct.error:  # the place is outside the file
            size = name = extra = 0
        begin = offset + 30 + name + extra
        data = view[begin : begin + size]
        if not data or zlib.crc32(data) != crc:
            raise UserError(
                f"{self.path}: frame {number} is damaged: it does not match its checksum. Delete "
                "this zip and the manifest, and run the same command again."
            )
        return data


class FrameFolder:
    """Frames in a folder that you already have, read as they are.

    Args:
        root: Folder.
        pattern: Path of a frame below it, such as ``{video}/img_{frame:05d}.jpg`` (MMAction2)
            or ``{video}/{video}_{frame:06d}.jpg`` (SlowFast); frames count from 1.
        video: Name of the video.
        fps: Frames per second.
        first_second: Second of frame 1, as the annotations count.

    Raises:
        UserError: The pattern has no ``{frame}``.
    """

    def __init__(
        self, root: str | Path, pattern: str, video: str, fps: float, first_second: int
    ) -> None:
        if "{frame" not in Path(pattern).name:
            raise UserError(f"frame pattern {pattern!r}: no {{frame}} in the file name. {PATTERN}")
        self.root, self.pattern, self.video = Path(root), pattern, video
        self.fps, self.first_second = fps, first_second

    def path(self, number: int) -> Path:
        """Return the path of frame ``number``."""
        try:
            return self.root / self.pattern.format(video=self.video, frame=number)
        except (KeyError, IndexError, ValueError) as error:
            raise UserError(f"frame pattern {self.pattern!r}: {error!r}. {PATTERN}") from error

    @cached_property
    def info(self) -> FrameInfo:
        """Size of the first frame, and the number of frames if none is missing in between.

        Raises:
            UserError: The first frame is missing or does not decode.
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
        """Return the sorted numbers of the frames that exist."""
        any_frame = re.sub(r"\{frame[^}]*\}", "\0", self.pattern).format(video=self.video)
        name = Path(any_frame).name
        numbered = re.compile(re.escape(name).replace(re.escape("\0"), r"(\d+)"))
        matches = (numbered.fullmatch(entry.name) for entry in os.scandir(self.path(1).parent))
        return sorted(int(match[1]) for match in matches if match)

    def __len__(self) -> int:
        return self.info.frames

    def read(self, number: int) -> bytes:
        """Return the JPEG of frame ``number``, from 1.

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
    """Return width and height of a JPEG after decoding all of it.

    Raises:
        UserError: It does not decode; the error names ``path``.
    """
    try:
        return jpeg_size(data)
    except ValueError as error:
        raise UserError(f"{path}: does not decode ({error}). Extract it again.") from error


def other_size(path: Path, size: tuple[int, int], first: tuple[int, int]) -> str:
    """Return an error about a frame that has another width and height than the first frame."""
    return (
        f"{path}: {size[0]}x{size[1]} pixels, but frame 1 has {first[0]}x{first[1]}. "
        "Extract the video again."
    )


@lru_cache(maxsize=256)  # a map keeps a file open; a process may open about a thousand
def _map(path: Path, identity: tuple[int, ...]) -> mmap.mmap:
    """Map a file; ``identity`` separates a file from the one that it replaced."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class Manifest:
    """The frames of a data set, as ``scripts/extract_frames.py`` lists them.

    Args:
        path: JSON file with ``folder``, ``pattern`` (null for zips) and ``videos``.

    Raises:
        UserError: The file is not a manifest.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            content = json.loads(self.path.read_text())
            self.folder, self.pattern = Path(content["folder"]), content["pattern"]
            self.videos: dict[str, dict[str, Any]] = content["videos"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path}: not a manifest of frames ({error!r}). Delete it and run the same "
                "command again."
            ) from error

    @cached_property
    def digest(self) -> str:
        """Digest of the manifest; it identifies the data in everything made from them."""
        return digest(self.path)

    def open(self, video: str) -> FrameZip | FrameFolder:
        """Return the frames of a video.

        Raises:
            UserError: The manifest does not list the video.
        """
        entry = self.videos.get(video)
        if entry is None:
            raise UserError(f"{self.path}: no frames of video {video}. Extract the frames again.")
        if self.pattern is None:
            return FrameZip(self.folder / f"{video}.zip", entry["digest"])
        return FrameFolder(self.folder, self.pattern, video, entry["fps"], entry["first_second"])
