"""Tests of lfb.data.proposals."""

import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lfb.data.proposals import join_proposals, read_proposals, write_proposals
from lfb.errors import UserError
from tests.samples import NAMES, boxes_at, parts, proposals_of, write


def _pickle(tmp_path: Path, value: object, **options) -> Path:
    path = tmp_path / "p.pkl"
    path.write_bytes(pickle.dumps(value, **options))
    return path


def _as_numpy_1(data: bytes, protocol: int) -> bytes:
    """Return a pickle with numpy's modules named as in version 1."""
    if protocol >= 4:  # such names follow their length, and a frame surrounds all
        data = data[:2] + data[11:]
        for name in (b"numpy._core.multiarray", b"numpy._core.numeric"):
            old = name.replace(b"_core", b"core")
            data = data.replace(bytes([len(name)]) + name, bytes([len(old)]) + old)
    data = data.replace(b"numpy._core", b"numpy.core")
    assert b"numpy.core" in data
    return data


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("numpy", [1, 2])
def test_pickles_of_every_protocol_and_numpy_are_read(tmp_path, protocol, dtype, order, numpy):
    boxes = np.array([[0, 0.25, 0.5, 1, 0.5], [0.5, 0, 1, 0.75, 0.25]], dtype, order=order)
    path = _pickle(tmp_path, {"a,b,0902": boxes}, protocol=protocol)
    if numpy == 1:
        path.write_bytes(_as_numpy_1(path.read_bytes(), protocol))
    proposals, errors = parts(read_proposals(path))
    assert errors == []
    assert proposals.index.keys() == [("a,b", 902)]
    np.testing.assert_array_equal(boxes_at(proposals, "a,b", 902)[0], boxes[:, :4])
    np.testing.assert_array_equal(boxes_at(proposals, "a,b", 902)[1], boxes[:, 4])


def test_a_pickle_of_python_2_is_read(tmp_path):
    row = np.array([[0, 0.25, 0.5, 1, 0.5]], "<f8")
    raw = row.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I1\nI5\nt"
        b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
    )
    binary = b"T" + len(raw).to_bytes(4, "little") + raw + b"tb"
    (tmp_path / "p.pkl").write_bytes(b"(dS'a,0902'\n" + array + binary + b"s.")
    proposals, errors = parts(read_proposals(tmp_path / "p.pkl"))
    assert errors == []
    np.testing.assert_array_equal(proposals.boxes, row[:, :4])


class _Evil:
    def __init__(self, call, *args):
        self.call = call, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (_Evil(print, "run"), "builtins.print"),
        (_Evil(subprocess.run, ["true"]), "subprocess.run"),
        (_Evil(getattr, "", "join"), "builtins.getattr"),
        ({"a,1": np.zeros(2).view(np.recarray)}, "numpy.*recarray"),
    ],
)
def test_a_pickle_with_code_is_refused_and_the_code_does_not_run(tmp_path, capfd, value, name):
    with pytest.raises(UserError, match=rf"asks for {name}"):
        read_proposals(_pickle(tmp_path, value))
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("value", [np.array([None]), np.array(["x"]), np.zeros(2, "M8[s]")])
def test_arrays_that_are_not_numbers_are_refused(tmp_path, value):
    with pytest.raises(UserError, match="not a pickle of numeric arrays"):
        read_proposals(_pickle(tmp_path, {"a,1": value}))


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps({"a,1": np.zeros((9, 5))})[:-30]])
def test_a_broken_pickle_is_refused(tmp_path, content):
    (tmp_path / "p.pkl").write_bytes(content)
    with pytest.raises(UserError, match=r"p\.pkl: is broken"):
        read_proposals(tmp_path / "p.pkl")


def test_a_pickle_of_something_else_is_refused(tmp_path):
    with pytest.raises(UserError, match="contains a list; write a dict"):
        read_proposals(_pickle(tmp_path, [1, 2]))


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ({"a0902": [[0, 0, 1, 1, 1]]}, "key 'a0902' is not '<video>,<second>'"),
        ({"../a,1": [[0, 0, 1, 1, 1]]}, "'../a,1': video '../a' may lead outside the folder"),
        ({"a,x": [[0, 0, 1, 1, 1]]}, "key 'a,x' is not"),
        ({"a,²": [[0, 0, 1, 1, 1]]}, "key 'a,²' is not"),
        ({"a," + "9" * 30: [[0, 0, 1, 1, 1]]}, "key 'a,999"),
        ({("a", 902): [[0, 0, 1, 1, 1]]}, r"key ('a', 902) is not"),
        ({"a,902": [[0, 0, 1, 1]]}, "'a,902' has shape 1x4, not N x 5"),
        ({"a,902": "text"}, "'a,902' has shape none, not N x 5"),
        ({"a,902": np.float32(1)}, "'a,902' has shape none, not N x 5"),
        ({"a,902": [[0, 0, 1, 1, 1.5]]}, "'a,902' box 0 (from 0): score 1.5 is outside [0, 1]"),
        ({"a,902": [[0, 0, 1, float("nan"), 1]]}, "'a,902' box 0 (from 0): box or score is not"),
        ({"a,902": [[0, 0, 1, 1.2, 1]]}, "'a,902' box 0 (from 0): y2 1.2 is outside"),
        ({"a,902": [[0.7, 0, 0.5, 1, 1]]}, "'a,902' box 0 (from 0): x1 0.7 is right of"),
        ({"a,902": [[1, 0, 1.0001, 1, 1]]}, "'a,902' box 0 (from 0): x1 and x2 are both 1.0"),
        ({"a,902": [[0, 0, 1, 1, 1]], "a,0902": []}, "keys 'a,902' and 'a,0902' are the same"),
    ],
)
def test_wrong_proposals_are_left_out_and_reported(tmp_path, table, error):
    path = _pickle(tmp_path, {"ok,0001": [[0, 0, 1, 1, 1]], **table})
    proposals, errors = parts(read_proposals(path))
    assert len(errors) == 1
    assert errors[0].startswith(f"{path}: {error}")
    assert ("ok", 1) in proposals.index.keys()  # noqa: SIM118


