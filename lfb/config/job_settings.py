"""The settings files that pass each job its part of the config."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lfb.files.atomic import atomic
from lfb.files.locks import alone


def write_settings(folder: str | Path, rule: str, settings: Mapping[str, Any]) -> str:
    """Return the path of a JSON file with the settings, and write the file unless it exists.

    The name contains a digest of the content. Other settings therefore give another path, and
    Snakemake runs the job again. The order of the keys does not matter.

    Args:
        folder: Folder of the settings files.
        rule: Name of the rule, which begins the file's name.
        settings: The part of the config that the job depends on.
    """
    text = json.dumps(settings, sort_keys=True, indent=2) + "\n"
    path = Path(folder) / f"{rule}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    if not path.exists():
        with alone(path), atomic(path) as scratch:  # two Snakemakes may start at once
            scratch.write_text(text)
    return str(path)
