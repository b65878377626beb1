"""Tests of lfb.data.detector_csv."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lfb.data.boxes import PersonBoxes
from lfb.data.detector_csv import in_pixels, read_detections, to_proposals
from lfb.errors import DataErrors, UserError
from tests.samples import boxes_at, parts, write

SIZES = {"a": (640, 360), "b c": (64, 48)}


def read(folder: Path, *rows: str) -> pd.DataFrame:
    found, errors = parts(read_detections(write(folder, *rows)))
    assert errors == []
    return found


def proposals(found: pd.DataFrame, sizes=SIZES) -> PersonBoxes:
    return to_proposals(found, "train.csv", sizes).checked()


def errors_of(folder: Path, *rows: str) -> list[str]:
    """Return the errors without the path: they begin with the line number."""
    _, errors = parts(read_detections(write(folder, *rows)))
    return [error.removeprefix(f"{folder / 'train.csv'}:") for error in errors]


def test_boxes_in_fractions_are_not_changed(tmp_path):
    found = read(tmp_path, "a,0902,0.1,0.2,0.5,1,0.75", "b c,3,0,0,1,1,0.5", "a,902,0,0,1,1.0005,1")
    assert not in_pixels(found)
    people = proposals(found)
    assert people.index.keys() == [("a", 902), ("b c", 3)]
    boxes, scores = boxes_at(people, "a", 902)
    assert boxes.tolist() == np.float32([[0, 0, 1, 1], [0.1, 0.2, 0.5, 1]]).tolist()
    assert scores.tolist() == [1, 0.75]


def test_boxes_in_pixels_are_divided_by_the_frame_of_their_video(tmp_path):
    found = read(tmp_path, "a,2,0,36,320,360,0.5", "b c,2,0,-0.5,64.9,48,0.5", "b c,2,0,0,1,2,0.25")
    assert in_pixels(found)
    people = proposals(found)
    np.testing.assert_allclose(boxes_at(people, "a", 2)[0], [[0, 0.1, 0.5, 1]], rtol=1e-6)
    np.testing.assert_allclose(
        boxes_at(people, "b c", 2)[0], [[0, 0, 1, 1], [0, 0, 1 / 64, 2 / 48]]
    )


def test_an_empty_field_before_the_score_is_optional(tmp_path):
    found = read(tmp_path, "a,2,0,0,1,1,,0.5", "a,2,0,0,1,1,0.25")
    assert found["score"].tolist() == [0.5, 0.25]


def test_boxes_of_videos_that_are_not_annotated_are_left_out(tmp_path):
    found = read(tmp_path, "a,2,0,0,1,1,0.5", "other,2,0,0,1,1,0.5")
    assert proposals(found).index.keys() == [("a", 2)]
    assert found["video"].tolist() == ["a", "other"]


def test_every_wrong_row_is_reported_with_its_line(tmp_path):
    assert {
        error.split(";")[0]
        for error in errors_of(
            tmp_path,
            "a,2,0,0,1,1,0.5",
            "video,second,x1,y1,x2,y2,score",
            "a,2.5,0,0,1,1,0.5",
            "a,2,0,0,1,1,person,0.5",
            "a,2,0,0,1,1",
            "a,2,left,0,1,1,0.5",
            "a,2,0,0,1,1,85",
            "a,2,0,0,1,1,",
            "a,2,0.5,0,0.1,1,0.5",
            "a,2,-0.2,0,1,1,0.5",
            ",2,0,0,1,1,0.5",
        )
    } == {
        "2: second 'second' is not a whole number from 0",
        "2: x1 'x1' is not a number",
        "2: x2 'x2' is not a number",
        "2: y1 'y1' is not a number",
        "2: y2 'y2' is not a number",
        "2: score 'score' is not a number",
        "3: second '2.5' is not a whole number from 0",
        "4: 'person' is before the score",
        "5: has 6 fields",
        "6: x1 'left' is not a number",
        "7: score 85 is outside [0, 1]",
        "8: score '' is not a number",
        "9: x1 0.5 is right of x2 0.1",
        "10: x1 -0.2 is outside [0, 1]",
        "11: has no video name",
    }


def test_a_header_is_recognized(tmp_path):
    errors = errors_of(tmp_path, "video,second,x1,y1,x2,y2,score", "a,2,0,0,1,1,0.5")
    assert len(errors) == 1
    assert "is this a header?" in errors[0]


def test_pixels_and_fractions_in_one_file_are_one_error(tmp_path):
    (error,) = errors_of(
        tmp_path, "a,2,0,0,1,1,0.5", *["a,2,0,0,30,20,0.5"] * 7, "a,2,0,0.5,1,0.75,0.5"
    )
    assert error == (
        " some boxes have values of 2 or more, as in pixels (lines 2, 3, 4, 5, 6 and 2 more), "
        "others have none, as in fractions of the frame (lines 1, 9); use one unit in a file"
    )


def test_boxes_of_frames_of_another_size_are_one_error(tmp_path):
    found = read(
        tmp_path, "b c,2,0,0,64,48,1", "a,2,0,0,1280,720,1", "b c,3,0,0,72,9,1", "a,3,0,0,1280,7,1"
    )
    with pytest.raises(DataErrors) as refused:
        proposals(found)
    assert [error.split("train.csv")[1] for error in refused.value.errors] == [
        ":2: this box extends beyond the frame of video 'a', 640x360 pixels (3 such boxes, of 2 "
        "videos); run the detector on frames of this size"
    ]


def test_swapped_x_and_y_in_pixels_are_recognized(tmp_path):
    rows = [f"a,{t},{y},{100 + t},{y + 60},{600 - t},1" for t in range(4) for y in (10, 290)]
    (error,) = to_proposals(read(tmp_path, *rows), "train.csv", SIZES).errors
    assert error == (
        "train.csv:1: this box extends beyond the frame of video 'a', 640x360 pixels (8 such "
        "boxes, of 1 videos); are x and y swapped? Write x1,y1,x2,y2"
    )


@pytest.mark.parametrize(
    ("row", "size"), [("a,2,-32,0,160,90,1", 640), ("a,2,-0.05,0,0.25,1,1", 1)]
)
def test_boxes_that_leave_the_frame_a_little_are_clipped_and_counted(tmp_path, row, size):
    contents = read_detections(
        write(tmp_path, "a,1,0,0,0.25,0.25,0.5".replace("0.25", f"{size / 4}"), row)
    )
    placed = to_proposals(contents.valid, "train.csv", SIZES)
    assert boxes_at(placed.checked(), "a", 2)[0][0, 0] == 0
    (warning,) = contents.warnings + placed.warnings
    assert warning.endswith(
        "train.csv: 1 of 2 boxes leave the frame, by 0.05 of it at most; they are clipped to it: "
        "line 2"
    )


def test_a_box_that_only_rounding_puts_in_the_frame_is_empty(tmp_path):
    found = read(tmp_path, "a,2,0,0,30,20,1", "a,2,-1,0,0,20,1")
    with pytest.raises(DataErrors, match=r"train.csv:2: x1 and x2 are both 0.0: the box is empty"):
        proposals(found)


def test_an_empty_or_missing_file_is_reported(tmp_path):
    assert errors_of(tmp_path, "") == [" contains no box; run a person detector on the keyframes"]
    with pytest.raises(UserError, match=r"gone.csv: No such file"):
        read_detections(tmp_path / "gone.csv")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(SIZES)),
            st.integers(0, 9),
            *[st.integers(0, 200)] * 2,
            *[st.integers(201, 255)] * 2,
        ),
        min_size=1,
        max_size=9,
    )
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pixels_and_fractions_give_the_same_boxes(tmp_path, rows):
    def line(video, second, *box, scale):
        values = [n / 256 * side for n, side in zip(box, scale[video] * 2, strict=True)]
        return f"{video},{second},{','.join(map(repr, values))},0.5"

    people = [
        proposals(read(tmp_path, *(line(*row, scale=scale) for row in rows)))
        for scale in (SIZES, dict.fromkeys(SIZES, (1, 1)))
    ]
    assert people[0].index.keys() == people[1].index.keys()
    np.testing.assert_allclose(people[0].boxes, people[1].boxes, rtol=1e-6)
