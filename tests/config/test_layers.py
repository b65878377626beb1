"""Tests of lfb.config.layers: config files that build on each other."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from lfb.config.layers import merge, read_file, read_layers
from lfb.errors import UserError
from tests.samples import write

CONFIG = Path(__file__).parents[2] / "config"

FILES = {
    "default.yaml": {"base": None, "a": {"x": 0, "y": 0}, "files": ["default"]},
    "whole.yaml": {"base": None, "a": {"x": 1}, "files": ["whole"]},
    "other.yaml": {"base": None, "b": 1},
    "middle.yaml": {"base": "whole.yaml", "a": {"y": 2}, "files": ["middle"]},
    "top.yaml": {"base": "middle.yaml", "a": {"z": 3}, "files": ["top"]},
    "beside.yaml": {"base": "sub/../whole.yaml", "a": {"y": 4}, "b": 4},
    "floating.yaml": {"a": {"x": 5}},
    "on_floating.yaml": {"base": "floating.yaml", "c": 6},
    "on_default.yaml": {"base": "default.yaml", "c": 7},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder config of the working directory, with the files above."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "config"
    (folder / "sub").mkdir(parents=True)
    for name, content in FILES.items():
        write(folder, yaml.safe_dump(content), name=name)
    return folder


def layers(folder: Path, *names: str, **overrides: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the config of some files of a folder, and the names of all merged files."""
    config, files = read_layers([folder / n for n in names], overrides, folder / "default.yaml")
    return config, [file.name for file in files]


def error(folder: Path, *names: str, **overrides: Any) -> str:
    with pytest.raises(UserError) as raised:
        layers(folder, *names, **overrides)
    return str(raised.value)


@pytest.mark.parametrize(
    ("names", "files"),
    [
        ("", "default"),
        ("default", "default"),
        ("whole", "whole"),
        ("floating", "default floating"),
        ("whole floating", "whole floating"),
        ("floating default", "default floating"),
        ("on_floating", "default floating on_floating"),
        ("on_default floating", "default on_default floating"),
        ("whole on_floating", "whole floating on_floating"),
        ("top", "whole middle top"),
        ("top middle whole", "whole middle top"),
        ("whole middle top", "whole middle top"),
        ("middle top", "whole middle top"),
        ("top top", "whole middle top"),
        ("beside top", "whole beside middle top"),
        ("top beside", "whole middle top beside"),
        ("top floating", "whole middle top floating"),
    ],
)
def test_each_file_is_read_once_and_after_its_base(folder, names, files):
    _, found = layers(folder, *(f"{name}.yaml" for name in names.split()))
    assert found == [f"{name}.yaml" for name in files.split()]


def test_a_later_layer_wins_and_the_key_base_is_removed(folder):
    config, _ = layers(folder, "top.yaml", "beside.yaml", a={"w": 9}, d=None)
    assert config == {
        "a": {"x": 1, "y": 4, "z": 3, "w": 9},
        "files": ["top"],
        "b": 4,
        "d": None,
    }


def test_keys_without_a_file_are_laid_over_the_default_or_their_base(folder):
    assert layers(folder, d=1)[0] == {"a": {"x": 0, "y": 0}, "files": ["default"], "d": 1}
    assert layers(folder, d=1, base="other.yaml") == ({"b": 1, "d": 1}, ["other.yaml"])
    assert layers(folder, d=1, base="top.yaml")[1] == ["whole.yaml", "middle.yaml", "top.yaml"]
    assert layers(folder, d=1, base=None) == ({"d": 1}, [])


def test_bases_are_relative_to_the_file_that_names_them(folder, tmp_path):
    write(folder / "sub", "base: ../top.yaml", name="deep.yaml")
    write(tmp_path, f"base: {folder}/sub/deep.yaml", name="far.yaml")
    (tmp_path / "link.yaml").symlink_to(folder / "middle.yaml")
    assert layers(folder, "../far.yaml", "../link.yaml")[1] == [
        "whole.yaml",
        "middle.yaml",
        "top.yaml",
        "deep.yaml",
        "far.yaml",
    ]


def test_a_missing_base_is_an_error_that_names_the_chain(folder):
    write(folder, "base: nowhere.yaml", name="a.yaml")
    write(folder, "base: a.yaml", name="b.yaml")
    assert error(folder, "b.yaml") == (
        "config/nowhere.yaml: no such file. Config files build on it: config/b.yaml -> "
        "config/a.yaml -> config/nowhere.yaml. Fix `base` in config/a.yaml; it is relative to "
        "that file's folder."
    )
    assert error(folder, "no.yaml") == "config/no.yaml: no such file"
    assert error(folder, base="no.yaml") == "config/no.yaml: no such file"


