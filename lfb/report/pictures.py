"""Images of keyframes and of people, small enough for a page."""

import io
import math

import numpy as np
from PIL import Image

from lfb.report.formats import data_uri
from lfb.video.frames import Manifest

LARGEST = 800  # pixels of a frame's longer side
PERSON_HEIGHT = 104  # of the image of one person, pixels


def keyframe_image(
    manifest: Manifest, video: str, second: int, largest: int = LARGEST
) -> Image.Image:
    """Return the frame of a keyframe, with at most ``largest`` pixels a side."""
    frames = manifest.open(video)
    number = frames.info.number(second)
    opened = Image.open(io.BytesIO(frames.read(number)))
    opened.draft("RGB", (largest, largest))  # a large JPEG is decoded at a fraction of its size
    image = opened.convert("RGB")
    image.thumbnail((largest, largest))
    return image


def person_image(manifest: Manifest, video: str, second: int, box: np.ndarray) -> Image.Image:
    """Return the inside of a box (4,) in fractions of the frame, ``PERSON_HEIGHT`` pixels high."""
    image = keyframe_image(manifest, video, second)
    x1, y1, x2, y2 = box * np.array([image.width, image.height] * 2)
    person = image.crop((math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)))
    width = max(1, round(person.width * PERSON_HEIGHT / person.height))
    smooth = person.height > PERSON_HEIGHT / 2  # smaller ones keep their pixels visible
    method = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    return person.resize((width, PERSON_HEIGHT), method)


def jpeg_uri(image: Image.Image, quality: int = 92) -> str:
    """Return an image as the address of a JPEG that needs no file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=0)
    return data_uri(buffer.getvalue(), "image/jpeg")
