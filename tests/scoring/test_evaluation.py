"""Tests of lfb.scoring.evaluation."""

import json
import math
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.data.annotations import write_annotations, write_labels
from lfb.data.predictions import Predictions, read_csv
from lfb.errors import UserError
from lfb.files.atomic import write_json
from lfb.scoring import evaluation
from lfb.scoring.evaluation import PROTOCOLS, _falling, evaluate, metrics
from scripts.__main__ import main
from tests import ava_sized
from tests.evaluation_cases import CLASSES, entries, random_case, table
from tests.reference_evaluation import Found, Real, average_precisions

WHOLE = (0.0, 0.0, 1.0, 1.0)
LEFT, RIGHT = (0.0, 0.0, 0.4, 1.0), (0.6, 0.0, 1.0, 1.0)


def score(found, real, protocol, excluded=(), classes=CLASSES):
    return evaluate(
        entries([Found(*f) for f in found]),
        table([Real(*r) for r in real]),
        classes=classes,
        excluded=set(excluded),
        protocol=protocol,
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(
    seed=st.integers(0, 10**6),
    grid=st.sampled_from([4, 6, 10**9]),
    levels=st.sampled_from([None, 3]),
    most_boxes=st.sampled_from([3, 30]),
)
@settings(max_examples=40)
def test_every_ap_equals_the_plain_reference(protocol, seed, grid, levels, most_boxes):
    found, real, excluded = random_case(seed, grid=grid, levels=levels, most_boxes=most_boxes)
    expected = average_precisions(found, real, set(CLASSES), excluded, protocol)
    if all(math.isnan(ap) for ap in expected.values()):
        return
    try:
        result = score(found, real, protocol, excluded)
    except UserError:
        # Only if there is nothing to find, or no common keyframe or class.
        assert not any(ap > 0 for ap in expected.values())
        return
    assert result.ap == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert result.mAP == pytest.approx(np.nanmean(list(expected.values())), abs=1e-12)


@pytest.fixture(scope="module")
def ava():
    """Return truth, excluded keyframes and entries of AVA's size, and the same as rows."""
    truth, excluded, predictions = ava_sized.make_ava()
    sparse = ava_sized.sparse(predictions)
    rows = truth.drop(columns="person").itertuples(index=False)
    real = [Real(video, second, tuple(box), action) for video, second, *box, action in rows]
    return truth, excluded, sparse, real, rows_of(sparse)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_ap_equals_the_plain_reference_at_the_size_of_ava(ava, protocol):
    truth, excluded, sparse, real, found = ava
    expected = average_precisions(found, real, set(ava_sized.CLASSES), excluded, protocol)
    options = {"classes": ava_sized.CLASSES, "excluded": excluded, "protocol": protocol}
    result = evaluate(sparse, truth, **options)
    assert len({row[:2] for row in found}) > 50_000
    assert min(expected.values()) > 0
    assert result.ap == pytest.approx(expected, abs=1e-9)
    assert result.mAP == pytest.approx(np.mean(list(expected.values())), abs=1e-9)


def rows_of(found):
    """Return the entries, one by one."""
    row = found.row
    columns = (
        np.array(found.videos)[found.video[row]].tolist(),
        found.second[row].tolist(),
        map(tuple, found.box[row].tolist()),
        found.action.tolist(),
        found.score.tolist(),
    )
    return [Found(*values) for values in zip(*columns, strict=True)]


def test_random_cases_contain_true_positives_and_keyframes_of_over_fifty_entries():
    positive, capped = 0, 0
    for seed in range(20):
        found, real, excluded = random_case(seed, grid=6, most_boxes=30)
        aps = {p: average_precisions(found, real, set(CLASSES), excluded, p) for p in PROTOCOLS}
        positive += sum(ap > 0 for ap in aps["slowfast"].values())
        counts = pd.Series([f[:2] for f in found if f.action in CLASSES]).value_counts()
        capped += (counts > 50).sum()
    assert positive >= 20
    assert capped >= 20


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_perfect_predictions_have_an_map_of_one(protocol):
    real = [("v", t, box, a) for t in (902, 903) for box in (LEFT, RIGHT) for a in (1, 3)]
    found = [(*r, 0.9 - 0.1 * n) for n, r in enumerate(real)]
    result = score(found, real, protocol)
    assert result.mAP == 1.0
    assert result.ground_truth == {1: 4, 3: 4, 4: 0, 80: 0}
    assert result.entries == {1: 4, 3: 4, 4: 0, 80: 0}


def test_ap_is_the_area_under_the_monotone_envelope():
    # Hit, miss, hit, of three boxes: precision 1 up to recall 1/3, then 2/3 up to recall 2/3.
    real = [("v", t, WHOLE, 1) for t in (902, 903, 904)]
    found = [("v", 902, WHOLE, 1, 0.9), ("v", 903, (0, 0, 0.1, 0.1), 1, 0.8)]
    found.append(("v", 904, WHOLE, 1, 0.7))
    assert score(found, real, "mmaction2").mAP == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_entry_whose_best_box_is_taken_gets_no_other_box(protocol):
    near = (0.0, 0.0, 0.9, 1.0)
    real = [("v", 902, WHOLE, 1), ("v", 902, (0.0, 0.0, 0.7, 1.0), 1)]
    found = [
        ("v", 902, WHOLE, 1, 0.9),
        ("v", 902, near, 1, 0.8),
    ]  # `near` overlaps both boxes enough
    assert score(found, real, protocol).ap[1] == 0.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_overlap_of_exactly_one_half_is_a_match(protocol):
    found = [("v", 902, (0.0, 0.0, 0.5, 1.0), 1, 0.9)]
    assert score(found, [("v", 902, WHOLE, 1)], protocol).mAP == 1.0


def test_overlap_near_one_half_depends_on_the_precision_of_coordinates():
    # 0.1 + 0.2 is slightly more than 0.3 in float64, and equal to it in float32.
    real = [("v", 902, (0.0, 0.0, 0.6, 1.0), 1), ("v", 903, WHOLE, 1)]
    found = [("v", 902, (0.0, 0.0, 0.3 - 1e-12, 1.0), 1, 0.9), ("v", 903, WHOLE, 1, 0.8)]
    assert score(found, real, "mmaction2").mAP == 1.0
    assert score(found, real, "slowfast").mAP < 1.0
    assert score(found, real, "activitynet").mAP < 1.0


def test_mmaction2_multiplies_the_sides_of_an_overlap_in_double_precision():
    # Each pair overlaps by about half. In single precision both results are the opposite.
    more = (0.08, 0.06, 0.26, 0.9), (0.14, 0.06, 0.32, 0.9)
    less = (0.0, 0.0, 0.27, 0.3), (0.09, 0.0, 0.36, 0.3)
    for (box, other), expected in (more, 1.0), (less, 0.0):
        assert score([("v", 902, other, 1, 0.9)], [("v", 902, box, 1)], "mmaction2").mAP == expected


@pytest.mark.parametrize("at_once", [1, 7])
def test_comparing_few_boxes_at_a_time_gives_the_same_scores(monkeypatch, at_once):
    predictions, real = dense_case()
    options = {"classes": CLASSES, "excluded": set()}
    expected = metrics(predictions, table(real), **options)
    monkeypatch.setattr(evaluation, "_BOXES_AT_ONCE", at_once)
    assert metrics(predictions, table(real), **options) == expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_actions_above_the_highest_id_of_the_label_list_do_not_count(protocol):
    real = [("v", 902, WHOLE, a) for a in (1, 81, 1000)]
    result = score([(*r, 0.9) for r in real], real, protocol)
    assert result.ground_truth == {1: 1, 3: 0, 4: 0, 80: 0}
    assert result.entries == {1: 1, 3: 0, 4: 0, 80: 0}


def test_protocols_count_different_keyframes():
    real = [("v", 902, WHOLE, 1), ("v", 903, WHOLE, 2), ("v", 904, None, -1)]
    found = [("v", 902, WHOLE, 1, 0.1)]
    found += [("v", t, WHOLE, 1, 0.9) for t in (903, 904, 905)]  # unscored, without a box, unlisted
    counts = {p: score(found, real, p).entries[1] for p in PROTOCOLS}
    assert counts == {"mmaction2": 1, "slowfast": 4, "activitynet": 3}
    maps = {p: score(found, real, p).mAP for p in PROTOCOLS}
    assert maps == {"mmaction2": 1, "slowfast": 1 / 4, "activitynet": 1 / 3}


def test_an_excluded_keyframe_lowers_recall_only_if_its_ground_truth_counts():
    real = [("v", t, WHOLE, 1) for t in (902, 903)]
    found = [(*r, 0.9) for r in real]
    results = {p: score(found, real, p, excluded={("v", 903), ("w", 1)}) for p in PROTOCOLS}
    assert {p: r.mAP for p, r in results.items()} == {
        "mmaction2": 0.5,
        "slowfast": 1.0,
        "activitynet": 1.0,
    }
    assert {p: r.ground_truth[1] for p, r in results.items()} == {
        "mmaction2": 2,
        "slowfast": 1,
        "activitynet": 2,
    }
    assert {p: r.entries[1] for p, r in results.items()} == {
        "mmaction2": 1,
        "slowfast": 1,
        "activitynet": 2,
    }


def test_a_class_without_entries_is_zero_or_left_out():
    real = [("v", 902, WHOLE, 1), ("v", 902, WHOLE, 3)]
    found = [("v", 902, WHOLE, 1, 0.9)]
    assert math.isnan(score(found, real, "mmaction2").ap[3])
    assert {p: score(found, real, p).mAP for p in PROTOCOLS} == {
        "mmaction2": 1.0,
        "slowfast": 0.5,
        "activitynet": 0.5,
    }


def test_a_box_without_width_is_a_false_positive_only_for_mmaction2():
    real = [("v", 902, WHOLE, 1)]
    found = [("v", 902, (0.5, 0.0, 0.5, 1.0), 1, 0.9), ("v", 902, WHOLE, 1, 0.8)]
    assert {p: score(found, real, p).mAP for p in PROTOCOLS} == {
        "mmaction2": 0.5,
        "slowfast": 1.0,
        "activitynet": 1.0,
    }


def test_only_activitynet_keeps_no_more_than_fifty_entries_of_a_keyframe():
    real = [("v", 902, WHOLE, 1), ("v", 903, WHOLE, 1)]
    found = [("v", 902, WHOLE, 3, 0.9)] * 49 + [("v", 902, (0, 0, 0.5, 0), 3, 0.9)]
    found += [("v", 902, WHOLE, 1, 0.8), ("v", 903, WHOLE, 1, 0.1)]
    assert {p: score(found, real, p).mAP for p in PROTOCOLS} == {
        "mmaction2": 1.0,
        "slowfast": 1.0,
        "activitynet": 0.5,
    }


def test_only_slowfast_gives_a_box_to_the_first_entry_whatever_its_score():
    real = [("v", 902, WHOLE, 1)]
    found = [("v", 902, WHOLE, 1, 0.1), ("v", 902, WHOLE, 1, 0.9)]
    assert {p: score(found, real, p).mAP for p in PROTOCOLS} == {
        "mmaction2": 1.0,
        "slowfast": 0.5,
        "activitynet": 1.0,
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_equal_scores_are_ranked_by_video_then_second_then_row(protocol):
    real = [("a", 902, WHOLE, 1)]
    listed = [("a", 903, None, -1), ("b", 902, None, -1)]
    hit, later, other = (("a", 902), ("a", 903), ("b", 902))
    for order in ([other, later, hit], [later, hit, other], [hit, other, later]):
        found = [(*keyframe, WHOLE, 1, 0.5) for keyframe in order]
        assert score(found, real + listed, protocol).mAP == 1.0
    miss = ("a", 902, (0, 0, 0.1, 0.1), 1, 0.5)
    assert score([("a", 902, WHOLE, 1, 0.5), miss], real, protocol).mAP == 1.0
    assert score([miss, ("a", 902, WHOLE, 1, 0.5)], real, protocol).mAP == 0.5


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), max_size=60), st.booleans())
def test_scores_are_ranked_as_by_a_stable_sort(scores, single):
    score = np.array(scores, np.float32 if single else np.float64)
    assert _falling(score).tolist() == np.argsort(-score, kind="stable").tolist()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(seed=st.integers(0, 1000), levels=st.sampled_from([1, 3, None]))
