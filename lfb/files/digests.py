"""SHA-256 of files and of JSON values."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any


def digest(path: str | Path) -> str:
    """SHA-256 of a file, in hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def named_digest(path: str | Path) -> str:
    """What the SHA-256 begins with by the file's own name, as those of published weights end.

    Empty if the name tells nothing: ``resnet50-0676ba61.pth`` tells, ``resnet50.pth`` does not.
    """
    told = re.search(r"-([0-9a-f]{8})\.pth$", Path(path).name)
    return told[1] if told else ""


def digest_json(value: Any) -> str:
    """SHA-256 of a JSON value, in hex; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
