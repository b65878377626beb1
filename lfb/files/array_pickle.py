"""Read a pickle of numeric arrays, by Python 2 or 3 and any numpy, without running code from it.

Detected people and Caffe2's weights are published as pickled dicts of arrays. The unpickler here
builds plain values and numeric arrays, and refuses a file that asks for anything else.
``torch_file`` reads the files of ``torch.save``, where other objects are common and are ignored.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfb.errors import UserError
from lfb.files.atomic import open_file


def read_arrays(path: str | Path) -> Any:
    """Return the content of a pickle: plain values and numeric arrays, in dicts of any depth.

    Raises:
        UserError: The file cannot be read, is broken, or contains anything else.
    """
    with open_file(path) as file:
        try:
            return _arrays(_Unpickler(file, encoding="latin1").load())
        except UserError as error:
            raise UserError(
                f"{path}: {error}, which a dict of numeric arrays does not need, so it was not "
                "read; save it again as plain numpy arrays."
            ) from None
        except Exception as error:  # a broken pickle raises nearly anything
            raise UserError(
                f"{path}: is broken or not a pickle of numeric arrays "
                f"({error or type(error).__name__}); fetch or save it again."
            ) from None


class _Dtype:
    """Takes the place of a numeric numpy dtype while a pickle is read."""

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        if code not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
            raise pickle.UnpicklingError(f"an array of {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Takes the place of a numpy array, so that a pickle calls no function of numpy."""

    def __init__(self, *_: Any) -> None:
        self.array: np.ndarray = np.empty(0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, raw = state
        self.array = _from_bytes(raw, kind, shape, "F" if fortran else "C")


def _from_bytes(raw: Any, kind: Any, shape: Any, order: str) -> np.ndarray:
    if not isinstance(kind, _Dtype):
        raise pickle.UnpicklingError("an array without a dtype")
    raw = raw.encode("latin1") if isinstance(raw, str) else raw  # written by Python 2
    return np.frombuffer(raw, kind.dtype).reshape(shape, order=order)  # type: ignore[call-overload]


def _scalar(kind: Any, raw: Any) -> Any:
    return _from_bytes(raw, kind, (), "C")[()]


def _latin1(text: str, encoding: str) -> bytes:
    return text.encode("latin1")


class _Unpickler(pickle.Unpickler):
    """Builds plain values and numeric arrays, of numpy 1 and 2, and refuses everything else."""

    allowed: Mapping[tuple[str, str], Any] = {
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy.core.multiarray", "scalar"): _scalar,
        ("numpy._core.multiarray", "scalar"): _scalar,
        ("numpy.core.numeric", "_frombuffer"): _from_bytes,
        ("numpy._core.numeric", "_frombuffer"): _from_bytes,
        ("_codecs", "encode"): _latin1,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise UserError(f"the pickle asks for {module}.{name}")
        return self.allowed[module, name]


def _arrays(value: Any) -> Any:
    """Return ``value`` with arrays in place of ``_Array``."""
    if isinstance(value, dict):
        return {key: _arrays(entry) for key, entry in value.items()}
    return value.array if isinstance(value, _Array) else value
