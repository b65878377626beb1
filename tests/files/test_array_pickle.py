"""Tests of lfb.files.array_pickle; tests/data/test_proposals.py tests refused pickles."""

import pickle

import numpy as np
import pytest

from lfb.errors import UserError
from lfb.files.array_pickle import read_arrays
from tests.caffe2_files import python_2


def test_nested_dicts_are_read_with_their_arrays_and_plain_values(tmp_path):
    arrays = {"a": np.arange(6, dtype="f4").reshape(2, 3), "b": np.float64(0.5), "c": 7}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "p.pkl").write_bytes(pickle.dumps({"blobs": arrays}, protocol=protocol))
        (read,) = read_arrays(tmp_path / "p.pkl").values()
        np.testing.assert_array_equal(read["a"], arrays["a"], strict=True)
        assert (read["b"], read["c"]) == (0.5, 7)


def test_a_pickle_of_python_2_is_read(tmp_path):
    array = np.random.default_rng(0).normal(size=(3, 2, 1)).astype("f4")
    (tmp_path / "p.pkl").write_bytes(python_2({"blobs": {"conv1_w": array, "model_iter": 5}}))
    (read,) = read_arrays(tmp_path / "p.pkl").values()
    np.testing.assert_array_equal(read["conv1_w"], array, strict=True)
    assert read["model_iter"] == 5


def test_a_dict_within_itself_is_refused(tmp_path):
    endless: dict = {}
    endless["self"] = endless
    (tmp_path / "p.pkl").write_bytes(pickle.dumps(endless))
    with pytest.raises(UserError, match="is broken"):
        read_arrays(tmp_path / "p.pkl")
