"""Write config/README.md from config/schema.yaml: ``python -m scripts.document_config``."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lfb.config.schema import resolve

SCHEMA = Path("config/schema.yaml")
README = Path("config/README.md")

HEAD = """# Every key of the configuration

`config.yaml` is the default run. `snakemake --configfile FILE` runs another config. The workflow
checks a config before it starts, and lists all unknown keys and wrong values together.
`python -m scripts.document_config` writes this page from `schema.yaml`.

## Configs that build on each other

The key `base` of a config names the config that it builds on:

```yaml
base: ava.yaml  # relative to the folder of this file

training:
  epochs: 30
```

This config is `ava.yaml` with another number of epochs. Sections are merged key by key; lists and
single values are replaced. null removes an optional key or a model: `models: {lfb_avg: null}`. The
base may have a base itself.

- `base: null`: the config stands alone. It has all required keys of the list below.
- Without `base`, a config builds on `config.yaml`, or on the files that the command line names
  before it: `--configfile my.yaml config/small.yaml`.

Files on one command line are merged in their order there, but each file once and after its base.
`--config device=cuda` overrides all files. If another workflow uses this one as a module, the
`base` in its `config:` is relative to this folder.

## Number of jobs

The keys `pieces` of `frames`, `detector`, `bank` and `inference` say into how many jobs a stage is
cut. Each job works on some of the videos. The results are the same for any number. A finished piece
is kept if the run stops before the others are done; after that, a short job joins the pieces and
deletes them. If you change the number after the stage is done, the stage and all that depends on it
run again. So choose it before the stage runs.

## Keys

A key of `models` is the name of a row of the table. `operator.name` is the name of a file in
`lfb/models/operators`; the other keys of `operator` are the arguments of that operator.

| key | type | default | meaning |
|---|---|---|---|
"""


def document(schema: Mapping[str, Any]) -> str:
    """Return the page for a schema."""
    rows = (f"| {' | '.join(row)} |\n" for row in _rows(schema, schema, ""))
    return HEAD + "".join(rows)


def _rows(
    part: Mapping[str, Any], schema: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str, str, str]]:
    for key, about in part.get("properties", {}).items():
        whole = resolve(about, schema)
        place = f"{path}{key}"
        default = whole.get("default")
        nothing = "default" not in whole or default == {}
        shown = "" if nothing else f"`{json.dumps(default)}`"
        if key in part.get("required", []):
            shown = "required"
        yield f"`{place}`", _type(whole, schema), shown, whole.get("description", "")
        if "$ref" in about and place.startswith("models."):
            continue  # documented at the common section
        yield from _rows(whole, schema, f"{place}.")
        others = whole.get("additionalProperties")
        if isinstance(others, Mapping) and "properties" in others:
            yield from _rows(others, schema, f"{place}.NAME.")
        elif isinstance(others, Mapping) and "items" in others:
            yield from _rows(others["items"], schema, f"{place}.NAME[].")


def _type(about: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(f"`{json.dumps(value)}`" for value in about["enum"])
    if "oneOf" in about and "type" not in about:
        kinds = (_type(resolve(one, schema), schema) for one in about["oneOf"])
        return " or ".join(kinds)
    kind = about.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else kind


def main() -> None:
    """Write the page."""
    README.write_text(document(yaml.safe_load(SCHEMA.read_text())))


if __name__ == "__main__":
    main()
