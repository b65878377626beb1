"""The built-in data set: a game of "Simon says" in AVA's format, generated from a seed.

Every video shows three people. The one with a hat is the leader. First come the cues: one person
waves, another may cheer, the third may fall. Then all sit for a while, so that no cue is within
five seconds of the rest. In the rest of the video people stand, walk and jump. The meaning of these
poses does not show in a clip. It depends on the cues, so a model needs the bank:

    stand    worry or relax      someone fell, or no one did
    walk     follow or wander    someone cheered, or no one did
    jump     obey or rebel       the leader waved, or someone else did

Half the videos run backwards: their cues are at the end.

The files have AVA's formats: mp4 videos, csv annotations, a label list, excluded seconds, and
proposals with scores, jitter, missing people and false boxes.
"""

import math
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from lfb.data.annotations import write_annotations, write_excluded, write_labels
from lfb.data.boxes import PersonBoxes
from lfb.data.proposals import write_proposals
from lfb.files.atomic import atomic
from lfb.files.csv_table import BOX
from lfb.processes import die_with_parent
from lfb.randomness import generator

VISIBLE = ("stand", "walk", "jump", "sit", "wave", "cheer", "fall", "lead")
LONG_RANGE = ("worry", "relax", "follow", "wander", "obey", "rebel")
ACTIONS = {name: number for number, name in enumerate(VISIBLE + LONG_RANGE, start=1)}

SIZE = 64  # width and height in pixels
PEOPLE = 3
CUES = 4  # seconds of cues
PAUSE = 4  # seconds of sitting between the cues and the rest

MISSED = 0.03  # people without a proposal
FALSE_BOXES = 0.1  # keyframes with a proposal on no one
JITTER = 0.02  # of a proposal's sides, in box sizes


@dataclass(frozen=True)
class Scene:
    """What happens in one video: the poses of each person, and the actions of the annotations."""

    poses: list[list[str]]  # [second][person]
    actions: list[list[tuple[str, ...]]]  # [second][person], the pose first
    leader: int


def write_scene(number: int, seconds: int, rng: np.random.Generator) -> Scene:
    """Return a random scene of ``seconds`` s. The bits of ``number`` say which cues it has."""
    fall, cheer, order = (bool(number >> bit & 1) for bit in range(3))
    leader, first, second = (int(person) for person in rng.permutation(PEOPLE))

    poses = [["sit"] * PEOPLE for _ in range(seconds)]
    for moment in range(CUES):
        poses[moment][leader if order else first] = "wave"
        if cheer:
            poses[moment][first if order else leader] = "cheer"
        if fall:
            poses[moment][second] = "fall"
    for person in range(PEOPLE):
        moment = CUES + PAUSE
        while moment < seconds:
            pose = str(rng.choice(["stand", "walk", "jump"]))
            for _ in range(int(rng.integers(1, 4))):
                if moment < seconds:
                    poses[moment][person] = pose
                    moment += 1
    if rng.integers(2):  # half the videos have the cues at the end
        poses.reverse()

    meaning = {
        "stand": "worry" if fall else "relax",
        "walk": "follow" if cheer else "wander",
        "jump": "obey" if order else "rebel",
    }
    actions = [
        [
            (
                pose,
                *([meaning[pose]] if pose in meaning else []),
                *(["lead"] if p == leader else []),
            )
            for p, pose in enumerate(row)
        ]
        for row in poses
    ]
    return Scene(poses, actions, leader)


