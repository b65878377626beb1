"""Tests of lfb.bank.mmaction2, some of them against MMAction2's own look-up."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lfb.bank.features import BankFeatures
from lfb.bank.mmaction2 import export_bank, import_bank
from lfb.bank.store import Bank
from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.files.torch_file import read_nested
from tests.samples import NAMES, Harmful

Content = dict[str, dict[int, Any]]
DTYPES = [torch.float16, torch.float32]
CHANNELS = 5


def content_of(
    counts: Mapping[str, Mapping[int, int]], dtype: torch.dtype = torch.float16
) -> Content:
    """Return a bank as MMAction2's infer head writes it: rows of a video are views of a tensor."""
    random = torch.Generator().manual_seed(0)
    content: Content = {}
    for video, seconds in counts.items():
        rows = torch.randn(sum(seconds.values()), CHANNELS, generator=random).to(dtype)
        parts = rows.split(list(seconds.values()))
        content[video] = {s: list(part) for s, part in zip(seconds, parts, strict=True)}
    return content


def imported(folder: Path, content: Any, videos: tuple[str, ...] = (), **options: Any) -> Bank:
    torch.save(content, folder / "lfb_val.pkl", **options)
    import_bank(folder / "lfb_val.pkl", folder / "val.zarr", split="val", videos=videos)
    return Bank.open(folder / "val.zarr")


def same(found: Content, expected: Content) -> bool:
    """Return whether two banks are equal: order, dtypes and bits, empty lists ignored."""
    assert found.keys() == expected.keys()
    for video, seconds in expected.items():
        full = {second: rows for second, rows in seconds.items() if len(rows)}
        assert found[video].keys() == full.keys()
        for second, rows in full.items():
            assert isinstance(found[video][second], list)
            assert len(found[video][second]) == len(rows)
            for one, other in zip(found[video][second], rows, strict=True):
                assert one.dtype == other.dtype
                assert one.numpy().tobytes() == other.contiguous().numpy().tobytes()
    return True


COUNTS = st.dictionaries(NAMES, st.dictionaries(st.integers(-5, 2000), st.integers(0, 4)))


@settings(max_examples=25)
@given(
    counts=COUNTS.filter(lambda counts: any(sum(own.values()) for own in counts.values())),
    dtype=st.sampled_from(DTYPES),
    zipped=st.booleans(),
    stacked=st.booleans(),
)
def test_an_exported_bank_is_the_imported_one(tmp_path_factory, counts, dtype, zipped, stacked):
    folder = tmp_path_factory.mktemp("banks")
    content = content_of(counts, dtype)
    if stacked:  # as MMAction2's documentation shows one
        content = {
            video: {s: torch.stack(rows) if rows else rows for s, rows in seconds.items()}
            for video, seconds in content.items()
        }
    bank = imported(folder, content, _use_new_zipfile_serialization=zipped)
    export_bank(bank, folder / "out.pkl")
    assert same(torch.load(folder / "out.pkl", weights_only=True), content)
    assert same(read_nested(folder / "out.pkl"), content)


def test_an_imported_bank_records_its_file_and_no_checkpoint(tmp_path):
    bank = imported(tmp_path, content_of({"b": {3: 2, 1: 1}, "a": {}}))
    assert bank.videos == ["a", "b"]
    assert bank.index.second.tolist() == [1, 3]
    source = digest(tmp_path / "lfb_val.pkl")
    assert bank.attributes == {
        "split": "val",
        "source": "lfb_val.pkl",
        "source_digest": source,
    }
    assert bank.origin == source
    assert np.isnan(bank.read("box")).all()
    assert bank.read("score").tolist() == [1, 1, 1]
    Bank.open(bank.path, source="lfb_val.pkl")
    with pytest.raises(UserError, match=r"imported from lfb_val\.pkl, but checkpoint abc is need"):
        Bank.open(bank.path, checkpoint="abc")


def test_an_export_is_not_larger_than_its_features(tmp_path):
    bank = imported(tmp_path, content_of({"a": dict.fromkeys(range(50), 40), "b": {1: 2000}}))
    export_bank(bank, tmp_path / "out.pkl")
    assert (tmp_path / "out.pkl").stat().st_size < len(bank) * (CHANNELS * 2 + 100)


def test_a_bank_with_missing_videos_is_refused_and_they_are_named(tmp_path):
    torch.save(content_of({"a": {1: 1}}), tmp_path / "lfb_val.pkl")
    with pytest.raises(UserError, match=r"no features of 2 videos of split val: b, c\. This is"):
        import_bank(
            tmp_path / "lfb_val.pkl", tmp_path / "val.zarr", split="val", videos=["c", "a", "b"]
        )
    assert [path.name for path in tmp_path.iterdir()] == ["lfb_val.pkl"]


