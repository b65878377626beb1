"""Tests of lfb.models.operators.max."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.models.operators.max import Maximum
from tests.operator_cases import CHANNELS, draw, windows


@given(filled=windows(), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_it_equals_the_maximum_of_a_plain_loop(filled, seed):
    roi, rows, real, clip = draw(seed, filled)
    for empty in "zero", "mask":
        found = Maximum(CHANNELS, empty)(roi, rows, real, clip)
        for r, window in enumerate(clip.tolist()):
            for c in range(CHANNELS):
                values = [
                    rows[window, m, c].item()
                    for m in range(rows.shape[1])
                    if empty == "zero" or real[window, m]
                ]
                assert found[r, c].item() == max(values, default=0.0)
