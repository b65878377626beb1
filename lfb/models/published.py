"""Published checkpoints as weights of this project's models: MMAction2's, and the authors'.

``caffe2.py`` reads the authors'. The names inside MMAction2's are the same in 0.x and 1.x.
``backbone.*`` are ours too; the operator's and the classifier's are translated, and 1x1x1
convolutions become linear layers. Kinetics-400 recognisers give their backbone only.
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
    """Builds a model with the weights of a trained detector (baseline or LFB), all of them.

    avg and max have no weights of their own, so their files fit each other's models.

    Args:
        path: An MMAction2 ``.pth``, a ``.pkl`` of the authors' code, or a checkpoint of this
            project (``.safetensors``).
        described: Arguments of ``build_model`` but for the outputs, of which the model gets as
            many as the file has (81 in the published ones).
        outputs: How many there must be at least.

    Returns:
        The model in evaluation mode; all its arguments; and the names of what is in the file but
        no weight, in the authors' the momentum of each.

    Raises:
        UserError: The file is broken or another one than its name says; its tensors are not those
            of the model, and all are named; the outputs are too few; or a checkpoint of this
            project is of a model with other arguments.
    """
    weights, others = _read(path)
    known = len(weights.get("classifier.bias", range(outputs)))
    arguments = {**described, "outputs": known}
    model = build_model(**arguments)
    load_weights(model, _counted(weights, model.state_dict()), path)
    if known < outputs:
        raise UserError(
            f"{path}: scores actions 1 to {known - 1}, but the label list has them up to "
            f"{outputs - 1}. Take the label list that the model was trained with."
        )
    if Path(path).suffix == ".safetensors":
        _check_arguments(path, load_checkpoint(path).about["model"], arguments)
    return model.eval(), arguments, others


def load_backbone(model: ActionModel, path: str | Path) -> list[str]:
    """Copies initial weights into a model's backbone, all or none.

    Args:
        model: Only its backbone changes.
        path: An MMAction2 ``.pth``, such as a Kinetics-400 recogniser, a ``.pkl`` of the authors'
            code, or a checkpoint of this project (``.safetensors``).

    Returns:
        Names of what is in the file and was not used: its head and what is no weight.

    Raises:
        UserError: As ``import_model``.
    """
    weights, others = _read(path)
    prefix = "backbone."
    own = {name: tensor for name, tensor in weights.items() if name.startswith(prefix)}
    # The rest of the model stands in for itself, so that faults carry the names of the file.
    wanted = model.state_dict()
    rest = {name: tensor for name, tensor in wanted.items() if not name.startswith(prefix)}
    load_weights(model, {**_counted(own, wanted), **rest}, path)
    return sorted(weights.keys() - own.keys()) + others


def translate(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """MMAction2's names and shapes to ours; what is unknown stays as it is."""
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


def _check_arguments(path: str | Path, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Refuses a checkpoint of a model whose weights fit, but which does something else with them.

    A key that one of them leaves at its default and the other names makes no difference.
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
            f"{path}: the checkpoint of a model with other arguments: {differing}. Write them as "
            "they are there, or point to the right file."
        )


def _plain(module: nn.Module) -> dict[str, Any]:
    """The numbers and words that say what a module does."""
    kinds = int | float | str | tuple
    return {name: value for name, value in vars(module).items() if isinstance(value, kinds)}


def _counted(weights: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Adds the batch norms' counters of batches, which older PyTorch did not keep or use."""
    counters = {n: t for n, t in wanted.items() if n.endswith(".num_batches_tracked")}
    return {**counters, **weights}


def _read(path: str | Path) -> tuple[dict[str, Tensor], list[str]]:
    """The weights in a file, under our names, and the names of what else is in it."""
    if Path(path).suffix == ".safetensors":
        return load_checkpoint(path).weights, []
    if Path(path).suffix == ".pkl":
        return read_weights(path)
    return translate(read_tensors(path)), []
