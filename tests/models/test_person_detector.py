"""Tests of lfb.models.person_detector, on detectors with random weights."""

from pathlib import Path

import pytest
import torch
import yaml

from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.models.person_detector import CLASSES, load_person_detector
from tests.person_networks import SMALL, network


def test_the_config_offers_the_80_classes_of_the_weights():
    schema = yaml.safe_load((Path(__file__).parents[2] / "config/schema.yaml").read_text())
    offered = schema["properties"]["detector"]["properties"]["classes"]["items"]["enum"]
    assert offered == [name for name in CLASSES if name not in ("N/A", "__background__")]
    assert len(offered) == 80


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "detector.pth"
    torch.save(network().state_dict(), path)
    return path


@pytest.mark.parametrize("name", [SMALL, "fasterrcnn_resnet50_fpn_v2"])
def test_weights_load_in_the_format_that_torchvision_publishes(tmp_path, name):
    model = network(name)
    state = dict(model.state_dict())
    path = tmp_path / "detector.pth"
    if name == SMALL:  # its file has older names
        for key in list(state):
            old = key.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
            if ".fpn." in key:
                old = old.replace(".0.weight", ".weight").replace(".0.bias", ".bias")
            state[old] = state.pop(key)
            if key.endswith("num_batches_tracked"):
                del state[old]
        assert state.keys() != model.state_dict().keys()
    torch.save(state, path)
    loaded = load_person_detector(name, path, 0.05).state_dict()
    for key, tensor in model.state_dict().items():
        assert torch.equal(loaded[key], tensor), key


def test_weights_of_another_network_are_an_error(weights):
    with pytest.raises(
        UserError, match=r"detector.pth: not the weights of fasterrcnn_resnet50_fpn"
    ):
        load_person_detector("fasterrcnn_resnet50_fpn_v2", weights, 0.05)


def test_weights_must_match_the_digest_in_their_name(weights, tmp_path):
    good = tmp_path / f"detector-{digest(weights)[:8]}.pth"
    good.symlink_to(weights)
    load_person_detector(SMALL, good, 0.05)
    bad = tmp_path / "detector-00c0ffee.pth"
    bad.symlink_to(weights)
    with pytest.raises(UserError, match="SHA-256 should begin with 00c0ffee"):
        load_person_detector(SMALL, bad, 0.05)
