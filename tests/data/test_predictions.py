"""Tests of lfb.data.predictions."""

import re
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.data.predictions import Predictions, join_predictions, read_csv
from lfb.errors import DataErrors, UserError


def make_predictions(boxes=7, seed=0, videos=("b", "a%s")):
    rng = np.random.default_rng(seed)
    low = rng.random((boxes, 2)) / 2
    return Predictions(
        videos=list(videos),
        video=np.sort(rng.integers(0, len(videos), boxes)).astype(np.int32),
        second=rng.integers(902, 905, boxes).astype(np.int32),
        box=np.hstack([low, low + 0.25]).astype(np.float32),
        score=rng.random((boxes, 3), dtype=np.float32),
        classes=np.array([1, 3, 80], dtype=np.int32),
    )


def assert_equal(a, b):
    assert a.videos == b.videos
    for name in ("video", "second", "box", "score", "classes"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert getattr(a, name).dtype == getattr(b, name).dtype
    assert (a.further is None) == (b.further is None)
    if a.further is not None:
        np.testing.assert_array_equal(a.further, b.further)


@pytest.mark.parametrize("boxes", [0, 7])
@pytest.mark.parametrize("draws", [1, 3])
def test_saved_predictions_load_the_same(tmp_path, boxes, draws):
    predictions = with_draws(make_predictions(boxes), draws)
    predictions.save(tmp_path / "p.npz")
    assert_equal(Predictions.load(tmp_path / "p.npz"), predictions)
    assert [p.name for p in tmp_path.iterdir()] == ["p.npz"]


def with_draws(predictions, draws):
    further = [(predictions.score + number) / draws for number in range(1, draws)]
    return replace(predictions, further=np.stack(further) if further else None)


def test_draws_are_separate_predictions_and_the_first_is_submitted(tmp_path):
    alone = make_predictions()
    drawn = with_draws(alone, 3)
    first, *others = drawn.draws()
    assert_equal(first, alone)
    assert [other.score.tolist() for other in others] == drawn.further.tolist()
    assert all(other.further is None for other in others)
    for name, predictions in ("alone", alone), ("drawn", drawn):
        predictions.write_csv(tmp_path / name)
    assert (tmp_path / "alone").read_bytes() == (tmp_path / "drawn").read_bytes()


def part_of(predictions, videos):
    """Return the predictions for some videos."""
    numbers = [number for number, video in enumerate(predictions.videos) if video in videos]
    kept = np.isin(predictions.video, numbers)
    further = predictions.further
    return replace(
        predictions,
        videos=[predictions.videos[number] for number in numbers],
        video=np.searchsorted(numbers, predictions.video[kept]).astype(np.int32),
        second=predictions.second[kept],
        box=predictions.box[kept],
        score=predictions.score[kept],
        further=None if further is None else further[:, kept],
    )


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize("pieces", [1, 2, 3, 5])
def test_joined_pieces_have_the_bytes_of_the_whole(tmp_path, draws, pieces):
    videos = ["a", "b", "c", "long name"]
    whole = with_draws(make_predictions(boxes=40, videos=videos), draws)
    parts = [part_of(whole, videos[number::pieces]) for number in range(pieces)]
    whole.save(tmp_path / "whole.npz")
    join_predictions(parts).save(tmp_path / "joined.npz")
    assert (tmp_path / "whole.npz").read_bytes() == (tmp_path / "joined.npz").read_bytes()


def test_pieces_of_other_predictions_are_refused():
    whole = make_predictions(videos=["a", "b"])
    one, other = part_of(whole, ["a"]), part_of(whole, ["b"])
    for wrong in (
        one,
        with_draws(other, 2),
        replace(other, classes=np.array([1, 3, 79], np.int32)),
    ):
        with pytest.raises(UserError, match="not pieces of the same predictions"):
            join_predictions([one, wrong])


def test_the_same_predictions_give_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    make_predictions().save(tmp_path / "a.npz")
    later = time.localtime(time.time() + 1e6)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    make_predictions().save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.npz: no such file"):
        Predictions.load(tmp_path / "nowhere.npz")
    with pytest.raises(UserError, match=r"nowhere\.csv: no such file"):
        read_csv(tmp_path / "nowhere.csv")


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, keep):
    path = tmp_path / "p.npz"
    make_predictions().save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(UserError, match=r"p\.npz: not a complete file of predictions"):
        Predictions.load(path)


