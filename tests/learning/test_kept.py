"""Tests of lfb.learning.kept."""

import os
import shutil
from pathlib import Path

import pytest

from lfb.learning.kept import Trainings, find_unused, key_of, remove


@pytest.fixture
def trainings(tmp_path: Path) -> Trainings:
    return Trainings(tmp_path / "trainings")


def made(trainings: Trainings, seed: int, state: bytes = b"state") -> Path:
    """Return the folder of a finished training with this seed, used ``seed`` seconds after 1970."""
    identity = {"seed": seed}
    trainings.begin(identity)
    folder = trainings.folder(identity)
    (folder / "resume.pt").write_bytes(state)
    (folder / "checkpoint.safetensors").write_text(f"weights {seed}")
    (folder / "history.jsonl").write_text(f"metrics {seed}")
    trainings.finish(identity)
    used(folder, seed)
    return folder


def used(folder: Path, seconds: int) -> None:
    os.utime(folder / "identity.json", (seconds, seconds))


def placed(trainings: Trainings, seed: int, folder: Path) -> tuple[Path, Path]:
    """Return the outputs of a training, placed in a folder."""
    outputs = folder / "checkpoint.safetensors", folder / "history.jsonl"
    trainings.place({"seed": seed}, *outputs)
    return outputs


def test_the_key_follows_from_the_identity_and_not_from_the_order_of_its_keys():
    assert key_of({"seed": 1, "data": "a"}) == key_of({"data": "a", "seed": 1})
    assert key_of({"seed": 1}) != key_of({"seed": 2})
    assert len(key_of({})) == 12


def test_a_training_is_finished_when_its_last_file_is_written(trainings):
    assert not trainings.is_finished({"seed": 1})
    folder = made(trainings, 1)
    assert trainings.is_finished({"seed": 1})
    (folder / "finished.json").unlink()
    assert not trainings.is_finished({"seed": 1})


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "history.jsonl"])
def test_a_damaged_training_is_named_and_is_not_finished(trainings, name, caplog):
    folder = made(trainings, 1)
    (folder / name).write_text("weight$ 1")
    assert not trainings.is_finished({"seed": 1})
    assert f"warning: {folder / name}: missing or damaged. It is made again." in caplog.text
    (folder / name).unlink()
    assert not trainings.is_finished({"seed": 1})


@pytest.mark.parametrize("content", ["", "[]", '{"seed": 2}'])
def test_a_folder_with_a_damaged_identity_is_not_finished_until_it_begins_again(trainings, content):
    folder = made(trainings, 1)
    (folder / "identity.json").write_text(content)
    assert not trainings.is_finished({"seed": 1})
    trainings.begin({"seed": 1})
    assert trainings.is_finished({"seed": 1})


def test_outputs_are_the_kept_files_and_are_new(trainings, tmp_path):
    folder = made(trainings, 1)
    os.utime(folder / "checkpoint.safetensors", (1, 1))
    checkpoint, history = placed(trainings, 1, tmp_path)
    assert checkpoint.read_text() == "weights 1"
    assert history.read_text() == "metrics 1"
    assert checkpoint.samefile(folder / "checkpoint.safetensors")
    assert checkpoint.stat().st_mtime > 1
    for output in checkpoint, history:
        output.unlink()  # as Snakemake does before a job
    assert trainings.is_finished({"seed": 1})


def test_outputs_are_replaced_by_those_of_another_training_and_of_the_same_one(trainings, tmp_path):
    made(trainings, 1)
    made(trainings, 2)
    for seed in 1, 2, 2, 1:
        checkpoint, _ = placed(trainings, seed, tmp_path)
        assert checkpoint.read_text() == f"weights {seed}"
    assert not list(tmp_path.rglob("*.partial"))
    assert trainings.is_finished({"seed": 1})
    assert trainings.is_finished({"seed": 2})


