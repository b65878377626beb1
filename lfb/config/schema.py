"""What the schema says about a config: its errors, the keys that null removes, the defaults."""

import copy
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]


class Problem(NamedTuple):
    """An error that the schema finds."""

    message: str
    unusable: tuple[str, ...] | None
    """Path of the value that is missing or wrong; None where all values can still be used."""


def find_problems(config: Mapping[str, Any], schema: Schema) -> list[Problem]:
    """Return all wrong keys and values, each with its path in the message."""
    import jsonschema

    errors = jsonschema.Draft202012Validator(schema).iter_errors(config)
    return [problem for error in errors for problem in _explain(_deepest(error))]


def drop_nulls(value: Any, schema: Schema, root: Schema) -> None:
    """Remove the keys that are null where the schema wants a value."""
    for key, below in _below(value, schema, root):
        if value[key] is None and "null" not in below.get("type", "any"):
            del value[key]
        else:
            drop_nulls(value[key], below, root)


def fill_defaults(value: Any, schema: Schema, root: Schema) -> None:
    """Set the keys that are missing to the defaults of the schema."""
    if isinstance(value, dict):
        for key, below in resolve(schema, root).get("properties", {}).items():
            if key not in value and "default" in below:
                value[key] = copy.deepcopy(below["default"])
    for key, below in _below(value, schema, root):
        fill_defaults(value[key], below, root)


def resolve(schema: Schema, root: Schema) -> Schema:
    """Return a part of a schema together with the definition that its ``$ref`` names.

    A property of the part wins over the same property of the definition, key by key. So a part can
    add a description or a default.
    """
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    if not name:
        return schema
    common = root["$defs"][name]
    known, own = common.get("properties", {}), schema.get("properties", {})
    properties = {key: {**below, **own.get(key, {})} for key, below in known.items()}
    return {**common, **schema, **({"properties": properties} if properties else {})}


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the end of an error about an unknown name: a similar name, if there is one."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else "."


def _below(value: Any, schema: Schema, root: Schema) -> list[tuple[str, Schema]]:
    """Return the keys of a section that the schema knows, each with its schema."""
    if not isinstance(value, dict):
        return []
    schema = resolve(schema, root)
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    found = [(key, known.get(key, others)) for key in value]
    return [(key, resolve(below, root)) for key, below in found if isinstance(below, dict)]


def _deepest(error: Any) -> Any:
    """Return the most specific error behind one: that of the alternative that fits best."""
    while error.context and not _choices(error):
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return error


def _choices(error: Any) -> list[str]:
    """Return the keys of which the schema wants exactly one, if that is the error."""
    if error.validator != "oneOf" or not isinstance(error.instance, dict):
        return []
    return [key for one in error.validator_value for key in one.get("required", [])]


def _explain(error: Any) -> Iterator[Problem]:
    path = tuple(map(str, error.absolute_path))
    key = f"config key {'.'.join(path)}"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in map(str, error.instance.keys() - known.keys()):
            place = ".".join([*path, name])
            message = f"config key {place}: there is no such key{suggest(name, known)}"
            yield Problem(message, None)
    elif error.validator == "required":
        # Where names are free, as those of models, no check reads one by its name.
        free = isinstance(error.schema.get("additionalProperties"), dict)
        for name in error.validator_value:
            if name not in error.instance:
                missing = (*path, name)
                unusable = None if free else missing
                yield Problem(f"config key {'.'.join(missing)}: missing", unusable)
    elif choices := _choices(error):
        given = [choice for choice in choices if choice in error.instance]
        what = "both {} are given; set one of them to null"
        if not given:
            what = "none of {} is given; set one of them"
        message = f"{key}: {what.format(' and '.join(given or choices))}"
        yield Problem(message, (*path, choices[0]))
    elif "propertyNames" in error.absolute_schema_path:  # a wrong name, whose value can be read
        yield Problem(f"{key}: {error.message}", None)
    elif error.validator == "type":
        kinds = error.validator_value
        kinds = kinds if isinstance(kinds, str) else " or ".join(kinds)
        yield Problem(f"{key}: {json.dumps(error.instance)} is not of type {kinds}", path)
    else:
        yield Problem(f"{key}: {error.message}", path)
