"""Read the tensors of a file written by ``torch.save``, without running code from its pickle.

``read_tensors`` returns the state dict of a checkpoint, ``read_nested`` a whole file of dicts and
lists of tensors. Published checkpoints contain more than tensors: those of MMEngine have objects of
its own classes, which ``torch.load(weights_only=True)`` refuses and plain ``torch.load`` would run.
Here only the few classes and functions that describe tensors have an effect. Every other one is
replaced by an object that ignores calls, items and state.
"""

import io
import logging
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from lfb.errors import UserError
from lfb.files.digests import digest, digest_in_name, may_be_no_digest

log = logging.getLogger("lfb")

_PARALLEL = "module."  # DataParallel puts it in front of every name
_LEGACY = 0x1950A86A20F9469CFC6C  # the first value in a file of PyTorch before 1.6
_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Return the state dict of a checkpoint, on the CPU: its entry ``state_dict``, or all of it.

    Args:
        path: Written by ``torch.save``, as a zip or in the format before PyTorch 1.6. If its name
            ends in a SHA-256 prefix, as names of published files do, the digest is checked. Where
            the end may be a date or a number, another digest gives a warning.

    Raises:
        UserError: The file is missing, incomplete or broken, has another digest than its name
            says, or contains no state dict.
    """
    content = _read(path)
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not any(isinstance(x, _Tensor) for x in state.values()):
        raise UserError(
            f"{path}: a PyTorch file, but not a checkpoint: it has no state dict. Name the file "
            "with the model's weights."
        )
    if strange := [str(key) for key, value in state.items() if not isinstance(value, _Tensor)]:
        raise UserError(
            f"{path}: the state dict contains objects other than tensors: {', '.join(strange)}. "
            "Save the weights again as plain tensors."
        )
    prefix = _PARALLEL if all(str(name).startswith(_PARALLEL) for name in state) else ""
    if prefix:
        log.info("%s: names of tensors are read without %r, from DataParallel", path, prefix)
    return {str(name).removeprefix(prefix): value.build(path) for name, value in state.items()}


def read_nested(path: str | Path) -> Any:
    """Return the content of a file of dicts, lists, tuples, plain values and tensors.

    Args:
        path: As for ``read_tensors``.

    Raises:
        UserError: The file is missing, incomplete or broken, or contains other objects.
    """
    try:
        return _build(_read(path), path)
    except RecursionError as error:
        raise UserError(f"{path}: its lists and dicts contain themselves.") from error


def check_zip(path: str | Path) -> None:
    """Compare every part of a file of ``torch.save`` with its checksum; ``torch.load`` does not.

    Raises:
        ValueError: A part is damaged. Readers of zips may raise other errors too.
    """
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise ValueError(f"{damaged} does not match its checksum")


def _read(path: str | Path) -> Any:
    """Return the content of a pickle, with ``_Tensor`` in place of tensors."""
    path = Path(path)
    expected = digest_in_name(path)
    if expected and path.is_file() and not (found := digest(path)).startswith(expected):
        text = (
            f"{path}: the SHA-256 should begin with {expected}, as the name says, but begins with "
            f"{found[:8]}"
        )
        if not may_be_no_digest(path):
            raise UserError(
                f"{text}: the file is damaged or another one. Delete it and fetch it again."
            )
        log.warning("warning: %s. This is right if %s is a date or a number.", text, expected)
    try:
        with path.open("rb") as file:
            start = file.read(2)
            if not (b"PK".startswith(start) or start[:1] == b"\x80"):
                raise _NotTorchFile("neither a zip nor a pickle")
            return _read_zip(file) if zipfile.is_zipfile(file) else _read_legacy(file)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except _NotTorchFile as error:
        raise UserError(
            f"{path}: not a PyTorch file, although its name says so ({error}). Name another file, "
            "or fetch this one again."
        ) from error
    except Exception as error:  # a broken pickle raises nearly anything
        raise UserError(
            f"{path}: not a complete PyTorch file ({error or type(error).__name__}). Fetch it "
            "again."
        ) from error


def _build(value: Any, path: str | Path) -> Any:
    if isinstance(value, _Tensor):
        return value.build(path)
    if isinstance(value, dict):
        return {key: _build(below, path) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_build(below, path) for below in value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise UserError(
        f"{path}: contains objects other than tensors and plain values. Save it again without them."
    )


class _NotTorchFile(Exception):
    """``torch.save`` never writes such a file."""


class _Ignored:
    """Replaces other classes and functions of a pickle, and the objects that they would make."""

    def __new__(cls, *arguments: Any, **named: Any) -> "_Ignored":
        return super().__new__(cls)

    def _do_nothing(self, *arguments: Any) -> "_Ignored":
        return self

    # All that an unpickler may call on an object.
    __call__ = __setstate__ = __setitem__ = append = extend = add = _do_nothing


class _Dict(dict):
    """An OrderedDict without the attributes that PyTorch adds to it."""

    def __setstate__(self, state: Any) -> None:
        pass


@dataclass(frozen=True)
class _Storage:
    """The values of one or more tensors in a row."""

    values: Tensor

    def __setstate__(self, state: Any) -> None:
        pass


class _Tensor:
    """Takes the place of a tensor until its values are read."""

    def __init__(self, storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> None:
        self._arguments = storage, offset, size, stride

    def __setstate__(self, state: Any) -> None:
        pass

    def build(self, path: str | Path) -> Tensor:
        """Return the tensor, a view of its storage.

        Raises:
            UserError: It does not fit into the storage.
        """
        storage, offset, size, stride = self._arguments
        try:
            return storage.values.as_strided(size, stride, offset)
        except (AttributeError, RuntimeError, TypeError) as error:  # or it is no storage
            raise UserError(
                f"{path}: a tensor is larger than its stored values. Fetch the file again."
            ) from error


class _Parameter:
    """Becomes the tensor of a parameter."""

    def __new__(cls, tensor: Any, *_: Any) -> Any:
        return tensor

    def __setstate__(self, state: Any) -> None:
        pass


# Classes with `__setstate__`, not functions: a pickle could set attributes of a function.
_KNOWN = {
    ("collections", "OrderedDict"): _Dict,
    ("torch._utils", "_rebuild_tensor"): _Tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch._utils", "_rebuild_parameter"): _Parameter,
}


class _Unpickler(pickle.Unpickler):
    """Builds plain values and tensors, and ignores everything else.

    Args:
        file: Positioned at the beginning of a pickle.
        storage: (key, dtype, number of values) -> the storage with a tensor's values.
    """

    def __init__(self, file: IO[bytes], storage: Callable[[str, torch.dtype, int], _Storage]):
        super().__init__(file, encoding="latin1")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        return _KNOWN.get((module, name), _Ignored)

    def persistent_load(self, pid: Any) -> Any:
        kind, *rest = pid
        if kind != "storage":
            return _Ignored()
        dtype, key, _, count, *view = rest
        if not isinstance(dtype, torch.dtype) or type(count) is not int or any(view):
            raise pickle.UnpicklingError(f"storage {key!r} is of an unknown kind")
        return self._storage(str(key), dtype, count)


def _read_zip(file: IO[bytes]) -> Any:
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if len(pickles) != 1:
            raise _NotTorchFile("a zip of other files")
        folder = pickles[0].removesuffix("data.pkl")
        found: dict[str, _Storage] = {}

        def storage(key: str, dtype: torch.dtype, count: int) -> _Storage:
            if key not in found:
                data = archive.read(f"{folder}data/{key}")
                if len(data) != count * dtype.itemsize:
                    raise pickle.UnpicklingError(f"storage {key} has {len(data)} bytes")
                found[key] = _Storage(_values(data, dtype))
            return found[key]

        return _Unpickler(io.BytesIO(archive.read(pickles[0])), storage).load()


def _read_legacy(file: IO[bytes]) -> Any:
    """Read a file of PyTorch before 1.6: five pickles, then the values of the storages."""
    size = file.seek(0, 2)
    file.seek(0)
    found: dict[str, _Storage] = {}

    def storage(key: str, dtype: torch.dtype, count: int) -> _Storage:
        if not 0 <= count * dtype.itemsize <= size:
            raise pickle.UnpicklingError("it is incomplete")
        return found.setdefault(key, _Storage(torch.empty(count, dtype=dtype)))

    def load() -> Any:
        return _Unpickler(file, storage).load()

    if load() != _LEGACY:
        raise _NotTorchFile("a pickle of other objects")
    load()  # version of the protocol
    system = load()
    if not isinstance(system, Mapping) or not system.get("little_endian"):
        raise pickle.UnpicklingError("it was written on a big-endian machine")
    content = load()
    for key in load():
        values = found.pop(str(key)).values
        (count,) = struct.unpack("<q", file.read(8))
        data = file.read(values.nbytes)
        if count != len(values) or len(data) != values.nbytes:
            raise pickle.UnpicklingError("it is incomplete")
        values.copy_(_values(data, values.dtype))
    if found:
        raise pickle.UnpicklingError("it is incomplete")
    return content


def _values(data: bytes, dtype: torch.dtype) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
