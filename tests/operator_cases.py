"""Operators and windows of a bank for the tests of operators."""

import torch
from hypothesis import strategies as st
from torch import Tensor

from lfb.models.operators import Operator, build_operator

CHANNELS = 6
# Each operator, with the arguments that the tests give it.
CASES: dict[str, dict[str, int]] = {"avg": {}, "max": {}, "non_local": {"width": 5, "layers": 2}}


def build(name: str, empty: str) -> Operator:
    torch.manual_seed(3)
    return build_operator(name, CHANNELS, empty=empty, **CASES[name]).double().eval()


def draw(
    seed: int, filled: list[list[int]], rois: int = 4
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return roi, rows, real and clip for windows with these slots, 1 if filled and 0 if empty."""
    random = torch.Generator().manual_seed(seed)
    real = torch.tensor(filled, dtype=torch.bool)
    rows = torch.randn(*real.shape, CHANNELS, generator=random, dtype=torch.float64)
    rows[~real] = 0
    roi = torch.randn(rois, CHANNELS, generator=random, dtype=torch.float64)
    return roi, rows, real, torch.arange(rois) % len(filled)


def windows(least: int = 0) -> st.SearchStrategy[list[list[int]]]:
    """Return one to three windows of equally many slots, each with at least ``least`` features."""
    return st.integers(2, 6).flatmap(
        lambda slots: st.lists(
            st.lists(st.integers(0, 1), min_size=slots, max_size=slots).filter(
                lambda window: sum(window) >= least
            ),
            min_size=1,
            max_size=3,
        )
    )