class Stage:
    """Draws the people of one video, each in a separate lane."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene = scene
        self.shirts = [tuple(rng.integers(60, 256, 3).tolist()) for _ in range(PEOPLE)]
        self.phases = rng.uniform(0, 1, PEOPLE)
        lane = SIZE / PEOPLE
        self.lanes = [lane * (person + 0.5) + rng.uniform(-2, 2) for person in range(PEOPLE)]
        self.heights = rng.uniform(30, 38, PEOPLE)
        self.ground = rng.uniform(52, 60, PEOPLE)
        shade = np.linspace(0, rng.uniform(-40, 40), SIZE)[:, None, None]
        noise = rng.normal(0, 6, (SIZE, SIZE, 3))
        scenery = rng.uniform(20, 130, 3) + shade + noise
        self.scenery = Image.fromarray(scenery.clip(0, 255).astype(np.uint8)).resize(
            (SIZE * 2, SIZE * 2)
        )

    def draw(self, time: float) -> Image.Image:
        """Return the picture at ``time`` s. Keyframes are in the middle of a second, as in AVA."""
        image = self.scenery.copy()
        canvas = ImageDraw.Draw(image)
        for person in range(PEOPLE):
            for kind, shape, colour, width in self._figure(person, time):
                points = [(2 * x, 2 * y) for x, y in shape]
                if kind == "line":
                    canvas.line(points, colour, round(2 * width), joint="curve")
                else:
                    canvas.ellipse(points, colour)
        return image.reduce(2)

    def box(self, person: int, time: float) -> np.ndarray:
        """Return the person's box (4,), in fractions of the picture."""
        shapes = [point for _, shape, _, _ in self._figure(person, time) for point in shape]
        points = np.array(shapes)
        low, high = points.min(0) - 1.5, points.max(0) + 1.5
        return (np.concatenate([low, high]) / SIZE).clip(0, 1).astype(np.float32)

    def _figure(self, person: int, time: float) -> list:
        """Return the shapes (kind, points, colour, line width) of one person, in pixels."""
        moment = min(max(math.floor(time + 0.5), 0), len(self.scene.poses) - 1)
        pose = self.scene.poses[moment][person]
        beat = 2 * math.pi * (time * 1.5 + self.phases[person])
        x, ground, height = self.lanes[person], self.ground[person], self.heights[person]
        leg, torso, arm, head = height * 0.45, height * 0.35, height * 0.32, height * 0.1
        lift, bend, stride = 0.0, 0.0, 0.12
        arms = [2.8, -2.8]  # angle from straight up
        lean = 0.0
        if pose == "walk":
            x += 5 * math.sin(beat / 3)
            stride = 0.5 * math.sin(beat * 1.5)
            arms = [math.pi - stride, math.pi + stride]
        elif pose == "jump":
            lift = 9 * abs(math.sin(beat))
            arms = [2.0, -2.0]
        elif pose == "sit":
            bend, stride = 0.9, 0.7
        elif pose == "wave":
            arms[0] = 0.5 + 0.6 * math.sin(beat * 1.5)
        elif pose == "cheer":
            swing = 0.4 * math.sin(beat * 1.5)
            arms = [0.5 + swing, -0.5 - swing]
        elif pose == "fall":
            lean = 1.45
        shirt, skin, trousers = self.shirts[person], (235, 190, 160), (30, 30, 40)

        hip = np.array([x, ground - leg * (1 - 0.75 * bend) - lift])
        if pose == "fall":
            hip = np.array([x - 5, ground - 3])
        up = np.array([math.sin(lean), -math.cos(lean)])
        neck = hip + torso * up
        top = neck + 1.2 * head * up
        shapes = []
        for side in (-1, 1):
            if pose == "fall":
                foot = hip - 0.5 * leg * up + np.array([0, side])
            else:
                foot = hip + np.array(
                    [side * leg * stride, math.sqrt(max(0.0, 1 - stride**2)) * leg]
                )
                foot[1] = min(foot[1], ground - lift)
            knee = (hip + foot) / 2 + np.array([side * bend * leg * 0.45, 0])
            shapes.append(("line", [tuple(hip), tuple(knee), tuple(foot)], trousers, 2.5))
        shapes.append(("line", [tuple(hip), tuple(neck)], shirt, 5))
        for angle in arms:
            shoulder = neck + 0.1 * torso * -up
            hand = shoulder + arm * np.array([math.sin(angle + lean), -math.cos(angle + lean)])
            shapes.append(("line", [tuple(shoulder), tuple(hand)], shirt, 2.5))
        shapes.append(("ellipse", [tuple(top - head), tuple(top + head)], skin, 0))
        if person == self.scene.leader:
            brim = top + 0.7 * head * up
            across = np.array([-up[1], up[0]])
            shapes.append(
                (
                    "line",
                    [tuple(brim - 1.6 * head * across), tuple(brim + 1.6 * head * across)],
                    (250, 230, 40),
                    2,
                )
            )
            shapes.append(("line", [tuple(brim), tuple(brim + 1.3 * head * up)], (250, 230, 40), 5))
        return shapes


