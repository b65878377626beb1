"""Download a data set that the config names, with interruptions."""

import io
import re
import time
import zipfile

import yaml

from lfb.files.digests import digest
from tests.web import Answer, serving
from tests.workflow.runs import CONFIG, Running, Workflow
from tests.workflow.test_bad_input import explained

DATA = "resources/demo"
CSV = [f"{split}{kind}.csv" for split in ("train", "val") for kind in ("", "_excluded")]
LABELS = "labels.pbtxt"
BASELINE = "results/seed-0/baseline/checkpoint.safetensors"


def test_a_killed_download_continues_and_completes_the_data(
    finished: Workflow, fresh: Workflow
) -> None:
    data = finished.path(DATA)
    # No job reads this file: only the digest in its name is checked.
    weights = f"initial-{digest(finished.path(BASELINE))[:8]}.pth"
    videos = {path.name: path.read_bytes() for path in data.glob("videos/*.mp4")}
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for name in *CSV, LABELS:
            archive.write(data / name, f"all/{name}")

    with serving() as server:
        proposals = [
            {"url": server.put(f"/{name}", (data / name).read_bytes()), "to": DATA}
            for name in ("train_proposals.pkl", "val_proposals.pkl")
        ]
        server.put("/list.txt", "\n".join([*videos, "unwanted.mp4"]).encode())
        for name, content in videos.items():
            server.put(f"/films/{name}", content)
        config = yaml.safe_load(fresh.path(CONFIG).read_text())
        del config["demo"]
        config["weights"] = f"{DATA}/{weights}"
        config["fetch"] = {
            "videos": [
                {
                    "list": server.url("/list.txt"),
                    "url": server.url("/films/{name}"),
                    "to": config["data"]["videos"],
                }
            ],
            "annotations": [
                {
                    "url": server.put("/all.zip", zipped.getvalue()),
                    "to": DATA,
                    "members": [*CSV, LABELS],
                }
            ],
            "proposals": proposals,
            "weights": [
                {
                    "url": server.put(f"/{weights}", finished.path(BASELINE).read_bytes()),
                    "to": DATA,
                }
            ],
        }
        fresh.path(CONFIG).write_text(yaml.safe_dump(config))

        missing = fresh.run("--dry-run")
        explained(missing, f"  data.labels: {DATA}/{LABELS} (fetch_annotations)\n")
        assert f"  weights: {DATA}/{weights} (fetch_weights)\n" in missing.output
        early = fresh.run("fetch_videos")
        explained(early, f"{DATA}/train.csv, which names", "target fetch_annotations")

        server.answers += [Answer(most=2000, hold=True)] * 2
        run = Running(fresh, "fetch_annotations", "fetch_weights")
        wait_for_bytes(run, f"{DATA}/.*.partial/body")
        run.kill_everything()
        assert not list(fresh.path(DATA).glob("[!.]*"))
        server.answers.clear()
        fetched = fresh.run("fetch_annotations", "fetch_proposals", "fetch_weights")
        assert fetched.code == 0, fetched.output
        assert digest(fresh.path(DATA) / weights) == digest(finished.path(BASELINE))

        server.answers += [Answer(), *[Answer(most=2000, hold=True)] * 2]
        run = Running(fresh, "fetch")
        wait_for_bytes(run, f"{DATA}/videos/.*.partial/body")
        run.kill_everything()
        assert not list(fresh.path(DATA).glob("videos/[!.]*"))
        server.answers.clear()
        server.asked.clear()
        fetched = fresh.run("fetch")
        assert fetched.code == 0, fetched.output
        assert any("bytes=1999-" in asked for asked in server.asked)
        assert "/films/unwanted.mp4" not in "".join(server.asked)

    for folder in finished.path(DATA), fresh.path(DATA):
        (folder / weights).unlink(missing_ok=True)
    assert contents(fresh) == contents(finished)
    frames = fresh.run("frames")
    assert frames.code == 0, frames.output
    estimate = r"needs about \S+ .B for frames, \S+ .B for banks, \S+ .B for checkpoints"
    assert re.search(estimate, frames.output)
    assert re.search(r"resources/frames, results: \S+ .B needed, ", frames.output)
    manifest = "results/data/manifest.json"
    assert fresh.path(manifest).read_bytes() == finished.path(manifest).read_bytes()


def wait_for_bytes(run: Running, pattern: str) -> None:
    """Wait until a file that matches a pattern is not empty."""
    while run.wait_for_file(pattern).stat().st_size == 0:
        time.sleep(0.01)


def contents(workflow: Workflow) -> dict[str, bytes]:
    """Return the content of all files of the data set, also of hidden ones."""
    folder = workflow.path(DATA)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".snakemake")
    }