def test_outputs_are_copies_where_the_file_system_has_no_links(trainings, tmp_path, monkeypatch):
    def refuse(*paths: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    folder = made(trainings, 1)
    checkpoint, _ = placed(trainings, 1, tmp_path)
    assert checkpoint.read_text() == "weights 1"
    assert not checkpoint.samefile(folder / "checkpoint.safetensors")
    (kept,) = trainings.kept()
    assert kept.is_of(checkpoint)


def test_the_training_in_use_is_found_by_its_checkpoint(trainings, tmp_path):
    made(trainings, 1)
    made(trainings, 2)
    trainings.begin({"seed": 3})  # has no checkpoint yet
    checkpoint, _ = placed(trainings, 1, tmp_path)
    assert [kept.identity["seed"] for kept in trainings.kept() if kept.is_of(checkpoint)] == [1]
    checkpoint.unlink()
    assert not any(kept.is_of(checkpoint) for kept in trainings.kept())


def test_a_training_begins_with_all_files_of_another_one_but_those_of_its_end(trainings):
    source = made(trainings, 1)
    (source / "best.pt").write_text("best")
    (source / "tensorboard").mkdir()
    (source / "tensorboard" / "events").write_text("events")
    (start,) = trainings.kept()
    trainings.begin({"seed": 2}, start)
    folder = trainings.folder({"seed": 2})
    carried = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert carried == {
        *("identity.json", "resume.pt", "history.jsonl", "best.pt", "tensorboard/events")
    }
    (folder / "tensorboard" / "events").write_text("more events")
    assert (source / "tensorboard" / "events").read_text() == "events"
    assert not trainings.is_finished({"seed": 2})
    assert trainings.is_finished({"seed": 1})


def test_a_training_with_a_state_keeps_it_when_it_begins_again(trainings):
    folder = made(trainings, 1)
    made(trainings, 2, state=b"other")
    trainings.begin({"seed": 1}, trainings.kept()[0])
    assert (folder / "resume.pt").read_bytes() == b"state"
    assert trainings.kept()[0].folder == folder  # the last used one


def test_finished_trainings_stay_by_when_they_were_used(trainings, tmp_path):
    folders = [made(trainings, seed) for seed in (1, 2, 3, 4)]
    placed(trainings, 1, tmp_path)
    trainings.keep(3, {"seed": 1})
    assert [folder.exists() for folder in folders] == [True, False, True, True]
    trainings.keep(1, {"seed": 1})
    assert [folder.exists() for folder in folders] == [True, False, False, False]


def test_the_training_in_use_stays_also_after_the_clock_is_set_back(trainings):
    folders = [made(trainings, seed) for seed in (1, 2, 3)]
    trainings.keep(2, {"seed": 1})
    assert [folder.exists() for folder in folders] == [True, False, True]


def test_unfinished_trainings_do_not_count_and_go_with_the_finished_ones_before_them(trainings):
    for seed in 1, 3, 5:
        trainings.begin({"seed": seed})
        used(trainings.folder({"seed": seed}), seed)
    for seed in 2, 4:
        made(trainings, seed)
    trainings.keep(2, {"seed": 4})
    assert [kept.identity["seed"] for kept in trainings.kept()] == [5, 4, 3, 2]
    trainings.keep(1, {"seed": 4})
    assert [kept.identity["seed"] for kept in trainings.kept()] == [4]


def test_a_killed_removal_or_begin_leaves_nothing_for_long(trainings, monkeypatch):
    folder = made(trainings, 1)
    made(trainings, 2)

    def kill(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", kill)
        with pytest.raises(KeyboardInterrupt):
            remove(trainings.kept()[1])
    scratch = folder.with_name(".abc.partial")
    scratch.mkdir()
    (scratch / ".resume.pt.partial").touch()
    (trainings.folder({"seed": 2}) / ".resume.pt.partial").touch()
    assert not trainings.is_finished({"seed": 1})
    trainings.keep(1, {"seed": 2})
    assert [path.name for path in folder.parent.iterdir()] == [key_of({"seed": 2})]
    assert not list(folder.parent.rglob("*.partial"))


def test_trainings_are_unused_if_another_made_the_checkpoint_and_another_was_used_last(tmp_path):
    results = tmp_path
    for model in "baseline", "lfb_max":
        trainings = Trainings(results / "seed-0" / model / "trainings")
        for seed in 1, 2, 3:
            made(trainings, seed)
        placed(trainings, 1, results / "seed-0" / model)
        trainings.begin({"seed": 4})  # a new setting, which is interrupted
    unused = find_unused(results)
    assert [kept.identity["seed"] for kept in unused] == [3, 2, 3, 2]
    for kept in unused:
        remove(kept)
    assert find_unused(results) == []


def test_without_a_checkpoint_the_training_used_last_stays(tmp_path):
    trainings = Trainings(tmp_path / "seed-0" / "baseline" / "trainings")
    made(trainings, 1)
    made(trainings, 2)
    assert [kept.identity["seed"] for kept in find_unused(tmp_path)] == [1]