@settings(max_examples=20)
def test_the_order_of_keyframes_in_the_file_does_not_matter(protocol, seed, levels):
    found, real, excluded = random_case(seed, grid=6, levels=levels)
    keyframes = list(dict.fromkeys(f[:2] for f in found))
    order = np.random.default_rng(seed).permutation(len(keyframes)).tolist()
    place = dict(zip(keyframes, order, strict=True))
    moved = sorted(found, key=lambda f: place[f[:2]])  # stable: the order within a keyframe stays
    try:
        result = score(found, real, protocol, excluded)
    except UserError:
        return
    assert repr(score(moved, real, protocol, excluded)) == repr(result)


def dense_case(seed=0, boxes=60):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 3, (boxes, 2)) / 8
    predictions = Predictions(
        videos=["w", "v"],
        video=rng.integers(0, 2, boxes).astype(np.int32),
        second=rng.integers(902, 908, boxes).astype(np.int32),
        box=np.hstack([low, low + 0.5]).astype(np.float32),
        score=rng.random((boxes, 4), dtype=np.float32),
        classes=np.array([80, 1, 2, 3], dtype=np.int32),
    )
    real = [
        Real(v, t, tuple(box.tolist()), a)
        for v in ("v", "w")
        for t in range(902, 909)
        for box, a in zip(predictions.box[rng.integers(0, boxes, 3)], (1, 3, 80), strict=True)
    ]
    return predictions, real


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_predictions_and_their_entries_have_the_same_result(protocol):
    predictions, real = dense_case()
    rows = rows_of(predictions.entries())
    options = {"classes": CLASSES, "excluded": {("w", 905)}, "protocol": protocol}
    result = evaluate(predictions, table(real), **options)
    assert repr(result) == repr(evaluate(entries(rows), table(real), **options))
    expected = average_precisions(rows, real, set(CLASSES), {("w", 905)}, protocol)
    assert result.ap == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_submission_has_the_metrics_of_the_predictions_it_was_written_from(tmp_path):
    predictions, real = dense_case()
    predictions.write_csv(tmp_path / "p.csv")
    options = {"classes": CLASSES, "excluded": set()}
    expected = metrics(predictions, table(real), **options)
    assert metrics(read_csv(tmp_path / "p.csv"), table(real), **options) == expected


