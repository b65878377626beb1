"""The arguments of operators and backbones, read from their source without loading PyTorch.

Snakemake checks the config with them each time it starts.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Literal

from lfb.errors import UserError

ROOT = Path(__file__).parent.parent.parent
_CONTRACTS = {"operators": "Operator", "backbones": "Backbone"}  # their base classes
_NOT_IN_CONFIG = {"operators": 2, "backbones": 1}  # self, and an operator's channels


def arguments(kind: Literal["operators", "backbones"], root: Path = ROOT) -> dict[str, list[str]]:
    """Return the arguments of each operator or backbone, by its name in the config.

    Args:
        root: The folder that holds the package ``lfb``.

    Raises:
        UserError: A file defines several operators or backbones.
    """
    package, contract = f"lfb.models.{kind}", _CONTRACTS[kind]
    found = {}
    for path in sorted((root / "lfb/models" / kind).glob("*.py")):
        lineages = {
            name: _lineage(f"{package}.{path.stem}.{name}", root)
            for name in _definitions(f"{package}.{path.stem}", root)[0]
        }
        classes = [name for name in lineages if f"{package}.{contract}" in lineages[name]]
        if len(classes) > 1:
            raise UserError(
                f"{path}: {', '.join(classes)} are subclasses of {contract}. Keep one in this "
                "file, and move each other one to another file."
            )
        for name in classes:
            found[path.stem] = _arguments(lineages[name], _NOT_IN_CONFIG[kind])
    return found


def _arguments(lineage: dict[str, ast.ClassDef], skip: int) -> list[str]:
    """Return the argument names of a class, without the first ``skip`` positional ones."""
    names: list[str] = []
    for node in lineage.values():
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                own = item.args
                listed = (own.posonlyargs + own.args)[skip:] + own.kwonlyargs
                names += [each.arg for each in listed if each.arg not in names]
                if own.kwarg is None:  # otherwise it also takes those of the next ancestor
                    return names
    return names


def _lineage(name: str, root: Path) -> dict[str, ast.ClassDef]:
    """Return a class of the project and its ancestors there, by full name, nearest first."""
    module, _, simple = name.rpartition(".")
    classes, imports = _definitions(module, root)
    if simple in imports:
        return _lineage(imports[simple], root)
    if simple not in classes:
        return {}
    found = {name: classes[simple]}
    for base in classes[simple].bases:
        first, dot, rest = ast.unparse(base).partition(".")
        found |= _lineage(imports.get(first, f"{module}.{first}") + dot + rest, root)
    return found


@cache
def _definitions(module: str, root: Path) -> tuple[dict[str, ast.ClassDef], dict[str, str]]:
    """Return the classes of a module of the project, and the full names of what it imports."""
    classes: dict[str, ast.ClassDef] = {}
    imports: dict[str, str] = {}
    place = root / module.replace(".", "/")
    for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if not module.startswith("lfb.") or not file.is_file():
            continue
        for node in ast.parse(file.read_text(), str(file)).body:
            if isinstance(node, ast.ClassDef):
                classes[node.name] = node
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    imports[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom):
                above = module.split(".")[: -node.level] if node.level else []
                source = ".".join([*above, node.module] if node.module else above)
                for alias in node.names:
                    imports[alias.asname or alias.name] = f"{source}.{alias.name}"
    return classes, imports
