"""Tests of lfb.models.caffe2: imported files give the results of the authors' code."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lfb.errors import UserError
from lfb.models.action_model import ActionModel, build_model
from lfb.models.caffe2 import read_weights, translate
from lfb.models.published import import_model, load_backbone
from tests import caffe2_files as caffe2
from tests.caffe2_files import Blobs

HEAD = {"roi_size": 7, "aligned": False, "dropout": 0.3, "dropout_before_pool": False}
NON_LOCAL = {"name": "non_local", "norm_affine": False}
# Our operator, the authors' FBO_TYPE and NUM_LAYERS.
MODELS: dict[str, tuple[dict[str, Any] | None, str | None, int]] = {
    "baseline": (None, None, 0),
    "avg": ({"name": "avg"}, "avg", 0),
    "max": ({"name": "max"}, "max", 0),
    "nl": ({**NON_LOCAL, "layers": 2}, "nl", 2),
    "nl_3l": ({**NON_LOCAL, "layers": 3}, "nl", 3),
}
ROIS = torch.tensor(
    [[0, 3.2, 5.0, 40.7, 60.1], [0, 0, 0, 63, 63], [0, 50, 10.5, 51, 30], [0, 31, 8, 63, 40]]
)


def described(operator: dict[str, Any] | None = None, depth: int = 50) -> dict[str, Any]:
    return {"backbone": {"name": "i3d_nl", "depth": depth}, "head": HEAD, "operator": operator}


def build(operator: dict[str, Any] | None = None, depth: int = 50) -> ActionModel:
    return build_model(**described(operator, depth), outputs=81)


def save(path: Path, blobs: dict[str, Any]) -> Path:
    path.write_bytes(caffe2.python_2({"blobs": {"model_iter": 140_000, **blobs}}))
    return path


@pytest.fixture(scope="module")
def clips() -> Tensor:
    random = torch.Generator().manual_seed(1)
    return torch.randint(256, (1, 3, 32, 64, 64), dtype=torch.uint8, generator=random)


@pytest.fixture(scope="module")
def trained() -> Blobs:
    """Return the backbone's blobs after the training on AVA."""
    return caffe2.draw(caffe2.backbone_shapes(50), seed=0)


@pytest.fixture(scope="module")
def features(trained, clips) -> Tensor:
    """Return the authors' pooled features of the RoIs."""
    with torch.inference_mode():
        normalised = (clips / 255 - 0.45) / 0.225
        return caffe2.roi_features(caffe2.backbone(trained, 50, normalised), ROIS)


@pytest.fixture(scope="module")
def model() -> ActionModel:
    """Return a baseline; its backbone is slow to build, so tests share it and change the rest."""
    return build().eval()


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_an_imported_model_gives_the_logits_of_the_authors_code(
    trained, features, clips, tmp_path, name
):
    operator, kind, layers = MODELS[name]
    blobs = {**trained, **caffe2.draw(caffe2.head_shapes(kind, layers), seed=1)}
    momentum = {f"{blob}_momentum": np.zeros(1, "f4") for blob in ("conv1_w", "pred_b")}
    path = save(tmp_path / "model_final.pkl", {**blobs, **momentum})
    ours, _, unused = import_model(path, described(operator), 81)
    assert unused == ["conv1_w_momentum", "model_iter", "pred_b_momentum"]
    path.unlink()  # pytest would keep 200 MB of each test

    random = torch.Generator().manual_seed(2)
    rows = torch.randn(1, 300, 2048, generator=random).clamp(min=-0.5)
    real = torch.rand(1, 300, generator=random) < 0.5
    rows[~real] = 0
    expected = caffe2.logits(blobs, kind, layers, features, rows.expand(4, -1, -1))
    found = ours(clips, ROIS, rows, real) if operator else ours(clips, ROIS)
    assert expected.std() > 0.1
    assert (found[:, 1:] - expected).abs().max() <= 1e-4
    assert (found[:, 0] == 0).all()  # the reserved output


@torch.inference_mode()
def test_every_detail_of_the_authors_network_changes_the_features(
    trained, features, clips, model, tmp_path
):
    path = save(tmp_path / "backbone.pkl", trained)
    load_backbone(model, path)
    path.unlink()

    def difference() -> float:
        return (model.roi_features(clips, ROIS) - features).abs().max().item()

    assert difference() <= 1e-4
    model.aligned = True
    assert difference() > 1e-2
    model.aligned = False
    nonlocal_block = model.get_submodule("backbone.layer2.nonlocal_1")
    nonlocal_block.frames = None
    assert difference() > 1e-3
    nonlocal_block.frames = 4
    conv = model.get_submodule("backbone.layer4.1.conv2.conv")
    conv.dilation, conv.padding = (1, 1, 1), (0, 1, 1)
    assert difference() > 1e-2


