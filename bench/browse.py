"""Measure the page of all keyframes at AVA's size: time to write, bytes, time to filter.

Predictions are random, from a seed: see tests/ava_sized.py. Every keyframe is the same picture of
noise, which is larger as a JPEG than a frame of a film.
"""

import argparse
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from lfb.data.split import Split
from lfb.files.atomic import write_json
from lfb.report.browse import write_browser
from lfb.report.examples import Answers, People
from lfb.video.frames import Manifest
from tests.ava_sized import CLASSES, UNSCORED, make_ava

MODELS = ("baseline", "lfb_avg", "lfb_max", "lfb_nl")
REPEATS = 300
# The clock of a page stands still in virtual time, so the difference of two runs is the measure.
SCRIPT = """<script>readContent().then((data) => {
  const lists = index(data);
  const all = { model: 3, video: ANY, class: ANY, as: ANY, error: "any", order: "size", page: 1 };
  for (let i = 0; i < REPEATS; i++) choose(data, lists, { ...all, class: i % 60 });
  document.title = "done";
});</script></body>"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", help="command of Chromium; without it, nothing is filtered")
    browser = parser.parse_args().browser
    truth, excluded, predictions = make_ava()
    people = People.of(Split(CLASSES, UNSCORED, truth, None, excluded))
    random = np.random.default_rng(0)
    noise = random.uniform(0.8, 1.2, (len(MODELS), *predictions.score.shape)).astype(np.float32)
    scores = np.clip(predictions.score**8 * noise, 0, 1)
    of_models = {
        model: replace(predictions, score=score)
        for model, score in zip(MODELS, scores, strict=True)
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begin = time.process_time()
        write_browser(
            folder / "browse.html",
            people=people,
            answers={model: Answers.of(people, found) for model, found in of_models.items()},
            predictions=of_models,
            best=MODELS[-1],
            colours=dict.fromkeys(MODELS, "#000000"),
            names=list(CLASSES.values()),
            manifest=_frames(folder, predictions.videos, random),
            about={"name": "random", "date": "2000-01-01", "seed": 0},
            origin="0" * 64,
        )
        seconds = time.process_time() - begin
        size = (folder / "browse.html").stat().st_size / 1e6
        print(f"{len(people.keyframes):,} keyframes, {len(people.boxes):,} people")
        print(f"written in {seconds:.1f} s of CPU time, {size:.1f} MB")
        if browser:
            once, often = (_open(browser, folder, repeats) for repeats in (0, REPEATS))
            print(f"opened in {once:.1f} s; a filter takes {(often - once) / REPEATS:.3f} s")


def _frames(folder: Path, videos: list[str], random: np.random.Generator) -> Manifest:
    """Write one picture, and a manifest in which every frame of every video is this picture."""
    noise = random.normal(128, 60, (256, 340, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noise).save(folder / "1.jpg")
    about = {"frames": 1, "fps": 1e-9, "first_second": 0, "width": 340, "height": 256}
    content = {"folder": str(folder), "pattern": "{frame}.jpg"}
    write_json(folder / "manifest.json", content | {"videos": dict.fromkeys(videos, about)})
    return Manifest(folder / "manifest.json")


def _open(browser: str, folder: Path, repeats: int) -> float:
    """Return how long a browser takes to start, open the page and filter it, in seconds."""
    page = (folder / "browse.html").read_text(encoding="utf-8")
    script = SCRIPT.replace("REPEATS", str(repeats))
    (folder / "measured.html").write_text(page.replace("</body>", script), encoding="utf-8")
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={folder}/profile", "--virtual-time-budget=60000"]
    begin = time.perf_counter()
    address = (folder / "measured.html").as_uri()
    shown = subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout
    seconds = time.perf_counter() - begin
    assert "<title>done</title>" in shown
    return seconds


if __name__ == "__main__":
    main()