@pytest.mark.parametrize("named", ["a.yaml", "b.yaml", "c.yaml"])
def test_a_circle_is_an_error_that_names_the_chain(folder, named):
    for name, base in ("a", "b"), ("b", "c"), ("c", "a"):
        write(folder, f"base: {base}.yaml", name=f"{name}.yaml")
    chain = {"a": "a b c a", "b": "b c a b", "c": "c a b c"}[named[0]].split()
    path = " -> ".join(f"config/{name}.yaml" for name in chain)
    assert error(folder, named) == (
        f"config files build on each other in a circle: {path}. Change `base` in one of them."
    )
    write(folder, "base: self.yaml", name="self.yaml")
    assert (
        error(folder, "self.yaml")
        .partition(". ")[0]
        .endswith("circle: config/self.yaml -> config/self.yaml")
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("- 1", "a config file must contain keys with values"),
        ("", "a config file must contain keys with values"),
        ("a: 1\nb: [}", "config/bad.yaml:2: did not find expected node content"),
        (b"a: \xff", "invalid start byte"),
    ],
)
def test_a_base_that_is_not_a_config_is_an_error_that_names_the_chain(folder, content, reason):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "bad.yaml").write_bytes(data)
    write(folder, "base: bad.yaml", name="a.yaml")
    message = error(folder, "a.yaml")
    assert message.startswith("config/bad.yaml:")
    assert reason in message
    assert ": config/a.yaml -> config/bad.yaml. Fix `base` in config/a.yaml; " in message


def test_a_base_that_is_a_folder_is_an_error(folder):
    write(folder, "base: sub", name="a.yaml")
    assert error(folder, "a.yaml").startswith("config/sub: Is a directory. ")


@pytest.mark.parametrize("base", [3, ["whole.yaml"], {}, True])
def test_a_base_that_is_not_a_name_is_an_error(folder, base):
    write(folder, yaml.safe_dump({"base": base}), name="a.yaml")
    assert error(folder, "a.yaml").startswith("config/a.yaml: base: ")
    assert "is not a file name" in error(folder, "a.yaml")
    assert error(folder, base=base).startswith("the config: base: ")


@pytest.mark.parametrize(
    ("names", "wrong", "below"),
    [
        (["whole.yaml", "other.yaml"], "other.yaml", ["whole.yaml"]),
        (["top.yaml", "other.yaml"], "other.yaml", ["whole.yaml", "middle.yaml", "top.yaml"]),
        (["other.yaml", "top.yaml"], "whole.yaml", ["other.yaml"]),
        (["floating.yaml", "whole.yaml"], "whole.yaml", ["default.yaml", "floating.yaml"]),
        (["whole.yaml", "default.yaml"], "default.yaml", ["whole.yaml"]),
        (["whole.yaml", "on_default.yaml"], "default.yaml", ["whole.yaml"]),
    ],
)
def test_a_config_with_base_null_is_not_laid_over_another(folder, names, wrong, below):
    others = ", ".join(f"config/{name}" for name in below)
    assert error(folder, *names) == (
        f"config/{wrong} stands alone (`base: null`) and cannot build on {others}. Name only "
        "config files that build on the same one."
    )


def test_keys_with_base_null_are_not_laid_over_files(folder):
    assert "the config stands alone (`base: null`)" in error(folder, "whole.yaml", base=None)


def test_paths_outside_the_working_directory_are_shown_whole(folder, monkeypatch):
    monkeypatch.chdir(folder / "sub")
    assert error(folder, "no.yaml") == f"{folder.resolve()}/no.yaml: no such file"


def test_a_config_may_be_json(tmp_path):
    path = write(tmp_path, '{"a": {"b": 1e-5}}', name="a.json")
    assert read_file(path) == {"a": {"b": 1e-5}}
    with pytest.raises(UserError, match=r"b\.json: Expecting value: line 1"):
        read_file(write(tmp_path, "a: 1", name="b.json"))


leaves = st.none() | st.integers() | st.lists(st.integers(), max_size=2)
nested = st.recursive(
    leaves,
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), nested), max_size=4))
def test_files_merge_as_snakemake_merges_them(contents):
    expected: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for content in contents:
        before = copy.deepcopy(content)
        merged = merge(merged, content)
        assert content == before  # merging changes no layer
        update_config(expected, before)
    assert merged == expected
    assert list(merged) == list(expected)  # the table has the models in this order


def test_an_empty_section_over_a_scalar_is_an_empty_section():
    assert merge({"a": 1, "b": {"c": 1}}, {"a": {}, "b": {}}) == {"a": {}, "b": {"c": 1}}


def test_the_published_bank_needs_one_config_and_any_order_gives_the_same():
    names = ["ava.yaml", "ava_published.yaml", "ava_published_bank.yaml"]
    one = layers_of_project("ava_published_bank.yaml")
    assert [file.name for file in one[1]] == names
    assert one[0]["pathvars"]["results"] == "results/ava_published_bank"
    assert one[0]["pathvars"]["resources"] == "resources/ava"
    assert layers_of_project(*names) == one
    assert layers_of_project(*reversed(names)) == one


def layers_of_project(*names: str) -> Any:
    return read_layers([CONFIG / name for name in names], {}, CONFIG / "config.yaml")
