"""Tests of lfb.annotations."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lfb.annotations as ann
from lfb.errors import UserError

LABELS = {1: "bend", 3: "stand"}
NO_EXCLUDED: frozenset = frozenset()


def _write(tmp_path: Path, *rows: str, name: str = "train.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(rows) + "\n")
    return path


def _annotations(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["video", "second", *ann.BOX, "action", "person"])
    frame = frame.astype({"video": str, "second": int, "action": int, "person": int})
    return frame.assign(line=np.arange(1, len(frame) + 1))


def _proposals(*rows: tuple) -> ann.Proposals:
    """Rows video, second, x1, y1, x2, y2, score."""
    values = np.array([row[2:] for row in rows], dtype=float).reshape(-1, 5)
    videos, seconds = [row[0] for row in rows], [row[1] for row in rows]
    return ann.Proposals.from_rows(videos, seconds, values[:, :4], values[:, 4])


def _train(annotations, proposals, excluded=NO_EXCLUDED, **options):
    settings = {"num_outputs": 4, "score": 0.9, "iou": 0.9, "most": 32} | options
    return ann.training_keyframes(annotations, proposals, excluded, **settings)


# Label list


@pytest.mark.parametrize(
    "text",
    [
        'item {\n  name: "bend (at {waist})"\n  id: 1\n}\nitem {\n  name: "sta\\"nd"\n  id: 3\n}\n',
        'label {\n  name: "bend (at {waist})"\n  label_id: 1\n  label_type: PERSON_MOVEMENT\n}\n'
        'label { name: "sta\\"nd" label_id: 3 label_type: OBJECT_MANIPULATION }',
    ],
)
def test_both_spellings_of_a_label_list_are_read(tmp_path, text):
    path = _write(tmp_path, text, name="labels.pbtxt")
    assert ann.read_labels(path) == {1: "bend (at {waist})", 3: 'sta"nd'}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("bend,1", "no label found"),
        ('item { name: "a" id: 1 }\nitem { name: "b" id: 1 }', "labels.pbtxt:2: id 1 is .* twice"),
        ('item { name: "a" id: 1 }\nitem { name: "a" id: 2 }', 'labels.pbtxt:2: name "a" .* twice'),
        ('item { name: "a" id: 0 }', "labels.pbtxt:1: a label needs"),
        ('item { name: "the id: 7" }', "labels.pbtxt:1: a label needs"),
        ("item { id: 7 }", "labels.pbtxt:1: a label needs"),
    ],
)
def test_a_faulty_label_list_is_refused_with_its_line(tmp_path, text, fault):
    with pytest.raises(UserError, match=fault):
        ann.read_labels(_write(tmp_path, text, name="labels.pbtxt"))


@given(
    st.dictionaries(
        st.integers(1, 999),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9),
        min_size=1,
    ).filter(lambda labels: len(set(labels.values())) == len(labels))
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_written_label_list_reads_back_the_same(tmp_path, labels):
    ann.write_labels(tmp_path / "labels.pbtxt", labels)
    assert ann.read_labels(tmp_path / "labels.pbtxt") == labels


# Annotations


def test_sound_rows_are_read_in_the_order_of_the_file_with_their_lines(tmp_path):
    path = _write(
        tmp_path,
        "NA,0902,0.1,0.2,0.3,0.4,3,7",
        "",
        "a,903,0,0,1,1,1\r",
        "a,904",
    )
    rows, faults = ann.read_annotations(path, LABELS)
    assert faults == []
    assert rows["video"].tolist() == ["NA", "a", "a"]
    assert rows["second"].tolist() == [902, 903, 904]
    assert rows["action"].tolist() == [3, 1, -1]
    assert rows["person"].tolist() == [7, -1, -1]
    assert rows["line"].tolist() == [1, 3, 4]
    np.testing.assert_array_equal(rows[ann.BOX].iloc[0], [0.1, 0.2, 0.3, 0.4])
    assert rows[ann.BOX].iloc[2].isna().all()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a,902,0.8,0.1,0.2,0.4,1,0", "x1 0.8 is right of x2 0.2; swap them"),
        ("a,902,0.1,0.9,0.2,0.4,1,0", "y1 0.9 is below y2 0.4; swap them"),
        ("a,902,0.5,0.1,0.5,0.4,1,0", "x1 and x2 are both 0.5: the box is empty"),
        ("a,902,0.5,0.1,320,1.0000001,1,0", "x2 320.0, y2 1.0000001 are outside [0, 1]"),
        ("a,902,-0.1,0.1,0.5,1,1,0", "x1 -0.1 is outside [0, 1]"),
        ("a,902,0.1,0.1,0.5,tall,1,0", "y2 'tall' is not a number"),
        ("a,902,nan,0.1,0.5,1,1,0", "x1 'nan' is not a number"),
        ("a,902,,,,,1,0", "x1 '' is not a number"),
        ("a,9o2,0.1,0.1,0.5,1,1,0", "second '9o2' is not a whole number"),
        ("a,902.5", "second '902.5' is not a whole number"),
        ("a,-1", "second '-1' is not a whole number"),
        ("a,1e300", "second '1e300' is not a whole number"),
        (",902,0.1,0.1,0.5,1,1,0", "has no video name"),
        ("a,902,0.1,0.1,0.5,1,0,0", "action id '0' is not a whole number from 1 up"),
        ("a,902,0.1,0.1,0.5,1,-1,0", "action id '-1' is not a whole number from 1 up"),
        ("a,902,0.1,0.1,0.5,1,2,0", "action id 2 is not in the label list"),
        ("a,902,0.1,0.1,0.5,1,1,x", "person id 'x' is not a whole number"),
        ("a,902,0.1,0.1,0.5,1,1,0,9", "has 9 fields; write video,second"),
        ("a,902,0.1,0.1", "has 4 fields; write video,second"),
    ],
)
def test_a_faulty_row_is_named_by_file_and_line_and_left_out(tmp_path, row, fault):
    path = _write(tmp_path, "a,0901,0.1,0.1,0.5,1,1,0", row)
    rows, faults = ann.read_annotations(path, LABELS)
    assert rows["line"].tolist() == [1]
    assert faults
    assert faults[0].startswith(f"{path}:2: {fault}")


def test_every_fault_is_listed_in_the_order_of_the_file(tmp_path):
    bad = ["a,902,0.8,0.9,0.2,0.1,1,0", "a,902,1,2", "a,x,0,0,1,1,9,0"]
    _, faults = ann.read_annotations(_write(tmp_path, *bad * 50), LABELS)
    lines = [int(fault.split(":")[1]) for fault in faults]
    assert lines == sorted(lines)
    assert {line: lines.count(line) for line in (1, 2, 3, 148, 149, 150)} == {
        1: 2,
        2: 1,
        3: 2,
        148: 2,
        149: 1,
        150: 2,
    }


def test_a_header_is_recognised_as_one(tmp_path):
    path = _write(tmp_path, "video,second,x1,y1,x2,y2,action,person", "a,1,0,0,1,1,1,0")
    assert "is this a header?" in " ".join(ann.read_annotations(path, LABELS)[1])


def test_unscored_ids_keep_their_rows(tmp_path):
    path = _write(tmp_path, "a,902,0,0,1,1,2,0")
    rows, faults = ann.read_annotations(path, LABELS, unscored={2})
    assert (rows["action"].tolist(), faults) == ([2], [])


def test_without_a_label_list_every_id_is_accepted(tmp_path):
    rows, faults = ann.read_annotations(_write(tmp_path, "a,902,0,0,1,1,77,0"), None)
    assert (rows["action"].tolist(), faults) == ([77], [])


def test_an_empty_annotation_file_is_a_fault_and_an_empty_exclusion_file_is_none(tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    rows, faults = ann.read_annotations(path, LABELS)
    assert rows.empty
    assert [*rows] == ["video", "second", *ann.BOX, "action", "person", "line"]
    assert len(faults) == 1
    assert ann.read_excluded(path) == (set(), [])


@pytest.mark.parametrize(
    "read",
    [
        ann.read_labels,
        ann.read_excluded,
        ann.read_proposals,
        lambda path: ann.read_annotations(path, LABELS),
    ],
)
def test_a_missing_file_is_named(tmp_path, read):
    with pytest.raises(UserError, match=r"gone\.csv: No such file"):
        read(tmp_path / "gone.csv")


def test_text_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfea,902")
    with pytest.raises(UserError, match="UTF-8"):
        ann.read_excluded(tmp_path / "x.csv")


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    (tmp_path / "x.csv").write_text("a,902\n", encoding="utf-8-sig")
    assert ann.read_excluded(tmp_path / "x.csv")[0] == {("a", 902)}


_names = st.text("abcXYZ-_ 019.é", min_size=1, max_size=6).filter(str.strip)
_low, _high = st.floats(0, 0.4), st.floats(0.5, 1)
_rows = st.one_of(
    st.tuples(
        _names, st.integers(0, 9999), _low, _low, _high, _high, st.just(3), st.integers(-1, 99)
    ),
    st.tuples(_names, st.integers(0, 9999), *[st.just(np.nan)] * 4, st.just(-1), st.just(-1)),
)


@given(st.lists(_rows, min_size=1))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_written_annotations_read_back_the_same(tmp_path, rows):
    written = _annotations(*rows)
    ann.write_annotations(tmp_path / "a.csv", written)
    read, faults = ann.read_annotations(tmp_path / "a.csv", LABELS)
    assert faults == []
    pd.testing.assert_frame_equal(read, written, check_exact=True, check_dtype=False)


# Excluded keyframes


def test_excluded_keyframes_read_back_the_same_and_faults_are_named(tmp_path):
    excluded = {("a", 902), ("b", 12345)}
    ann.write_excluded(tmp_path / "x.csv", excluded)
    assert (tmp_path / "x.csv").read_text() == "a,0902\nb,12345\n"
    assert ann.read_excluded(tmp_path / "x.csv") == (excluded, [])
    path = _write(tmp_path, "a,902", "a,x", "a", ",3")
    found, faults = ann.read_excluded(path)
    assert found == {("a", 902)}
    assert [fault.split(":")[1] for fault in faults] == ["2", "3", "4"]


# Proposals


def _pickle(tmp_path: Path, value: object, **options) -> Path:
    path = tmp_path / "p.pkl"
    path.write_bytes(pickle.dumps(value, **options))
    return path


def _as_numpy_1(data: bytes, protocol: int) -> bytes:
    """Names numpy's modules as version 1 did."""
    if protocol >= 4:  # names have their length before them, and the whole lies in a frame
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
    proposals, faults = ann.read_proposals(path)
    assert faults == []
    assert proposals.keys() == [("a,b", 902)]
    np.testing.assert_array_equal(proposals.get("a,b", 902)[0], boxes[:, :4])
    np.testing.assert_array_equal(proposals.get("a,b", 902)[1], boxes[:, 4])


