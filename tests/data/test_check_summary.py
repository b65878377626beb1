"""Tests of lfb.data.check_summary, through lfb.data.check."""

import json


def test_a_valid_data_set_is_summarized(data):
    data.annotate(
        "train",
        *(f"{v},{t},0.1,0.1,0.5,0.9,{a},0" for v in "ab" for t in (902, 903) for a in (1, 2)),
        "b,904",
        "b,0905,0,0,1,1,2,0",
    )
    data.propose("train", ("a", 902, 0.95), ("b", 903, 0.5), ("b", 905, 0.9), ("b", 905, 0.1))
    data.exclude("train", "a,0903")
    summary = data.check()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["splits"]["train"] == {
        "videos": 2,
        "keyframes": 6,
        "excluded": 1,
        "rows": 10,
        "proposals": 3,
        "boxes": 5,
        "boxes_of_class": {
            "1": {"name": "bend", "boxes": 4},
            "3": {"name": "stand", "boxes": 0},
        },
        "unscored_rows": 5,
        "without_proposal": ["b,0902", "b,0904"],
    }
    assert summary["splits"]["val"]["keyframes"] == 3
    first, second = summary["warnings"]
    assert first.startswith("train: 1 of 2 classes have no ground truth")
    assert first.endswith(": 3 (stand)")
    assert second.startswith(
        "train: 2 of 5 keyframes have no proposal; training takes the annotated boxes alone there: "
    )
    assert second.endswith(": b,0902 b,0904")


def test_a_valid_data_set_has_no_warnings(data):
    assert data.check()["warnings"] == []


def test_unexpected_counts_give_warnings(data):
    expected = {
        "frames": [1, 2],
        "train": {"videos": 2, "rows": 11, "proposals": 7},
        "val": {"videos": 1, "keyframes": 3},
    }
    first, second = data.check(expected=expected)["warnings"]
    assert first.startswith("train: 12 rows of annotations; 11 are expected (config key data.exp")
    assert second.startswith("train: 6 keyframes with proposals; 7 are expected")
    assert data.check(expected={"train": {"rows": 12}})["warnings"] == []


def test_only_the_warning_shortens_a_long_list_of_keyframes(data):
    data.annotate("val", *(f"c,{900 + i % 11},0,0,1,1,{1 + 2 * (i % 2)},0" for i in range(22)))
    data.propose("val", ("c", 900, 0.95))
    data.annotate("train", *(f"{v},{t}" for v in "ab" for t in range(900, 911)))
    data.propose("train", ("a", 900, 0.95))
    summary = data.check()
    assert len(summary["splits"]["train"]["without_proposal"]) == 21
    assert summary["warnings"][1].endswith("a,0910 and 11 more")
    assert summary["warnings"][2].endswith("c,0910")
