"""Tests of lfb.data.check_keys, in addition to those through lfb.data.check."""

from dataclasses import replace


def test_videos_of_two_splits_are_one_error_with_their_number(data):
    rows = [f"{video},902,0,0,1,1,{a},0" for video in "abc" for a in (1, 3)]
    data.annotate("val", *rows)
    data.splits["val"] = replace(data.splits["val"], proposals=None)
    (error,) = data.errors()
    assert error == (
        f"train.csv:1: video 'a' (and 1 more) is in train and in val ({data.folder}/val.csv:1); "
        "delete it from one"
    )
