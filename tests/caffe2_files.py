"""The authors' Caffe2 model in PyTorch: its blobs and its computation.

The source is github.com/facebookresearch/video-long-term-feature-banks, lib/models/. This module
shares no code with ``lfb.models``: it names, shapes and uses the blobs one by one, as the source.
"""

import math
import struct
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

Blobs = dict[str, np.ndarray]

# resnet_video.py: obtain_arc. Temporal radius of each block; blocks that a non-local one follows.
ARCHITECTURE = {
    50: {
        "res2": ([1, 1, 1], []),
        "res3": ([1, 0, 1, 0], [1, 3]),
        "res4": ([1, 0, 1, 0, 1, 0], [1, 3, 5]),
        "res5": ([0, 1, 0], []),
    },
    101: {
        "res2": ([1, 1, 1], []),
        "res3": ([1, 0, 1, 0], [1, 3]),
        "res4": ([1, 0] * 11 + [1], [6, 13, 20]),
        "res5": ([0, 1, 0], []),
    },
}
WIDTHS = {"res2": 64, "res3": 128, "res4": 256, "res5": 512}


def backbone_shapes(depth: int) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the backbone's blobs; ``_bn`` stands for those of a batch norm."""
    shapes: dict[str, tuple[int, ...]] = {"conv1_w": (64, 3, 5, 7, 7), "res_conv1_bn": (64,)}
    channels = 64
    for stage, (radii, nonlocal_after) in ARCHITECTURE[depth].items():
        width = WIDTHS[stage]
        for block, radius in enumerate(radii):
            name = f"{stage}_{block}_branch"
            if block == 0:
                shapes[f"{name}1_w"] = (4 * width, channels, 1, 1, 1)
                shapes[f"{name}1_bn"] = (4 * width,)
            shapes[f"{name}2a_w"] = (width, channels, 1 + 2 * radius, 1, 1)
            shapes[f"{name}2a_bn"] = (width,)
            shapes[f"{name}2b_w"] = (width, width, 1, 3, 3)
            shapes[f"{name}2b_bn"] = (width,)
            shapes[f"{name}2c_w"] = (4 * width, width, 1, 1, 1)
            shapes[f"{name}2c_bn"] = (4 * width,)
            channels = 4 * width
            if block in nonlocal_after:
                name = f"nonlocal_conv{stage[-1]}_{block}"
                for part in "theta", "phi", "g":
                    shapes[f"{name}_{part}_w"] = (channels // 2, channels, 1, 1, 1)
                    shapes[f"{name}_{part}_b"] = (channels // 2,)
                shapes[f"{name}_out_w"] = (channels, channels // 2, 1, 1, 1)
                shapes[f"{name}_out_b"] = (channels,)
                shapes[f"{name}_bn"] = (channels,)
    return shapes


def head_shapes(operator: str | None, layers: int = 0) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of blobs of an operator (avg, max, nl) and the classifier."""
    shapes: dict[str, tuple[int, ...]] = {}
    if operator == "nl":
        for name in "box_pooled_fbonl_reduc", "lfb_1x1":
            shapes[f"{name}_w"], shapes[f"{name}_b"] = (512, 2048, 1, 1, 1), (512,)
        for step in range(layers):
            for part in "theta", "phi", "g", "out":
                shapes[f"lfb_nl{step}_{part}_w"] = (512, 512, 1, 1, 1)
                shapes[f"lfb_nl{step}_{part}_b"] = (512,)
    features = {None: 2048, "avg": 4096, "max": 4096, "nl": 2560}[operator]
    return {**shapes, "pred_w": (80, features), "pred_b": (80,)}


def draw(shapes: dict[str, tuple[int, ...]], seed: int, statistics: bool = False) -> Blobs:
    """Return blobs with values like those of a trained network.

    Args:
        statistics: Whether batch norms have running statistics, as in weights from Kinetics.
    """
    random = np.random.default_rng(seed)
    blobs: Blobs = {}
    for name, shape in shapes.items():
        if name.endswith("_bn"):
            end = "2c" in name or "nonlocal" in name  # added to the shortcut
            scale = random.uniform(0.1, 0.3, shape) if end else random.uniform(0.6, 1.2, shape)
            blobs[f"{name}_s"] = scale
            blobs[f"{name}_b"] = random.normal(0, 0.1, shape)
            if statistics:
                blobs[f"{name}_rm"] = random.normal(0, 0.1, shape)
                blobs[f"{name}_riv"] = random.uniform(0.5, 2, shape)
        elif name.endswith("_b"):
            blobs[name] = random.normal(0, 0.1, shape)
        else:
            blobs[name] = random.normal(0, math.sqrt(2 / math.prod(shape[1:])), shape)
    return {name: blob.astype(np.float32) for name, blob in blobs.items()}


def backbone(blobs: Blobs, depth: int, clips: Tensor) -> Tensor:
    """Return (B, 2048, T / 2, H / 16, W / 16) features of normalised (B, 3, T, H, W) clips."""
    get = {name: torch.from_numpy(blob) for name, blob in blobs.items()}

    def norm(x: Tensor, name: str) -> Tensor:
        scale, shift = get[f"{name}_s"], get[f"{name}_b"]
        if f"{name}_rm" in get:  # checkpoints.py: remove_spatial_bn_layers
            std = torch.sqrt(get[f"{name}_riv"] + 1e-5)
            scale, shift = scale / std, shift - get[f"{name}_rm"] * scale / std
        return x * scale.view(-1, 1, 1, 1) + shift.view(-1, 1, 1, 1)

    def conv(x: Tensor, name: str, **options: Any) -> Tensor:
        return norm(functional.conv3d(x, get[f"{name}_w"], **options), f"{name}_bn")

    x = functional.conv3d(clips, get["conv1_w"], stride=(1, 2, 2), padding=(2, 3, 3))
    x = norm(x, "res_conv1_bn").relu()
    x = functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    for stage, (radii, nonlocal_after) in ARCHITECTURE[depth].items():
        for block, radius in enumerate(radii):
            stride = 2 if block == 0 and stage in ("res3", "res4") else 1
            dilation = 2 if stage == "res5" else 1
            name = f"{stage}_{block}_branch"
            shortcut = conv(x, f"{name}1", stride=(1, stride, stride)) if block == 0 else x
            y = conv(x, f"{name}2a", padding=(radius, 0, 0)).relu()
            y = conv(
                y,
                f"{name}2b",
                stride=(1, stride, stride),
                padding=(0, dilation, dilation),
                dilation=(1, dilation, dilation),
            ).relu()
            x = (conv(y, f"{name}2c") + shortcut).relu()
            if block in nonlocal_after:
                x = _nonlocal(x, get, stage, block, norm)
        if stage == "res2":
            x = functional.max_pool3d(x, (2, 1, 1))
    return x


def _nonlocal(x: Tensor, get: dict[str, Tensor], stage: str, block: int, norm: Any) -> Tensor:
    """Run nonlocal_helper.py: add_nonlocal; in res3 add_nonlocal_group, groups of 4 frames."""
    name = f"nonlocal_conv{stage[-1]}_{block}"
    shape = x.shape
    if stage == "res3":
        b, c, t, h, w = shape
        x = x.transpose(1, 2).reshape(b * t // 4, 4, c, h, w).transpose(1, 2)
    pooled = functional.max_pool3d(x, (1, 2, 2))
    theta, phi, g = (
        functional.conv3d(y, get[f"{name}_{part}_w"], get[f"{name}_{part}_b"]).flatten(2)
        for part, y in (("theta", x), ("phi", pooled), ("g", pooled))
    )
    affinity = torch.einsum("bcn,bcm->bnm", theta, phi) * theta.shape[1] ** -0.5
    y = torch.einsum("bcm,bnm->bcn", g, affinity.softmax(2)).reshape(len(x), -1, *x.shape[2:])
    y = functional.conv3d(y, get[f"{name}_out_w"], get[f"{name}_out_b"])
    x = x + norm(y, f"{name}_bn")
    if stage == "res3":
        b, c, t, h, w = shape
        x = x.transpose(1, 2).reshape(b, t, c, h, w).transpose(1, 2)
    return x


def roi_features(features: Tensor, rois: Tensor) -> Tensor:
    """Return (R, 2048) features of head_helper.py: roi_pool, with Caffe2's RoIAlign."""
    features = features.mean(2)
    pooled = []
    for index, *box in rois.tolist():
        height, width = features.shape[2:]
        rows = _bins(box[1] / 16, box[3] / 16, height)
        columns = _bins(box[0] / 16, box[2] / 16, width)
        pooled.append((rows @ features[int(index)] @ columns.T).amax((1, 2)))
    return torch.stack(pooled)


def _bins(low: float, high: float, size: int) -> Tensor:
    """Return the (7, size) weight of each pixel of a row or column in each bin of a box."""
    length = max(high - low, 1.0)
    samples = math.ceil(length / 7)
    weights = torch.zeros(7, size)
    for part in range(7):
        for sample in range(samples):
            place = low + (part + (sample + 0.5) / samples) * length / 7
            if -1 <= place <= size:
                place = min(max(place, 0), size - 1)
                below = min(int(place), size - 1)
                weights[part, below] += (1 - (place - below)) / samples
                weights[part, min(below + 1, size - 1)] += (place - below) / samples
    return weights


def logits(
    blobs: Blobs, operator: str | None, layers: int, features: Tensor, lfb: Tensor | None
) -> Tensor:
    """Return (R, 80) logits of lfb_helper.py and the end of resnet_video.py.

    Args:
        features: (R, 2048) ``box_pooled``.
        lfb: (R, M, 2048) rows of each RoI's window.
    """
    get = {name: torch.from_numpy(blob) for name, blob in blobs.items()}

    def conv(x: Tensor, name: str) -> Tensor:
        return functional.conv1d(x, get[f"{name}_w"].flatten(2), get[f"{name}_b"])

    heads = [features]
    if operator == "avg":
        assert lfb is not None
        heads.append(lfb.sum(1) / lfb.shape[1])
    elif operator == "max":
        assert lfb is not None
        heads.append(lfb.max(1).values)
    elif operator == "nl":
        assert lfb is not None
        a = conv(features[:, :, None], "box_pooled_fbonl_reduc")  # (R, 512, 1)
        b = conv(lfb.transpose(1, 2), "lfb_1x1")  # (R, 512, M)
        for step in range(layers):
            name = f"lfb_nl{step}"
            theta, phi, g = conv(a, f"{name}_theta"), conv(b, f"{name}_phi"), conv(b, f"{name}_g")
            weights = (torch.bmm(theta.transpose(1, 2), phi) * 512**-0.5).softmax(2)
            t = torch.bmm(g, weights.transpose(1, 2))
            mean, variance = t.mean(1, keepdim=True), t.var(1, unbiased=False, keepdim=True)
            t = ((t - mean) / torch.sqrt(variance + 1e-5)).relu()
            a = conv(t, f"{name}_out") + a
        heads.append(a[:, :, 0])
    return torch.cat(heads, 1) @ get["pred_w"].T + get["pred_b"]


def python_2(value: Any) -> bytes:
    """Pickle dicts, arrays and numbers as ``cPickle.dumps(value, 2)`` of Python 2 does."""
    return b"".join([b"\x80\x02", *_python_2(value), b"."])


def _python_2(value: Any) -> list[bytes]:
    if isinstance(value, dict):
        entries = [part for pair in value.items() for item in pair for part in _python_2(item)]
        return [b"}(", *entries, b"u"]
    if isinstance(value, np.ndarray):
        shape = [part for size in value.shape for part in _python_2(size)]
        begin = (
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01("
        )
        kind = _python_2(value.dtype.str[1:].encode())
        dtype = [b"tcnumpy\ndtype\n", *kind, b"K\x00K\x01\x87R(K\x03U\x01<NNN"]
        end = b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        return [begin, *shape, *dtype, end, *_python_2(value.tobytes()), b"tb"]
    if isinstance(value, str | bytes):
        raw = value.encode() if isinstance(value, str) else value
        if len(raw) < 256:
            return [b"U", bytes([len(raw)]), raw]
        return [b"T", struct.pack("<i", len(raw)), raw]
    return [b"J", struct.pack("<i", value)]
