"""The tensors of a file that ``torch.save`` wrote, without running anything that is pickled in it.

``read_tensors`` takes the state dict of a checkpoint, ``read_nested`` a file of dicts and lists of
tensors whole. Published checkpoints hold more than tensors: those of MMEngine carry objects of its
own classes, which ``torch.load(weights_only=True)`` refuses and plain ``torch.load`` would run.
Here every class and function of a pickle but the few that describe tensors is taken for an inert
thing: calling it, filling it or setting its state does nothing.
"""

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
from lfb.files.digests import digest, digest_in_name

_LEGACY = 0x1950A86A20F9469CFC6C  # the first thing in a file of PyTorch before 1.6
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
    """The state dict of a checkpoint, on the CPU: its entry ``state_dict``, or the whole of it.

    Args:
        path: Written by ``torch.save``, in its format of today (a zip) or that before PyTorch 1.6.
            Its name, as those of published files, may end in the beginning of its SHA-256.

    Raises:
        UserError: There is no such file, it is cut short or broken, another one than its name
            says, or holds no state dict.
    """
    content = _read(path)
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not any(isinstance(x, _Tensor) for x in state.values()):
        raise UserError(
            f"{path}: a PyTorch file, but not a checkpoint: it has no state dict. Point to the "
            "file with the model's weights."
        )
    if strange := [str(key) for key, value in state.items() if not isinstance(value, _Tensor)]:
        raise UserError(
            f"{path}: the state dict holds what is no plain tensor: {', '.join(strange)}. Save "
            "the weights again as plain tensors."
        )
    return {str(name): value.build(path) for name, value in state.items()}


def read_nested(path: str | Path) -> Any:
    """What a file holds that is made of dicts, lists, tuples, plain values and tensors alone.

    Args:
        path: As for ``read_tensors``.

    Raises:
        UserError: There is no such file, it is cut short or broken, or holds something else.
    """
    try:
        return _built(_read(path), path)
    except RecursionError as error:
        raise UserError(f"{path}: its lists and dicts are nested without end.") from error


def _read(path: str | Path) -> Any:
    """What is pickled in a file; tensors are yet to be built."""
    path = Path(path)
    told = digest_in_name(path)
    if told and path.is_file() and not (found := digest(path)).startswith(told):
        raise UserError(
            f"{path}: the SHA-256 should begin with {told}, as the name says, but begins with "
            f"{found[:8]}: the file is damaged or another one. Delete it and fetch it again."
        )
    try:
        with path.open("rb") as file:
            start = file.read(2)
            if not (b"PK".startswith(start) or start[:1] == b"\x80"):
                raise _Foreign("neither a zip nor a pickle")
            return _read_zip(file) if zipfile.is_zipfile(file) else _read_legacy(file)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except _Foreign as error:
        raise UserError(
            f"{path}: no PyTorch file, whatever its name says ({error}). Point to another one, or "
            "fetch this one again."
        ) from error
    except Exception as error:  # a broken pickle raises nearly anything
        raise UserError(
            f"{path}: not a whole PyTorch file ({error or type(error).__name__}). Fetch it again."
        ) from error