@torch.inference_mode()
def test_the_backbone_of_the_kinetics_file_keeps_its_statistics(clips, model, tmp_path):
    blobs = caffe2.draw(caffe2.backbone_shapes(50), seed=3, statistics=True)
    head = {"pred_w": np.zeros((400, 2048), "f4"), "pred_b": np.zeros(400, "f4")}
    path = save(tmp_path / "r50_k400_pretrained.pkl", {**blobs, **head, "lr": np.zeros(1, "f4")})
    model = build().eval()
    unused = load_backbone(model, path)
    path.unlink()
    assert unused == ["classifier.bias", "classifier.weight", "lr", "model_iter"]
    half = clips[:, :, :8]
    normalised = (half / 255 - 0.45) / 0.225
    expected = caffe2.backbone(blobs, 50, normalised)
    torch.testing.assert_close(model.backbone(normalised), expected, rtol=0, atol=1e-4)


def ours_of(depth: int, operator: dict[str, Any] | None) -> dict[str, torch.Size]:
    with torch.device("meta"):
        state = build(operator, depth).state_dict()
    return {n: t.shape for n, t in state.items() if not n.endswith("num_batches_tracked")}


@pytest.mark.parametrize(("depth", "name"), [(50, "avg"), (101, "baseline"), (101, "nl_3l")])
def test_names_and_shapes_are_those_of_the_authors(depth, name):
    operator, kind, layers = MODELS[name]
    shapes = {**caffe2.backbone_shapes(depth), **caffe2.head_shapes(kind, layers)}
    blobs = {}
    for blob, shape in shapes.items():
        for part in (blob + "_s", blob + "_b") if blob.endswith("_bn") else (blob,):
            blobs[part] = np.broadcast_to(np.float32(0), shape)
    weights = {name: tensor.shape for name, tensor in translate(blobs).items()}
    assert weights == ours_of(depth, operator)


def some(depth: int, kind: str | None = None, layers: int = 0) -> dict[str, Any]:
    """Return blobs of the right names, with one value each."""
    shapes = {**caffe2.backbone_shapes(depth), **caffe2.head_shapes(kind, layers)}
    return caffe2.draw(dict.fromkeys(shapes, (1,)), seed=0)


def test_another_depth_or_operator_is_an_error_with_its_cause_and_counts(tmp_path):
    with torch.device("meta"):
        model = build({**NON_LOCAL, "layers": 2})
    path = save(tmp_path / "model_final.pkl", some(101, "nl", 3))
    with pytest.raises(UserError, match="Another kind, depth or width of: backbone, ") as refused:
        import_model(path, described({**NON_LOCAL, "layers": 2}), 81)
    message = str(refused.value)
    assert "Tensors: 36 missing, 299 not in the model" in message
    assert "\n  backbone.layer3.nonlocal_1.g.bias: missing\n  and 31 more missing" in message
    with pytest.raises(UserError, match=r"backbone\.layer3\.10\.conv1\.conv\.weight: not in"):
        load_backbone(model, path)


def test_a_blob_of_an_unknown_name_is_an_error(tmp_path):
    blobs = {**some(50), "res2_0_branch3_w": np.zeros(1, "f4"), "pred_x": np.zeros(1, "f4")}
    with pytest.raises(UserError) as refused:
        import_model(save(tmp_path / "model_final.pkl", blobs), described(), 81)
    assert "\n  res2_0_branch3_w: not in the model" in str(refused.value)
    assert "\n  pred_x: not in the model" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"blobs": {"a": 1}}, "not weights of the authors' Caffe2 code"),
        ({"blobs": 1}, "not weights of the authors' Caffe2 code"),
        ([1], "not weights of the authors' Caffe2 code"),
        (
            {"conv1_w": "text", "conv1_b": np.zeros(3, int)},
            "not arrays of floats: conv1_w, conv1_b",
        ),
        ({"conv1_w": print}, "asks for __builtin__.print, which .* not read"),
    ],
)
def test_other_files_than_the_authors_are_an_error(tmp_path, content, error):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, 2))
    with pytest.raises(UserError, match=rf"a\.pkl: .*{error}"):
        load_backbone(build(), tmp_path / "a.pkl")


def test_blobs_need_no_dict_around_them(tmp_path):
    path = tmp_path / "converted_model.pkl"
    path.write_bytes(caffe2.python_2({**some(50), "lr": 0}))
    assert read_weights(path)[1] == ["lr"]
