"""The packages of lfb import in one direction: each imports only those listed above it."""

import ast
from pathlib import Path

import lfb

LIBRARY = Path(lfb.__file__).parent
# The order that lfb/__init__.py states.
PACKAGES = [
    "files",
    "config",
    "video",
    "data",
    "exchange",
    "bank",
    "models",
    "scoring",
    "learning",
    "report",
    "verification",
]
ROOT_MODULES = [
    *("errors", "randomness", "processes", "interruption", "program", "code_digest", "slurm"),
]


def imports(file: Path) -> set[str]:
    """Return the parts of lfb that a file imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "lfb":
            found |= {f"lfb.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name.split(".")[1] for name in found if name.startswith("lfb.")}


def test_every_package_and_root_module_has_its_place():
    found = {path.stem for path in LIBRARY.iterdir() if not path.name.startswith("__")}
    assert found == {*PACKAGES, *ROOT_MODULES}


def test_packages_import_only_those_above_them():
    wrong = {}
    for number, package in enumerate(PACKAGES):
        for file in sorted((LIBRARY / package).rglob("*.py")):
            below = imports(file) & set(PACKAGES[number + 1 :])
            if below:
                wrong[str(file.relative_to(LIBRARY))] = below
    assert wrong == {}


def test_root_modules_import_no_package_but_files():
    for name in ROOT_MODULES:
        assert imports(LIBRARY / f"{name}.py") <= {"files", *ROOT_MODULES}, name


def test_the_docstring_of_lfb_lists_the_packages_in_order():
    text = ast.get_docstring(ast.parse(Path(lfb.__file__).read_text()))
    assert text is not None
    places = [text.index(f"\n    {package} ") for package in PACKAGES]
    assert places == sorted(places)


def test_every_package_has_a_docstring():
    for package in PACKAGES:
        text = ast.get_docstring(ast.parse((LIBRARY / package / "__init__.py").read_text()))
        assert text, package


def test_modules_do_not_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for file in LIBRARY.rglob("*.py"):
        name = ".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts)
        graph[name.removesuffix(".__init__")] = {
            f"{node.module}.{alias.name}"
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        } | {
            node.module
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.ImportFrom) and node.module
        }
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"circle: {' -> '.join([*path, name])}"
        if name not in finished:
            for other in graph[name] & graph.keys():
                visit(other, (*path, name))
            finished.add(name)

    for name in graph:
        visit(name, ())