def test_a_flipped_byte_is_refused(tmp_path):
    path = tmp_path / "p.npz"
    make_predictions(boxes=100).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UserError):
        Predictions.load(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"score": None}, "`score` is missing"),
        ({"box": np.zeros((7, 3), np.float32)}, "`box` has shape"),
        ({"second": np.zeros(6, np.int32)}, "`second` has shape"),
        ({"video": np.full(7, 2, np.int32)}, "beyond the end of `videos`"),
        ({"score": np.zeros((7, 3), np.int32)}, "`score` is int32"),
        ({"further": np.zeros((7, 3))}, "`further` is float64 of shape"),
        ({"further": np.zeros((2, 7, 4))}, "`further` has shape"),
        ({"videos": np.array(["a", None], dtype=object)}, "not a complete file"),
    ],
)
def test_a_file_of_other_arrays_is_refused_with_the_reason(tmp_path, change, says):
    names = ("video", "second", "box", "score", "classes")
    arrays = {name: getattr(make_predictions(), name) for name in names}
    arrays = {"videos": np.array(["b", "a"]), **arrays, **change}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    np.savez(tmp_path / "p.npz", allow_pickle=True, **arrays)
    with pytest.raises(UserError, match=says):
        Predictions.load(tmp_path / "p.npz")


def test_dense_scores_become_entries_box_by_box():
    predictions = make_predictions(boxes=2)
    entries = predictions.entries()
    assert entries.row.tolist() == [0, 0, 0, 1, 1, 1]
    assert entries.action.tolist() == [1, 3, 80, 1, 3, 80]
    np.testing.assert_array_equal(entries.score, predictions.score.ravel())


def test_a_submission_row_has_the_format_of_ava(tmp_path):
    predictions = Predictions(
        videos=["-5KQ66BBWC4"],
        video=np.zeros(1, np.int32),
        second=np.array([902], np.int32),
        box=np.array([[0.25, 0.5, 0.75, 1]], np.float32),
        score=np.array([[0.125]], np.float32),
        classes=np.array([80], np.int32),
    )
    predictions.write_csv(tmp_path / "p.csv")
    row = "-5KQ66BBWC4,0902,0.25,0.5,0.75,1,80,0.125\n"
    assert (tmp_path / "p.csv").read_text() == row


@given(seed=st.integers(0, 1000), boxes=st.integers(1, 9))
@settings(max_examples=20)
def test_a_submission_reads_back_as_the_entries_written(tmp_path_factory, seed, boxes):
    path = tmp_path_factory.mktemp("csv") / "p.csv"
    predictions = make_predictions(boxes, seed)
    predictions.write_csv(path)
    expected, got = predictions.entries(), read_csv(path)

    def rows(entries):
        video = [entries.videos[v] for v in entries.video[entries.row]]
        return list(zip(video, entries.second[entries.row], entries.action, strict=True))

    assert rows(got) == rows(expected)
    np.testing.assert_array_equal(got.score.astype(np.float32), expected.score)
    np.testing.assert_array_equal(
        got.box[got.row].astype(np.float32), expected.box[expected.row].astype(np.float32)
    )


def test_numbers_of_a_submission_are_parsed_as_python_parses_them(tmp_path):
    rng = np.random.default_rng(3)
    texts = [repr(x) for x in rng.random(200).tolist()]
    (tmp_path / "p.csv").write_text("".join(f"v,902,0,0,{x},1,1,{x}\n" for x in texts))
    got = read_csv(tmp_path / "p.csv")
    assert got.score.tolist() == [float(x) for x in texts]
    assert got.box[got.row, 2].tolist() == [float(x) for x in texts]


