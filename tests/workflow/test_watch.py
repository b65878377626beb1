"""Films that are watched: the target `watch`."""

import csv
import json
import shutil

import av
import numpy as np

from lfb.data.detector_csv import write_detections
from lfb.data.predictions import Predictions
from lfb.data.proposals import read_proposals
from lfb.report.watch.people import HEADER
from tests.films import make_film
from tests.workflow.runs import Running, Workflow
from tests.workflow.test_own_data import DETECTOR, write_detector
from tests.workflow.test_reruns import MODELS

FOLDER = "my films"
NAME = "hall & yard 1"
OF_FILM = {
    "watch_frames",
    "watch_people",
    "watch_bank",
    *(f"watch_predict {model}" for model in MODELS),
    "watch_film",
    "watch_page",
}
BOXES = f"watch={{videos: {FOLDER}, detections: {FOLDER}/boxes.csv}}"


def bring_films(workflow: Workflow) -> None:
    """Copy a validation video under another name, with its proposals as a detector's csv."""
    workflow.path(FOLDER).mkdir()
    video = sorted(workflow.path("resources/demo/videos").glob("val_*.mp4"))[0]
    shutil.copy(video, workflow.path(f"{FOLDER}/{NAME}.mp4"))
    people = read_proposals(workflow.path("resources/demo/val_proposals.pkl")).checked()
    table = people.index.multi_index().repeat(people.index.count).to_frame(index=False)
    table[["x1", "y1", "x2", "y2"]] = people.boxes.astype(float)
    table = table.assign(score=people.scores.astype(float))
    own = table[table["video"] == video.stem]
    write_detections(workflow.path(f"{FOLDER}/boxes.csv"), own.assign(video=NAME))


def outputs(workflow: Workflow) -> set[str]:
    return {path.name for path in workflow.path("results/watch").iterdir()} - {"work"}


def test_a_killed_run_goes_on_and_a_film_once_done_is_not_done_again(copy: Workflow) -> None:
    bring_films(copy)
    results = copy.path("results/watch")
    running = Running(copy, "watch", "--config", BOXES)
    running.wait_for_file(f"results/watch/work/{NAME}/*/predictions.npz")
    running.kill_everything()
    assert not results.joinpath(f"{NAME}.mp4").exists()
    assert copy.run("--unlock").code == 0

    left = set(copy.jobs("watch", "--config", BOXES))
    assert left < OF_FILM
    assert left & {"watch_frames", "watch_people"} == set()
    result = copy.run("watch", "--config", BOXES)
    assert result.code == 0, result.output
    assert outputs(copy) == {f"{NAME}.{kind}" for kind in ("mp4", "csv", "html")}
    assert "\nfilms:         results/watch\n" in result.output
    assert copy.jobs("watch", "--config", BOXES) == {}
    assert copy.jobs() == {}  # nothing else is touched
    chosen = {"classes": [{"id": 1, "threshold": 0.25}, {"id": 2, "threshold": None}]}
    thresholds = copy.path(f"results/seed-0/{MODELS[-1]}/thresholds.json")
    thresholds.write_text(json.dumps(chosen))
    assert set(copy.jobs("watch", "--config", BOXES)) == {"watch_film", "watch_page"}
    thresholds.unlink()

    # The scores are those of the workflow, where the clip and the window are the same.
    with results.joinpath(f"{NAME}.csv").open(encoding="utf-8", newline="") as file:
        header, *table = csv.reader(file)
    assert header == [*HEADER]
    known = Predictions.load(copy.path(f"results/seed-0/{MODELS[-1]}/predictions.npz"))
    own = known.video == 0
    place = {
        (second, *(f"{side:.4f}" for side in box)): score
        for second, box, score in zip(
            known.second[own].tolist(), known.box[own], known.score[own], strict=True
        )
    }
    column = {int(action): i for i, action in enumerate(known.classes)}
    differences = [
        float(row[9]) - place[int(row[1]), *row[3:7]][column[int(row[7])]]
        for row in table
        if (int(row[1]), *row[3:7]) in place
    ]
    assert len(differences) >= len(place) * len(column) / 2
    assert np.median(np.abs(differences)) < 1e-3
    with av.open(str(results / f"{NAME}.mp4")) as film:
        assert film.streams.video[0].codec_context.name == "h264"

    # A second film is the only one that runs. The csv has no boxes of it, so it is refused.
    make_film(copy.path(f"{FOLDER}/other.mp4"), times=np.arange(100) / 25)
    result = copy.run("watch", "--config", BOXES)
    assert result.code == 1
    assert f"{FOLDER}/boxes.csv: no box of film 'other'; it has boxes of {NAME}." in result.output
    assert "video other" in result.output
    assert f"video {NAME}" not in result.output

    # With a person detector it is watched, as a film of its own.
    write_detector(copy.path("detector.pth"))
    detector = f"detector={{name: {DETECTOR}, weights: detector.pth}}"
    result = copy.run("watch", "--config", f"watch={FOLDER}/other.mp4", detector)
    assert result.code == 0, result.output
    assert len(outputs(copy)) == 6
    with results.joinpath("other.csv").open(encoding="utf-8", newline="") as file:
        assert {row["video"] for row in csv.DictReader(file)} == {"other"}


def test_a_film_that_cannot_be_watched_is_explained(finished: Workflow) -> None:
    for value, error in {
        "watch=gone.mp4": "config key watch: gone.mp4 does not exist",
        "watch=Snakefile": "config key watch: nothing says where the people are",
        "device=cpu": "config key watch: missing. Name a film, or a folder of films",
    }.items():
        result = finished.run("--dry-run", "watch", "--config", value)
        assert result.code == 1
        assert f"Error: {error}" in result.output
        assert "Traceback" not in result.output