def test_the_program_scores_a_submission_under_every_protocol(tmp_path, monkeypatch, capsys):
    predictions, real = dense_case()
    predictions.write_csv(tmp_path / "p.csv")
    predictions.save(tmp_path / "p.npz")
    truth = table(real).assign(person=-1)
    write_annotations(tmp_path / "truth.csv", truth)
    write_labels(tmp_path / "labels.pbtxt", CLASSES)
    write_json(tmp_path / "settings.json", {"unscored": []})
    monkeypatch.setattr(sys, "path", list(sys.path))  # a program changes it
    written = []
    for name in "p.npz", "p.csv":
        arguments = ["evaluate", "--settings", str(tmp_path / "settings.json")]
        for option, file in {
            "labels": "labels.pbtxt",
            "annotations": "truth.csv",
            "predictions": name,
            "output": f"{name}.json",
        }.items():
            arguments += [f"--{option}", str(tmp_path / file)]
        main(arguments)
        written.append(json.loads((tmp_path / f"{name}.json").read_text()))
    assert written[0] == written[1] == metrics(predictions, truth, classes=CLASSES, excluded=set())
    printed = capsys.readouterr().err
    for protocol in PROTOCOLS:
        assert f"mAP {written[0][protocol]['mAP']:.2f} under protocol {protocol}" in printed
    # A line says it once for all protocols that leave the same classes out.
    left_out = {tuple(written[0][protocol]["left_out"]) for protocol in PROTOCOLS} - {()}
    assert len({line for line in printed.splitlines() if "left out" in line}) == len(left_out)


