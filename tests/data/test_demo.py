"""Tests of lfb.data.demo."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.data.annotations import read_annotations, read_excluded, read_labels
from lfb.data.check import check
from lfb.data.check_split import SplitFiles
from lfb.data.demo import ACTIONS, LONG_RANGE, SIZE, VISIBLE, Stage, write_demo, write_scene
from lfb.data.proposals import read_proposals
from tests.samples import parts

SECONDS = 10
COUNTS = {"train": 3, "val": 1}
CUE = {"wave", "cheer", "fall"}


def write(folder: Path, seed: int = 0, processes: int = 1) -> dict[str, SplitFiles]:
    files = {
        split: {
            "annotations": folder / f"{split}.csv",
            "excluded": folder / f"{split}_excluded.csv",
            "proposals": folder / f"{split}.pkl",
        }
        for split in COUNTS
    }
    write_demo(
        folder / "videos",
        folder / "labels.pbtxt",
        {split: (count, files[split]) for split, count in COUNTS.items()},
        seconds=SECONDS,
        first_second=2,
        fps=4,
        seed=seed,
        processes=processes,
    )
    return {
        split: SplitFiles(paths["annotations"], paths["proposals"], paths["excluded"])
        for split, paths in files.items()
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("demo")
    return SimpleNamespace(folder=folder, splits=write(folder))


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_processes(demo, tmp_path):
    write(tmp_path, processes=2)
    names = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert len(names) == 1 + 3 * len(COUNTS) + sum(COUNTS.values())
    for name in names:
        assert (tmp_path / name).read_bytes() == (demo.folder / name).read_bytes(), name


def test_the_data_check_finds_no_error(demo):
    summary = check(
        splits=demo.splits,
        labels=demo.folder / "labels.pbtxt",
        unscored=[],
        videos=demo.folder / "videos",
        first_second=2,
        start=2,
        seconds=SECONDS + 2,
        fps=4,
        expected={},
    )
    for split, count in COUNTS.items():
        found = summary["splits"][split]
        assert found["videos"] == count
        assert found["keyframes"] == count * SECONDS
        assert found["excluded"] >= 1
        assert found["without_proposal"] == []


def test_every_action_of_the_files_is_in_the_label_list(demo):
    labels = read_labels(demo.folder / "labels.pbtxt")
    assert labels == {number: name for name, number in ACTIONS.items()}
    for files in demo.splits.values():
        rows, errors = parts(read_annotations(files.annotations, labels))
        assert errors == []
        assert set(rows["second"]) == set(range(3, 3 + SECONDS))
        assert set(rows["person"]) == {0, 1, 2}
        excluded, errors = parts(read_excluded(files.excluded))
        assert errors == []
        assert excluded <= set(zip(rows["video"], rows["second"], strict=True))
        proposals, errors = parts(read_proposals(files.proposals))
        assert errors == []
        assert len(proposals.boxes) > 0.8 * len(rows) / 2


def test_another_seed_gives_another_game(demo, tmp_path):
    write(tmp_path, seed=1)
    assert (tmp_path / "train.csv").read_bytes() != (demo.folder / "train.csv").read_bytes()


@given(number=st.integers(0, 99), seconds=st.integers(9, 20), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_the_cue_of_an_action_is_at_least_five_seconds_away(number, seconds, seed):
    scene = write_scene(number, seconds, np.random.default_rng(seed))
    cues = {
        (moment, person, pose)
        for moment, row in enumerate(scene.poses)
        for person, pose in enumerate(row)
        if pose in CUE
    }
    shown = {pose for _, _, pose in cues}
    wavers = {person for _, person, pose in cues if pose == "wave"}
    assert len(wavers) == 1
    meaning = {
        "stand": "worry" if "fall" in shown else "relax",
        "walk": "follow" if "cheer" in shown else "wander",
        "jump": "obey" if wavers == {scene.leader} else "rebel",
    }
    labelled = set()
    for moment, (poses, row) in enumerate(zip(scene.poses, scene.actions, strict=True)):
        for person, (pose, actions) in enumerate(zip(poses, row, strict=True)):
            assert actions[0] == pose in VISIBLE
            assert ("lead" in actions) == (person == scene.leader)
            assert set(actions) & set(LONG_RANGE) == (
                {meaning[pose]} & {*meaning.values()} if pose in meaning else set()
            )
            if pose in meaning:
                labelled.add(moment)
                assert all(abs(moment - cue) >= 5 for cue, _, _ in cues)
    assert labelled


def test_both_values_of_each_meaning_are_equally_frequent():
    counts = {name: 0 for name in LONG_RANGE}
    for number in range(64):
        scene = write_scene(number, 12, np.random.default_rng(number))
        for name in {a for row in scene.actions for actions in row for a in actions} & {
            *LONG_RANGE
        }:
            counts[name] += 1
    for one, other in (("worry", "relax"), ("follow", "wander"), ("obey", "rebel")):
        assert abs(counts[one] - counts[other]) <= 6
        assert counts[one] + counts[other] > 50


@given(number=st.integers(0, 7), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_a_person_is_drawn_inside_the_box(number, seed):
    random = np.random.default_rng(seed)
    stage = Stage(write_scene(number, 12, random), random)
    moment = seed % 12
    with_people = np.asarray(stage.draw(moment), int)
    empty = np.asarray(stage.scenery.reduce(2), int)
    outside = np.abs(with_people - empty).max(2) > 40
    assert outside.any()
    for person in range(3):
        x1, y1, x2, y2 = (stage.box(person, moment) * SIZE).round().astype(int)
        assert x1 < x2
        assert y1 < y2
        outside[max(0, y1) : y2 + 1, max(0, x1) : x2 + 1] = False
    assert not outside.any()


def test_a_video_has_the_same_bytes_each_time(tmp_path):
    # With x264's lookahead, the first video of a process had other bytes.
    code = (
        "import sys; from pathlib import Path; from lfb.data.demo import _film\n"
        "folder, contents = Path(sys.argv[1]), set()\n"
        "for _ in range(3):\n"
        "    _film('train', 3, folder=folder, seconds=13, first_second=5, fps=8, seed=0)\n"
        "    contents.add((folder / 'train_003.mp4').read_bytes())\n"
        "assert len(contents) == 1"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