def test_a_pickle_of_python_2_is_read(tmp_path):
    row = np.array([[0, 0.25, 0.5, 1, 0.5]], "<f8")
    raw = row.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I1\nI5\nt"
        b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
    )
    binary = b"T" + len(raw).to_bytes(4, "little") + raw + b"tb"
    (tmp_path / "p.pkl").write_bytes(b"(dS'a,0902'\n" + array + binary + b"s.")
    proposals, faults = ann.read_proposals(tmp_path / "p.pkl")
    assert faults == []
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
        ({"a,1": np.float32(1)}, "numpy._core.multiarray.scalar"),
    ],
)
def test_a_pickle_that_asks_for_code_is_refused_and_not_run(tmp_path, capfd, value, name):
    with pytest.raises(UserError, match=rf"asks for {name}"):
        ann.read_proposals(_pickle(tmp_path, value))
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("value", [np.array([None]), np.array(["x"]), np.zeros(2, "M8[s]")])
def test_arrays_that_are_not_numbers_are_refused(tmp_path, value):
    with pytest.raises(UserError, match="no pickle of numeric arrays"):
        ann.read_proposals(_pickle(tmp_path, {"a,1": value}))


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps({"a,1": np.zeros((9, 5))})[:-30]])
def test_a_broken_pickle_is_refused(tmp_path, content):
    (tmp_path / "p.pkl").write_bytes(content)
    with pytest.raises(UserError, match=r"p\.pkl: is broken"):
        ann.read_proposals(tmp_path / "p.pkl")


