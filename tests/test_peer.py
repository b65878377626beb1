"""The published models of config/ava_published.yaml match MMAction2's own modules.

With random weights, in both of its file formats.
"""

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lfb.bank.features import BankFeatures
from lfb.bank.mmaction2 import import_bank
from lfb.bank.store import Bank
from lfb.config.settings import model_settings
from lfb.models.action_model import build_model
from lfb.models.backbones.slowonly import SlowOnly
from lfb.models.published import import_model, load_backbone
from tests import peers
from tests.config.test_recipe import read
from tests.peers import CHANNELS, PER_SECOND, WINDOW, PeerActionModel

CONFIG = read("ava.yaml", "ava_published.yaml")
# MMAction2's names of the operators.
OPERATORS = {"baseline": None, "lfb_avg": "avg", "lfb_max": "max", "lfb_nl": "non_local"}
SPLITS = {"train": "a", "val": "b"}
KEYFRAMES = [("a", 902), ("b", 950)]
ROIS = torch.tensor(
    [[0, 3.2, 5.0, 40.7, 60.1], [0, 0, 0, 64, 64], [1, 10.5, 2.25, 30, 50], [0, 31, 8, 63, 40]]
)


@pytest.fixture(scope="module")
def backbone(peer: SimpleNamespace) -> nn.Module:
    """Return the peer's SlowOnly with weights like those of a trained one."""
    torch.manual_seed(0)
    backbone = peer.SlowOnly(
        depth=50, pretrained=None, pretrained2d=False, lateral=False, spatial_strides=(1, 2, 2, 1)
    )
    backbone.init_weights()
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            module.num_batches_tracked.fill_(7)
    return backbone


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two of the peer's pickles and the banks imported from them."""
    folder = tmp_path_factory.mktemp("banks")
    random = np.random.default_rng(0)
    # Two of three seconds have no feature.
    for split, video in SPLITS.items():
        seconds = {}
        for moment in range(900, 1000, 3):
            rows = random.normal(-0.6, 0.3, (random.integers(1, PER_SECOND + 1), CHANNELS))
            seconds[moment] = list(torch.from_numpy(rows.astype(np.float16)))
        torch.save({video: seconds}, folder / f"lfb_{split}.pkl")
        import_bank(
            folder / f"lfb_{split}.pkl", folder / f"{split}.zarr", split=split, videos=[video]
        )
    return folder


def windows(banks: Path) -> tuple[Tensor, Tensor]:
    """Return our bank's rows around the keyframes, and which rows are real."""
    found = []
    for split, (video, second) in zip(SPLITS, KEYFRAMES, strict=True):
        bank = Bank.open(banks / f"{split}.zarr")
        rows = bank.rows(video, second, window=WINDOW, per_second=PER_SECOND, key=None)
        features = BankFeatures(bank, CHANNELS, torch.device("cpu"))
        found.append(features(torch.from_numpy(rows)[None]))
    rows, real = zip(*found, strict=True)
    return torch.cat(rows), torch.cat(real)


def make_clips() -> Tensor:
    random = torch.Generator().manual_seed(1)
    return torch.randint(256, (2, 3, 4, 64, 64), dtype=torch.uint8, generator=random)


def normalised(clips: Tensor) -> Tensor:
    mean, std = (torch.tensor(value).view(1, 3, 1, 1, 1) for value in (SlowOnly.mean, SlowOnly.std))
    return (clips - mean) / std


def soften(model: nn.Module) -> None:
    """Spread the attention over all rows. Attention on one row would hide the empty slots."""
    for name, parameter in model.named_parameters():
        if "non_local_layer" in name and ("st_feat_conv" in name or "lt_feat_conv" in name):
            parameter.mul_(0.12)
        if ".ln." in name:
            parameter.add_(torch.randn_like(parameter) * 0.1)


@pytest.mark.parametrize("version", ["0.x", "1.x"])
@pytest.mark.parametrize("name", OPERATORS)
@torch.inference_mode()
def test_an_imported_model_gives_the_logits_of_the_peer(
    peer, backbone, banks, tmp_path, name, version
):
    torch.manual_seed(2)
    theirs = PeerActionModel(peer, backbone, OPERATORS[name], banks).eval()
    soften(theirs)
    path = tmp_path / "published.pth"
    peers.save(path, theirs, version, peer)
    if version == "1.x":
        with pytest.raises(pickle.UnpicklingError, match="mmengine"):
            torch.load(path, weights_only=True)

    ours, _, unused = import_model(path, model_settings(CONFIG, name), 81)
    assert unused == []
    path.unlink()  # pytest would keep 128 MB of each test
    clips = make_clips()
    rows = windows(banks) if name != "baseline" else ()
    expected = theirs(normalised(clips), ROIS, [f"{v},{s:04d}" for v, s in KEYFRAMES])
    found = ours(clips, ROIS, *rows)
    assert expected.std() > 0.1
    assert (found - expected).abs().max() <= 1e-4
    if rows:
        ours.operator.empty = "mask"
        assert (
            ours(clips, ROIS, *rows) - expected
        ).abs().max() > 1e-3  # empty slots change the result


@torch.inference_mode()
def test_an_imported_backbone_gives_the_features_of_the_peer(peer, backbone, tmp_path):
    recogniser = nn.Module()
    backbone.eval()
    recogniser.backbone = backbone
    recogniser.cls_head = nn.Module()
    recogniser.cls_head.fc_cls = nn.Linear(CHANNELS, 400)
    path = tmp_path / "kinetics.pth"
    peers.save(path, recogniser, "0.x", peer)
    ours = build_model({"name": "slowonly", "depth": 50}, {}, None, 81).eval()
    assert load_backbone(ours, path) == ["cls_head.fc_cls.bias", "cls_head.fc_cls.weight"]
    path.unlink()
    clips = normalised(make_clips())
    torch.testing.assert_close(ours.backbone(clips), backbone(clips), rtol=0, atol=1e-4)
