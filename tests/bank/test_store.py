import contextlib
import pickle
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.bank import store as store_module
from lfb.bank import writing
from lfb.bank.store import Bank
from lfb.bank.writing import gather, write_bank, write_features
from lfb.errors import UserError

Row = tuple[str, int, float]

# Few videos, seconds and scores, for crowded seconds, gaps and ties.
rows_strategy = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bert", "carl"]),
        st.integers(0, 9),
        st.sampled_from([0.9, 0.925, 0.95, 1.0]),
    ),
    max_size=60,
)


def write(path: Path, rows: list[Row], **changes: Any) -> None:
    """Write a bank whose first channel is the position of the row in ``rows``.

    ``changes`` may have ``feature`` and ``box`` of each row, in the order of ``rows``.
    """
    feature = np.zeros((len(rows), 3), np.float32)
    feature[:, 0] = np.arange(len(rows))
    box = np.arange(4 * len(rows)).reshape(-1, 4) / 1024
    feature, box = changes.pop("feature", feature), changes.pop("box", box)
    order = sorted(range(len(rows)), key=lambda i: rows[i][:2])
    if len(feature) == len(rows):
        feature = feature[order]
    arguments: dict[str, Any] = {
        "split": "train",
        "video": [rows[i][0] for i in order],
        "second": [rows[i][1] for i in order],
        "features": [feature],
        "channels": 3,
        "box": box[order],
        "score": [rows[i][2] for i in order],
        "attributes": {"checkpoint": "c0ffee", "data": "da7a"},
        "videos": ["anna", "bert", "carl"],
    }
    write_bank(path, **{**arguments, **changes})


def walk(rows: list[Row]) -> dict[str, dict[int, list[int]]]:
    """Return the positions in ``rows`` by video and second, best score first."""
    found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for position, (video, second, _) in enumerate(rows):
        found[video][second].append(position)
    for seconds in found.values():
        for positions in seconds.values():
            positions.sort(key=lambda position: -rows[position][2])
    return found


