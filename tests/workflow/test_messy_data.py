"""A data set with what real ones contain, from its files to the table."""

import json

from tests.nest_cameras import PATTERN, VAL, write_nest_cameras
from tests.workflow.runs import Workflow

RUN = "snakemake --configfile my.yaml config/small.yaml few.yaml --cores 2"


def test_cameras_at_nests_reach_the_table(fresh: Workflow) -> None:
    write_nest_cameras(fresh.path("resources/own"))
    fresh.path("my.yaml").write_text(fresh.path("config/own.yaml").read_text())
    frames = f'frames: {{folder: resources/own/frames, pattern: "{PATTERN}"}}'
    fresh.replace("my.yaml", "videos: resources/own/videos", frames)
    fresh.replace("my.yaml", "first_second: 0", "first_second: 1")
    for split in "train", "val":
        old = f"# detections: resources/own/{split}_detections.csv"
        fresh.replace("my.yaml", old, f"proposals: resources/own/{split}_proposals.pkl")
    # Two models, and banks in one piece, are enough here.
    fresh.path("few.yaml").write_text("models: {lfb_avg: null, lfb_nl: null}\nbank: {pieces: 1}\n")

    # Seconds after the end of the videos are errors, which are listed together.
    result = fresh.shell(f"{RUN} frames")
    assert result.code == 1
    assert "error: 4 errors in the data:\n" in result.output
    for file in ("train.csv:43", "train_proposals.pkl", "val.csv:43", "val_proposals.pkl"):
        assert f"  resources/own/{file}: second" in result.output
    assert not fresh.path("results/own-small/data/check.json").exists()

    fresh.replace("my.yaml", "data:\n", "data:\n  invalid_keyframes: drop\n")
    result = fresh.shell(f"{RUN} all")
    assert result.code == 0, result.output
    for line in (
        "train.csv: 27 of 176 boxes leave the frame, by 0.09 of it at most; they are clipped to it",
        "val: 2 seconds are left out, for the reasons below (data.invalid_keyframes: drop)",
        "val: 12 of 21 keyframes have no proposal; ",
    ):
        assert line in result.output
    results = fresh.path("results/own-small")
    checked = json.loads((results / "data/check.json").read_text())
    assert checked["splits"]["val"]["left_out"] == [[VAL[0], 22], [VAL[0], 23]]
    table = (results / "map_table.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in table] == ["model", "baseline", "lfb_max"]
    assert "seconds left out, which had errors" in (results / "report.html").read_text()