def _built(value: Any, path: str | Path) -> Any:
    if isinstance(value, _Tensor):
        return value.build(path)
    if isinstance(value, dict):
        return {key: _built(below, path) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_built(below, path) for below in value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise UserError(
        f"{path}: holds what is no plain tensor or value. Save it again as plain tensors."
    )


class _Foreign(Exception):
    """Nothing that ``torch.save`` ever wrote."""


class _Inert:
    """What becomes of every class and function of a pickle, and of whatever they would make."""

    def __new__(cls, *arguments: Any, **named: Any) -> "_Inert":
        return super().__new__(cls)

    def nothing(self, *arguments: Any) -> "_Inert":
        return self

    # All that an unpickler may call on an object.
    __call__ = __setstate__ = __setitem__ = append = extend = add = nothing


class _Dict(dict):
    """An OrderedDict; the attributes that PyTorch hangs on it are left out."""

    def __setstate__(self, state: Any) -> None:
        pass


@dataclass(frozen=True)
class _Storage:
    """The values of one or more tensors, one after the other."""

    values: Tensor

    def __setstate__(self, state: Any) -> None:
        pass


class _Tensor:
    """Stands for a tensor until the values are there."""

    def __init__(self, storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> None:
        self._about = storage, offset, size, stride

    def __setstate__(self, state: Any) -> None:
        pass

    def build(self, path: str | Path) -> Tensor:
        """The tensor, a view of its storage.

        Raises:
            UserError: The numbers do not fit the storage.
        """
        storage, offset, size, stride = self._about
        try:
            return storage.values.as_strided(size, stride, offset)
        except (AttributeError, RuntimeError, TypeError) as error:  # or it is no storage
            raise UserError(
                f"{path}: a tensor reaches beyond what is stored. Fetch the file again."
            ) from error


class _Parameter:
    """Leaves the tensor of a parameter as it is."""

    def __new__(cls, tensor: Any, *_: Any) -> Any:
        return tensor

    def __setstate__(self, state: Any) -> None:
        pass


# Classes, all of them with `__setstate__`: a pickle could set attributes of a function.
_KNOWN = {
    ("collections", "OrderedDict"): _Dict,
    ("torch._utils", "_rebuild_tensor"): _Tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch._utils", "_rebuild_parameter"): _Parameter,
}


class _Unpickler(pickle.Unpickler):
    """Builds plain values and tensors; all else is inert.

    Args:
        file: At the beginning of a pickle.
        storage: (key, dtype, number of values) -> where a tensor's values lie.
    """

    def __init__(self, file: IO[bytes], storage: Callable[[str, torch.dtype, int], _Storage]):
        super().__init__(file, encoding="latin1")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        return _KNOWN.get((module, name), _Inert)

    def persistent_load(self, pid: Any) -> Any:
        kind, *about = pid
        if kind != "storage":
            return _Inert()
        dtype, key, _, count, *view = about
        if not isinstance(dtype, torch.dtype) or type(count) is not int or any(view):
            raise pickle.UnpicklingError(f"storage {key!r} is of an unknown kind")
        return self._storage(str(key), dtype, count)


def _read_zip(file: IO[bytes]) -> Any:
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if len(pickles) != 1:
            raise _Foreign("a zip of something else")
        folder = pickles[0].removesuffix("data.pkl")
        found: dict[str, _Storage] = {}

        def storage(key: str, dtype: torch.dtype, count: int) -> _Storage:
            if key not in found:
                data = archive.read(f"{folder}data/{key}")
                if len(data) != count * dtype.itemsize:
                    raise pickle.UnpicklingError(f"storage {key} has {len(data)} bytes")
                found[key] = _Storage(_values(data, dtype))
            return found[key]

        with archive.open(pickles[0]) as content:
            return _Unpickler(content, storage).load()


def _read_legacy(file: IO[bytes]) -> Any:
    """A few pickles one after the other, then the values of the storages."""
    size = file.seek(0, 2)
    file.seek(0)
    found: dict[str, _Storage] = {}

    def storage(key: str, dtype: torch.dtype, count: int) -> _Storage:
        if not 0 <= count * dtype.itemsize <= size:
            raise pickle.UnpicklingError("it is cut short")
        return found.setdefault(key, _Storage(torch.empty(count, dtype=dtype)))

    def load() -> Any:
        return _Unpickler(file, storage).load()

    if load() != _LEGACY:
        raise _Foreign("a pickle of something else")
    load()  # version of the protocol
    about = load()
    if not isinstance(about, Mapping) or not about.get("little_endian"):
        raise pickle.UnpicklingError("it was not written on a little-endian machine")
    content = load()
    for key in load():
        values = found.pop(str(key)).values
        (count,) = struct.unpack("<q", file.read(8))
        data = file.read(values.nbytes)
        if count != len(values) or len(data) != values.nbytes:
            raise pickle.UnpicklingError("it is cut short")
        values.copy_(_values(data, values.dtype))
    if found:
        raise pickle.UnpicklingError("it is cut short")
    return content


def _values(data: bytes, dtype: torch.dtype) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
