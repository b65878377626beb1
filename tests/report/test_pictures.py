import base64
import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lfb.files.atomic import write_json
from lfb.report.pictures import LARGEST, PERSON_HEIGHT, jpeg_uri, keyframe_image, person_image
from lfb.video.frames import FrameInfo, Manifest


def manifest(folder: Path, image: Image.Image) -> Manifest:
    """Return frames of one video of one second, all the same image."""
    info = FrameInfo(2, 7, 2, image.width, image.height)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    with zipfile.ZipFile(folder / "video.zip", "w") as zipped:
        for number in (1, 2):
            zipped.writestr(f"{number:06d}.jpg", buffer.getvalue())
        zipped.writestr("info.json", json.dumps(asdict(info)))
    about = {"frames": 2, "fps": 2, "first_second": 7, "digest": ""}
    about |= {"width": image.width, "height": image.height}
    write_json(
        folder / "manifest.json",
        {"folder": str(folder), "pattern": None, "videos": {"video": about}},
    )
    return Manifest(folder / "manifest.json")


@pytest.mark.parametrize(
    ("size", "shown"), [((32, 24), (32, 24)), ((1600, 800), (LARGEST, LARGEST // 2))]
)
def test_large_frames_are_made_smaller(
    tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert keyframe_image(manifest(tmp_path, Image.new("RGB", size)), "video", 7).size == shown


def test_a_person_is_cut_out_at_one_height(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), "red")
    image.paste("blue", (10, 5, 30, 15))
    frames = manifest(tmp_path, image)
    person = person_image(frames, "video", 7, np.array([0.25, 0.25, 0.75, 0.75], np.float32))
    assert person.size == (2 * PERSON_HEIGHT, PERSON_HEIGHT)
    assert person.getcolors() == [(2 * PERSON_HEIGHT**2, (0, 0, 255))]
    beside = person_image(frames, "video", 7, np.array([0, 0, 0.24, 1], np.float32))
    assert beside.getcolors() == [(beside.width * PERSON_HEIGHT, (255, 0, 0))]


def test_an_image_becomes_a_jpeg() -> None:
    head, content = jpeg_uri(Image.new("RGB", (8, 6))).split(",")
    assert head == "data:image/jpeg;base64"
    image = Image.open(io.BytesIO(base64.b64decode(content)))
    assert (image.format, image.size) == ("JPEG", (8, 6))
