"""Read the weights of the authors' Caffe2 code, with the names and shapes of our models.

Their files (``r50_k400_pretrained.pkl``, ``<id>/model_final.pkl``, ``<id>/lfb_model.pkl``) are
pickled dicts ``{'blobs': {name: array}}``. Batch norms have statistics in models of Kinetics. In
models of AVA they have a scale and a shift only (lib/utils/checkpoints.py).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lfb.errors import UserError
from lfb.files.array_pickle import read_arrays

_BLOCK = r"res(?P<stage>[2-5])_(?P<block>\d+)_branch(?P<branch>1|2[abc])"
_NONLOCAL = r"nonlocal_conv(?P<stage>[2-5])_(?P<block>\d+)"
_PART = r"_(?P<part>theta|phi|g|out)"
_NAMES = [
    (r"conv1", "backbone.conv1.conv"),
    (r"res_conv1_bn", "backbone.conv1.bn"),
    (_BLOCK, "backbone.layer{layer}.{block}.{convolution}.conv"),
    (_BLOCK + "_bn", "backbone.layer{layer}.{block}.{convolution}.bn"),
    (_NONLOCAL + _PART, "backbone.layer{layer}.nonlocal_{block}.{part}"),
    (_NONLOCAL + "_bn", "backbone.layer{layer}.nonlocal_{block}.bn"),
    (r"box_pooled_fbonl_reduc", "operator.project_roi"),
    (r"lfb_1x1", "operator.project_bank"),
    (r"lfb_nl(?P<step>\d+)" + _PART, "operator.layers.{step}.{part}"),
    (r"pred", "classifier"),
]
_CONVOLUTIONS = {"1": "downsample", "2a": "conv1", "2b": "conv2", "2c": "conv3"}
_KINDS = {"w": "weight", "b": "bias", "s": "weight", "rm": "running_mean", "riv": "running_var"}
_UNUSED = r"lr|epoch|model_iter|.*_momentum"


def read_weights(path: str | Path) -> tuple[dict[str, Tensor], list[str]]:
    """Return the weights in a file of the authors, with our names.

    Returns:
        The weights, and the names of the other blobs, such as momentum.

    Raises:
        UserError: The file cannot be read, or is not such a file.
    """
    content = read_arrays(path)
    blobs = content.get("blobs", content) if isinstance(content, dict) else None
    if not isinstance(blobs, dict) or "conv1_w" not in blobs:
        raise UserError(
            f"{path}: not weights of the authors' Caffe2 code, which have blobs such as conv1_w. "
            "Name a model_final.pkl, lfb_model.pkl or r50_k400_pretrained.pkl."
        )
    blobs = {str(name): blob for name, blob in blobs.items()}
    others = [name for name in blobs if re.fullmatch(_UNUSED, name)]
    weights = {name: blob for name, blob in blobs.items() if name not in others}
    if strange := [name for name, blob in weights.items() if not _is_floats(blob)]:
        raise UserError(
            f"{path}: these blobs are not arrays of floats: {', '.join(strange)}. Download the "
            "file again."
        )
    return translate(weights), sorted(others)


def translate(blobs: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Return the authors' blobs with our names and shapes. Unknown names stay as they are.

    Output i of their classifier is action i + 1, so the classifier gets a first row of zeros for
    the reserved output 0. A batch norm without statistics gets mean 0 and variance 1 - eps, with
    which it applies its scale and shift exactly.
    """
    weights = dict(_translated(name, blob) for name, blob in blobs.items())
    for name in [name.removesuffix("weight") for name in weights if name.endswith(".bn.weight")]:
        if not {f"{name}running_mean", f"{name}running_var"} & weights.keys():
            zero = torch.zeros_like(weights[f"{name}weight"])
            weights[f"{name}running_mean"] = zero
            weights[f"{name}running_var"] = zero + 1 - nn.BatchNorm3d(0).eps
    return weights


def _is_floats(blob: Any) -> bool:
    return isinstance(blob, np.ndarray) and blob.dtype.kind == "f"


def _translated(name: str, blob: np.ndarray) -> tuple[str, Tensor]:
    tensor = torch.from_numpy(np.array(blob, np.float32))
    for pattern, ours in _NAMES:
        if match := re.fullmatch(f"{pattern}_(?P<kind>{'|'.join(_KINDS)})", name):
            found = match.groupdict()
            place = ours.format(
                layer=int(found.get("stage", 1)) - 1,
                convolution=_CONVOLUTIONS.get(found.get("branch", "")),
                **found,
            )
            if place.startswith("operator.") and tensor.ndim == 5:
                tensor = tensor.flatten(1)  # (C, C', 1, 1, 1)
            if place == "classifier":
                tensor = torch.cat([torch.zeros_like(tensor[:1]), tensor])
            return f"{place}.{_KINDS[found['kind']]}", tensor
    return name, tensor
