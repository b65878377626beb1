"""Tests of lfb.models.operators.avg."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.models.operators.avg import Average
from tests.operator_cases import CHANNELS, draw, windows


@given(filled=windows(), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_it_equals_the_mean_of_a_plain_loop(filled, seed):
    roi, rows, real, clip = draw(seed, filled)
    for empty in "zero", "mask":
        found = Average(CHANNELS, empty)(roi, rows, real, clip)
        for r, window in enumerate(clip.tolist()):
            for c in range(CHANNELS):
                values = [
                    rows[window, m, c].item()
                    for m in range(rows.shape[1])
                    if empty == "zero" or real[window, m]
                ]
                mean = math.fsum(values) / len(values) if values else 0.0
                assert found[r, c].item() == pytest.approx(mean, abs=1e-12)
