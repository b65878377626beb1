"""MMAction2's own modules, loaded from a folder beside the environment (tests/peers.txt).

Its wheel cannot be imported as a whole, and mmdet and mmcv's compiled operators are not installed.
Empty packages let single modules load. Stand-ins replace names that the modules import unused.
"""

import io
import re
import sys
import warnings
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

CHANNELS = 2048
WIDTH = 512
WINDOW, PER_SECOND = 60, 5
ROI_HEADS = "mmaction.models.roi_heads"
FBO = {
    "type": "non_local",
    "st_feat_channels": CHANNELS,
    "lt_feat_channels": CHANNELS,
    "latent_channels": WIDTH,
    "num_st_feat": 1,
    "num_lt_feat": WINDOW * PER_SECOND,
    "num_non_local_layers": 2,
}
CONTEXT = {None: 0, "avg": CHANNELS, "max": CHANNELS, "non_local": WIDTH}


def load(folder: Path) -> SimpleNamespace:
    """Return the peer's classes.

    Raises:
        ImportError: The folder does not have them, or they do not load.
    """
    sys.path.append(str(folder.resolve()))  # last, so that packages of the environment come first
    for name in (
        "mmaction.evaluation",
        "mmaction.evaluation.functional",
        "mmaction.models",
        "mmaction.models.backbones",
        ROI_HEADS,
        f"{ROI_HEADS}.bbox_heads",
        f"{ROI_HEADS}.roi_extractors",
        f"{ROI_HEADS}.shared_heads",
    ):
        _package(name).__path__ = [str(folder.resolve() / name.replace(".", "/"))]
    for name in "mmdet", "mmdet.models", "mmdet.models.task_modules":
        _package(name)
    _package("mmdet.models.task_modules.samplers").SamplingResult = object  # type: ignore[attr-defined]
    operators = _package("mmcv.ops")
    operators.RoIAlign, operators.RoIPool = RoIAlign, None  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SimpleNamespace(
            SlowOnly=_of("mmaction.models.backbones.resnet3d_slowonly", "ResNet3dSlowOnly"),
            LFB=_of(f"{ROI_HEADS}.shared_heads.lfb", "LFB"),
            FBOHead=_of(f"{ROI_HEADS}.shared_heads.fbo_head", "FBOHead"),
            LFBInferHead=_of(f"{ROI_HEADS}.shared_heads.lfb_infer_head", "LFBInferHead"),
            Extractor=_of(f"{ROI_HEADS}.roi_extractors.single_straight3d", "SingleRoIExtractor3D"),
            BBoxHead=_of(f"{ROI_HEADS}.bbox_heads.bbox_head", "BBoxHeadAVA"),
            MessageHub=_of("mmengine.logging", "MessageHub"),
            evaluation=import_module("mmaction.evaluation.functional.ava_utils"),
        )


def _package(name: str) -> ModuleType:
    sys.modules[name] = package = ModuleType(name)
    package.__path__ = []
    return package


def _of(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def average_precisions(
    peer: SimpleNamespace, submission: Path, labels: Path, truth: Path, excluded: Path
) -> tuple[float, dict[int, float]]:
    """Return mAP and the AP of each class from its ``ava_eval``, in full precision.

    ``ava_eval`` returns only the mAP and prints rounded APs. It uses 32 processes (one here), and
    ``np.NAN``, which NumPy 2 no longer has.
    """
    module = peer.evaluation
    measured: list[float] = []

    def average_precision(*curve: Any) -> float:
        measured.append(float(original(*curve)))
        return measured[-1]

    original = module.metrics.compute_average_precision
    alone = SimpleNamespace(Pool=lambda _: SimpleNamespace(map=lambda f, items: [*map(f, items)]))
    printed = io.StringIO()
    with (
        patch.object(module.metrics, "compute_average_precision", average_precision),
        patch.object(module, "multiprocessing", alone),
        patch.object(np, "NAN", np.nan, create=True),
        redirect_stdout(printed),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # files left open, means of nothing
        found = module.ava_eval(
            str(submission), "mAP", str(labels), str(truth), str(excluded), verbose=False
        )
    classes = re.findall(r"^Index: (\d+), ", printed.getvalue(), re.MULTILINE)
    return float(found["overall"]), dict(zip(map(int, classes), measured, strict=True))


class RoIAlign(nn.Module):
    """Stand-in for mmcv's RoIAlign: torchvision's kernel, bit-identical on the CPU."""

    def __init__(
        self, size: int, scale: float, *, sampling_ratio: int, pool_mode: str, aligned: bool
    ) -> None:
        super().__init__()
        assert pool_mode == "avg"
        self.arguments = (size, size), scale, sampling_ratio, aligned

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        from torchvision.ops import roi_align

        return roi_align(features, rois, *self.arguments)


class PeerActionModel(nn.Module):
    """The peer's modules, joined as in its configurations of the four models.

    Args:
        peer: What ``load`` returned.
        backbone: Its SlowOnly.
        operator: ``avg``, ``max``, ``non_local`` or None.
        banks: Folder of ``lfb_train.pkl`` and ``lfb_val.pkl``.
    """

    def __init__(
        self, peer: SimpleNamespace, backbone: nn.Module, operator: str | None, banks: Path
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.roi_head = nn.Module()
        if operator:
            self.roi_head.shared_head = peer.FBOHead(
                lfb_cfg={
                    "lfb_prefix_path": str(banks),
                    "max_num_sampled_feat": PER_SECOND,
                    "window_size": WINDOW,
                    "lfb_channels": CHANNELS,
                    "device": "cpu",
                },
                fbo_cfg={**FBO, "type": operator},
            )
        self.roi_head.bbox_head = peer.BBoxHead(
            background_class=True,
            in_channels=CHANNELS + CONTEXT[operator],
            num_classes=81,
            dropout_ratio=0.5,
        )
        self.extractor = peer.Extractor(output_size=8)  # it has no weights

    def forward(self, clips: Tensor, rois: Tensor, keyframes: list[str]) -> Tensor:
        """Return logits of normalised clips; each has a keyframe such as ``video,0902``."""
        found, whole = self.extractor(self.backbone(clips), rois)
        if hasattr(self.roi_head, "shared_head"):
            metas = [{"img_key": key} for key in keyframes]
            found = self.roi_head.shared_head(found, feat=whole, rois=rois, img_metas=metas)
        return self.roi_head.bbox_head(found)


def save(path: Path, model: nn.Module, version: str, peer: SimpleNamespace) -> None:
    """Write a checkpoint as MMAction2 0.x (PyTorch's older format) or 1.x does."""
    content: dict[str, Any] = {"meta": {"epoch": 20, "iter": 9}, "state_dict": model.state_dict()}
    if version == "1.x":
        hub = peer.MessageHub.get_instance(f"run {path}")
        hub.update_scalar("train/loss", 0.3)
        content["message_hub"] = hub.state_dict()
    torch.save(content, path, _use_new_zipfile_serialization=version == "1.x")
