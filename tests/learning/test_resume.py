"""Tests of lfb.learning.resume; test_training.py kills and restarts whole trainings."""

import contextlib

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from lfb.errors import UserError
from lfb.learning.optimizer import SGD
from lfb.learning.resume import load_state, save_state

CPU = torch.device("cpu")
HISTORY = [{"epoch": 1, "loss": 0.5}]


def started(seed: int) -> tuple[nn.Module, SGD]:
    """Return a network and its optimizer after one step."""
    torch.manual_seed(seed)
    network = nn.Linear(3, 2)
    optimizer = SGD(network.parameters(), momentum=0.9, weight_decay=0)
    network(torch.randn(4, 3)).sum().backward()
    optimizer.step(0.1)
    return network, optimizer


def equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_weights_running_sums_and_history_are_restored(tmp_path):
    network, optimizer = started(0)
    save_state(tmp_path / "resume.pt", network, optimizer, HISTORY)
    again, other = started(1)
    assert load_state(tmp_path / "resume.pt", again, other, CPU).history == HISTORY
    assert equal(again, network)
    sums = zip(other.state_dict(), optimizer.state_dict(), strict=True)
    assert all(torch.equal(a, b) for a, b in sums)


def test_without_a_file_there_is_no_history(tmp_path):
    assert load_state(tmp_path / "resume.pt", *started(0), CPU).history == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_byte_is_noticed_or_without_meaning(tmp_path, data):
    path = tmp_path / "resume.pt"
    network, optimizer = started(0)
    save_state(path, network, optimizer, HISTORY)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    again, other = started(1)
    with contextlib.suppress(UserError):
        assert load_state(path, again, other, CPU).history == HISTORY
        assert equal(again, network)


def test_damaged_weights_are_refused(tmp_path):
    path = tmp_path / "resume.pt"
    network, optimizer = started(0)
    save_state(path, network, optimizer, HISTORY)
    content = bytearray(path.read_bytes())
    content[content.index(network.weight.detach().numpy().tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"resume\.pt: not a resume state .* Delete it to train"):
        load_state(path, *started(1), CPU)
