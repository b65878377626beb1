"""Tests of lfb.data.annotations."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lfb.data.annotations import (
    named_videos,
    read_annotations,
    read_excluded,
    read_labels,
    write_annotations,
    write_excluded,
    write_labels,
)
from lfb.errors import DataErrors, UserError
from lfb.files.csv_table import BOX
from tests.samples import NAMES, annotation_table, parts, write

LABELS = {1: "bend", 3: "stand"}


# Label list


@pytest.mark.parametrize(
    "text",
    [
        'item {\n  name: "bend (at {waist})"\n  id: 1\n}\nitem {\n  name: "sta\\"nd"\n  id: 3\n}\n',
        'label {\n  name: "bend (at {waist})"\n  label_id: 1\n  label_type: PERSON_MOVEMENT\n}\n'
        'label { name: "sta\\"nd" label_id: 3 label_type: OBJECT_MANIPULATION }',
    ],
)
def test_both_formats_of_a_label_list_are_read(tmp_path, text):
    path = write(tmp_path, text, name="labels.pbtxt")
    assert read_labels(path) == {1: "bend (at {waist})", 3: 'sta"nd'}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("bend,1", "no label found"),
        ('item { name: "a" id: 1 }\nitem { name: "b" id: 1 }', "labels.pbtxt:2: id 1 is .* twice"),
        ('item { name: "a" id: 1 }\nitem { name: "a" id: 2 }', 'labels.pbtxt:2: name "a" .* twice'),
        ('item { name: "a" id: 0 }', "labels.pbtxt:1: a label needs"),
        ('item { name: "a" id: 1 }\nitem { name: "b" id: 2', "labels.pbtxt:2: 'item { name: "),
        ('item { name: "a" id: 1\nitem { name: "b" id: 2 }', "labels.pbtxt:1: .* in no label"),
        ('item { name: "a" id: 1 }\nb 2', "labels.pbtxt:2: 'b 2' is in no label"),
        ('item { name: "the id: 7" }', "labels.pbtxt:1: a label needs"),
        ("item { id: 7 }", "labels.pbtxt:1: a label needs"),
        ('item { name: "a" id: 10001 }', "labels.pbtxt:1: id 10001 is above 10000"),
    ],
)
def test_a_wrong_label_list_is_refused_with_the_line(tmp_path, text, error):
    with pytest.raises(UserError, match=error):
        read_labels(write(tmp_path, text, name="labels.pbtxt"))


def test_comments_of_a_label_list_are_skipped(tmp_path):
    text = '# all\nitem { name: "a" id: 1 } # first\n\nitem { name: "b" id: 2 }\n'
    assert read_labels(write(tmp_path, text, name="labels.pbtxt")) == {1: "a", 2: "b"}


def test_every_error_of_a_label_list_is_reported(tmp_path):
    path = write(
        tmp_path, *(f'item {{ name: "{n}" id: {i} }}' for n, i in ["a0", "b1", "c1", "b2"])
    )
    with pytest.raises(DataErrors) as caught:
        read_labels(path)
    assert [error.split(";")[0] for error in caught.value.errors] == [
        f"{path}:1: a label needs a name in double quotes and an id of 1 or more",
        f"{path}:3: id 1 is in the list twice",
        f'{path}:4: name "b" is in the list twice',
    ]


@given(
    st.dictionaries(
        st.integers(1, 999),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9),
        min_size=1,
    ).filter(lambda labels: len(set(labels.values())) == len(labels))
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_written_label_list_reads_back_the_same(tmp_path, labels):
    write_labels(tmp_path / "labels.pbtxt", labels)
    assert read_labels(tmp_path / "labels.pbtxt") == labels


# Annotations


def test_valid_rows_are_read_in_the_order_of_the_file_with_their_lines(tmp_path):
    path = write(
        tmp_path,
        "NA,0902,0.1,0.2,0.3,0.4,3,7",
        "",
        "a,903,0,0,1,1,1\r",
        "a,904.0",
    )
    rows, errors = parts(read_annotations(path, LABELS))
    assert errors == []
    assert rows["video"].tolist() == ["NA", "a", "a"]
    assert rows["second"].tolist() == [902, 903, 904]
    assert rows["action"].tolist() == [3, 1, -1]
    assert rows["person"].tolist() == [7, -1, -1]
    assert rows["line"].tolist() == [1, 3, 4]
    np.testing.assert_array_equal(rows[BOX].iloc[0], [0.1, 0.2, 0.3, 0.4])
    assert rows[BOX].iloc[2].isna().all()


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("a,902,0.8,0.1,0.2,0.4,1,0", "x1 0.8 is right of x2 0.2; swap them"),
        ("a,902,0.1,0.9,0.2,0.4,1,0", "y1 0.9 is below y2 0.4; swap them"),
        ("a,902,0.5,0.1,0.5,0.4,1,0", "x1 and x2 are both 0.5: the box is empty"),
        ("a,902,0.5,0.1,320,1.0000001,1,0", "x2 320.0, y2 1.0000001 are outside [0, 1]"),
        ("a,902,-0.2,0.1,0.5,1,1,0", "x1 -0.2 is outside [0, 1]"),
        ("a,902,0.1,0.1,0.5,tall,1,0", "y2 'tall' is not a number"),
        ("a,902,nan,0.1,0.5,1,1,0", "x1 'nan' is not a number"),
        ("a,902,,,,,1,0", "x1 '' is not a number"),
        ("a,9o2,0.1,0.1,0.5,1,1,0", "second '9o2' is not a whole number"),
        ("a,902.5", "second '902.5' is not a whole number"),
        ("a,-1", "second '-1' is not a whole number"),
        ("a,1e300", "second '1e300' is not a whole number"),
        (",902,0.1,0.1,0.5,1,1,0", "has no video name"),
        ("../a,902,0.1,0.1,0.5,1,1,0", "video '../a' may lead outside the folder of videos"),
        ("/a,902,0.1,0.1,0.5,1,1,0", "video '/a' may lead outside the folder of videos"),
        ("a/../../b,902", "video 'a/../../b' may lead outside"),
        ("a//b,902", "video 'a//b' may lead outside"),
        ("..,902", "video '..' may lead outside"),
        ("a,902,0.1,0.1,0.5,1,0,0", "action id '0' is not a whole number from 1 up"),
        ("a,902,0.1,0.1,0.5,1,-1,0", "action id '-1' is not a whole number from 1 up"),
        ("a,902,0.1,0.1,0.5,1,2,0", "action id 2 is not in the label list"),
        ("a,902,0.1,0.1,0.5,1,1,x", "person id 'x' is not a whole number"),
        ("a,902,0.1,0.1,0.5,1,1,0,9", "has 9 fields; write video,second"),
        ("a,902,0.1,0.1", "has 4 fields; write video,second"),
    ],
)
def test_a_wrong_row_is_left_out_and_reported_with_file_and_line(tmp_path, row, error):
    path = write(tmp_path, "a,0901,0.1,0.1,0.5,1,1,0", row)
    rows, errors = parts(read_annotations(path, LABELS))
    assert rows["line"].tolist() == [1]
    assert errors
    assert errors[0].startswith(f"{path}:2: {error}")


def test_every_error_is_listed_in_the_order_of_the_file(tmp_path):
    bad = ["a,902,0.8,0.9,0.2,0.1,1,0", "a,902,1,2", "a,x,0,0,1,1,9,0"]
    _, errors = parts(read_annotations(write(tmp_path, *bad * 50), LABELS))
    lines = [int(error.split(":")[1]) for error in errors]
    assert lines == sorted(lines)
    assert {line: lines.count(line) for line in (1, 2, 3, 148, 149, 150)} == {
        1: 2,
        2: 1,
        3: 2,
        148: 2,
        149: 1,
        150: 2,
    }


def test_names_may_have_folders_spaces_quotes_and_any_letters(tmp_path):
    names = ["day1/cam2", "a b", 'the "old" one', "it's", "日本/é", "..a", "a..b/c.", "C:\\x"]
    rows, errors = parts(read_annotations(write(tmp_path, *(f"{n},902" for n in names)), LABELS))
    assert (rows["video"].tolist(), errors) == (names, [])


def test_a_header_is_recognized(tmp_path):
    path = write(tmp_path, "video,second,x1,y1,x2,y2,action,person", "a,1,0,0,1,1,1,0")
    (error,) = read_annotations(path, LABELS).errors
    assert "second 'second' is not a whole number: is this a header?" in error
    errors = read_annotations(write(tmp_path, "a,-1,0,0,1,1,9,0"), LABELS).errors
    assert [error.partition("; ")[0] for error in errors] == [
        f"{tmp_path}/train.csv:1: action id 9 is not in the label list",
        f"{tmp_path}/train.csv:1: second '-1' is not a whole number from 0",
    ]


def test_boxes_that_leave_the_frame_a_little_are_clipped_and_counted(tmp_path):
    rows = ["a,1,0,-0.0019,1,1,1,0", "a,2", "a,3,0.1,0,0.5,1,1,0", "a,4,0.5,0,1.09,1,1,0"]
    path = write(tmp_path, *rows)
    contents = read_annotations(path, LABELS)
    np.testing.assert_array_equal(
        contents.checked()[BOX], [[0, 0, 1, 1], [np.nan] * 4, [0.1, 0, 0.5, 1], [0.5, 0, 1, 1]]
    )
    assert contents.warnings == [
        f"{path}: 2 of 3 boxes leave the frame, by 0.09 of it at most; they are clipped to it: "
        "line 1, line 4"
    ]
    assert read_annotations(write(tmp_path, "a,1,0,0,1,1,1,0"), LABELS).warnings == []


def test_the_problem_of_a_row_names_its_keyframe_if_it_has_one(tmp_path):
    rows = ["a,902,0.8,0,0.2,1,1,0", "a,902,1,2", ",902,0,0,1,1,1,0", "b,x,0,0,1,1,1,0"]
    problems = read_annotations(write(tmp_path, *rows), LABELS).problems
    assert [set(problem.keyframes) for problem in problems] == [{("a", 902)}, set(), set(), set()]


def test_unscored_ids_keep_their_rows(tmp_path):
    path = write(tmp_path, "a,902,0,0,1,1,2,0")
    rows, errors = parts(read_annotations(path, LABELS, unscored={2}))
    assert (rows["action"].tolist(), errors) == ([2], [])


def test_without_a_label_list_every_id_is_accepted(tmp_path):
    rows, errors = parts(read_annotations(write(tmp_path, "a,902,0,0,1,1,77,0"), None))
    assert (rows["action"].tolist(), errors) == ([77], [])


def test_an_annotation_file_must_not_be_empty_but_an_exclusion_file_may(tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    rows, errors = parts(read_annotations(path, LABELS))
    assert rows.empty
    assert [*rows] == ["video", "second", *BOX, "action", "person", "line"]
    assert len(errors) == 1
    assert parts(read_excluded(path)) == (set(), [])


@pytest.mark.parametrize(
    "read",
    [
        read_labels,
        read_excluded,
        lambda path: read_annotations(path, LABELS),
    ],
)
def test_a_missing_file_is_named(tmp_path, read):
    with pytest.raises(UserError, match=r"gone\.csv: No such file"):
        read(tmp_path / "gone.csv")


def test_text_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfea,902")
    with pytest.raises(UserError, match="UTF-8"):
        read_excluded(tmp_path / "x.csv")


def test_a_byte_order_mark_is_skipped(tmp_path):
    (tmp_path / "x.csv").write_text("a,902\n", encoding="utf-8-sig")
    assert read_excluded(tmp_path / "x.csv").valid == {("a", 902)}


_low, _high = st.floats(0, 0.4), st.floats(0.5, 1)
_rows = st.one_of(
    st.tuples(
        NAMES, st.integers(0, 9999), _low, _low, _high, _high, st.just(3), st.integers(-1, 99)
    ),
    st.tuples(NAMES, st.integers(0, 9999), *[st.just(np.nan)] * 4, st.just(-1), st.just(-1)),
)


@given(st.lists(_rows, min_size=1))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_written_annotations_read_back_the_same(tmp_path, rows):
    written = annotation_table(*rows)
    write_annotations(tmp_path / "a.csv", written)
    read, errors = parts(read_annotations(tmp_path / "a.csv", LABELS))
    assert errors == []
    pd.testing.assert_frame_equal(read, written, check_exact=True, check_dtype=False)


def test_videos_are_named_also_in_rows_with_errors(tmp_path):
    path = write(tmp_path, "a,902,0,0,1,1,1", "b c,x", "a,903", "day1/d")
    assert named_videos(path) == {"a", "b c", "day1/d"}


# Excluded keyframes


def test_excluded_keyframes_read_back_the_same_and_errors_are_reported(tmp_path):
    excluded = {("a", 902), ("b", 12345)}
    write_excluded(tmp_path / "x.csv", excluded)
    assert (tmp_path / "x.csv").read_text() == "a,0902\nb,12345\n"
    assert parts(read_excluded(tmp_path / "x.csv")) == (excluded, [])
    path = write(tmp_path, "a,902", "a,x", "a", ",3")
    found, errors = parts(read_excluded(path))
    assert found == {("a", 902)}
    assert [error.split(":")[1] for error in errors] == ["2", "3", "4"]
