"""Fixtures of the tests of lfb.learning."""

import os
import sys
import tempfile
from types import SimpleNamespace

import pytest
import torch


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """Pretend that there are two GPUs; return the folder of their lock files."""

    def properties(index: int) -> SimpleNamespace:
        return SimpleNamespace(uuid=f"GPU-{index}")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))


@pytest.fixture
def restarted(monkeypatch):
    """Record the programs and commands that would replace this process."""
    started: list[tuple[str, list[str]]] = []
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(os, "execvp", lambda program, command: started.append((program, command)))
    words = ["scripts", "train", "--log", "train.log", "--seed", "0"]
    monkeypatch.setattr(sys, "argv", words)
    return started
