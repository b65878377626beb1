"""Tests of lfb.config.schema, and of the schema itself."""

import inspect
from typing import Any

import pytest

from lfb.models.action_model import ActionModel
from lfb.models.signatures import arguments
from scripts.document_config import document
from tests.configs import CONFIG, SCHEMA, checked


def test_the_schema_is_valid_and_describes_every_key():
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def unexplained(schema: Any, path: str) -> list[str]:
        found = []
        for key, below in schema.get("properties", {}).items():
            if below.keys() & {"description"} == set() and path.count(".") > 0:
                found.append(f"{path}.{key}")
            found += unexplained(below, f"{path}.{key}")
        return found

    assert unexplained(SCHEMA, "config") == []


def test_missing_keys_get_their_defaults():
    config = checked()
    assert config["seeds"] == [0]
    assert config["device"] == "auto"
    assert config["boxes"]["train_most"] == 32
    assert config["boxes"]["test_score"] == 0.9
    assert config["head"]["roi_size"] == 8
    assert config["input"]["flip"] == 0.5
    assert config["bank"]["dtype"] == "float16"
    assert config["data"]["seconds"] is None
    assert config["models"]["lfb_avg"]["published_mAP"] is None
    assert "demo" not in config
    assert checked(bank={"dtype": "float32"})["bank"] == {
        "dtype": "float32",
        "pieces": 2,
        "published": {"train": None, "val": None},
    }


def test_two_configs_do_not_share_defaults():
    checked()["boxes"]["train_most"] = 1
    assert checked()["boxes"]["train_most"] == 32


@pytest.mark.parametrize("name", arguments("backbones"))
def test_the_schema_describes_the_arguments_of_a_backbone(name):
    backbone = SCHEMA["$defs"]["backbone"]
    assert set(arguments("backbones")[name]) <= set(backbone["properties"])
    head = list(inspect.signature(ActionModel).parameters)[3:]
    assert list(SCHEMA["properties"]["head"]["properties"]) == head


def test_config_readme_is_up_to_date():
    page = (CONFIG / "README.md").read_text()
    assert page == document(SCHEMA), "run: python -m scripts.document_config"
