"""What a part of the benchmark finds: figures, a page in Markdown, and problems."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Setup:
    """How to run a part.

    Attributes:
        device: Device under test.
        tiny: Whether to use small networks and clips, which a CPU computes in seconds.
        folder: Folder for the part's own files.
        seconds: Time that is left for the part.
    """

    device: torch.device
    tiny: bool
    folder: Path
    seconds: float


@dataclass
class Findings:
    """What a part found.

    Attributes:
        lines: Lines in Markdown, for ``bench/README.md``.
        figures: The same figures, for programs.
        problems: What is wrong; empty if all checks passed.
    """

    lines: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def check(self, fine: bool, problem: str) -> None:
        """Note a problem unless all is fine."""
        if not fine:
            self.problems.append(problem)

    def add_table(self, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a table in Markdown, with an empty line before and after it."""
        self.lines += ["", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
        self.lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
        self.lines.append("")

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Findings":
        return cls(**json.loads(path.read_text()))
