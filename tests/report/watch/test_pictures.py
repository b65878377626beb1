"""Tests of lfb.report.watch.pictures."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from lfb.files.atomic import write_json
from lfb.report.watch.pictures import HEIGHT, WIDEST, cut_outs
from lfb.video.extraction import extract_all
from lfb.video.frames import Manifest
from tests.films import make_film


def test_people_are_cut_out_of_the_frame_of_their_second(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", times=np.arange(30) / 10, sound=None)
    content = extract_all({"a": film}, tmp_path, fps=10, first_second=0, start=0, seconds=None)
    write_json(tmp_path / "manifest.json", {"folder": str(tmp_path), "pattern": None, **content})
    places = [
        (0, np.array([0.0, 0.0, 0.4, 1.0])),  # the white half
        (1, np.array([0.6, 0.0, 1.0, 1.0])),
        (2, np.array([0.6, 0.1, 1.0, 0.9])),
        (2, np.array([0.0, 0.5, 1.0, 0.6])),  # wide
        (2, np.array([0.7, 0.7, 0.7, 0.7])),  # nothing
    ]
    found = []
    for picture in cut_outs(Manifest(tmp_path / "manifest.json"), "a", places):
        with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
            found.append(np.asarray(image.convert("L"), int))
    assert [round(float(np.median(pixels)), -1) for pixels in found[:3]] == [260, 100, 140]
    assert [pixels.shape[0] for pixels in found[:3]] == [HEIGHT] * 3
    assert found[3].shape[1] == WIDEST
    assert found[4].size > 0
