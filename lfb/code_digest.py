"""The files of the project that a program runs, and digests of what they do.

This reads the source without running it (and without loading PyTorch).
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lfb.files.digests import digest_json

ROOT = Path(__file__).parent.parent
LAUNCHER = "scripts/__main__.py"  # it imports the program by name


def sources(program: str, models: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """Return a program and every file of the project that it imports, directly or not, sorted.

    A program imports backbones and operators by their names in the config. It depends on those of
    its own models; adding or editing another one does not change the result.

    Args:
        program: Path from the project's root, such as ``scripts/train.py``.
        models: The settings of the models that the program builds: ``backbone`` and ``operator``,
            each with a ``name``. ``operator`` may be None or missing.
    """
    found: set[str] = set()
    waiting = [LAUNCHER, program]
    for model in models:
        waiting.append(f"lfb/models/backbones/{model['backbone']['name']}.py")
        if operator := model.get("operator"):
            waiting.append(f"lfb/models/operators/{operator['name']}.py")
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(file)
    return sorted(found)


def digests(program: str, models: Iterable[Mapping[str, Any]] = ()) -> dict[str, str]:
    """Return a SHA-256, in hex, of the code in each file that ``sources`` lists.

    It covers the syntax tree: comments, docstrings and formatting do not change it.
    """
    return {file: _digest(file) for file in sources(program, models)}


def digest_of_code(program: str, models: Iterable[Mapping[str, Any]] = ()) -> str:
    """Return one SHA-256, in hex, of all that ``digests`` returns."""
    return digest_json(digests(program, models))


def syntax_digest(tree: ast.Module) -> str:
    """Return the SHA-256, in hex, of a syntax tree without docstrings and positions."""
    return hashlib.sha256("\n".join(_words(tree)).encode()).hexdigest()


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text())


@cache
def _digest(file: str) -> str:
    return syntax_digest(_tree(file))


def _words(node: ast.AST) -> Iterator[str]:
    """Yield a syntax tree as words.

    Empty fields are left out. Newer versions of Python add such fields, and would change every
    digest.
    """
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield name
            yield from _words(value)
        elif isinstance(value, list) and value:
            yield f"{name} ["
            for item in value:
                if isinstance(item, ast.AST):
                    if not _is_text(item):
                        yield from _words(item)
                else:
                    yield repr(item)
            yield "]"
        elif value is not None and value != [] and name != "kind":  # the u of u"text"
            yield f"{name} {value!r}"
    yield "."


def _is_text(node: ast.AST) -> bool:
    """Return whether a statement is only a text, as a docstring is."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _imported(file: str) -> list[str]:
    names = set()
    for node in ast.walk(_tree(file)):
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
