"""The files of the project that a program imports, and digests of their code.

This reads the source without running it (and without loading PyTorch).
"""

import ast
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lfb.files.digests import digest_json

ROOT = Path(__file__).parent.parent
LAUNCHER = "scripts/__main__.py"  # it imports the program by name
# It watches trainings and changes no weight, so an edit of it trains nothing again.
MONITORING = "lfb/learning/monitoring.py"


def sources(
    program: str, models: Iterable[Mapping[str, Any]] = (), without: str | None = None
) -> list[str]:
    """Return a program and every file of the project that it imports, directly or not, sorted.

    A program imports backbones and operators by their names in the config. It depends on those of
    its own models; adding or editing another one does not change the result.

    Args:
        program: Path from the project's root, such as ``scripts/train.py``.
        models: The settings of the models that the program builds: ``backbone`` and ``operator``,
            each with a ``name``. ``operator`` may be None or missing.
        without: A file on which no result depends. It is left out, with all that only it imports.
    """
    found: set[str] = set()
    waiting = [LAUNCHER, program]
    for model in models:
        waiting.append(f"lfb/models/backbones/{model['backbone']['name']}.py")
        if operator := model.get("operator"):
            waiting.append(f"lfb/models/operators/{operator['name']}.py")
    while waiting:
        file = waiting.pop()
        if file not in found and file != without:
            found.add(file)
            waiting += _read(file)[1]
    return sorted(found)


def digests(
    program: str, models: Iterable[Mapping[str, Any]] = (), without: str | None = None
) -> dict[str, str]:
    """Return a SHA-256, in hex, of the code in each file that ``sources`` lists.

    It covers the syntax tree: comments, docstrings and formatting do not change it.
    """
    return {file: _read(file)[0] for file in sources(program, models, without)}


def digest_of_code(
    program: str, models: Iterable[Mapping[str, Any]] = (), without: str | None = None
) -> str:
    """Return one SHA-256, in hex, of all that ``digests`` returns."""
    return digest_json(digests(program, models, without))


@cache
def _read(file: str) -> tuple[str, list[str]]:
    """Return the digest of a file's code and the files of the project that it imports."""
    value, modules = digest_and_imports(ast.parse((ROOT / file).read_text(), file))
    for name in list(modules):  # a module's packages run before it
        modules |= {name[:end] for end, letter in enumerate(name) if letter == "."}
    return value, [found for name in sorted(modules) if (found := _file(name))]


def digest_and_imports(tree: ast.Module) -> tuple[str, set[str]]:
    """Return the SHA-256 of a syntax tree, in hex, and the names that may be modules it imports.

    The digest leaves out docstrings and positions.
    """
    words: list[str] = []
    modules: set[str] = set()
    _walk(tree, words, modules)
    return hashlib.sha256("\n".join(words).encode()).hexdigest(), modules


def _walk(node: ast.AST, words: list[str], modules: set[str]) -> None:
    """Append a syntax tree as words, and add the names of imported modules.

    Empty fields are left out. Newer versions of Python add such fields, and would change every
    digest.
    """
    words.append(type(node).__name__)
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            words.append(name)
            _walk(value, words, modules)
        elif isinstance(value, list):
            if value:
                words.append(f"{name} [")
                for item in value:
                    if not isinstance(item, ast.AST):
                        words.append(repr(item))
                    elif not _is_text(item):
                        _walk(item, words, modules)
                words.append("]")
        elif value is not None and name != "kind":  # the u of u"text"
            words.append(f"{name} {value!r}")
    words.append(".")
    if isinstance(node, ast.Import):
        modules |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module:
        modules.add(node.module)
        modules |= {f"{node.module}.{alias.name}" for alias in node.names}


def _is_text(node: ast.AST) -> bool:
    """Return whether a statement is only a text, as a docstring is."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _file(module: str) -> str | None:
    """Return the file of a module of the project; None for other names."""
    parts = module.split(".")
    if not (ROOT / parts[0]).is_dir():
        return None
    path = Path(*parts)
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if (ROOT / file).is_file():
            return file.as_posix()
    return None
