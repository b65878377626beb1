"""Values of JSON files, checked: an error says where the value is."""

import json
import math
from contextlib import suppress
from typing import Any, TypeVar

from lfb.errors import UserError

T = TypeVar("T")
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}


def read_json(path: str, data: bytes) -> Any:
    """Return the content of a JSON file.

    Raises:
        UserError: It is not JSON in UTF-8.
    """
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text ({error}); save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}:{error.lineno}: is not valid JSON ({error.msg}). Export the file again."
        ) from None
    except ValueError as error:  # a number with thousands of digits
        raise UserError(f"{path}: cannot be read ({error}). Export the file again.") from None
    except RecursionError:
        raise UserError(f"{path}: is nested too deeply. Export the file again.") from None


def value_at(parent: dict[str, Any], key: str, kind: type[T], where: str) -> T:
    """Return a value of an object.

    Raises:
        UserError: It is missing or of another kind.
    """
    if key not in parent:
        raise UserError(f"{where}: has no `{key}`; export the file again")
    return as_kind(parent[key], kind, f"{where}: `{key}`")


def as_kind(value: Any, kind: type[T], where: str) -> T:
    """Return a value that must be of a kind.

    Raises:
        UserError: It is of another kind.
    """
    if not isinstance(value, kind):
        raise UserError(f"{where} is {_short(value)}; write {_KINDS[kind]}")
    return value


def number_at(parent: dict[str, Any], key: str, where: str) -> float:
    """Return a finite number of an object.

    Raises:
        UserError: It is missing or no such number.
    """
    if key not in parent:
        raise UserError(f"{where}: has no `{key}`; export the file again")
    return as_number(parent[key], f"{where}: `{key}`")


def as_number(value: Any, where: str) -> float:
    """Return a value that must be a finite number.

    Raises:
        UserError: It is no such number.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            if math.isfinite(value):
                return float(value)
    raise UserError(f"{where} is {_short(value)}; write a number")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}..."
