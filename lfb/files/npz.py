"""Arrays in ``.npz`` files, which are read whole and compared with their checksums."""

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lfb.files.atomic import atomic

_END = struct.Struct("<10xH10x")  # the end of a zip: it has the number of files


def write_npz(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as an uncompressed ``.npz``; the same arrays give the same bytes."""
    with atomic(path) as scratch, zipfile.ZipFile(scratch, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            # By default a ZipInfo has a fixed date.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getbuffer())


def read_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Return the arrays of an ``.npz``.

    ``np.load`` would check an array only if it reads the last byte of it, and a changed header can
    make it stop before.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or not an ``.npz``.
    """
    with Path(path).open("rb") as file:
        try:
            file.seek(-_END.size, io.SEEK_END)
            (count,) = _END.unpack(file.read())
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                if len(members) != count:
                    raise ValueError(f"it has {len(members)} of {count} arrays")
                return {
                    member.filename.removesuffix(".npy"): np.lib.format.read_array(
                        io.BytesIO(archive.read(member)), allow_pickle=False
                    )
                    for member in members
                }
        except Exception as error:  # a damaged zip can make the reader raise anything
            raise ValueError(f"{type(error).__name__}: {error}") from error
