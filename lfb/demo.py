"""The built-in data set: a game of "Simon says" in AVA's format, made from a seed.

Every video shows three people; one wears a hat and leads. Some seconds tell: the leader waves
(an order to jump) or cheers (an order to squat); another person may make the other gesture, which
is only a call and orders nothing; somebody may fall. These cues stand at one end of the video.
Then everybody sits for a while, so that no cue is within five seconds of what follows. For the
rest of the video people stand, walk, jump and squat, and what that *means* cannot be seen in a
clip, only remembered:

    jump, squat    obey or defy       the leader's order, not the other person's gesture
    stand          worry or relax     whether somebody falls
    walk           follow or wander   whether somebody without a hat calls

The files are what AVA's are: mp4 videos, csv annotations, a label list, excluded seconds and
proposals with scores, jitter, misses and false boxes.
"""

import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from lfb.annotations import (
    write_annotations,
    write_excluded,
    write_labels,
    write_proposals,
)

VISIBLE = ("stand", "walk", "jump", "squat", "sit", "wave", "cheer", "fall", "lead")
LONG_RANGE = ("obey", "defy", "worry", "relax", "follow", "wander")
ACTIONS = {name: number for number, name in enumerate(VISIBLE + LONG_RANGE, start=1)}

SIZE = 64  # pixels, both ways
PEOPLE = 3
CUES = 4  # seconds in which the cues are given
PAUSE = 4  # seconds of sitting between the cues and the rest
GESTURES = {"jump": "wave", "squat": "cheer"}  # how the leader orders it


@dataclass(frozen=True)
class Scene:
    """What happens in one video: who does what in each second, and what it means."""

    poses: list[list[str]]  # [second][person]
    actions: list[list[tuple[str, ...]]]  # [second][person], the pose first
    leader: int


def write_scene(seconds: int, rng: np.random.Generator) -> Scene:
    """Draws the course of one video of ``seconds`` s."""
    leader = int(rng.integers(PEOPLE))
    others = [person for person in range(PEOPLE) if person != leader]
    order = str(rng.choice(["jump", "squat"]))
    call = bool(rng.integers(2))
    fall = bool(rng.integers(2))

    poses = [["sit"] * PEOPLE for _ in range(seconds)]
    caller, victim = rng.permutation(others)
    for second in range(CUES):
        poses[second][leader] = GESTURES[order]
        if call:
            poses[second][caller] = GESTURES["squat" if order == "jump" else "jump"]
        if fall:
            poses[second][victim] = "fall"
    for person in range(PEOPLE):
        second = CUES + PAUSE
        while second < seconds:
            pose = str(rng.choice(["stand", "walk", "jump", "squat"]))
            for _ in range(int(rng.integers(2, 4))):
                if second < seconds:
                    poses[second][person] = pose
                    second += 1
    if rng.integers(2):  # half the videos tell the reason only afterwards
        poses.reverse()

    meaning = {
        "stand": "worry" if fall else "relax",
        "walk": "follow" if call else "wander",
        "jump": "obey" if order == "jump" else "defy",
        "squat": "obey" if order == "squat" else "defy",
    }
    actions = []
    for row in poses:
        actions.append([])
        for person, pose in enumerate(row):
            names = [pose]
            if pose in meaning:
                names.append(meaning[pose])
            if person == leader:
                names.append("lead")
            actions[-1].append(tuple(names))
    return Scene(poses, actions, leader)


class Stage:
    """Draws the people of one video, each in their own lane."""

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
        """The picture at ``time`` s after the scene's start; outside it people stand."""
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
        """(4,) the person's box, of the picture's size 1."""
        shapes = [point for _, shape, _, _ in self._figure(person, time) for point in shape]
        points = np.array(shapes)
        low, high = points.min(0) - 1.5, points.max(0) + 1.5
        return (np.concatenate([low, high]) / SIZE).clip(0, 1).astype(np.float32)

    def _figure(self, person: int, time: float) -> list:
        """Shapes (kind, points, colour, line width) of one person, in pixels."""
        second = math.floor(time)
        inside = 0 <= second < len(self.scene.poses)
        pose = self.scene.poses[second][person] if inside else "stand"
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
        elif pose == "squat":
            bend = 0.55 + 0.35 * math.sin(beat)
            arms = [1.6, 1.4]
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
