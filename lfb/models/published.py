"""Load published weights into this project's models: those of MMAction2 and of the authors.

``caffe2.py`` reads the authors' files. MMAction2 0.x and 1.x use the same tensor names. Our
backbones have these names too. This module translates the names of the operator and the classifier,
and turns 1x1x1 convolutions into linear layers. A Kinetics-400 recogniser provides a backbone only.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lfb.errors import UserError
from lfb.files.torch_file import read_tensors
from lfb.models.action_model import ActionModel, build_model
from lfb.models.caffe2 import read_weights
from lfb.models.checkpoints import load_checkpoint, load_weights

_FBO = r"roi_head\.shared_head\.fbo\."
_LAYER = _FBO + r"non_local_layer_([1-9]\d*)\."
_NAMES = [
    (r"roi_head\.bbox_head\.fc_cls\.", "classifier."),
    (_FBO + r"st_feat_conv\.", "operator.project_roi."),
    (_FBO + r"lt_feat_conv\.", "operator.project_bank."),
    (_LAYER + r"st_feat_conv\.conv\.", "operator.layers.{}.theta."),
    (_LAYER + r"lt_feat_conv\.conv\.", "operator.layers.{}.phi."),
    (_LAYER + r"global_conv\.conv\.", "operator.layers.{}.g."),
    (_LAYER + r"out_conv\.conv\.", "operator.layers.{}.out."),
    (_LAYER + r"ln\.", "operator.layers.{}.norm."),
]


def import_model(
    path: str | Path, described: Mapping[str, Any], outputs: int
) -> tuple[ActionModel, dict[str, Any], list[str]]:
    """Build a model with all the weights of a trained one (baseline or LFB).

    avg and max have no weights, so the files of one fit the other.

    Args:
        path: A ``.pth`` of MMAction2, a ``.pkl`` of the authors' code, or a checkpoint of this
            project (``.safetensors``).
        described: Arguments of ``build_model`` without the outputs. The model gets as many outputs
            as the file has (81 in the published ones).
        outputs: Smallest number of outputs.

    Returns:
        The model in evaluation mode; all arguments of ``build_model``; and the names of unused
        entries of the file, such as momentum in the authors' files.

    Raises:
        UserError: The file is broken, its digest does not match its name, its tensors do not match
            the model or have values that are not finite, it has too few outputs, or it is a
            checkpoint of this project of a model with other arguments.
    """
    weights, others = _read(path)
    known = len(weights.get("classifier.bias", range(outputs)))
    arguments = {**described, "outputs": known}
    model = build_model(**arguments)
    load_weights(model, _counted(weights, model.state_dict()), path)
    _check_finite(model, path)
    if known < outputs:
        raise UserError(
            f"{path}: scores actions 1 to {known - 1}, but the label list has actions up to "
            f"{outputs - 1}. Use the label list that the model was trained with."
        )
    if Path(path).suffix == ".safetensors":
        _check_arguments(path, load_checkpoint(path).about["model"], arguments)
    return model.eval(), arguments, others


def load_backbone(model: ActionModel, path: str | Path) -> list[str]:
    """Copy initial weights into a model's backbone: every tensor or none.

    Args:
        model: Only its backbone changes.
        path: A ``.pth`` of MMAction2, such as a Kinetics-400 recogniser, a ``.pkl`` of the authors'
            code, or a checkpoint of this project (``.safetensors``).

    Returns:
        Names of the unused entries of the file, such as those of its classifier.

    Raises:
        UserError: As ``import_model``.
    """
    weights, others = _read(path)
    prefix = "backbone."
    own = {name: tensor for name, tensor in weights.items() if name.startswith(prefix)}
    # With the model's own tensors for the rest, an error lists the mismatches of the backbone only.
    current = model.state_dict()
    rest = {name: tensor for name, tensor in current.items() if not name.startswith(prefix)}
    load_weights(model, {**_counted(own, current), **rest}, path)
    _check_finite(model.backbone, path)
    return sorted(weights.keys() - own.keys()) + others


def translate(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return MMAction2's tensors with our names and shapes. Unknown names stay as they are."""
    return dict(_translated(name, tensor) for name, tensor in weights.items())


def _translated(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    for pattern, ours in _NAMES:
        if match := re.match(pattern, name):
            prefix = ours.format(*(int(number) - 1 for number in match.groups()))
            if ours.endswith("norm."):
                tensor = tensor.flatten()  # (C, 1, 1, 1)
            elif tensor.ndim == 5:
                tensor = tensor.flatten(1)  # (C, C', 1, 1, 1)
            return prefix + name[match.end() :], tensor
    return name, tensor


def _check_finite(module: nn.Module, path: str | Path) -> None:
    """Raise if weights that were loaded are NaN or infinite."""
    wrong = [name for name, tensor in module.state_dict().items() if not tensor.isfinite().all()]
    if wrong:
        raise UserError(
            f"{path}: {len(wrong)} tensors have values that are not finite numbers, such as "
            f"{wrong[0]}. The training that wrote them has diverged: name another file."
        )


def _check_arguments(path: str | Path, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Raise if a checkpoint's model has the same weights but computes something else.

    An argument at its default equals the same argument left out.
    """
    with torch.device("meta"):
        built = [build_model(**arguments) for arguments in (theirs, ours)]
    one, other = ([_plain(module) for module in model.modules()] for model in built)
    if one != other:
        differing = "; ".join(
            f"{part} {json.dumps(theirs[part])}, here {json.dumps(ours[part])}"
            for part in ours
            if theirs[part] != ours[part]
        )
        raise UserError(
            f"{path}: the checkpoint of a model with other arguments: {differing}. Set the "
            "arguments to those of the checkpoint, or name another file."
        )


def _plain(module: nn.Module) -> dict[str, Any]:
    """Return the plain attributes of a module, which define what it computes."""
    kinds = int | float | str | tuple
    return {name: value for name, value in vars(module).items() if isinstance(value, kinds)}


def _counted(weights: dict[str, Tensor], current: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Add the counters of batch norms, which files of older PyTorch do not have, to weights."""
    counters = {n: t for n, t in current.items() if n.endswith(".num_batches_tracked")}
    return {**counters, **weights}


def _read(path: str | Path) -> tuple[dict[str, Tensor], list[str]]:
    """Return the weights of a file under our names, and the names of its other entries."""
    if Path(path).suffix == ".safetensors":
        return load_checkpoint(path).weights, []
    if Path(path).suffix == ".pkl":
        return read_weights(path)
    return translate(read_tensors(path)), []
