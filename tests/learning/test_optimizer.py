"""Tests of lfb.learning.optimizer."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from lfb.learning.optimizer import SGD


def networks() -> tuple[nn.Module, nn.Module]:
    """Return two equal networks."""
    torch.manual_seed(0)
    one, two = [nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)) for _ in range(2)]
    two.load_state_dict(one.state_dict())
    return one, two


@pytest.mark.parametrize("nesterov", [False, True])
def test_steps_equal_those_of_torch_also_after_saving(tmp_path, nesterov):
    ours, theirs = networks()
    options = {"momentum": 0.9, "weight_decay": 1e-2, "nesterov": nesterov}
    optimizer = SGD(ours.parameters(), **options)
    reference = torch.optim.SGD(theirs.parameters(), lr=0, **options)
    for step in range(6):
        if step == 3:
            torch.save(optimizer.state_dict(), tmp_path / "state.pt")
            optimizer = SGD(ours.parameters(), **options)
            optimizer.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        inputs, rate = torch.randn(3, 5), 0.1 / (1 + step)
        for network in ours, theirs:
            network(inputs).square().sum().backward()
        optimizer.step(rate)
        reference.param_groups[0]["lr"] = rate
        reference.step()
        reference.zero_grad()
    for our, their in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(our, their)


def test_momentum_is_not_nesterovs_by_default():
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = SGD([parameter], momentum=0.5, weight_decay=0)
    for _ in range(2):
        parameter.sum().backward()
        optimizer.step(1)
    assert parameter.item() == -2.5  # 1, then 1 + 0.5


def test_a_parameter_without_a_gradient_does_not_change():
    network, _ = networks()
    before = [parameter.clone() for parameter in network.parameters()]
    optimizer = SGD(network.parameters(), momentum=0.9, weight_decay=1e-2)
    network[2](torch.ones(1, 4)).sum().backward()
    optimizer.step(0.1)
    moved = [not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)]
    assert moved == [False, False, True, True]


def test_a_step_does_not_load_dynamo():
    code = (
        "import sys, torch; from lfb.learning.optimizer import SGD;"
        "p = torch.nn.Parameter(torch.ones(2));"
        "p.sum().backward(); SGD([p], 0.9, 0.1).step(0.1);"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
