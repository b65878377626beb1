"""Write environment.yml from the lock: ``python -m scripts.conda_environment``.

Snakemake copies the file into ``.snakemake/conda`` before conda reads it. There, the line
``-r requirements.txt`` would name a missing file. Therefore environment.yml lists the pins.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent

HEAD = """# The pins of requirements.txt for conda and `snakemake --sdm conda`.
# `python -m scripts.conda_environment` writes this file.
name: lfb
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def environment(lock: str) -> str:
    """Return the text of environment.yml for the text of a lock."""
    pins = re.findall(r"^([\w.-]+==[^\\\n]*?) *\\?$", lock, re.MULTILINE)
    return HEAD + "".join(f"      - {pin}\n" for pin in pins)


def main() -> None:
    lock = (ROOT / "requirements.txt").read_text()
    (ROOT / "environment.yml").write_text(environment(lock))


if __name__ == "__main__":
    main()
