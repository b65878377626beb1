"""Tests of lfb.models.published; tests/test_peer.py compares with MMAction2's own models."""

import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.models.action_model import ActionModel, build_model
from lfb.models.checkpoints import save_checkpoint
from lfb.models.published import import_model, load_backbone
from tests.pictures import OUTPUTS, TINY, make_model
from tests.samples import Harmful

NON_LOCAL = {"name": "non_local", "width": 6, "layers": 2}
HEAD = {"roi_size": 3}
OPERATORS = [None, {"name": "avg"}, {"name": "max"}, NON_LOCAL]
FBO = "roi_head.shared_head.fbo."
THEIRS = {
    "project_roi": "st_feat_conv",
    "project_bank": "lt_feat_conv",
    "theta": "st_feat_conv.conv",
    "phi": "lt_feat_conv.conv",
    "g": "global_conv.conv",
    "out": "out_conv.conv",
}


def their_state(model: ActionModel) -> OrderedDict[str, Tensor]:
    """Return a model's weights under the names and in the shapes of MMAction2."""
    state = OrderedDict()
    for name, tensor in model.state_dict().items():
        if match := re.fullmatch(r"operator\.(?:layers\.(\d)\.)?(\w+)\.(weight|bias)", name):
            layer, part, kind = match.groups()
            place = FBO + (f"non_local_layer_{int(layer) + 1}." if layer else "")
            if part == "norm":
                state[f"{place}ln.{kind}"] = tensor[:, None, None, None]
            else:
                shape = tensor.shape + (1, 1, 1) * (kind == "weight")
                state[f"{place}{THEIRS[part]}.{kind}"] = tensor.reshape(shape)
        else:
            state[name.replace("classifier.", "roi_head.bbox_head.fc_cls.")] = tensor
    return state


def save(path: Path, state: OrderedDict[str, Tensor]) -> Path:
    torch.save({"meta": {}, "state_dict": state}, path)
    return path


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def described(operator: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the arguments of `make_model`'s models, without the outputs."""
    return {"backbone": TINY, "head": HEAD, "operator": operator}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o["name"] if o else "baseline")
def test_every_tensor_is_loaded_under_its_name(tmp_path, operator):
    other = make_model(operator)
    for number, parameter in enumerate(other.state_dict().values()):
        parameter.copy_(torch.full(parameter.shape, number))
    path = save(tmp_path / "a.pth", their_state(other))
    model, _, _ = import_model(path, described(operator), OUTPUTS)
    assert equal(model.state_dict(), other.state_dict())


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o["name"] if o else "baseline")
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_a_trained_model_is_built_as_described(tmp_path, operator, name):
    model = make_model(operator).train()
    arguments = {**described(operator), "outputs": OUTPUTS}
    if name == "a.pth":
        save(tmp_path / name, their_state(model))
    else:
        save_checkpoint(tmp_path / name, model, {"model": arguments})
    found, known, unused = import_model(tmp_path / name, described(operator), OUTPUTS - 1)
    assert equal(found.state_dict(), model.state_dict())
    assert known == arguments
    assert unused == []
    assert not found.training


def test_a_model_of_fewer_actions_is_an_error(tmp_path):
    path = save(tmp_path / "a.pth", their_state(make_model()))
    with pytest.raises(
        UserError, match="scores actions 1 to 3, but the label list has actions up to"
    ):
        import_model(path, described(), OUTPUTS + 1)


def test_a_checkpoint_of_this_project_must_be_of_the_same_model(tmp_path):
    path = tmp_path / "a.safetensors"
    about = {**described({"name": "max"}), "outputs": OUTPUTS}
    save_checkpoint(path, make_model(about["operator"]), {"model": about})
    import_model(path, described({"name": "max", "empty": "zero"}), OUTPUTS)  # the default
    with pytest.raises(UserError, match=r"operator .*, here .*mask"):
        import_model(path, described({"name": "max", "empty": "mask"}), OUTPUTS)


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    sign = tmp_path / "sign"
    state = their_state(make_model())
    state["backbone.extra"] = Harmful(f"touch {sign}")
    with pytest.raises(UserError, match=r"contains objects other than tensors: backbone\.extra"):
        import_model(save(tmp_path / "a.pth", state), described(), OUTPUTS)
    assert not sign.exists()


@pytest.mark.parametrize(
    ("operator", "count"),
    [
        (None, 31_800_465),
        ({"name": "avg"}, 31_966_353),
        ({"name": "max"}, 31_966_353),
        ({"name": "non_local", "width": 512, "layers": 2, "dropout": 0.2}, 36_043_409),
    ],
)
def test_the_published_models_have_the_published_number_of_parameters(operator, count):
    with torch.device("meta"):
        model = build_model({"name": "slowonly", "depth": 50}, {}, operator, 81)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_files_older_than_the_counters_of_batch_norm_load(tmp_path):
    other = make_model()
    state = their_state(other)
    old = OrderedDict((n, t) for n, t in state.items() if not n.endswith("num_batches_tracked"))
    assert len(old) < len(state)
    model, _, _ = import_model(save(tmp_path / "a.pth", old), described(), OUTPUTS)
    assert equal(model.state_dict(), other.state_dict())