@given(seed=st.integers(0, 1000), shift=st.floats(0.1, 10))
@settings(max_examples=20)
def test_only_the_order_of_scores_matters(seed, shift):
    found, real, excluded = random_case(seed, grid=6)
    moved = [f._replace(score=math.exp(shift * f.score)) for f in found]
    for protocol in PROTOCOLS:
        try:
            result = score(found, real, protocol, excluded)
        except UserError:
            continue
        assert score(moved, real, protocol, excluded).ap == pytest.approx(result.ap, nan_ok=True)


def test_metrics_are_in_percent_by_class_and_ready_for_json():
    real = [("v", 902, WHOLE, 1), ("v", 903, WHOLE, 1)]
    found = [("v", 902, WHOLE, 1, 0.9)]
    result = metrics(
        entries([Found(*f) for f in found]),
        table([Real(*r) for r in real]),
        classes={3: "crouch", 1: "bend"},
        excluded=set(),
    )
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert list(result) == ["mmaction2", "slowfast", "activitynet"]
    assert result["mmaction2"] == {
        "mAP": 50.0,
        "mAP_std": None,
        "mAPs": [50.0],
        "left_out": ["crouch"],
        "classes": [
            {"id": 1, "name": "bend", "AP": 50.0, "ground_truth": 2, "detections": 1},
            {"id": 3, "name": "crouch", "AP": None, "ground_truth": 0, "detections": 0},
        ],
    }


