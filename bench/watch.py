"""Measure the target `watch`: time and memory of a film, and memory of a long one.

A film of the demo's own people, `--seconds` long, is made from its validation videos one after the
other, 640 x 360 pixels at 25 frames per second, with sound. Its boxes are the demo's proposals. The
models are those of a finished default run.

    python -m bench.watch --results results            # a minute, with the trained models
    python -m bench.watch --long                       # an hour: memory of the film and the page
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np
import pandas as pd

from lfb.data.detector_csv import write_detections
from lfb.data.proposals import read_proposals

WIDTH, HEIGHT, RATE = 640, 360, 25
SOUND = 48_000
OF_VIDEO = 15  # seconds of each video of the demo, from its 5th second on
CONFIG = """base: {base}
pathvars: {{results: {folder}/results, logs: {folder}/logs, benchmarks: {folder}/benchmarks}}
demo: null
data:
  videos: {demo}/videos
  labels: {demo}/labels.pbtxt
  train: null
  val: {{annotations: {demo}/val.csv, excluded: null, proposals: {demo}/val_proposals.pkl}}
models:
{models}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results"), help="of a default run")
    parser.add_argument("--resources", type=Path, default=Path("resources"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--long", action="store_true", help="measure the memory of long films")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.long:
            for seconds in 60, 600, 3600:
                _measure_memory(folder, seconds)
        else:
            _watch(folder, arguments.results, arguments.resources, arguments.seconds)


def _watch(folder: Path, results: Path, resources: Path, seconds: int) -> None:
    """Watch a film with the models of a default run."""
    demo = resources / "demo"
    videos = sorted((demo / "videos").glob("val_*.mp4"))
    film, boxes = folder / "film.mp4", folder / "boxes.csv"
    _write_film(film, (frame for video in cycle(videos) for frame in _frames(video)), seconds)
    people = read_proposals(demo / "val_proposals.pkl").checked()
    rows = people.index.multi_index().repeat(people.index.count).to_frame(index=False)
    rows[["x1", "y1", "x2", "y2"]] = people.boxes.astype(float)
    rows["score"] = people.scores.astype(float)
    parts = []
    for number in range(seconds // OF_VIDEO + 1):
        own = rows[rows["video"] == videos[number % len(videos)].stem]
        moved = own["second"] - 5 + number * OF_VIDEO
        parts.append(own.assign(video="film", second=moved))
    table = pd.concat(parts)
    write_detections(boxes, table[table["second"] < seconds])
    models = [path.parent for path in sorted(results.glob("seed-0/*/checkpoint.safetensors"))]
    lines = [
        f"  {model.name}: {{checkpoint: {(model / 'checkpoint.safetensors').resolve()}}}"
        for model in models
    ]
    config = folder / "watch.yaml"
    base = Path("config/config.yaml").resolve()
    settings = {"base": base, "folder": folder, "demo": demo.resolve()}
    config.write_text(CONFIG.format(**settings, models="\n".join(lines)))
    command = ["snakemake", "--cores", "2", "watch", "--configfile", str(config), "--config"]
    begin = time.perf_counter()
    subprocess.run([*command, f"watch={{videos: {film}, detections: {boxes}}}"], check=True)
    wall = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{seconds} s of film, {len(models)} models: {wall:.0f} s")
    print(f"{used.ru_utime + used.ru_stime:.0f} s of CPU, {used.ru_maxrss / 1e6:.2f} GB at most")


def _frames(video: Path) -> Iterator[np.ndarray]:
    """Yield the pictures of a video of the demo that the data set uses, at RATE."""
    with av.open(str(video)) as container:
        pictures = [frame for frame in container.decode(video=0) if frame.time >= 5]
    shown = [frame.reformat(WIDTH, HEIGHT, "rgb24").to_ndarray() for frame in pictures]
    for number in range(OF_VIDEO * RATE):
        yield shown[min(len(shown) - 1, number * len(shown) // (OF_VIDEO * RATE))]


def _write_film(path: Path, pictures: Iterator[np.ndarray], seconds: int) -> None:
    tone = (3000 * np.sin(np.arange(SOUND) * 2 * np.pi * 440 / SOUND)).astype(np.int16)[None]
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = file.add_stream("aac", rate=SOUND, layout="mono")
        for number, picture in enumerate(islice(pictures, seconds * RATE)):
            if number % RATE == 0:
                part = av.AudioFrame.from_ndarray(tone, "s16", "mono")
                part.rate, part.pts = SOUND, number // RATE * SOUND
                part.time_base = Fraction(1, SOUND)
                file.mux(sound.encode(part))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(stream.encode())
        file.mux(sound.encode())


def _measure_memory(folder: Path, seconds: int) -> None:
    """Write a long film with scores of no model, in a process of its own."""
    film = folder / f"{seconds}.mp4"
    colours = np.random.default_rng(0).integers(0, 256, (5, HEIGHT // 40, WIDTH // 40, 3), np.uint8)
    pictures = colours.repeat(RATE, 0).repeat(40, 1).repeat(40, 2)  # squares, new every second
    _write_film(film, cycle(pictures), seconds)
    script = f"from bench.watch import _short_circuit; _short_circuit({str(film)!r}, {seconds})"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    wall = time.perf_counter() - begin
    peak = float(done.stdout.split()[-1])
    print(f"{seconds} s of film: written in {wall:.0f} s, {peak:.0f} MB at most", flush=True)
    film.unlink()


def _short_circuit(film: str, seconds: int) -> None:
    """Write a film with three people each second and four lines each, and print the peak memory."""
    from lfb.video.film import Footage, write_film
    from lfb.video.overlays import Line, Overlay

    random = np.random.default_rng(0)
    overlays = [
        Overlay(
            second,
            person,
            np.array([0.3 * person, 0.2, 0.3 * person + 0.25, 0.9]),
            tuple(Line(f"action {i} {random.random():.2f}") for i in range(4)),
        )
        for second in range(seconds)
        for person in range(3)
    ]
    write_film(Footage.of_video(film), f"{film}.out.mp4", overlays, threads=2)
    Path(f"{film}.out.mp4").unlink()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


if __name__ == "__main__":
    main()
