"""The files of the project that a program runs, found by its imports without running it."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lfb.files.digests import digest, digest_json

ROOT = Path(__file__).parent.parent


def sources(
    program: str, backbones: Iterable[str] = (), operators: Iterable[str] = ()
) -> list[str]:
    """Return a program and every file of the project that it imports, directly or not, sorted.

    A program imports backbones and operators by their names in the config. Name those that this
    use of the program loads; adding or editing another one does not change the result.

    Args:
        program: Path from the project's root, such as ``scripts/train.py``.
        backbones: Names of backbones, such as ``slowonly``.
        operators: Names of operators, such as ``non_local``.
    """
    found: set[str] = set()
    waiting = [program]
    waiting += [f"lfb/models/backbones/{name}.py" for name in backbones]
    waiting += [f"lfb/models/operators/{name}.py" for name in operators]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(file)
    return sorted(found)


def digest_of_sources(
    program: str, backbones: Iterable[str] = (), operators: Iterable[str] = ()
) -> str:
    """Return the SHA-256, in hex, of the files that ``sources`` lists."""
    files = sources(program, backbones, operators)
    return digest_json({file: digest(ROOT / file) for file in files})


@cache
def _imported(file: str) -> list[str]:
    names = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    for name in list(names):  # a module's packages run before it
        names |= {name[:end] for end, letter in enumerate(name) if letter == "."}
    return [found for name in sorted(names) if (found := _file(name))]


def _file(module: str) -> str | None:
    path = Path(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if (ROOT / file).is_file():
            return file.as_posix()
    return None