def test_metrics_of_several_draws_are_means_with_the_deviation():
    predictions, real = dense_case()
    rng = np.random.default_rng(4)
    further = rng.random((2, *predictions.score.shape), dtype=np.float32)
    drawn = replace(predictions, further=further)
    options = {"classes": CLASSES, "excluded": {("w", 905)}}
    result = metrics(drawn, table(real), **options)
    alone = [metrics(one, table(real), **options) for one in drawn.draws()]
    assert alone[0] == metrics(predictions, table(real), **options)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    for protocol in PROTOCOLS:
        maps = [one[protocol]["mAP"] for one in alone]
        assert result[protocol]["mAPs"] == maps
        assert result[protocol]["mAP"] == pytest.approx(np.mean(maps))
        assert result[protocol]["mAP_std"] == pytest.approx(np.std(maps, ddof=1))
        assert result[protocol]["mAP_std"] > 0
        assert result[protocol]["left_out"] == alone[0][protocol]["left_out"]
        for place, about in enumerate(result[protocol]["classes"]):
            aps = [one[protocol]["classes"][place]["AP"] for one in alone]
            assert about["AP"] == (None if None in aps else pytest.approx(np.mean(aps)))


@pytest.mark.parametrize(
    ("found", "real", "excluded", "says"),
    [
        ([("v", 902, WHOLE, 1, 0.5)], [("v", 902, WHOLE, 2)], (), "none of the 1 rows"),
        ([("v", 902, WHOLE, 1, 0.5)], [("v", 902, WHOLE, 1)], {("v", 902)}, "not excluded"),
        ([("v", 902, WHOLE, 1, math.nan)], [("v", 902, WHOLE, 1)], (), "diverged"),
        ([("v.mp4", 902, WHOLE, 1, 0.5)], [("v", 902, WHOLE, 1)], (), "'v.mp4', second 902"),
        ([("v", 2, WHOLE, 1, 0.5)], [("v", 902, WHOLE, 1)], (), "second 2, action 1"),
        ([("v", 902, WHOLE, 0, 0.5)], [("v", 902, WHOLE, 1)], (), "action 0"),
        (
            [("v", 902, WHOLE, 1, 0.5)],
            [("v", 902, WHOLE, 1), ("v", 903, WHOLE, 1)],
            {("v", 902)},
            "no keyframe and class in common",
        ),
        ([], [("v", 902, WHOLE, 1)], (), "there is no prediction"),
        ([("v", 902, WHOLE, 1, 0.5)], [], (), "none of the 0 rows"),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_meaningless_score_is_refused(found, real, excluded, says, protocol):
    with pytest.raises(UserError, match=says):
        score(found, real, protocol, excluded)


def test_an_unknown_protocol_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(UserError, match="mmaction2, slowfast, activitynet"):
        score([], [], "ava")


def test_predictions_of_unscored_classes_do_not_count_towards_the_fifty():
    real = [("v", 902, WHOLE, 1)]
    found = [("v", 902, WHOLE, 2, 0.9)] * 60 + [("v", 902, WHOLE, 1, 0.1)]
    assert score(found, real, "activitynet").mAP == 1.0
