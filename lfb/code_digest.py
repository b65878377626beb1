"""What the project's own source says, read without running it (and without loading PyTorch)."""

import ast
from collections.abc import Collection
from functools import cache
from pathlib import Path

from lfb.files.digests import digest, digest_json

ROOT = Path(__file__).parent.parent


def sources(program: str, without: Collection[str] = ()) -> list[str]:
    """A program and every file of the project that it imports, directly or not, sorted.

    Args:
        program: Path from the project's root, such as ``scripts/train.py``.
        without: Files that this use of it never imports, nor what only they import.
    """
    found: set[str] = set()
    waiting = [program]
    while waiting:
        file = waiting.pop()
        if file not in found and file not in without:
            found.add(file)
            waiting += _imported(file)
    return sorted(found)


def digest_of_sources(program: str, without: Collection[str] = ()) -> str:
    """SHA-256, in hex, of what ``sources`` lists."""
    return digest_json({file: digest(ROOT / file) for file in sources(program, without)})


def operators() -> dict[str, list[str]]:
    """Names in the configuration of the bank operators there are, with their arguments."""
    tree = ast.parse((ROOT / "lfb/models/operators.py").read_text())
    arguments = {
        node.name: [argument.arg for argument in item.args.args[2:]]  # after self and channels
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.FunctionDef) and item.name == "__init__"
    }
    (table,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "OPERATORS"
        and isinstance(node.value, ast.Dict)
    )
    return {
        ast.literal_eval(name): arguments[value.id]
        for name, value in zip(table.keys, table.values, strict=True)
        if name is not None and isinstance(value, ast.Name)
    }


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
