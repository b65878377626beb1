"""Tests of lfb.models.checkpoints."""

import contextlib
import json
import subprocess
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.models.checkpoints import load_checkpoint, load_weights, save_checkpoint
from tests.pictures import OUTPUTS, TINY, make_model

NON_LOCAL = {"name": "non_local", "width": 4, "layers": 1, "empty": "mask"}
ABOUT = {
    "model": {
        "backbone": TINY,
        "head": {"roi_size": 3},
        "operator": NON_LOCAL,
        "outputs": OUTPUTS,
    },
    "settings": {"training": {"learning_rate": 0.1, "steps": [1, 2]}},
    "data": "abc",
    "epoch": 3,
    "bank": None,
}


@pytest.fixture
def saved(tmp_path) -> Path:
    save_checkpoint(tmp_path / "model.safetensors", make_model(NON_LOCAL), ABOUT)
    return tmp_path / "model.safetensors"


def test_a_saved_model_is_rebuilt_from_only_its_file(tmp_path):
    model = make_model(NON_LOCAL).to(memory_format=torch.channels_last_3d)
    save_checkpoint(tmp_path / "model.safetensors", model, ABOUT)
    loaded = load_checkpoint(tmp_path / "model.safetensors")
    assert {key: loaded.about[key] for key in ABOUT} == ABOUT
    built = loaded.build()
    assert not built.training
    assert built.operator.empty == "mask"
    weights = model.state_dict()
    assert built.state_dict().keys() == weights.keys()
    assert all(torch.equal(value, weights[name]) for name, value in built.state_dict().items())


def test_a_checkpoint_records_its_origin(saved):
    about = load_checkpoint(saved).about
    assert about["versions"]["torch"] == torch.__version__
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert about["commit"] == answer.stdout.strip()


def test_equal_models_give_equal_files(tmp_path):
    model = make_model(NON_LOCAL)
    digests = set()
    for number in range(4):
        save_checkpoint(tmp_path / f"{number}", model, ABOUT)
        digests.add(digest(tmp_path / f"{number}"))
    assert len(digests) == 1


def test_weights_that_do_not_fit_are_an_error_and_none_is_copied():
    model = make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    weights = {name: value + 1 for name, value in before.items()}
    del weights["classifier.bias"], weights["backbone.conv1.bn.weight"]
    weights["operator.g.weight"] = torch.zeros(1)
    weights["classifier.weight"] = torch.zeros(3, 5)
    with pytest.raises(UserError) as refused:
        load_weights(model, weights, "m.safetensors")
    message = str(refused.value)
    assert message.startswith(
        "m.safetensors: the checkpoint does not fit the model. Another kind, depth or "
        "width of: backbone, operator, classifier. Name the right file, or describe its "
        "model in the config. Tensors: 2 missing, 1 not in the model, 1 of another shape:\n"
    )
    assert "\n  classifier.bias: missing" in message
    assert "\n  backbone.conv1.bn.weight: missing" in message
    assert "\n  operator.g.weight: not in the model" in message
    assert "\n  classifier.weight: shape (3, 5), but (4, 16) in the model" in message
    assert message.count("\n") == 4
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_weights_of_another_network_are_an_error_of_a_few_lines():
    model = make_model()
    weights = {f"layer1.{number}.weight": torch.zeros(1) for number in range(7)}
    with pytest.raises(UserError) as refused:
        load_weights(model, weights, "resnet.pth")
    first, *named = str(refused.value).split("\n  ")
    assert "It is of another network: no tensor name matches the backbone." in first
    expected = sorted(model.state_dict())
    assert first.endswith(
        f"Tensors: {len(expected)} missing, 7 not in the model, 0 of another shape:"
    )
    assert named == [
        *(f"{name}: missing" for name in expected[:5]),
        f"and {len(expected) - 5} more missing",
        *(f"{name}: not in the model" for name in sorted(weights)[:5]),
        "and 2 more not in the model",
    ]


@pytest.mark.parametrize("part", [0, 5, 0.5, -1])
def test_a_truncated_file_is_an_error(saved, part):
    data = saved.read_bytes()
    saved.write_bytes(data[: int(len(data) * part) if part == 0.5 else part])
    with pytest.raises(UserError, match="not a complete safetensors checkpoint"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    "metadata", [None, {"format": "pt"}, {"format": '"other"'}, {"about": "{"}, {"x": "y"}]
)
def test_another_kind_of_file_has_another_error_than_a_broken_one(tmp_path, metadata):
    save_file({"x": torch.zeros(2)}, tmp_path / "foreign.safetensors", metadata)
    with pytest.raises(UserError, match="safetensors, but not a checkpoint"):
        load_checkpoint(tmp_path / "foreign.safetensors")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match="there is no checkpoint here"):
        load_checkpoint(tmp_path / "gone")


def test_a_failed_write_leaves_the_older_file(saved):
    before = saved.read_bytes()
    with pytest.raises(TypeError):
        save_checkpoint(saved, make_model(), {"epoch": object()})
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_byte_is_noticed_or_without_meaning(saved, data):
    before = load_checkpoint(saved)
    content = bytearray(saved.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    part = data.draw(st.sampled_from([(0, header), (header, len(content))]))
    place = data.draw(st.integers(part[0], part[1] - 1))
    content[place] ^= (change := data.draw(st.integers(1, 255)))
    saved.write_bytes(content)
    with contextlib.suppress(UserError):
        after = load_checkpoint(saved)
        assert before.about.items() <= after.about.items()
        assert before.weights.keys() == after.weights.keys()
        assert all(torch.equal(before.weights[name], after.weights[name]) for name in after.weights)
    content[place] ^= change
    saved.write_bytes(content)


def test_a_checkpoint_without_a_digest_is_read(saved, tmp_path):
    about = {**load_checkpoint(saved).about, "epoch": 4}
    weights = load_checkpoint(saved).weights
    for name, digest_of_weights in ("old", {}), ("wrong", {"digest": "c0ffee"}):
        metadata = {"lfb-checkpoint": json.dumps({**about, **digest_of_weights})}
        save_file(weights, tmp_path / name, metadata)
    old = load_checkpoint(tmp_path / "old")
    assert (load_checkpoint(saved).checked, old.checked) == (True, False)
    assert old.about == about
    with pytest.raises(UserError, match=r"wrong: the checkpoint is damaged.* Delete it and run"):
        load_checkpoint(tmp_path / "wrong")