ROW = torch.ones(3)
BAD = {
    "no dict": [ROW],
    "a checkpoint": {"state_dict": {"weight": ROW}},
    "no seconds": {"a": [ROW]},
    "seconds that are words": {"a": {"0902": [ROW]}},
    "no lists": {"a": {1: 3}},
    "one vector": {"a": {1: ROW}},
    "matrices": {"a": {1: [torch.ones(1, 3)]}},
    "another width": {"a": {1: [ROW, torch.ones(4)]}},
    "another dtype": {"a": {1: [ROW], 2: [ROW.half()]}},
    "doubles": {"a": {1: [ROW.double()]}},
    "nothing": {},
    "no feature": {"a": {1: []}},
    "what is not finite": {"a": {1: [ROW * np.inf]}},
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_a_file_of_something_else_is_refused_and_nothing_is_written(tmp_path, content):
    with pytest.raises(UserError):
        imported(tmp_path, content)
    assert [path.name for path in tmp_path.iterdir()] == ["lfb_val.pkl"]


@pytest.mark.parametrize("place", ["video", "second", "feature"])
def test_a_bank_with_code_is_refused_and_the_code_does_not_run(tmp_path, place):
    sign = tmp_path / "sign"
    harm = Harmful(f"touch {sign}")
    content = {
        "video": {"a": {1: [ROW]}, "b": harm},
        "second": {"a": {1: [ROW], 2: harm}},
        "feature": {"a": {1: [ROW, harm]}},
    }[place]
    with pytest.raises(UserError, match=r"lfb_val\.pkl: contains objects other than tensors"):
        imported(tmp_path, content)
    assert not sign.exists()
    assert not (tmp_path / "val.zarr").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_bank_is_refused(tmp_path, zipped):
    path = tmp_path / "lfb_val.pkl"
    content = content_of({"a": {1: 2, 2: 3}})
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    for end in (0, 1, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(UserError, match=r"lfb_val\.pkl: not a complete PyTorch file"):
            import_bank(path, tmp_path / "val.zarr", split="val", videos=[])
    assert [path.name for path in tmp_path.iterdir()] == ["lfb_val.pkl"]


# MMAction2's own look-up.

PER_SECOND = 3


def their_windows(peer: SimpleNamespace, folder: Path, window: int) -> Any:
    """Return MMAction2's bank of the ``lfb_val.pkl`` in a folder."""
    return peer.LFB(
        str(folder),
        max_num_sampled_feat=PER_SECOND,
        window_size=window,
        lfb_channels=CHANNELS,
        dataset_modes="val",
        device="cpu",
    )


def rows_of(second: Tensor) -> list[bytes]:
    """Return the vectors of a second, sorted, for comparison as multisets."""
    return sorted(row.numpy().tobytes() for row in second)


@pytest.mark.parametrize("window", [1, 8, 9, 60])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("key", [None, (0, 1)], ids=["best", "drawn"])
def test_windows_are_the_same_as_mmaction2s(peer, tmp_path, dtype, window, key):
    random = np.random.default_rng(window)
    # Seconds without features, and some with more than a window takes.
    seconds = random.choice(np.arange(900, 960), 40, replace=False).tolist()
    counts = {"a": {s: int(random.integers(1, 6)) for s in seconds}, "b": {930: 2}}
    content = content_of(counts, dtype)
    bank = imported(tmp_path, content)
    features = BankFeatures(bank, CHANNELS, torch.device("cpu"))
    theirs = their_windows(peer, tmp_path, window)
    for video in counts:
        for moment in range(860, 1000):
            rows = bank.rows(video, moment, window=window, per_second=PER_SECOND, key=key)
            found = features(torch.from_numpy(rows))[0].view(window, PER_SECOND, CHANNELS)
            expected = theirs[f"{video},{moment:04d}"].view(window, PER_SECOND, CHANNELS)
            for place, second in enumerate(range(moment - window // 2, moment + (window + 1) // 2)):
                if counts[video].get(second, 0) <= PER_SECOND:
                    assert rows_of(found[place]) == rows_of(expected[place])
                else:  # both draw
                    stored = {row.float().numpy().tobytes() for row in content[video][second]}
                    for drawn in found[place], expected[place]:
                        assert len({*rows_of(drawn)} & stored) == PER_SECOND


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_mmaction2_reads_an_exported_bank(peer, tmp_path, dtype):
    content = content_of({"a": {900: 2, 903: 1}, "b": {901: 3}}, dtype)
    bank = imported(tmp_path, content)
    (tmp_path / "out").mkdir()
    export_bank(bank, tmp_path / "out" / "lfb_val.pkl")
    found = their_windows(peer, tmp_path / "out", 8).lfb
    expected = their_windows(peer, tmp_path, 8).lfb
    assert found.keys() == expected.keys()
    for video, seconds in expected.items():
        assert found[video].keys() == seconds.keys()
        assert all(torch.equal(found[video][s], rows) for s, rows in seconds.items())
        assert all(found[video][s].dtype == dtype for s in seconds)


@pytest.mark.parametrize("half", [True, False])
def test_a_bank_of_mmaction2s_own_infer_head_is_read(peer, tmp_path, half):
    head = peer.LFBInferHead(str(tmp_path), dataset_mode="val", use_half_precision=half)
    features = torch.randn(5, CHANNELS, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    rois = torch.tensor([[0.0], [0], [1], [1], [1]])
    head(features, rois, [{"img_key": "a,0902"}, {"img_key": "a,0903"}])
    head(features[:2], rois[:2], [{"img_key": "b,0900"}])
    head.__del__()
    head.all_features, head.all_metadata = [], []
    head.__class__ = torch.nn.Module  # its destructor would write the bank again
    import_bank(tmp_path / "lfb_val.pkl", tmp_path / "val.zarr", split="val", videos=["a", "b"])
    bank = Bank.open(tmp_path / "val.zarr")
    pooled = features.mean(2).amax((2, 3))
    expected = torch.cat([pooled, pooled[:2]]).to(torch.float16 if half else torch.float32)
    assert torch.equal(torch.from_numpy(bank.feature()), expected)
    assert bank.index.second.tolist() == [902, 903, 900]
    assert np.diff(bank.index.row_start).tolist() == [2, 3, 2]
