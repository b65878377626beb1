"""A page with a still of each keyframe of one video, with boxes and what is known of each."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from lfb.files.atomic import atomic
from lfb.report.pictures import jpeg_uri
from lfb.report.templates import templates
from lfb.video.drawing import Pen, Picture, colour_of
from lfb.video.frames import FrameFolder, FrameZip
from lfb.video.overlays import Overlay

SHORT_SIDE = 240  # of a still, pixels
QUALITY = 75  # a film of AVA has 900 stills


@dataclass(frozen=True)
class Still:
    """A keyframe on the page.

    Attributes:
        second: Its second.
        image: Address of the picture.
        width: Of the picture, pixels.
        people: Colour, number ("" if unknown) and text of each box.
    """

    second: int
    image: str
    width: int
    people: list[tuple[str, str, str]]


def write_stills(
    path: str | Path,
    frames: FrameZip | FrameFolder,
    overlays: Sequence[Overlay],
    *,
    title: str,
    about: str,
) -> None:
    """Write the page, which needs no other file.

    Args:
        path: HTML file to write.
        frames: Of the video.
        overlays: Their times are seconds of the annotations.
        title: Heading of the page.
        about: What the page shows, in a sentence.
    """
    seconds = sorted({int(overlay.time) for overlay in overlays})
    of_second: dict[int, list[Overlay]] = {second: [] for second in seconds}
    for overlay in overlays:
        of_second[int(overlay.time)].append(overlay)
    stills = [_still(frames, second, shown) for second, shown in of_second.items()]
    page = templates().get_template("stills.html.j2")
    with atomic(path) as scratch:
        text = page.render(title=title, about=about, stills=stills)
        scratch.write_text(f"{text}\n", encoding="utf-8")


def _still(frames: FrameZip | FrameFolder, second: int, shown: list[Overlay]) -> Still:
    with Image.open(io.BytesIO(frames.read(frames.info.number(second)))) as opened:
        image = _scaled(opened.convert("RGB"))
    planes = av.VideoFrame.from_image(image).reformat(format="yuv420p").to_ndarray()
    picture = Picture(np.ascontiguousarray(planes))
    numbered = [Overlay(o.time, o.person, o.box) for o in shown]  # the text stands below
    Pen(image.width, image.height).draw(picture, [(o.box, o) for o in numbered])
    drawn = av.VideoFrame.from_ndarray(picture.planes, "yuv420p").to_image()
    people = [
        (
            colour_of(overlay.person),
            "" if overlay.person is None else str(overlay.person),
            ", ".join(line.text for line in overlay.lines),
        )
        for overlay in shown
    ]
    return Still(second, jpeg_uri(drawn, QUALITY), image.width, people)


def _scaled(image: Image.Image) -> Image.Image:
    """Return an image of even width and height whose short side is ``SHORT_SIDE``."""
    scale = SHORT_SIDE / min(image.size)
    width, height = (max(2, round(side * scale / 2) * 2) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)
