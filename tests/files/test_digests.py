"""Tests of lfb.files.digests."""

import hashlib

import pytest

from lfb.files.digests import digest, digest_in_name, digest_json, may_be_no_digest


def test_a_digest_is_the_sha256_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert digest(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()


def test_the_digest_of_a_value_does_not_depend_on_the_order_of_its_keys():
    assert digest_json({"a": 1, "b": [2]}) == digest_json({"b": [2], "a": 1})
    assert digest_json({"a": 1, "b": [2]}) != digest_json({"a": 1, "b": [3]})


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("weights/resnet50-0676ba61.pth", "0676ba61"),
        ("resnet50.pth", ""),
        ("resnet50-0676ba6.pth", ""),
        ("resnet50-0676BA61.pth", ""),
        ("resnet50-0676ba61.pkl", ""),
        ("a-0676ba61.pth/resnet50.pth", ""),
    ],
)
def test_a_name_ends_in_a_digest_or_not(name, prefix):
    assert digest_in_name(name) == prefix


@pytest.mark.parametrize(
    ("name", "unsure"),
    [
        ("mine-20231124.pth", True),
        ("mine-12345678.pth", True),
        ("resnet50-0676ba61.pth", False),
        ("slowonly_20200704-12345678.pth", False),
        ("mine.pth", False),
    ],
)
def test_digits_in_a_name_may_be_a_date(name, unsure):
    assert may_be_no_digest(name) is unsure
