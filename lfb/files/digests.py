"""SHA-256 of files and of JSON values."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any


def digest(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_in_name(path: str | Path) -> str:
    """Return the SHA-256 prefix in the file name, "" if it has none.

    Published weights have one: it is ``0676ba61`` in ``resnet50-0676ba61.pth``.
    """
    prefix = re.search(r"-([0-9a-f]{8})\.pth$", Path(path).name)
    return prefix[1] if prefix else ""


def may_be_no_digest(path: str | Path) -> bool:
    """Return whether ``digest_in_name`` may be something else, such as the date of ``a-20231124``.

    It is only digits, and does not follow a date, as MMAction2's digests do.
    """
    name = Path(path).name
    return digest_in_name(path).isdigit() and not re.search(r"_\d{8}-\d{8}\.pth$", name)


def digest_json(value: Any) -> str:
    """Return the SHA-256 of a JSON value, in hex; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
