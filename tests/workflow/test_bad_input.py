"""Wrong input gives one clear error, and no half-written file."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors
import safetensors.numpy

from tests.workflow.runs import ENVIRONMENT, Result, Workflow

VIDEOS = "resources/demo/videos"
TRAIN = "resources/demo/train.csv"
CHECK = "results/data/check.json"
BASELINE = "results/seed-0/baseline/checkpoint.safetensors"
TRAININGS = "results/seed-0/baseline/trainings"
MAX = "results/seed-0/lfb_max/checkpoint.safetensors"
PREDICTIONS = "results/seed-0/lfb_max/predictions.npz"
BANK = "results/seed-0/bank/val.zarr"


def refused(workflow: Workflow, command: str, output: str, *messages: str) -> None:
    """Assert that a job ends with an error that contains these messages, and leaves no output."""
    workflow.path(output).unlink(missing_ok=True)
    result = workflow.shell(command)
    explained(result, *messages)
    assert not workflow.path(output).exists()
    assert not list(workflow.folder.rglob("*.partial"))


def explained(result: Result, *messages: str) -> None:
    """Assert that a command failed with an error that contains these messages, no traceback."""
    assert result.code == 1, result.output
    for message in messages:
        assert message in result.output
    assert "Traceback" not in result.output


def halve(path: Path) -> None:
    """Truncate a file to half its size."""
    os.truncate(path, path.stat().st_size // 2)


def test_all_errors_of_the_configuration_are_listed_before_any_work(copy: Workflow) -> None:
    copy.replace("tests/workflow/tiny.yaml", "epochs: 8", "epochs: many")
    copy.append("tests/workflow/tiny.yaml", "trainings: {}\n")
    result = copy.run()
    explained(
        result,
        'config key training.epochs: "many" is not of type integer',
        "config key trainings: there is no such key; did you mean training?",
    )
    assert "jobid" not in result.output


def test_an_unknown_operator_is_refused_before_any_work(copy: Workflow) -> None:
    copy.replace("tests/workflow/tiny.yaml", "name: max", "name: maxx")
    result = copy.run()
    explained(
        result,
        "config key models.lfb_max.operator.name: there is no operator 'maxx'; did you mean max?",
    )
    assert "jobid" not in result.output


def test_weights_of_another_kind_are_refused_before_any_work(copy: Workflow) -> None:
    copy.append("tests/workflow/tiny.yaml", "weights: resources/demo/labels.pbtxt\n")
    result = copy.run()
    explained(result, "config key weights: resources/demo/labels.pbtxt does not end in .pth, ")
    assert "jobid" not in result.output


def test_the_demo_does_not_replace_the_users_own_videos(fresh: Workflow) -> None:
    video = fresh.path("mine/a.mp4")
    video.parent.mkdir()
    video.touch()
    os.utime(video, (0, 0))  # older than the program that makes the demo
    os.utime(video.parent, (0, 0))
    fresh.path("my.yaml").write_text("data: {videos: mine}")
    result = fresh.shell("snakemake --configfile my.yaml --cores 1 frames")
    explained(result, "config key data.videos: mine is not in resources/demo")
    assert video.exists()


def test_all_errors_of_the_data_are_listed_before_a_frame_is_extracted(copy: Workflow) -> None:
    lines = copy.path(TRAIN).read_text().splitlines()
    for number, column, value in (3, 2, "left"), (5, 4, "1.2"), (7, 4, "0.001"), (9, 6, "99"):
        fields = lines[number - 1].split(",")
        fields[column] = value
        lines[number - 1] = ",".join(fields)
    copy.path(TRAIN).write_text("\n".join(lines) + "\n")
    copy.path(f"{VIDEOS}/val_001.mp4").unlink()
    halve(copy.path(f"{VIDEOS}/train_002.mp4"))
    result = copy.run()
    explained(
        result,
        "6 errors in the data",
        *(f"{TRAIN}:{number}: " for number in (3, 5, 7, 9)),
        "val_001",
        f"{VIDEOS}/train_002.mp4: ",
    )
    assert "rule extract_frames" not in result.output
    assert not copy.path(CHECK).exists()


def test_an_empty_csv_is_refused(copy: Workflow, commands: dict[str, str]) -> None:
    copy.path(TRAIN).write_text("")
    refused(copy, commands["check_data"], CHECK, f"{TRAIN}: ", "empty")


def test_keyframes_without_a_proposal_are_counted_and_reported(
    copy: Workflow, commands: dict[str, str]
) -> None:
    proposals = copy.path("resources/demo/val_proposals.pkl")
    boxes = pickle.loads(proposals.read_bytes())
    del boxes["val_000,0009"]
    proposals.write_bytes(pickle.dumps(boxes))
    result = copy.shell(commands["check_data"])
    assert result.code == 0, result.output
    summary = json.loads(copy.path(CHECK).read_text())
    assert len(summary["splits"]["val"]["without_proposal"]) == 1
    assert "warning: val: 1 of 19 keyframes" in result.output


def test_all_broken_videos_are_listed_and_the_others_extracted(
    copy: Workflow, commands: dict[str, str]
) -> None:
    for zipped in copy.path("resources/frames").glob("*.zip"):
        zipped.unlink()
    halve(copy.path(f"{VIDEOS}/train_001.mp4"))
    halve(copy.path(f"{VIDEOS}/val_000.mp4"))
    refused(
        copy,
        commands["extract_frames"],
        "results/data/manifest.json",
        "2 errors in the data",
        f"{VIDEOS}/train_001.mp4: ",
        f"{VIDEOS}/val_000.mp4: ",
    )
    left = {path.stem for path in copy.path("resources/frames").iterdir()}
    assert left == {"train_000", "train_002", "train_003", "val_001"}


def test_a_bank_of_another_checkpoint_is_refused(copy: Workflow, commands: dict[str, str]) -> None:
    command = commands["predict 0 lfb_max"].replace(f"--baseline {BASELINE}", f"--baseline {MAX}")
    refused(copy, command, PREDICTIONS, f"{BANK}: this bank was built with checkpoint ")


def test_an_incomplete_bank_is_refused(copy: Workflow, commands: dict[str, str]) -> None:
    about = copy.path(f"{BANK}/zarr.json")
    group = json.loads(about.read_text())
    del group["attributes"]["complete"]
    about.write_text(json.dumps(group))
    message = f"{BANK}: this bank was never finished. Delete it and build it again."
    refused(copy, commands["predict 0 lfb_max"], PREDICTIONS, message)


def test_a_checkpoint_with_other_tensors_is_refused(
    copy: Workflow, commands: dict[str, str]
) -> None:
    checkpoint = copy.path(MAX)
    with safetensors.safe_open(checkpoint, "np") as file:
        ((key, text),) = file.metadata().items()
    about = json.loads(text)
    del about["digest"]  # older checkpoints have none
    weights = safetensors.numpy.load_file(checkpoint)
    missing = next(name for name in weights if name.startswith("backbone."))
    weights["head.surplus"] = weights.pop(missing)
    safetensors.numpy.save_file(weights, checkpoint, {key: json.dumps(about)})
    refused(
        copy,
        commands["predict 0 lfb_max"],
        PREDICTIONS,
        f"{MAX}: the checkpoint does not fit the model",
        f"{missing}: missing",
        "head.surplus: not in the model",
    )


def test_another_configuration_keeps_the_state_of_an_interrupted_training(
    copy: Workflow, commands: dict[str, str]
) -> None:
    command, expected = commands["train_baseline 0"], copy.path(BASELINE).read_bytes()
    shutil.rmtree(copy.path(TRAININGS))
    job = subprocess.Popen(
        ["bash", "-c", command], cwd=copy.folder, env=ENVIRONMENT, start_new_session=True
    )
    while not (states := list(copy.path(TRAININGS).glob("*/resume.pt"))):
        assert job.poll() is None
        time.sleep(0.005)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    kept = states[0].read_bytes()
    other = copy.with_settings(command, '"momentum": 0.9', '"momentum": 0.5')
    assert copy.shell(other).code == 0
    assert states[0].read_bytes() == kept
    assert copy.path(BASELINE).read_bytes() != expected
    again = copy.shell(command)
    assert "continuing after epoch" in again.output
    assert copy.path(BASELINE).read_bytes() == expected


def test_cuda_without_a_gpu_is_refused_before_any_work(
    copy: Workflow, commands: dict[str, str]
) -> None:
    command = commands["train_baseline 0"].replace("--device cpu", "--device cuda")
    refused(copy, command, BASELINE, "config key device: cuda is set")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder])
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_no_incomplete_zip(
    copy: Workflow, commands: dict[str, str], small_disk: Path
) -> None:
    command = commands["extract_frames"].replace("resources/frames", str(small_disk))
    explained(copy.shell(command), f"{small_disk}/train_000.zip: the disk is full")
    assert list(small_disk.iterdir()) == []


def test_training_continues_when_a_full_disk_has_room_again(
    copy: Workflow, commands: dict[str, str], small_disk: Path
) -> None:
    command = copy.with_settings(commands["train_baseline 0"], '"epochs": 8', '"epochs": 1')
    command = command.replace(str(Path(BASELINE).parent), str(small_disk))
    explained(copy.shell(command), "/resume.pt: the disk is full")
    assert files(small_disk) == ["identity.json"]

    resize(small_disk, "160k")  # enough for only the resume state
    explained(copy.shell(command), "/checkpoint.safetensors: the disk is full")
    written = ["history.jsonl", "history.jsonl", "identity.json", "resume.pt"]  # two links of one
    assert files(small_disk) == written

    resize(small_disk, "1m")
    result = copy.shell(command)
    assert result.code == 0, result.output
    assert "continuing after epoch 1" in result.output
    made = ["checkpoint.safetensors", "history.jsonl"]  # here, and where they are kept
    assert files(small_disk) == sorted(
        [*made, *made, "identity.json", "finished.json", "resume.pt"]
    )


def files(folder: Path) -> list[str]:
    """Return the names of all files below a folder, sorted."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def resize(disk: Path, size: str) -> None:
    """Change the size of a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
