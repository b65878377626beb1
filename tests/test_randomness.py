"""Tests of lfb.randomness."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from lfb.randomness import generator, seed_of

PURPOSES = st.lists(st.integers(-5, 5) | st.text("ab1 ", max_size=3), min_size=1, max_size=4)


@given(PURPOSES)
def test_a_seed_has_63_bits(purpose):
    assert 0 <= seed_of(*purpose) < 2**63


@given(PURPOSES, PURPOSES)
def test_different_purposes_have_different_seeds(one, other):
    assert (seed_of(*one) == seed_of(*other)) == ([*map(str, one)] == [*map(str, other)])


def test_draws_do_not_depend_on_earlier_ones_or_on_the_process():
    drawn = generator("clip", 1, 2, "video").integers(1 << 60)
    generator("clip", 1, 2, "other").integers(9)
    assert generator("clip", 1, 2, "video").integers(1 << 60) == drawn
    code = "from lfb.randomness import generator\n"
    code += "print(generator('clip', 1, 2, 'video').integers(1 << 60))"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(process.stdout) == drawn