def test_rounding_errors_beyond_the_frame_are_clipped(tmp_path):
    path = _pickle(tmp_path, {"a,1": np.array([[-0.0005, 0, 1.0005, 1, 1]])})
    proposals, errors = parts(read_proposals(path))
    assert errors == []
    assert proposals.boxes.tolist() == [[0, 0, 1, 1]]


def test_boxes_that_leave_the_frame_a_little_are_clipped_and_counted(tmp_path):
    path = _pickle(tmp_path, {"a,1": np.array([[0, 0, 1, 1, 1], [0.1, -0.02, 0.5, 1, 0.9]])})
    contents = read_proposals(path)
    assert contents.checked().boxes[1].tolist() == np.float32([0.1, 0, 0.5, 1]).tolist()
    assert contents.warnings == [
        f"{path}: 1 of 2 boxes leave the frame, by 0.02 of it at most; they are clipped to it: "
        "'a,1' box 1 (from 0)"
    ]


def test_a_file_without_proposals_is_an_error(tmp_path):
    for path in (_pickle(tmp_path, {"a,1": np.empty((0, 5))}), write(tmp_path, "")):
        proposals, errors = parts(read_proposals(path))
        assert len(errors) == 1
        assert proposals.index.keys() == []


def test_errors_of_a_proposals_csv_have_lines(tmp_path):
    path = write(tmp_path, "a,x,0,0,1,1,,1", "a,1,0,0,1,1,,1", "a,1,0,0,1,1", "a,2,0.5,0,0.1,1,,1")
    proposals, errors = parts(read_proposals(path))
    assert proposals.index.keys() == [("a", 1)]
    assert [error.split(":")[1] for error in errors] == ["1", "3", "4"]


def test_a_box_of_several_labels_is_one_person(tmp_path):
    rows = ["a,0902,0,0,0.5,1,80,0.9", "a,0902,0,0,0.5,1,12,0.9", "a,0902,0.5,0,1,1,,0.8"]
    other = ["a,0903,0,0,0.5,1,12,0.9", "a,0903,0.5,0,1,1,,0.8", "a,0903,0.5,0,1,1,,0.8"]
    proposals, errors = parts(read_proposals(write(tmp_path, *rows, *other)))
    assert errors == []
    assert boxes_at(proposals, "a", 902)[0].tolist() == [[0, 0, 0.5, 1], [0.5, 0, 1, 1]]
    assert len(boxes_at(proposals, "a", 903)[0]) == 3  # two people with the same box


_boxes = st.tuples(
    *[st.floats(0, 0.375, width=32)] * 2,
    *[st.floats(0.5, 1, width=32)] * 2,
    st.floats(0, 1, width=32),
)


@given(
    st.dictionaries(
        st.tuples(NAMES, st.integers(0, 9999)), st.lists(_boxes, min_size=1, max_size=4)
    ).filter(bool),
    st.sampled_from(["p.pkl", "p.csv"]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_written_proposals_read_back_the_same(tmp_path, table, name):
    written = proposals_of(*((*key, *box) for key, boxes in table.items() for box in boxes))
    write_proposals(tmp_path / name, written)
    read, errors = parts(read_proposals(tmp_path / name))
    assert errors == []
    assert read.index.keys() == written.index.keys() == sorted(table)
    np.testing.assert_array_equal(read.index.row_start, written.index.row_start)
    for field in ("boxes", "scores"):
        np.testing.assert_array_equal(getattr(read, field), getattr(written, field))
    for key, boxes in table.items():
        assert sorted(
            zip(*(part.tolist() for part in boxes_at(read, *key)), strict=True)
        ) == sorted((list(box[:4]), box[4]) for box in boxes)
        assert (np.diff(boxes_at(read, *key)[1]) <= 0).all()


def test_pieces_are_joined_and_some_may_be_empty(tmp_path):
    pieces = [proposals_of(("b", 1, 0, 0, 1, 1, 0.5)), proposals_of(), proposals_of()]
    pieces[2] = proposals_of(("a", 2, 0, 0, 1, 0.5, 0.25))
    paths = [tmp_path / f"{i}.pkl" for i in range(3)]
    for path, piece in zip(paths, pieces, strict=True):
        write_proposals(path, piece)
    joined = join_proposals(paths)
    assert joined.index.keys() == [("a", 2), ("b", 1)]
    assert joined.scores.tolist() == [0.25, 0.5]
    assert joined.boxes.tolist() == [[0, 0, 1, 0.5], [0, 0, 1, 1]]
    with pytest.raises(UserError, match="found no people"):
        join_proposals(paths[1:2])


def test_a_missing_file_is_named(tmp_path):
    for name in "gone.csv", "gone.pkl":
        with pytest.raises(UserError, match=rf"{name}: No such file"):
            read_proposals(tmp_path / name)
