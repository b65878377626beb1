"""Tests of lfb.learning.memory."""

import ctypes
from types import SimpleNamespace

from lfb.learning.memory import keep_freed_memory


def test_glibc_keeps_large_blocks(monkeypatch):
    calls = []
    libc = SimpleNamespace(mallopt=lambda *arguments: calls.append(arguments))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: libc)
    keep_freed_memory()
    assert calls == [(-3, 32 * 2**20), (-1, 2**31 - 1)]


def test_another_libc_is_not_changed(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    keep_freed_memory()


def test_this_libc_accepts_the_settings():
    keep_freed_memory()