def test_a_pickle_of_something_else_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds a list, not a dict"):
        ann.read_proposals(_pickle(tmp_path, [1, 2]))


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"a0902": [[0, 0, 1, 1, 1]]}, "key 'a0902' is not '<video>,<second>'"),
        ({"a,x": [[0, 0, 1, 1, 1]]}, "key 'a,x' is not"),
        ({"a,²": [[0, 0, 1, 1, 1]]}, "key 'a,²' is not"),
        ({"a," + "9" * 30: [[0, 0, 1, 1, 1]]}, "key 'a,999"),
        ({("a", 902): [[0, 0, 1, 1, 1]]}, r"key ('a', 902) is not"),
        ({"a,902": [[0, 0, 1, 1]]}, "'a,902' has shape 1x4, not N x 5"),
        ({"a,902": "text"}, "'a,902' has shape none, not N x 5"),
        ({"a,902": [[0, 0, 1, 1, 1.5]]}, "'a,902' box 0 (from 0): score 1.5 is outside [0, 1]"),
        ({"a,902": [[0, 0, 1, float("nan"), 1]]}, "'a,902' box 0 (from 0): box or score is not"),
        ({"a,902": [[0, 0, 1, 1.01, 1]]}, "'a,902' box 0 (from 0): y2 1.01 is outside"),
        ({"a,902": [[0.7, 0, 0.5, 1, 1]]}, "'a,902' box 0 (from 0): x1 0.7 is right of"),
        ({"a,902": [[1, 0, 1.0001, 1, 1]]}, "'a,902' box 0 (from 0): x1 and x2 are both 1.0"),
        ({"a,902": [[0, 0, 1, 1, 1]], "a,0902": []}, "keys 'a,902' and 'a,0902' name the same"),
    ],
)
def test_faulty_proposals_are_named_and_left_out(tmp_path, table, fault):
    path = _pickle(tmp_path, {"ok,0001": [[0, 0, 1, 1, 1]], **table})
    proposals, faults = ann.read_proposals(path)
    assert len(faults) == 1
    assert faults[0].startswith(f"{path}: {fault}")
    assert ("ok", 1) in proposals.keys()  # noqa: SIM118


