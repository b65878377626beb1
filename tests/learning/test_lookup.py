"""Tests of lfb.learning.lookup. Those of lfb.learning.clips look up windows in batches."""

import numpy as np

from lfb.learning.lookup import Draws, Lookup, Window
from tests.pictures import make_bank


def test_training_draws_by_the_pass_testing_takes_the_highest_scores(tmp_path):
    bank, window = make_bank(tmp_path), Window(4, 2)  # four rows in each second
    testing = Lookup(bank, window).rows("a", 903, 3, epoch=0)
    highest = bank.rows("a", 903, window=4, per_second=2, key=None)
    np.testing.assert_array_equal(testing, highest[None])
    passes = [Lookup(bank, window, seed=0).rows("a", 903, 3, epoch) for epoch in (0, 0, 1)]
    np.testing.assert_array_equal(passes[0], passes[1])
    assert (passes[0] != passes[2]).any()


def test_testing_with_draws_looks_up_a_window_for_each_person_and_draw(tmp_path):
    lookup = Lookup(make_bank(tmp_path), Window(4, 2), draws=Draws(5, seed=1))
    rows = lookup.rows("a", 903, 3, epoch=0)
    assert rows.shape == (3, 5, 8)
    assert len({tuple(window) for person in rows.tolist() for window in person}) > 5
    np.testing.assert_array_equal(rows, lookup.rows("a", 903, 3, epoch=0))
