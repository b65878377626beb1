"""What an entry of the config's ``fetch`` stands for: addresses, and the files they give."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch.

    Attributes:
        url: Address of the file.
        folder: Where to save it, under the last part of ``url``.
        bytes: Its size, if known.
        sha256: Its digest in hex, if known.
        members: Files to extract from it; it is then a zip and is not kept.
    """

    url: str
    folder: Path
    bytes: int | None = None
    sha256: str = ""
    members: tuple[str, ...] = ()

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> "RemoteFile":
        """Return the file that an entry of the config names."""
        known = {key: entry[key] for key in ("bytes", "sha256") if key in entry}
        return cls(
            entry["url"], Path(entry["to"]), members=tuple(entry.get("members", ())), **known
        )

    @property
    def path(self) -> Path:
        """Where the file itself goes."""
        return self.folder / unquote(Path(urlsplit(self.url).path).name)

    @property
    def targets(self) -> list[Path]:
        """The files that exist once it is fetched."""
        return [self.folder / name for name in self.members] or [self.path]


def fetched_paths(entry: Mapping[str, Any]) -> list[Path]:
    """Return the files that an entry of ``fetch`` gives; for a list of videos, their folder."""
    return [Path(entry["to"])] if "list" in entry else RemoteFile.from_entry(entry).targets


def unpacked_paths(entry: Mapping[str, Any]) -> list[Path]:
    """Return the files that the user unpacks from what an entry gives."""
    return [Path(entry["to"]) / name for name in entry.get("unrar", ())]


def unpack_command(entry: Mapping[str, Any]) -> str:
    """Return the command that unpacks them."""
    return f"unrar e {RemoteFile.from_entry(entry).path} {entry['to']}/"