def test_only_the_backbone_is_loaded_and_the_rest_listed(tmp_path):
    model, other = make_model(NON_LOCAL), make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = OrderedDict((f"backbone.{n}", t) for n, t in other.backbone.state_dict().items())
    state["cls_head.fc_cls.weight"] = torch.ones(400, 16)
    state["cls_head.fc_cls.bias"] = torch.ones(400)
    unused = load_backbone(model, save(tmp_path / "kinetics.pth", state))
    assert unused == ["cls_head.fc_cls.bias", "cls_head.fc_cls.weight"]
    assert equal(model.backbone.state_dict(), other.backbone.state_dict())
    assert all(
        torch.equal(value, before[name])
        for name, value in model.state_dict().items()
        if not name.startswith("backbone.")
    )


def test_a_checkpoint_of_this_project_provides_a_backbone(tmp_path):
    model, other = make_model(), make_model(NON_LOCAL)
    about = {**described(NON_LOCAL), "outputs": OUTPUTS}
    save_checkpoint(tmp_path / "a.safetensors", other, {"model": about})
    unused = load_backbone(model, tmp_path / "a.safetensors")
    assert equal(model.backbone.state_dict(), other.backbone.state_dict())
    assert set(unused) == {n for n in other.state_dict() if not n.startswith("backbone.")}


def test_another_depth_width_or_operator_is_an_error(tmp_path):
    model = make_model(NON_LOCAL)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    deeper = build_model({**TINY, "depth": [2, 1]}, {}, {**NON_LOCAL, "width": 8}, OUTPUTS)
    path = save(tmp_path / "a.pth", their_state(deeper))
    with pytest.raises(UserError, match="of: backbone, operator, classifier") as refused:
        import_model(path, described(NON_LOCAL), OUTPUTS)
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    extra = deeper.state_dict().keys() - model.state_dict().keys()
    assert f"Tensors: 0 missing, {len(extra)} not in the model, " in message
    assert all(f"\n  {name}: not in the model" in message for name in sorted(extra)[:5])
    assert "\n  operator.layers.0.g.weight: shape (8, 8), but (6, 6) in the model" in message
    with pytest.raises(UserError, match=r"backbone\.layer1\.1\.conv1\.bn\.bias: not in the model"):
        load_backbone(model, path)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_recogniser_is_not_an_action_model(tmp_path):
    state = their_state(make_model())
    state["cls_head.fc_cls.weight"] = state.pop("roi_head.bbox_head.fc_cls.weight")
    with pytest.raises(UserError) as refused:
        import_model(save(tmp_path / "a.pth", state), described(), OUTPUTS)
    assert "\n  classifier.weight: missing" in str(refused.value)
    assert "\n  cls_head.fc_cls.weight: not in the model" in str(refused.value)


@pytest.mark.parametrize("value", [torch.nan, -torch.inf])
def test_weights_that_are_not_finite_are_an_error(tmp_path, value):
    other = make_model()
    next(iter(other.backbone.state_dict().values()))[0] = value
    path = save(tmp_path / "a.pth", their_state(other))
    for read in (
        lambda: import_model(path, described(), OUTPUTS),
        lambda: load_backbone(make_model(), path),
    ):
        with pytest.raises(UserError, match="1 tensors have values that are not finite numbers"):
            read()


def test_names_of_a_parallel_model_are_read_without_their_prefix(tmp_path, caplog):
    caplog.set_level("INFO", "lfb")
    other = make_model(NON_LOCAL)
    state = OrderedDict((f"module.{name}", tensor) for name, tensor in their_state(other).items())
    model, _, unused = import_model(save(tmp_path / "a.pth", state), described(NON_LOCAL), OUTPUTS)
    assert equal(model.state_dict(), other.state_dict())
    assert unused == []
    assert "names of tensors are read without 'module.'" in caplog.text


def test_a_date_in_a_name_is_no_error(tmp_path, caplog):
    path = save(tmp_path / "mine-20231124.pth", their_state(make_model()))
    import_model(path, described(), OUTPUTS)
    assert "This is right if 20231124 is a date or a number." in caplog.text


def test_a_file_must_match_the_digest_in_its_name(tmp_path):
    model = make_model()
    path = save(tmp_path / "a.pth", their_state(model))
    good = path.rename(tmp_path / f"a_20200704-{digest(path)[:8]}.pth")
    import_model(good, described(), OUTPUTS)
    bad = good.rename(tmp_path / "a_20200704-00c0ffee.pth")
    with pytest.raises(UserError, match="should begin with 00c0ffee, as the name says"):
        import_model(bad, described(), OUTPUTS)
    with pytest.raises(UserError, match="should begin with 00c0ffee, as the name says"):
        load_backbone(model, bad)


@pytest.mark.parametrize("name", ["a_20200704-00c0ffee.pth", "a.pth", "a.safetensors"])
def test_missing_weights_are_an_error(name):
    with pytest.raises(UserError, match=f"{name}: there is no"):
        load_backbone(make_model(), name)