def seconds_of(second: int, window: int) -> range:
    return range(second - window // 2, second - window // 2 + window)


def content(path: Path) -> dict[str, bytes]:
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write(tmp_path / "train.zarr", [("anna", 3, 0.9), ("anna", 3, 1.0), ("bert", 5, 0.95)])
    return tmp_path / "train.zarr"


@settings(max_examples=30)
@given(rows_strategy)
def test_rows_are_read_back_sorted(rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bank.zarr"
        write(path, rows, dtype=np.float32)
        bank = Bank.open(path, checkpoint="c0ffee", split="train")
        order = sorted(range(len(rows)), key=lambda i: (rows[i][0], rows[i][1], -rows[i][2]))
        assert len(bank) == len(rows)
        assert bank.channels == 3
        assert bank.videos == ["anna", "bert", "carl"]
        assert bank.feature().dtype == np.float32
        assert bank.feature()[:, 0].tolist() == order
        assert bank.read("score").tolist() == np.float32([rows[i][2] for i in order]).tolist()
        assert (bank.read("box")[:, 0] * 256).tolist() == order


@settings(max_examples=30)
@given(rows_strategy, st.integers(1, 13), st.integers(1, 4))
def test_look_up_gives_the_same_as_dicts(rows: list[Row], window: int, per_second: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "bank.zarr", rows)
        bank = Bank.open(Path(folder) / "bank.zarr")
        position = bank.feature()[:, 0].astype(int).tolist()
        plain = walk(rows)
        for video in bank.videos:
            for second in [-1000, *range(-8, 18), 1000]:
                expected = []
                for each in seconds_of(second, window):
                    found = plain[video][each][:per_second]
                    expected += found + [-1] * (per_second - len(found))
                got = bank.rows(video, second, window=window, per_second=per_second, key=None)
                assert got.dtype == np.int64
                assert [-1 if row < 0 else position[row] for row in got] == expected


@settings(max_examples=30)
@given(rows_strategy, st.integers(1, 12), st.integers(1, 3), st.integers(0, 2**70), st.randoms())
def test_a_draw_depends_only_on_its_key_and_takes_no_row_twice(
    rows: list[Row], window: int, per_second: int, seed: int, random: Any
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "bank.zarr", rows)
        bank = Bank.open(Path(folder) / "bank.zarr")
        again = pickle.loads(pickle.dumps(bank))
        position = bank.feature()[:, 0].astype(int).tolist()
        plain = walk(rows)
        calls = [(video, second) for video in bank.videos for second in range(10)]

        def draw(bank: Bank, video: str, second: int) -> list[int]:
            key = (seed, bank.videos.index(video), second)
            return bank.rows(video, second, window=window, per_second=per_second, key=key).tolist()

        first = {call: draw(bank, *call) for call in calls}
        random.shuffle(calls)
        assert {call: draw(again, *call) for call in calls} == first
        for (video, second), drawn in first.items():
            for slot, each in enumerate(seconds_of(second, window)):
                got = drawn[slot * per_second : (slot + 1) * per_second]
                real = [row for row in got if row >= 0]
                stored = plain[video][each]
                assert len(real) == min(len(stored), per_second)
                assert got == sorted(set(real)) + [-1] * (per_second - len(real))
                assert {position[row] for row in real} <= set(stored)


def test_drawn_rows_of_a_second_are_sorted_by_score(tmp_path: Path) -> None:
    write(tmp_path / "bank.zarr", [("anna", 4, 1 - i / 64) for i in range(40)])
    bank = Bank.open(tmp_path / "bank.zarr")
    score = bank.read("score")
    for epoch in range(20):
        rows = bank.rows("anna", 4, window=1, per_second=8, key=(0, epoch))
        assert (np.diff(rows) > 0).all()
        assert (np.diff(score[rows]) < 0).all()


def test_a_crowded_second_draws_from_all_its_rows_and_no_others(tmp_path: Path) -> None:
    counts = {4: 3, 5: 9, 6: 2, 7: 4}  # one more than the slots, many more, equal
    write(
        tmp_path / "bank.zarr",
        [("anna", s, 0.9) for s, count in counts.items() for _ in range(count)],
    )
    bank = Bank.open(tmp_path / "bank.zarr")
    drawn = [bank.rows("anna", 6, window=4, per_second=2, key=(0, epoch)) for epoch in range(100)]
    seconds = np.stack(drawn).reshape(100, 4, 2).swapaxes(0, 1)
    found = [np.unique(rows).tolist() for rows in seconds]
    assert found == [[*range(3)], [*range(3, 12)], [12, 13], [*range(14, 18)]]


def test_crowded_seconds_of_a_window_draw_independently(tmp_path: Path) -> None:
    write(tmp_path / "bank.zarr", [("anna", second, 0.9) for second in (4, 5) for _ in range(8)])
    bank = Bank.open(tmp_path / "bank.zarr")
    pairs = [
        bank.rows("anna", 5, window=2, per_second=1, key=(0, epoch)) - [0, 8]
        for epoch in range(100)
    ]
    assert 0 < sum(int(one == other) for one, other in pairs) < 40  # 12.5 expected


def test_every_row_of_a_crowded_second_is_drawn_equally_often(tmp_path: Path) -> None:
    write(tmp_path / "bank.zarr", [("anna", 4, 0.9)] * 7 + [("anna", 5, 0.9)] * 2)
    bank = Bank.open(tmp_path / "bank.zarr")
    counts = np.zeros(10, int)
    for epoch in range(3000):
        counts[bank.rows("anna", 4, window=2, per_second=3, key=(0, epoch))] += 1
        counts[bank.rows("anna", 5, window=2, per_second=3, key=(1, epoch))] += 1
    # 6000 draws of 3 out of 7: 2571 expected, standard deviation 38.
    assert np.abs(counts[:7] - 6000 * 3 / 7).max() < 5 * 38
    assert counts[7:9].tolist() == [3000, 3000]


def test_one_bank_looks_up_windows_of_different_sizes(tmp_path: Path) -> None:
    write(tmp_path / "bank.zarr", [("anna", 4, 0.9), ("anna", 4, 0.8), ("anna", 6, 0.9)])
    bank = Bank.open(tmp_path / "bank.zarr")
    for _ in range(2):
        for window, per_second, expected in (
            (1, 1, [0]),
            (1, 3, [0, 1, -1]),
            (3, 1, [-1, 0, -1]),
            (5, 1, [-1, -1, 0, -1, 2]),
            (5, 2, [-1, -1, -1, -1, 0, 1, -1, -1, 2, -1]),
        ):
            rows = bank.rows("anna", 4, window=window, per_second=per_second, key=None)
            assert rows.tolist() == expected


def test_a_window_of_60_reaches_from_30_before_to_29_after(tmp_path: Path) -> None:
    write(tmp_path / "bank.zarr", [("anna", second, 1.0) for second in range(900, 1000)])
    bank = Bank.open(tmp_path / "bank.zarr")
    rows = bank.rows("anna", 950, window=60, per_second=5, key=None).reshape(60, 5)
    assert rows[:, 0].tolist() == list(range(20, 80))
    assert (rows[:, 1:] == -1).all()


def test_changing_the_rows_of_a_look_up_does_not_change_the_bank(store: Path) -> None:
    bank = Bank.open(store)
    for key in None, (1,):
        bank.rows("anna", 3, window=2, per_second=2, key=key)[:] = 77
        rows = bank.rows("anna", 3, window=2, per_second=2, key=key)
        assert rows.tolist() == [-1, -1, 0, 1]


def test_a_pickled_bank_looks_up_without_zarr(store: Path, tmp_path: Path) -> None:
    bank = Bank.open(store)
    (tmp_path / "bank.pkl").write_bytes(pickle.dumps(bank))
    program = (
        "import pickle, sys; bank = pickle.load(open(sys.argv[1], 'rb'));"
        "print(bank.rows('anna', 3, window=1, per_second=2, key=(1, 2)), 'zarr' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "bank.pkl")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.split("\n")[0] == "[0 1] False"


def test_a_pickled_bank_is_no_larger_after_look_ups(store: Path) -> None:
    bank = Bank.open(store)
    size = len(pickle.dumps(bank))
    bank.rows("anna", 3, window=600, per_second=5, key=None)
    assert len(pickle.dumps(bank)) == size


def test_a_bank_has_a_length_and_its_origin(store: Path, tmp_path: Path) -> None:
    write(tmp_path / "five.zarr", [("anna", second, 1.0) for second in range(5)])
    for path, rows in (store, 3), (tmp_path / "five.zarr", 5):
        assert zarr.open_group(path).attrs["rows"] == len(Bank.open(path)) == rows
    assert Bank.open(store).origin == "c0ffee"
    for attributes, origin in (
        ({"source": "lfb_val.pkl", "source_digest": "5eed"}, "5eed"),
        ({"checkpoint": "c0ffee", "source_digest": "5eed"}, "5eed"),
        ({}, None),
    ):
        write(tmp_path / "bank.zarr", [("anna", 1, 1.0)], attributes=attributes)
        assert Bank.open(tmp_path / "bank.zarr").origin == origin


def test_the_identity_of_a_bank_follows_from_how_it_was_made_and_of_which_boxes(tmp_path: Path):
    rows = [("anna", 1, 1.0), ("bert", 2, 0.95)]
    ways: list[tuple[list[Row], dict[str, Any]]] = [
        (rows, {}),
        (rows[:1], {}),
        ([rows[0], ("bert", 3, 0.95)], {}),
        ([rows[0], ("bert", 2, 0.9)], {}),
        (rows, {"box": np.zeros((2, 4))}),
        (rows, {"dtype": np.dtype("float16")}),
        (rows, {"attributes": {"checkpoint": "c0ffee", "data": "other"}}),
        (rows, {"videos": ["anna", "bert"]}),
    ]
    found = set()
    for number, (given_rows, changes) in enumerate(ways):
        write(tmp_path / f"{number}.zarr", given_rows, **{"dtype": np.dtype("float32")} | changes)
        found.add(Bank.open(tmp_path / f"{number}.zarr").identity())
    assert len(found) == len(ways)
    write(tmp_path / "again.zarr", rows, dtype=np.dtype("float32"))
    assert Bank.open(tmp_path / "again.zarr").identity() in found


@settings(max_examples=20)
@given(rows_strategy, st.integers(1, 3), st.integers(2, 7))
def test_gathered_pieces_equal_the_bank_written_at_once(
    rows: list[Row], pieces: int, shard: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as name:
        patch.setattr(writing, "CHUNK_ROWS", shard)
        patch.setattr(writing, "SHARD_ROWS", 2 * shard)
        folder = Path(name)
        write(folder / "whole.zarr", rows)
        owner = {"anna": 2 % pieces, "bert": 0, "carl": 1 % pieces}
        whole = Bank.open(folder / "whole.zarr")
        parts = []
        for piece in range(pieces):
            chosen = [i for i, row in enumerate(rows) if owner[row[0]] == piece]
            feature = np.zeros((len(chosen), 3), np.float16)
            feature[:, 0] = chosen
            parts.append(folder / f"{piece}.zarr")
            write(
                parts[-1],
                [rows[i] for i in chosen],
                feature=feature,
                box=(np.arange(4 * len(rows)).reshape(-1, 4) / 1024)[chosen],
                videos=[video for video in owner if owner[video] == piece],
            )
        gather(parts, folder / "gathered.zarr")
        assert np.array_equal(Bank.open(folder / "gathered.zarr").feature(), whole.feature())
        assert content(folder / "gathered.zarr") == content(folder / "whole.zarr")


def test_pieces_of_different_runs_are_not_gathered(store: Path, tmp_path: Path) -> None:
    write(tmp_path / "b.zarr", [("dora", 1, 1.0)], attributes={"checkpoint": "bad"}, videos=[])
    with pytest.raises(UserError, match=r"b\.zarr: checkpoint is bad, but c0ffee in .*train"):
        gather([store, tmp_path / "b.zarr"], tmp_path / "all.zarr")
    write(tmp_path / "b.zarr", [("dora", 1, 1.0)], dtype=np.float32, videos=[])
    with pytest.raises(UserError, match=r"b\.zarr: dtype is float32, but float16"):
        gather([store, tmp_path / "b.zarr"], tmp_path / "all.zarr")
    assert not (tmp_path / "all.zarr").exists()


def test_a_video_in_two_pieces_is_named(store: Path, tmp_path: Path) -> None:
    write(tmp_path / "b.zarr", [("bert", 1, 1.0)], videos=[])
    with pytest.raises(UserError, match=r"b\.zarr: video bert is also in .*train\.zarr"):
        gather([store, tmp_path / "b.zarr"], tmp_path / "all.zarr")


def test_a_video_without_rows_is_empty_and_an_unknown_one_an_error(store: Path) -> None:
    bank = Bank.open(store)
    assert bank.rows("carl", 3, window=2, per_second=1, key=None).tolist() == [-1, -1]
    with pytest.raises(UserError, match=r"video zoe is not among the 3 .* another data set"):
        bank.rows("zoe", 3, window=2, per_second=1, key=None)


def test_a_bank_of_another_checkpoint_is_refused(store: Path) -> None:
    with pytest.raises(UserError, match=r"train\.zarr: .*checkpoint c0ffee, but checkpoint 5eed"):
        Bank.open(store, checkpoint="5eed")
    with pytest.raises(UserError, match="config None, but config abc"):
        Bank.open(store, config="abc")
    with pytest.raises(UserError, match=r"was built here, but source lfb_val\.pkl is needed"):
        Bank.open(store, source="lfb_val.pkl")


def test_a_path_without_a_bank_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no feature bank here"):
        Bank.open(tmp_path / "nothing.zarr")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="folder: this is not a feature bank"):
        Bank.open(tmp_path / "folder")
    (tmp_path / "file").write_text("a file")
    with pytest.raises(UserError, match="file: this is not a feature bank"):
        Bank.open(tmp_path / "file")
    zarr.create_group(tmp_path / "other.zarr")
    with pytest.raises(UserError, match="a Zarr group, but not a feature bank"):
        Bank.open(tmp_path / "other.zarr")


def test_an_unfinished_or_newer_bank_is_refused(store: Path) -> None:
    group = zarr.open_group(store)
    group.attrs["complete"] = False
    with pytest.raises(UserError, match=r"never finished\. Delete it and build it again"):
        Bank.open(store)
    group.attrs["version"] = 3
    with pytest.raises(UserError, match="a bank of version 3, but this code reads version 2"):
        Bank.open(store)


def test_damaged_files_are_refused_and_not_read_as_zeros(store: Path) -> None:
    bank = Bank.open(store)
    shard = store / "feature" / "c" / "0" / "0"
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged: array feature is unreadable"):
        bank.feature()
    shard.unlink()
    with pytest.raises(UserError, match="damaged: files of array feature are missing"):
        Bank.open(store)
    shard.write_bytes(whole)
    (store / "zarr.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        Bank.open(store)


def test_one_lost_file_of_many_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "CHUNK_ROWS", 2)
    monkeypatch.setattr(writing, "SHARD_ROWS", 4)
    write(tmp_path / "bank.zarr", [("anna", second, 1.0) for second in range(10)])
    Bank.open(tmp_path / "bank.zarr")
    (tmp_path / "bank.zarr" / "feature" / "c" / "1" / "0").unlink()
    with pytest.raises(UserError, match="damaged: files of array feature are missing"):
        Bank.open(tmp_path / "bank.zarr")


@pytest.mark.parametrize("name", ["video_start", "row_start"])
def test_an_index_that_ends_before_or_after_the_rows_is_refused(store: Path, name: str) -> None:
    for change in -1, 1:
        array = zarr.open_array(store / name)
        array[-1] = array[-1] + change
        with pytest.raises(UserError, match="its index does not match its features"):
            Bank.open(store)
        array[-1] = array[-1] - change
    Bank.open(store)


def test_features_of_only_zeros_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "bank.zarr", [("anna", 1, 1.0)], feature=np.zeros((1, 3)))
    assert Bank.open(tmp_path / "bank.zarr").feature().tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("value", [np.nan, np.inf, 70000.0])
def test_a_feature_that_is_not_finite_as_stored_is_refused(tmp_path: Path, value: float) -> None:
    feature = np.zeros((2, 3))
    feature[1, 2] = value
    rows = [("anna", 1, 1.0), ("bert", 7, 1.0)]
    with pytest.raises(UserError, match="video bert, second 7 is not finite as float16"):
        write(tmp_path / "bank.zarr", rows, feature=feature)
    assert list(tmp_path.iterdir()) == []


def write_rows(path: Path, feature: np.ndarray) -> None:
    """Write only features: for anna one row in second 9 and two in 2, for bert one in 5."""
    write_features(
        path,
        split="val",
        counts={"bert": {5: 1}, "anna": {9: 1, 2: 2}},
        features=np.split(feature, [3]),
        channels=feature.shape[1],
        dtype=feature.dtype,
        attributes={"source": "lfb_val.pkl"},
    )


def test_a_bank_of_only_features_has_rows_without_boxes(tmp_path: Path) -> None:
    feature = np.arange(8, dtype=np.float32).reshape(4, 2)
    write_rows(tmp_path / "bank.zarr", feature)
    bank = Bank.open(tmp_path / "bank.zarr", split="val", source="lfb_val.pkl")
    assert bank.videos == ["anna", "bert"]
    for video, second, rows in ("anna", 2, [0, 1]), ("anna", 9, [2, -1]), ("bert", 5, [3, -1]):
        assert bank.rows(video, second, window=1, per_second=2, key=None).tolist() == rows
    assert bank.feature().tolist() == feature.tolist()
    assert np.isnan(bank.read("box")).all()
    assert bank.read("box").shape == (4, 4)
    assert bank.read("score").tolist() == [1] * 4


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bank_of_only_features_that_are_not_finite_is_refused(
    tmp_path: Path, value: float
) -> None:
    feature = np.zeros((4, 2), np.float16)
    feature[3, 1] = value
    with pytest.raises(UserError, match="a feature of video bert is not finite"):
        write_rows(tmp_path / "bank.zarr", feature)
    assert list(tmp_path.iterdir()) == []


def test_arrays_of_different_lengths_and_reserved_attributes_are_refused(tmp_path: Path) -> None:
    rows = [("anna", 1, 1.0), ("bert", 7, 1.0)]
    with pytest.raises(ValueError, match="do not match"):
        write(tmp_path / "bank.zarr", rows, feature=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="complete are reserved"):
        write(tmp_path / "bank.zarr", rows, attributes={"complete": True})
    for dtype in np.int8, np.float64:
        with pytest.raises(ValueError, match=f"not {np.dtype(dtype)}"):
            write(tmp_path / "bank.zarr", rows, dtype=dtype)


def all_values(path: Path) -> list[Any]:
    """Return everything that a reader can get from a bank."""
    bank = Bank.open(path)
    index = [array.tolist() for array in (bank.index.video_start, bank.index.second)]
    rows = [
        bank.rows(video, 3, window=10, per_second=2, key=None).tolist() for video in bank.videos
    ]
    arrays = [bank.feature(), bank.take(np.arange(len(bank))), bank.read("box"), bank.read("score")]
    return [bank.attributes, bank.videos, index, rows, *(array.tolist() for array in arrays)]


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bank of two feature files, the first of them with two chunks."""
    path = tmp_path_factory.mktemp("sharded") / "train.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "CHUNK_ROWS", 2)
        patch.setattr(writing, "SHARD_ROWS", 4)
        write(path, [(video, second, 0.9) for video in ("anna", "bert") for second in (3, 5, 6)])
    return path


@settings(max_examples=60)
@given(st.sampled_from(["", *store_module.ARRAYS]), st.data())
def test_a_changed_byte_of_the_metadata_is_noticed_or_without_meaning(
    sharded: Path, array: str, data: st.DataObject
) -> None:
    file = f"{array}/zarr.json" if array else "zarr.json"
    whole = (sharded / file).read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255))
    expected = all_values(sharded)
    try:
        (sharded / file).write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
        with contextlib.suppress(UserError):
            assert all_values(sharded) == expected
    finally:
        (sharded / file).write_bytes(whole)


@pytest.mark.parametrize(
    "file",
    ["feature/c/0/0", "feature/c/1/0", "box/c/0/0"]
    + [f"{name}/c/0" for name in ("score", "video", "video_start", "second", "row_start")],
)
@settings(max_examples=15)
@given(st.data())
def test_a_changed_byte_of_an_array_is_an_error_that_names_the_array(
    sharded: Path, file: str, data: st.DataObject
) -> None:
    whole = (sharded / file).read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    change = data.draw(st.integers(1, 255))
    try:
        changed = whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :]
        (sharded / file).write_bytes(changed)
        name = file.partition("/")[0]
        advice = "Delete it and build it again"
        with pytest.raises(UserError, match=rf"train\.zarr: .* array {name} .*{advice}"):
            all_values(sharded)
    finally:
        (sharded / file).write_bytes(whole)


def test_a_bank_without_checksums_is_read(sharded: Path, tmp_path: Path) -> None:
    """Version 1, as earlier releases wrote it."""
    bank = Bank.open(sharded)
    group = zarr.create_group(tmp_path / "old.zarr", zarr_format=3)
    for name in store_module.ARRAYS:
        values = zarr.open_array(sharded / name, mode="r")[...]
        chunks = {"chunks": (2, 3), "shards": (4, 3)} if name == "feature" else {}
        kind = "string" if name == "video" else values.dtype
        compressors = "auto" if name == "video" else None
        array = group.create_array(
            name, shape=values.shape, dtype=kind, compressors=compressors, **chunks
        )
        array[...] = values
    attributes = {"checkpoint": "c0ffee", "data": "da7a", "rows": len(bank), "complete": True}
    group.attrs.update({"format": "lfb-bank", "version": 1, "split": "train", **attributes})
    old = Bank.open(tmp_path / "old.zarr", checkpoint="c0ffee", split="train")
    assert (old.checked, bank.checked) == (False, True)
    assert all_values(tmp_path / "old.zarr") == all_values(sharded)
    gather([tmp_path / "old.zarr"], tmp_path / "new.zarr")
    assert Bank.open(tmp_path / "new.zarr").checked
    assert all_values(tmp_path / "new.zarr") == all_values(sharded)
