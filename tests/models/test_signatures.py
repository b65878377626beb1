"""Tests of lfb.models.signatures."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from lfb.errors import UserError
from lfb.models.backbones import Backbone
from lfb.models.by_name import class_in
from lfb.models.operators import Operator
from lfb.models.signatures import ROOT, arguments


def test_arguments_are_those_of_the_classes_themselves():
    for kind, contract, given in ("operators", Operator, 1), ("backbones", Backbone, 0):
        found = arguments(kind)
        assert len(found) > 1
        for name, names in found.items():
            real = class_in(f"lfb.models.{kind}", name, contract)
            assert names == list(inspect.signature(real).parameters)[given:]


@pytest.fixture
def written(tmp_path):
    """Return a function that adds an operator to a copied folder and returns all arguments."""
    folder = tmp_path / "lfb/models/operators"
    folder.mkdir(parents=True)
    for file in (ROOT / "lfb/models/operators").glob("*.py"):
        (folder / file.name).write_text(file.read_text())

    def write(text: str) -> dict[str, list[str]]:
        lines = [
            "import lfb.models.operators.non_local as nl",
            "from lfb.models.operators import Operator",
            "from lfb.models.operators.max import Maximum as Most",
            "from .avg import Average",
            text,
        ]
        (folder / "mine.py").write_text("\n".join(lines))
        return arguments("operators", tmp_path)

    return write


NON_LOCAL = ["width", "layers", "dropout", "empty", "norm_affine", "init_std", "fold"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("class Mine(Operator): pass", ["empty"]),
        ("class Mine(Most): pass", ["empty"]),
        ("class Mine(Average): pass", ["empty"]),
        ("class Mine(nl.NonLocal): pass", NON_LOCAL),
        ("class Mine(Operator):\n def __init__(self, c, *, gain=1): pass", ["gain"]),
        ("class Mine(Operator):\n def __init__(self, c, /, gain=1): pass", ["gain"]),
        ("class Mine(Operator):\n def __init__(self, c, gain, *, empty): pass", ["gain", "empty"]),
        (
            "class Mine(nl.NonLocal):\n def __init__(self, *args, width=3, **kwargs): pass",
            ["width", *NON_LOCAL[1:]],
        ),
        ("class Mix: pass\nclass Mine(Mix, nl.NonLocal): pass", NON_LOCAL),
        ("class Part:\n def __init__(self, a): pass\nclass Mine(Operator): pass", ["empty"]),
    ],
)
def test_inherited_and_keyword_only_arguments_count(written, text, names):
    assert written(text)["mine"] == names


def test_a_file_without_an_operator_is_a_helper(written):
    assert written("def attend(): ...\nclass Layer: pass") == arguments("operators")


def test_two_operators_in_a_file_are_an_error(written):
    with pytest.raises(UserError, match=r"mine\.py: One, Two are subclasses of Operator"):
        written("class One(Operator): pass\nclass Two(Most): pass")


def test_reading_arguments_loads_no_pytorch():
    code = "import sys; from lfb.models.signatures import arguments; arguments('operators');"
    code += "assert not {'torch', 'zarr', 'pandas', 'numpy'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], cwd=Path(ROOT), check=True)