def write_demo(
    videos: str | Path,
    labels: str | Path,
    splits: dict[str, tuple[int, dict[str, str | Path]]],
    *,
    seconds: int,
    first_second: int,
    fps: int,
    seed: int,
    processes: int = 1,
) -> None:
    """Write the whole data set.

    Args:
        videos: Folder for the mp4 files.
        labels: Label list to write.
        splits: For ``train`` and ``val`` the number of videos, and the files to write:
            ``annotations``, ``excluded`` and ``proposals``.
        seconds: Annotated seconds of each video, from ``first_second`` + 1 on.
        first_second: Second of each video file that the annotations count from.
        fps: Frames per second.
        seed: Seed of all draws.
        processes: Number of processes that write videos.
    """
    write_labels(labels, {number: name for name, number in ACTIONS.items()})
    film = partial(
        _film, folder=Path(videos), seconds=seconds, first_second=first_second, fps=fps, seed=seed
    )
    Path(videos).mkdir(parents=True, exist_ok=True)
    context = get_context("forkserver")
    with ProcessPoolExecutor(processes, context, initializer=die_with_parent) as pool:
        for split, (count, files) in splits.items():
            rows: list[tuple] = []
            detections: list[tuple] = []
            for truth, found in pool.map(film, [split] * count, range(count), chunksize=4):
                rows += truth
                detections += found
            columns = ["video", "second", *BOX, "action", "person"]
            write_annotations(files["annotations"], pd.DataFrame(rows, columns=columns))
            video, second, boxes, scores = zip(*detections, strict=True)
            write_proposals(
                files["proposals"],
                PersonBoxes.from_rows(video, second, np.stack(boxes), np.array(scores)),
            )
            random = generator("demo excluded", seed, split)
            keyframes = sorted({(row[0], row[1]) for row in rows})
            out = random.choice(len(keyframes), max(1, len(keyframes) // 100), replace=False)
            write_excluded(files["excluded"], {keyframes[i] for i in out})


def _film(
    split: str,
    number: int,
    *,
    folder: Path,
    seconds: int,
    first_second: int,
    fps: int,
    seed: int,
) -> tuple[list[tuple], list[tuple]]:
    """Write one video; return its annotation rows and its proposals."""
    random = generator("demo video", seed, split, number)
    scene = write_scene(number, seconds, random)
    stage = Stage(scene, random)
    name = f"{split}_{number:03d}"
    length = first_second + seconds + 2
    pictures = (stage.draw(frame / fps - first_second - 1) for frame in range(length * fps))
    _encode(folder / f"{name}.mp4", pictures, fps)

    truth: list[tuple] = []
    found: list[tuple] = []
    for moment in range(seconds):
        second = first_second + 1 + moment
        for person in range(PEOPLE):
            box = stage.box(person, moment)
            for action in scene.actions[moment][person]:
                truth.append((name, second, *box.tolist(), ACTIONS[action], person))
            if random.random() > MISSED:
                found.append((name, second, _jitter(box, random), _score(random)))
        if random.random() < FALSE_BOXES:
            low = random.uniform(0, 0.6, 2)
            box = np.concatenate([low, low + random.uniform(0.1, 0.4, 2)])
            found.append((name, second, box.astype(np.float32), random.uniform(0.3, 0.95)))
        if not found or found[-1][:2] != (name, second):  # each keyframe has a proposal
            found.append((name, second, np.array([0, 0, 1, 1], np.float32), 0.5))
    return truth, found


def _jitter(box: np.ndarray, random: np.random.Generator) -> np.ndarray:
    size = np.tile(box[2:] - box[:2], 2)
    return (box + random.normal(0, JITTER, 4) * size).clip(0, 1).astype(np.float32)


def _score(random: np.random.Generator) -> float:
    return float(random.beta(40, 1.2))


def _encode(path: Path, pictures: Iterable[Image.Image], fps: int) -> None:
    """Write an mp4. One thread, so that the same pictures give the same bytes."""
    import av
    from av.video.reformatter import VideoReformatter

    reformatter = VideoReformatter()
    with atomic(path) as scratch, av.open(str(scratch), "w", format="mp4") as container:
        options = {"crf": "18", "preset": "veryfast", "tune": "zerolatency", "threads": "1"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            container.mux(stream.encode(reformatter.reformat(frame, format="yuv420p")))
        container.mux(stream.encode(None))
