"""Export files: opened, also in a zip as CVAT packs them, and given to their reader."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from lfb.errors import UserError
from lfb.exchange.cvat import read_cvat
from lfb.exchange.films import Films
from lfb.exchange.findings import Findings
from lfb.exchange.label_studio import read_label_studio
from lfb.exchange.mot import read_mot
from lfb.exchange.tracks import Recording
from lfb.exchange.via import read_via_csv, read_via_json
from lfb.files.atomic import open_file

_KINDS = (
    ".xml (CVAT), .json (Label Studio or VIA 3), .csv (VIA 3), .txt (MOTChallenge) or .zip (CVAT)"
)


@dataclass(frozen=True)
class Contents:
    """What an export contains.

    Attributes:
        tool: The tool.
        recordings: The people of each video.
        actions: Names of actions, in the order of their definition.
    """

    tool: str
    recordings: list[Recording]
    actions: list[str]


def find_exports(pattern: str) -> list[Path]:
    """Return the files that a path with wildcards names, sorted.

    Raises:
        UserError: There is none, or it is a folder.
    """
    anchor = Path(pattern).anchor
    paths = sorted(Path(anchor).glob(pattern.removeprefix(anchor))) or [Path(pattern)]
    for path in paths:
        if path.is_dir():
            raise UserError(f"{path}: is a folder; name the files in it, such as {path}/*.xml")
        if not path.exists():
            raise UserError(f"{path}: no such file; put the export there or fix the config.")
    return paths


def read_export(path: Path, films: Films, findings: Findings) -> Contents:
    """Read an export file of any of the tools.

    Args:
        path: The file. Its ending says which tool wrote it.
        films: The videos of the data set.
        findings: Gets the errors, and what is left out.
    """
    contents = Contents("no tool", [], [])
    with findings.collect():
        name, reader = _open(path)
        return Contents(name, *reader(films, findings))
    return contents


_Reader = Callable[[Films, Findings], tuple[list[Recording], list[str]]]


def _open(path: Path) -> tuple[str, _Reader]:
    """Return the tool that wrote a file, and the function that reads it."""
    ending = path.suffix.lower()
    if ending == ".zip":
        return _open_zip(path)
    with open_file(path) as file:
        data = file.read()
    if ending == ".xml":
        return "CVAT", partial(read_cvat, str(path), data)
    if ending == ".json":
        if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[":
            return "Label Studio", partial(read_label_studio, str(path), data)
        return "VIA 3", partial(read_via_json, str(path), data)
    if ending == ".csv":
        return "VIA 3", partial(read_via_csv, str(path), data)
    if ending == ".txt":
        return "MOTChallenge", _mot_reader(path, data)
    raise UserError(f"{path}: no export of a known tool; name a file that ends in {_KINDS}")


def _open_zip(path: Path) -> tuple[str, _Reader]:
    try:
        with open_file(path) as file, zipfile.ZipFile(file) as zipped:
            names = zipped.namelist()
            for name in names:
                inside = PurePosixPath(name)
                if inside.name == "annotations.xml":
                    return "CVAT", partial(read_cvat, f"{path}/{name}", zipped.read(name))
                if inside.name == "gt.txt":
                    labels, info = (
                        zipped.read(str(other)) if str(other) in names else None
                        for other in _beside(inside)
                    )
                    at, data = f"{path}/{name}", zipped.read(name)
                    return "MOTChallenge", partial(read_mot, at, data, path.stem, labels, info)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{path}: cannot be unpacked ({error}); export it again") from None
    raise UserError(
        f"{path}: contains neither annotations.xml (CVAT for video 1.1) nor gt/gt.txt (MOT 1.1); "
        "export the task in one of these formats"
    )


def _mot_reader(path: Path, data: bytes) -> _Reader:
    sequence = path.stem in ("gt", "det")  # a file of MOTChallenge's folder of a video
    video = path.parent.parent.name if sequence else path.stem
    labels, info = (
        Path(other).read_bytes() if Path(other).is_file() else None
        for other in _beside(PurePosixPath(path))
    )
    return partial(read_mot, str(path), data, video, labels, info)


def _beside(path: PurePosixPath) -> tuple[PurePosixPath, PurePosixPath]:
    """Return where the labels and the properties of a text of MOTChallenge are."""
    return path.with_name("labels.txt"), path.parent.parent / "seqinfo.ini"
