"""Cut the people of a film out of its frames."""

import base64
import io
import math
from collections.abc import Iterable

import numpy as np
from PIL import Image

from lfb.program import progress
from lfb.report.pictures import keyframe_image
from lfb.video.frames import Manifest

HEIGHT = 96  # of a picture, pixels
WIDEST = 160
QUALITY = 75
LARGEST = 640  # pixels of the longer side of the frame that it is cut from


def cut_outs(manifest: Manifest, video: str, places: Iterable[tuple[int, np.ndarray]]) -> list[str]:
    """Return a JPEG as base64 for each place of a film; one frame is in memory at a time.

    Args:
        manifest: Of the frames.
        video: Name of the film.
        places: Seconds and boxes (4,), sorted by second.
    """
    wanted = list(places)
    pictures: list[str] = []
    last, image = None, None
    for second, box in progress(wanted, "cutting people out", len(wanted)):
        if image is None or second != last:
            last, image = second, keyframe_image(manifest, video, second, LARGEST)
        pictures.append(_cut(image, box))
    return pictures


def _cut(image: Image.Image, box: np.ndarray) -> str:
    x1, y1, x2, y2 = box * np.array([image.width, image.height] * 2)
    left, top = math.floor(x1), math.floor(y1)
    part = image.crop((left, top, max(left + 1, math.ceil(x2)), max(top + 1, math.ceil(y2))))
    scale = min(HEIGHT / part.height, WIDEST / part.width)
    size = max(1, round(part.width * scale)), max(1, round(part.height * scale))
    method = Image.Resampling.LANCZOS if scale < 2 else Image.Resampling.NEAREST
    buffer = io.BytesIO()
    part.resize(size, method).save(buffer, "JPEG", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()
