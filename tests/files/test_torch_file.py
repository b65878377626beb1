"""Tests of lfb.files.torch_file."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from lfb.errors import UserError
from lfb.files.torch_file import read_nested, read_tensors
from tests.samples import Harmful

FORMATS = [pytest.param(True, id="zip"), pytest.param(False, id="legacy")]


class Record:
    """A class of another project, with state."""

    def __init__(self) -> None:
        self.history = [np.arange(3), {"a": (1, 2)}]
        self.method = self.total

    def total(self) -> int:
        return 3


def weights() -> OrderedDict:
    """Return a tensor of each kind, and tensors that share their values."""
    random = torch.Generator().manual_seed(0)
    base = torch.randn(4, 6, generator=random)
    kinds = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
    kinds += [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
    state = OrderedDict((f"of.{kind}", (base * 9).abs().to(kind)) for kind in kinds)
    state |= {
        "turned": base.t(),
        "part": base[1:3, ::2],
        "one": torch.tensor(7),
        "empty": torch.empty(0, 3),
        "parameter": torch.nn.Parameter(base),
    }
    state._metadata = {"": {"version": 1}}
    return state


def equal(found: dict[str, torch.Tensor], expected: OrderedDict) -> bool:
    assert found.keys() == expected.keys()
    return all(
        found[name].dtype == value.dtype and torch.equal(found[name], value)
        for name, value in expected.items()
    )


@pytest.mark.parametrize("zipped", FORMATS)
@pytest.mark.parametrize("wrapped", [True, False])
def test_tensors_are_read_as_torch_saved_them(tmp_path, zipped, wrapped):
    state = weights()
    content = {"meta": {"epoch": 3}, "state_dict": state, "x": torch.ones(2)} if wrapped else state
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    assert equal(read_tensors(tmp_path / "a.pth"), state)


@pytest.mark.parametrize("zipped", FORMATS)
def test_objects_of_other_classes_are_ignored(tmp_path, zipped):
    content = {"message_hub": Record(), "meta": np.float64(3), "state_dict": weights()}
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "a.pth", weights_only=True)
    assert equal(read_tensors(tmp_path / "a.pth"), content["state_dict"])


@pytest.mark.parametrize("zipped", FORMATS)
def test_no_code_in_a_pickle_is_run(tmp_path, zipped):
    sign = tmp_path / "sign"
    content = {"message_hub": Harmful(f"touch {sign}"), "state_dict": weights()}
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    assert equal(read_tensors(tmp_path / "a.pth"), content["state_dict"])
    assert not sign.exists()
    torch.load(tmp_path / "a.pth", weights_only=False)
    assert sign.exists()  # unpickled without protection, the code runs


def test_code_in_place_of_a_tensor_is_not_run_and_the_file_is_refused(tmp_path):
    sign = tmp_path / "sign"
    state = {"a": torch.ones(1), "b": Harmful(f"touch {sign}")}
    torch.save({"state_dict": state}, tmp_path / "a.pth")
    with pytest.raises(UserError, match="contains objects other than tensors: b"):
        read_tensors(tmp_path / "a.pth")
    assert not sign.exists()


GLOBAL = b"cos\nsystem\n"
# Every pickle instruction that calls, builds or fills an object.
TRICKS = {
    "reduce": GLOBAL + b"(X\x05\x00\x00\x00falsetR",
    "reduce twice": GLOBAL + b"(X\x05\x00\x00\x00falsetR)R",
    "newobj": GLOBAL + b")\x81",
    "newobj_ex": GLOBAL + b")}\x92",
    "obj": b"(" + GLOBAL + b"X\x05\x00\x00\x00falseo",
    "inst": b"(X\x05\x00\x00\x00falseios\nsystem\n",
    "build": GLOBAL + b")R}X\x01\x00\x00\x00aK\x01sb",
    "build a class": GLOBAL + b"}X\x08\x00\x00\x00__call__K\x01s\x86b",
    "build a dict": b"ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00itemsK\x01sb",
    "build a function": b"ctorch._utils\n_rebuild_tensor_v2\n"
    + b"N}X\x0c\x00\x00\x00__defaults__)s\x86b",
    "append": GLOBAL + b")RK\x01a",
    "appends": GLOBAL + b")R(K\x01e",
    "setitem": GLOBAL + b")RK\x01K\x02s",
    "setitems": GLOBAL + b")R(K\x01K\x02u",
    "additems": GLOBAL + b")R(K\x01\x90",
    "getattr": b"c__builtin__\ngetattr\n" + GLOBAL + b"X\x08\x00\x00\x00__call__\x86R)R",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_no_instruction_of_a_pickle_calls_a_function(tmp_path, trick, monkeypatch):
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("was called"))
    data = io.BytesIO()
    torch.save({"a": torch.ones(2)}, data)
    whole = zipfile.ZipFile(data)
    for name in "good", "bad":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in whole.namelist():
                content = whole.read(member)
                if member.endswith("data.pkl") and name == "bad":
                    content = b"\x80\x04" + TRICKS[trick] + b"0" + content[2:]
                archive.writestr(member, content)
    with suppress(UserError):  # some of these pickles are invalid
        assert read_tensors(tmp_path / "bad").keys() == {"a"}
    assert read_tensors(tmp_path / "good")["a"].tolist() == [1, 1]  # and no side effect remains


@pytest.mark.parametrize("zipped", FORMATS)
def test_a_file_truncated_anywhere_is_an_error(tmp_path, zipped):
    path = tmp_path / "a.pth"
    torch.save({"state_dict": weights()}, path, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    for end in [*range(0, len(data), max(1, len(data) // 40)), len(data) - 1]:
        path.write_bytes(data[:end])
        with pytest.raises(UserError, match="not a complete PyTorch file"):
            read_tensors(path)


def test_a_damaged_file_is_an_error(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"state_dict": {"a": torch.full((100,), 3.0)}}, path)
    data = bytearray(path.read_bytes())
    data[data.find(b"\x00\x00@@" * 9) + 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="not a complete PyTorch file"):
        read_tensors(path)


def test_a_tensor_larger_than_its_values_is_an_error(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(3), "b": torch.zeros(77)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if name.endswith("data.pkl"):
                assert content.count(b"K\x4d\x85") == 1  # the size (77,)
                content = content.replace(b"K\x4d\x85", b"K\x4e\x85")
            archive.writestr(name, content)
    with pytest.raises(UserError, match="larger than its stored values"):
        read_tensors(path)


@pytest.mark.parametrize(
    "content", [b"", pickle.dumps(0x1950A86A20F9469CFC6C), b"PK\x03\x04", b"\x80\x02\x8a"]
)
def test_a_file_with_only_a_valid_beginning_is_an_error(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(UserError, match="not a complete PyTorch file"):
        read_tensors(tmp_path / "a.pth")


@pytest.mark.parametrize("content", [b"item {}", b"\0\0\0\x18ftyp", b"Pk", pickle.dumps({"a": 1})])
def test_other_files_are_not_called_incomplete(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.pth: not a PyTorch file, although"):
        read_tensors(tmp_path / "a.pth")


@pytest.mark.parametrize("content", [[1], {"state_dict": 3}, {"state_dict": {}}, {"a": {"b": 1}}])
def test_a_file_without_a_state_dict_is_an_error(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(UserError, match="it has no state dict"):
        read_tensors(tmp_path / "a.pth")


@pytest.mark.parametrize("zipped", FORMATS)
def test_nested_dicts_and_lists_are_read_as_they_are(tmp_path, zipped):
    state = weights()
    rows = torch.randn(3, 4)
    plain = {"a": {903: []}, "b": {}, 7: (None, 1.5, True, "x")}
    content = {**plain, "a": {902: list(rows), 903: []}, "s": dict(state)}
    torch.save(content, tmp_path / "a.pkl", _use_new_zipfile_serialization=zipped)
    found = read_nested(tmp_path / "a.pkl")
    assert equal(found.pop("s"), state)
    assert torch.equal(torch.stack(found["a"].pop(902)), rows)
    assert found == plain


@pytest.mark.parametrize("value", [Record(), np.float64(3), {1, 2}, torch.float32, OrderedDict])
def test_other_objects_are_refused_at_any_depth(tmp_path, value):
    torch.save({"a": {1: [torch.ones(1), value]}}, tmp_path / "a.pkl")
    with pytest.raises(UserError, match="contains objects other than tensors and plain values"):
        read_nested(tmp_path / "a.pkl")


def test_a_list_that_contains_itself_is_refused(tmp_path):
    endless: list = [torch.ones(1)]
    endless.append(endless)
    torch.save(endless, tmp_path / "a.pkl")
    with pytest.raises(UserError, match="contain themselves"):
        read_nested(tmp_path / "a.pkl")


def test_another_zip_is_an_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(UserError, match=r"a\.pth: not a PyTorch file.* \(a zip of other files\)"):
        read_tensors(tmp_path / "a.pth")


def test_a_missing_file_is_an_error():
    with pytest.raises(UserError, match=r"gone\.pth: there is no such file"):
        read_tensors(Path("gone.pth"))