def test_entries_of_one_box_share_its_row_anywhere_in_the_file(tmp_path):
    rows = ["v,902,0,0,1,1,1,0.5", "v,902,0,0,0.5,1,1,0.4", "v,0902,0,0,1.0,1,3,0.3"]
    rows += ["v,903,0,0,1,1,3,0.2", "w,902,0,0,1,1,3,0.1", "v,902,0,0,1,1,1,0.5"]
    (tmp_path / "p.csv").write_text("\n".join(rows) + "\n")
    got = read_csv(tmp_path / "p.csv")
    assert got.row.tolist() == [0, 1, 0, 2, 3, 0]
    assert got.box[:, 2].tolist() == [1, 0.5, 1, 1]
    assert got.second.tolist() == [902, 902, 903, 902]
    assert [got.videos[v] for v in got.video] == ["v", "v", "v", "w"]


def test_video_names_are_not_interpreted(tmp_path):
    names = ["NA", "007", '"q"', "nan", "-x"]
    (tmp_path / "p.csv").write_text("".join(f"{name},902,0,0,1,1,1,0.5\n" for name in names))
    got = read_csv(tmp_path / "p.csv")
    assert [got.videos[v] for v in got.video] == names


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("v,0902,0,0,1,1,3", "7 columns"),
        ("v,0902,0,0,1,1,3,0.5,9", "9 columns"),
        ("v", "1 columns"),
        ("v,0902,0,0,1,one,3,0.5", "y2 is 'one'"),
        ("v,902.5,0,0,1,1,3,0.5", r"second is '902\.5'"),
        ("v,-1,0,0,1,1,3,0.5", "second is '-1'"),
        ("v,0902,0,0,1,1,walk,0.5", "action_id is 'walk'"),
        ("v,0902,0,0,1,1,3,nan", "score is 'nan'"),
        ("v,0902,0,0,inf,1,3,0.5", "x2 is 'inf'"),
        ("v,0902,0,0,1,1,3,", "score is ''"),
        ("v,0902,0.5,0,0.4,1,3,0.5", "is inverted"),
    ],
)
def test_a_wrong_row_of_a_submission_is_reported_with_its_line(tmp_path, row, says):
    good = "v,0902,0,0,1,1,3,0.5\n"
    for text, wrong in ((f"{good}{row}\n" * 2, ["2", "4"]), (f"{row}\n" * 2, ["1", "2"])):
        (tmp_path / "p.csv").write_text(text)
        with pytest.raises(DataErrors, match=says) as caught:
            read_csv(tmp_path / "p.csv")
        lines = [re.search(r"p\.csv:(\d+):", error)[1] for error in caught.value.errors]
        assert lines == wrong


def test_blank_lines_of_a_submission_are_skipped(tmp_path):
    (tmp_path / "p.csv").write_text("\nv,902,0,0,1,1,3,0.5\n\nv,903,0,0,1,1,3,0.5\n\n")
    assert read_csv(tmp_path / "p.csv").second.tolist() == [902, 903]
    (tmp_path / "p.csv").write_text("v,902,0,0,1,1,3,0.5\n\nv,903,0,0,1,1,3,x\n")
    with pytest.raises(DataErrors, match=r"p\.csv:3: score is 'x'"):
        read_csv(tmp_path / "p.csv")


def test_every_kind_of_error_of_a_submission_is_reported(tmp_path):
    good, wrong = "v,902.0,0,0,1,1,3.0,0.5\n", "v,902,0.5,0,0.4,1,3,0.5\n"
    (tmp_path / "p.csv").write_text(good * 30 + wrong * 30 + "v,902.0,0,0,1,1,3,nan\n")
    with pytest.raises(DataErrors) as caught:
        read_csv(tmp_path / "p.csv")
    *inverted, score = caught.value.errors
    assert len(inverted) == 20
    assert score.endswith("p.csv:61: score is 'nan'; write a finite number as score")


def test_boxes_in_pixels_of_a_submission_are_a_warning(tmp_path, caplog):
    (tmp_path / "p.csv").write_text("v,902,0,0,1,1,3,0.5\n")
    read_csv(tmp_path / "p.csv")
    assert not caplog.messages
    (tmp_path / "p.csv").write_text("v,902,10,20,1280,720,3,0.5\n")
    read_csv(tmp_path / "p.csv")
    (warning,) = caplog.messages
    assert "p.csv: has boxes with values up to 1280: are these pixels?" in warning


def test_an_empty_submission_is_refused(tmp_path):
    (tmp_path / "p.csv").write_text("")
    with pytest.raises(UserError, match=r"p\.csv: is empty"):
        read_csv(tmp_path / "p.csv")