def test_a_rounding_beyond_the_frame_is_clipped(tmp_path):
    path = _pickle(tmp_path, {"a,1": np.array([[-0.0005, 0, 1.0005, 1, 1]])})
    proposals, faults = ann.read_proposals(path)
    assert faults == []
    assert proposals.boxes.tolist() == [[0, 0, 1, 1]]


def test_a_file_without_any_proposal_is_a_fault(tmp_path):
    for path in (_pickle(tmp_path, {"a,1": np.empty((0, 5))}), _write(tmp_path, "")):
        proposals, faults = ann.read_proposals(path)
        assert len(faults) == 1
        assert proposals.keys() == []


def test_faults_of_a_proposals_csv_have_lines(tmp_path):
    path = _write(tmp_path, "a,x,0,0,1,1,,1", "a,1,0,0,1,1,,1", "a,1,0,0,1,1", "a,2,0.5,0,0.1,1,,1")
    proposals, faults = ann.read_proposals(path)
    assert proposals.keys() == [("a", 1)]
    assert [fault.split(":")[1] for fault in faults] == ["1", "3", "4"]


_boxes = st.tuples(
    *[st.floats(0, 0.375, width=32)] * 2,
    *[st.floats(0.5, 1, width=32)] * 2,
    st.floats(0, 1, width=32),
)


