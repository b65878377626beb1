"""Classes that a config names by their file, so that adding one changes no other file."""

from importlib import import_module
from typing import TypeVar

from lfb.errors import UserError

Class = TypeVar("Class")


def class_in(package: str, name: str, base: type[Class]) -> type[Class]:
    """Return the one subclass of ``base`` that the module ``name`` of a package defines.

    This imports that module alone. Code tracking cannot see the import, so each job names the
    modules that it loads this way (``lfb.code_digest.sources``).

    Raises:
        UserError: The package has no such module, or the module defines no subclass, or several.
    """
    module = f"{package}.{name}"
    file = f"{module.replace('.', '/')}.py"
    kind = base.__name__
    try:
        members = vars(import_module(module))
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise UserError(f"there is no {kind.lower()} {name!r}; add it in {file}.") from error
    found = [
        value
        for value in members.values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module
    ]
    if len(found) != 1:
        names = ", ".join(value.__name__ for value in found) or "none"
        raise UserError(f"{file}: define one subclass of {kind} in this file; it has {names}.")
    return found[0]
