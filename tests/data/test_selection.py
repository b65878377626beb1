"""Tests of lfb.data.selection."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.data import selection
from lfb.data.selection import bank_keyframes, training_keyframes
from lfb.errors import UserError
from tests.samples import annotation_table, boxes_at, proposals_of

NO_EXCLUDED: frozenset = frozenset()
_TRUTH = (0.1, 0.1, 0.5, 0.9)
_NO = (np.nan,) * 4 + (-1, -1)


def _train(annotations, proposals, excluded=NO_EXCLUDED, **options):
    settings = {"num_outputs": 4, "score": 0.9, "iou": 0.9, "most": 32} | options
    return training_keyframes(annotations, proposals, excluded, **settings).keyframes()


def _test(annotations, proposals, excluded=NO_EXCLUDED, **options):
    settings = {"score": 0.9, "seconds": "annotated"} | options
    return selection.test_keyframes(annotations, proposals, excluded, **settings).keyframes()


def test_rows_of_one_box_become_one_person_with_all_labels():
    rows = annotation_table(
        ("b", 5, *_TRUTH, 1, 0), ("a", 9, 0, 0, 1, 1, 2, 0), ("b", 5, *_TRUTH, 3, 0), ("c", 1, *_NO)
    )
    first, second = _train(rows, proposals_of())
    assert (first.video, first.second, second.video, second.second) == ("a", 9, "b", 5)
    assert second.boxes.tolist() == np.array([_TRUTH], np.float32).tolist()
    assert second.labels.tolist() == [[0, 1, 0, 1]]
    assert second.scores.tolist() == [1]


def test_proposals_near_a_ground_truth_box_follow_it_with_its_labels():
    other = (0.6, 0.1, 0.9, 0.9)
    rows = annotation_table(("a", 1, *_TRUTH, 1, 0), ("a", 1, *other, 3, 1))
    proposals = proposals_of(
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


def test_a_proposal_with_exactly_the_least_score_and_overlap_trains():
    rows = annotation_table(("a", 1, *_TRUTH, 1, 0))
    proposals = proposals_of(("a", 1, *_TRUTH, 0.9), ("a", 1, *_TRUTH, 0.8999))
    (keyframe,) = _train(rows, proposals, iou=1.0)
    assert keyframe.scores.tolist() == [1, np.float32(0.9)]


def test_a_proposal_across_the_frame_from_a_person_does_not_train():
    rows = annotation_table(("a", 1, 0.0, 0.0, 0.3, 0.3, 1, 0))
    for apart in (0.7, 0.7, 1.0, 1.0), (0.7, 0.0, 1.0, 0.3), (0.0, 0.7, 0.3, 1.0):
        (keyframe,) = _train(rows, proposals_of(("a", 1, *apart, 0.99)), iou=0.1)
        assert keyframe.scores.tolist() == [1]


def test_an_annotated_person_with_several_actions_is_one_proposal():
    other = (0.6, 0.1, 0.9, 0.9)
    rows = annotation_table(
        ("b", 5, *_TRUTH, 1, 0),
        ("a", 9, *other, 2, 0),
        ("b", 5, *_TRUTH, 3, 0),
        ("b", 5, *other, 3, 1),
        ("c", 1, *_NO),
    )
    found = selection.ground_truth(rows)
    assert [(k.video, k.second) for k in found.keyframes()] == [("a", 9), ("b", 5)]
    people = found.keyframes()[1]
    assert people.boxes.tolist() == np.array([_TRUTH, other], np.float32).tolist()
    assert people.scores.tolist() == [1, 1]


def test_all_seconds_of_annotated_videos_with_a_high_score_can_be_tested():
    rows = annotation_table(("a", 1, *_TRUTH, 1, 0), ("a", 2, *_TRUTH, 1, 0))
    proposals = proposals_of(
        ("a", 2, *_TRUTH, 0.8),  # the best of its second, but too low
        ("a", 3, *_TRUTH, 0.9),
        ("a", 3, *_TRUTH, 0.8),
        ("a", 4, *_TRUTH, 0.9),  # excluded
        ("b", 1, *_TRUTH, 0.9),  # a video without annotations
    )
    excluded = {("a", 4)}
    (found,) = _test(rows, proposals, excluded, score=0.85, seconds="all")
    assert (found.video, found.second, found.scores.tolist()) == ("a", 3, [np.float32(0.9)])


def test_excluded_keyframes_do_not_train_and_are_not_tested():
    rows = annotation_table(("a", 1, *_TRUTH, 1, 0), ("a", 2, *_TRUTH, 1, 0))
    proposals = proposals_of(("a", 1, *_TRUTH, 1))
    excluded = {("a", 1)}
    assert [k.second for k in _train(rows, proposals, excluded)] == [2]
    assert [k.second for k in _test(rows, proposals, excluded)] == [2]


def test_every_id_of_the_annotations_trains():
    rows = annotation_table(("a", 1, *_TRUTH, 2, 0), ("a", 1, *_TRUTH, 3, 0))
    assert _train(rows, proposals_of())[0].labels.tolist() == [[0, 0, 1, 1]]


def test_an_id_without_an_output_is_refused():
    rows = annotation_table(("a", 1, *_TRUTH, 4, 0))
    with pytest.raises(UserError, match="action id 4 has no output"):
        _train(rows, proposals_of())


def test_no_annotations_give_no_keyframes():
    assert _train(annotation_table(), proposals_of()) == []
    assert _test(annotation_table(), proposals_of()) == []


def test_a_tested_keyframe_always_has_a_box(caplog):
    caplog.set_level("INFO")
    rows = annotation_table(
        ("a", 3, *_TRUTH, 1, 0), ("a", 2, *_NO), ("a", 1, *_TRUTH, 1, 0), ("a", 1, *_TRUTH, 3, 0)
    )
    proposals = proposals_of(
        ("a", 1, 0, 0, 0.5, 1, 0.9),
        ("a", 1, 0, 0, 0.6, 1, 0.8),
        ("a", 2, 0, 0, 0.7, 1, 0.25),
        ("a", 2, 0, 0, 0.8, 1, 0.5),
        ("b", 3, 0, 0, 0.9, 1, 1),
    )
    found = _test(rows, proposals)
    assert [(k.video, k.second) for k in found] == [("a", 1), ("a", 2), ("a", 3)]
    assert [k.scores.tolist() for k in found] == [[np.float32(0.9)], [0.5], [1]]
    assert found[1].boxes.tolist() == [np.array([0, 0, 0.8, 1], np.float32).tolist()]
    assert found[2].boxes.tolist() == [[0, 0, 1, 1]]
    assert all(k.labels is None for k in found)
    assert [record.message for record in caplog.records] == [
        "1 of 3 keyframes have no proposal: the whole frame is scored",
        "1 of 3 keyframes have no proposal of score 0.9: their best ones are scored",
    ]


@pytest.mark.parametrize(("seconds", "kept"), [("all", [1, 2]), ("annotated", [2])])
def test_the_bank_takes_every_second_of_annotated_videos_or_the_annotated_ones(seconds, kept):
    rows = annotation_table(("a", 2, *_TRUTH, 1, 0), ("a", 3, *_TRUTH, 1, 0))
    proposals = proposals_of(
        ("a", 1, *_TRUTH, 0.9),
        ("a", 2, *_TRUTH, 0.9),
        ("a", 2, *_TRUTH, 0.95),
        ("a", 3, *_TRUTH, 0.89),
        ("other", 1, *_TRUTH, 1),
    )
    found = bank_keyframes(proposals, rows, score=0.9, seconds=seconds).keyframes()
    assert [(k.video, k.second) for k in found] == [("a", second) for second in kept]
    assert found[-1].scores.tolist() == pytest.approx([0.95, 0.9])


def _plain_training(rows, proposals, score, iou, most):
    """Select by the definition, one box at a time."""
    found = {}
    for row in rows.itertuples():
        box = (row.x1, row.y1, row.x2, row.y2)
        found.setdefault((row.video, row.second), {}).setdefault(box, set()).add(row.action)
    expected = []
    for key in sorted(found):
        people = [(*box, 1.0, frozenset(found[key][box])) for box in sorted(found[key])]
        truth = list(people)
        for box, value in zip(*boxes_at(proposals, *key), strict=True):
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
    rows = annotation_table(*((*truth[rng.integers(12)], rng.integers(1, 4), 0) for _ in range(20)))
    near = [(*t[:2], *(np.array(t[2:]) + rng.uniform(-0.02, 0.02, 4)).clip(0, 1)) for t in truth]
    guesses = [*near, *((*key(), *box()) for _ in range(12))]
    proposals = proposals_of(*((*guess, rng.uniform(0.3, 1)) for guess in guesses))
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
    code = "import sys, lfb.data.selection; sys.exit('torch' in sys.modules or 'av' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