@given(
    st.dictionaries(
        st.tuples(_names, st.integers(0, 9999)), st.lists(_boxes, min_size=1, max_size=4)
    ).filter(bool),
    st.sampled_from(["p.pkl", "p.csv"]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_written_proposals_read_back_the_same(tmp_path, table, name):
    written = _proposals(*((*key, *box) for key, boxes in table.items() for box in boxes))
    ann.write_proposals(tmp_path / name, written)
    read, faults = ann.read_proposals(tmp_path / name)
    assert faults == []
    assert read.keys() == written.keys() == sorted(table)
    for field in ("start", "boxes", "scores"):
        np.testing.assert_array_equal(getattr(read, field), getattr(written, field))
    for key, boxes in table.items():
        assert sorted(zip(*(part.tolist() for part in read.get(*key)), strict=True)) == sorted(
            (list(box[:4]), box[4]) for box in boxes
        )
        assert (np.diff(read.get(*key)[1]) <= 0).all()


def test_an_unknown_keyframe_has_no_proposals():
    boxes, scores = _proposals(("a", 1, 0, 0, 1, 1, 1)).get("a", 2)
    assert (boxes.shape, scores.shape) == ((0, 4), (0,))


# Keyframes

_TRUTH = (0.1, 0.1, 0.5, 0.9)


def test_rows_of_one_box_become_one_person_with_all_labels():
    rows = _annotations(
        ("b", 5, *_TRUTH, 1, 0), ("a", 9, 0, 0, 1, 1, 2, 0), ("b", 5, *_TRUTH, 3, 0), ("c", 1, *_NO)
    )
    first, second = _train(rows, _proposals())
    assert (first.video, first.second, second.video, second.second) == ("a", 9, "b", 5)
    assert second.boxes.tolist() == np.array([_TRUTH], np.float32).tolist()
    assert second.labels.tolist() == [[0, 1, 0, 1]]
    assert second.scores.tolist() == [1]


_NO = (np.nan,) * 4 + (-1, -1)


def test_proposals_near_a_ground_truth_box_take_its_labels_after_the_ground_truth():
    other = (0.6, 0.1, 0.9, 0.9)
    rows = _annotations(("a", 1, *_TRUTH, 1, 0), ("a", 1, *other, 3, 1))
    proposals = _proposals(
        ("a", 1, 0.6, 0.1, 0.9, 0.89, 0.91),
        ("a", 1, 0.1, 0.1, 0.5, 0.89, 0.95),
        ("a", 1, 0.1, 0.1, 0.5, 0.88, 0.89),  # score too low
        ("a", 1, 0.1, 0.1, 0.5, 0.7, 0.99),  # too far
        ("a", 2, *_TRUTH, 0.99),  # not annotated
    )
    (keyframe,) = _train(rows, proposals)
    assert keyframe.scores.tolist() == pytest.approx([1, 1, 0.95, 0.91])
    assert keyframe.labels.argmax(axis=1).tolist() == [1, 3, 1, 3]
    (keyframe,) = _train(rows, proposals, most=3)
    assert keyframe.scores.tolist() == pytest.approx([1, 1, 0.95])
    (keyframe,) = _train(rows, proposals, most=1)
    assert keyframe.labels.argmax(axis=1).tolist() == [1]


def test_excluded_keyframes_do_not_train_and_are_not_tested():
    rows = _annotations(("a", 1, *_TRUTH, 1, 0), ("a", 2, *_TRUTH, 1, 0))
    proposals = _proposals(("a", 1, *_TRUTH, 1))
    excluded = {("a", 1)}
    assert [k.second for k in _train(rows, proposals, excluded)] == [2]
    assert [k.second for k in ann.test_keyframes(rows, proposals, excluded, score=0.9)] == [2]


def test_labels_of_unscored_ids_train_unless_they_are_named():
    rows = _annotations(("a", 1, *_TRUTH, 2, 0))
    assert _train(rows, _proposals())[0].labels.tolist() == [[0, 0, 1, 0]]
    assert _train(rows, _proposals(), unscored={2})[0].labels.tolist() == [[0, 0, 0, 0]]


def test_an_id_without_an_output_is_refused():
    rows = _annotations(("a", 1, *_TRUTH, 4, 0))
    with pytest.raises(UserError, match="action id 4 has no output"):
        _train(rows, _proposals())


def test_no_annotation_gives_no_keyframe():
    assert _train(_annotations(), _proposals()) == []
    assert ann.test_keyframes(_annotations(), _proposals(), NO_EXCLUDED, score=0.9) == []


def test_a_tested_keyframe_always_has_a_box():
    rows = _annotations(
        ("a", 3, *_TRUTH, 1, 0), ("a", 2, *_NO), ("a", 1, *_TRUTH, 1, 0), ("a", 1, *_TRUTH, 3, 0)
    )
    proposals = _proposals(
        ("a", 1, 0, 0, 0.5, 1, 0.9),
        ("a", 1, 0, 0, 0.6, 1, 0.8),
        ("a", 2, 0, 0, 0.7, 1, 0.25),
        ("a", 2, 0, 0, 0.8, 1, 0.5),
        ("b", 3, 0, 0, 0.9, 1, 1),
    )
    found = ann.test_keyframes(rows, proposals, NO_EXCLUDED, score=0.9)
    assert [(k.video, k.second) for k in found] == [("a", 1), ("a", 2), ("a", 3)]
    assert [k.scores.tolist() for k in found] == [[np.float32(0.9)], [0.5], [1]]
    assert found[1].boxes.tolist() == [np.array([0, 0, 0.8, 1], np.float32).tolist()]
    assert found[2].boxes.tolist() == [[0, 0, 1, 1]]
    assert all(k.labels is None for k in found)


@pytest.mark.parametrize(("seconds", "kept"), [("all", [1, 2]), ("annotated", [2])])
def test_the_bank_takes_every_second_of_annotated_videos_or_the_annotated_ones(seconds, kept):
    rows = _annotations(("a", 2, *_TRUTH, 1, 0), ("a", 3, *_TRUTH, 1, 0))
    proposals = _proposals(
        ("a", 1, *_TRUTH, 0.9),
        ("a", 2, *_TRUTH, 0.9),
        ("a", 2, *_TRUTH, 0.95),
        ("a", 3, *_TRUTH, 0.89),
        ("other", 1, *_TRUTH, 1),
    )
    found = ann.bank_keyframes(proposals, rows, score=0.9, seconds=seconds)
    assert [(k.video, k.second) for k in found] == [("a", second) for second in kept]
    assert found[-1].scores.tolist() == pytest.approx([0.95, 0.9])


def _plain_training(rows, proposals, score, iou, most):
    """The definition, one box at a time."""
    found = {}
    for row in rows.itertuples():
        box = (row.x1, row.y1, row.x2, row.y2)
        found.setdefault((row.video, row.second), {}).setdefault(box, set()).add(row.action)
    expected = []
    for key in sorted(found):
        people = [(*box, 1.0, frozenset(found[key][box])) for box in sorted(found[key])]
        truth = list(people)
        for box, value in zip(*proposals.get(*key), strict=True):
            overlaps = [_plain_iou(person, box) for person in truth]
            if value >= np.float32(score) and max(overlaps) >= iou:
                people.append((*box, value, truth[int(np.argmax(overlaps))][5]))
        expected.append((*key, people[:most]))
    return expected


def _plain_iou(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (total - width * height)


@given(st.integers(0, 10**6), st.integers(1, 6))
@settings(max_examples=60)
def test_training_keyframes_agree_with_the_definition(seed, most):
    rng = np.random.default_rng(seed)

    def box() -> list[float]:
        return [*rng.uniform(0, 0.4, 2).round(2), *rng.uniform(0.5, 1, 2).round(2)]

    def key() -> tuple[str, int]:
        return "abc"[rng.integers(3)], int(rng.integers(1, 4))

    truth = [(*key(), *box()) for _ in range(12)]
    rows = _annotations(*((*truth[rng.integers(12)], rng.integers(1, 4), 0) for _ in range(20)))
    near = [(*t[:2], *(np.array(t[2:]) + rng.uniform(-0.02, 0.02, 4)).clip(0, 1)) for t in truth]
    guesses = [*near, *((*key(), *box()) for _ in range(12))]
    proposals = _proposals(*((*guess, rng.uniform(0.3, 1)) for guess in guesses))
    found = _train(rows, proposals, score=0.5, iou=0.75, most=most)
    expected = _plain_training(rows, proposals, 0.5, 0.75, most)
    assert [(k.video, k.second) for k in found] == [e[:2] for e in expected]
    for keyframe, (*_, people) in zip(found, expected, strict=True):
        assert [frozenset(np.flatnonzero(x).tolist()) for x in keyframe.labels] == [
            person[5] for person in people
        ]
        values = np.column_stack([keyframe.boxes, keyframe.scores])
        np.testing.assert_array_equal(values, np.array([p[:5] for p in people], np.float32))


def test_importing_the_module_does_not_import_torch():
    code = "import sys, lfb.annotations; sys.exit('torch' in sys.modules or 'av' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
