"""Tests of lfb.report.overlays."""

import logging

import numpy as np
import pytest

from lfb.data.annotations import write_annotations
from lfb.data.predictions import Predictions
from lfb.errors import UserError
from lfb.report.overlays import (
    prediction_overlays,
    proposal_overlays,
    require_video,
    truth_overlays,
    within,
)
from lfb.video.frames import FrameInfo
from lfb.video.overlays import Line, Overlay
from tests.samples import annotation_table, proposals_of

LEFT, RIGHT = (0.1, 0.1, 0.4, 0.9), (0.6, 0.1, 0.9, 0.9)
LABELS = {1: "stand", 2: "sit (e.g., on a chair)"}


def content(overlays):
    """Return time, person, left edge and lines of overlays."""
    return [
        (o.time, o.person, round(float(o.box[0]), 3), [line.text for line in o.lines])
        for o in overlays
    ]


def test_annotated_people_have_their_id_and_their_actions():
    rows = annotation_table(
        ("a", 5, *LEFT, 1, 7),
        ("a", 5, *LEFT, 2, 7),
        ("a", 5, *RIGHT, 30, 3),
        ("b", 5, *RIGHT, 1, 0),
        ("a", 6, *LEFT, 1, 7),
        ("a", 7, *(np.nan,) * 4, -1, -1),
    )
    assert content(truth_overlays(rows, "a", LABELS, {("a", 6), ("b", 5)})) == [
        (5, 7, 0.1, ["stand", "sit"]),
        (5, 3, 0.6, ["action 30 (not scored)"]),
        (6, 7, 0.1, ["stand", "excluded second"]),
    ]


def test_annotated_people_without_an_id_are_linked():
    rows = annotation_table(
        ("a", 5, *LEFT, 1, 4),
        ("a", 5, *RIGHT, 1, -1),
        ("a", 6, *LEFT, 1, 4),
        ("a", 6, *RIGHT, 2, -1),
    )
    assert [o.person for o in truth_overlays(rows, "a", LABELS, set())] == [4, 5, 4, 5]
    nobody = annotation_table(("a", 7, *(np.nan,) * 4, -1, -1))
    assert truth_overlays(nobody, "a", LABELS, set()) == []


def test_proposals_below_the_score_have_no_number():
    proposals = proposals_of(
        ("b", 1, *LEFT, 0.9),
        ("a", 5, *LEFT, 0.9),
        ("a", 5, *RIGHT, 0.35),
        ("a", 6, *RIGHT, 0.99),
        ("a", 6, *LEFT, 0.95),
    )
    assert content(proposal_overlays(proposals, "a", 0.9)) == [
        (5, 1, 0.1, ["0.90"]),
        (5, None, 0.6, ["0.35"]),
        (6, 2, 0.6, ["0.99"]),
        (6, 1, 0.1, ["0.95"]),
    ]


def test_predictions_show_the_actions_above_their_thresholds_and_what_is_new():
    predictions = Predictions(
        videos=["a", "b"],
        video=np.array([1, 1, 0], np.int32),
        second=np.array([6, 5, 5], np.int32),
        box=np.array([LEFT, LEFT, RIGHT], np.float32),
        score=np.array([[0.5, 0.7], [0.2, 0.9], [1, 1]], np.float32),
        classes=np.array([1, 2], np.int32),
    )
    shown = prediction_overlays(predictions, "b", LABELS, {1: 0.5, 2: 0.7})
    assert [(o.time, o.person, o.lines) for o in shown] == [
        (5, 1, (Line("sit 0.90", new=True),)),
        (6, 1, (Line("sit 0.70"), Line("stand 0.50", new=True))),
    ]


def test_an_unknown_video_gets_the_names_that_are_like_it(tmp_path):
    write_annotations(tmp_path / "train.csv", annotation_table(("cam 2", 5, *LEFT, 1, 0)))
    others = {"train": tmp_path / "train.csv", "val": tmp_path / "val.csv"}
    require_video("cam 1", "val", ["cam 1"], others)
    with pytest.raises(UserError, match=r"^split val has no video 'cm 1'. Its names include 'cam"):
        require_video("cm 1", "val", ["hall", "cam 1"], others)
    with pytest.raises(UserError, match=r"'cam 2' is in split train, not in val: replace val in"):
        require_video("cam 2", "val", ["cam 1"], others)


def test_seconds_without_frames_are_left_out_with_a_warning(caplog):
    caplog.set_level(logging.WARNING)
    overlays = [Overlay(second, None, np.array(LEFT)) for second in (4, 5, 6, 7, 9)]
    info = FrameInfo(fps=10, first_second=5, frames=20, width=8, height=8)
    assert within(overlays, info) == overlays[1:3]
    (message,) = caplog.messages
    assert message.startswith("warning: 3 seconds with boxes (4 to 9) are not shown: ")
    assert "begin at second 5 and last 2.0 s" in message
