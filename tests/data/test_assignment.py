"""Tests of lfb.data.assignment."""

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lfb.data.assignment import assign

SMALL = st.tuples(st.integers(0, 5), st.integers(0, 5))


def highest_sum(weight):
    """Return the highest sum of any assignment, by trying all of them."""
    if len(weight) > len(weight.T):
        weight = weight.T
    orders = permutations(range(weight.shape[1]), len(weight))
    return max(sum(weight[row, column] for row, column in enumerate(order)) for order in orders)


@given(arrays.arrays(np.float64, SMALL, elements=st.integers(0, 6).map(float)))
def test_no_other_assignment_has_a_higher_sum(weight):
    pairs = assign(weight)
    assert sum(weight[pair] for pair in pairs) == highest_sum(weight)
    assert all(weight[pair] > 0 for pair in pairs)
    for places in ([row for row, _ in pairs], [column for _, column in pairs]):
        assert len(set(places)) == len(places)
    assert pairs == sorted(pairs)


def test_a_large_matrix_with_a_known_answer():
    random = np.random.default_rng(0)
    answer = random.permutation(60)
    weight = random.uniform(0, 0.9, (60, 60))
    weight[np.arange(60), answer] = 1
    assert assign(weight) == list(enumerate(answer.tolist()))


def test_pairs_of_weight_0_are_not_allowed():
    assert assign(np.zeros((2, 3))) == []
    assert assign(np.array([[1.0, 0.9], [0.8, 0.0]])) == [(0, 1), (1, 0)]
    assert assign(np.array([[1.0, 0.0], [0.8, 0.0]])) == [(0, 0)]
