"""Tests of lfb.report.stills."""

import base64
import io
import re

import numpy as np
from PIL import Image

from lfb.report.stills import SHORT_SIDE, write_stills
from lfb.video.drawing import colour_of
from lfb.video.overlays import Line, Overlay
from tests.pictures import Film

BOX = np.array([0.1, 0.3, 0.5, 0.8])


def coloured(image):
    """Return (H, W) bool, the pixels of a base64 JPEG that are not grey."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image))), int)
    return pixels.max(2) - pixels.min(2) > 60


def test_the_page_has_a_still_with_boxes_of_each_second(tmp_path):
    path = tmp_path / "page.html"
    overlays = [
        Overlay(903, None, BOX, (Line("0.42"),)),
        Overlay(901, 3, BOX, (Line("<i>sit</i>"), Line("stand"))),
    ]
    write_stills(path, Film("a", 33, 21), overlays, title="a & b", about="Boxes.")
    page = path.read_text()
    assert "<h1>a &amp; b</h1>" in page
    assert re.findall(r'<figure id="second-(\d+)"', page) == ["901", "903"]
    assert ">3</span>&lt;i&gt;sit&lt;/i&gt;, stand</li>" in page
    assert f'"background: {colour_of(None)}"></span>0.42</li>' in page
    first, second = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert not coloured(second).any()  # the film has no colour, nor has a box without a number
    drawn = coloured(first)
    height, width = drawn.shape
    assert min(height, width) == SHORT_SIDE
    rows, columns = np.nonzero(drawn)
    assert abs(columns.min() - 0.1 * width) <= 4
    assert abs(columns.max() - 0.5 * width) <= 4
    assert abs(rows.max() - 0.8 * height) <= 4
    assert not drawn[round(0.6 * height), round(0.2 * width) : round(0.4 * width)].any()
    assert "http" not in page.replace("http://www.w3.org", "")


def test_a_video_without_boxes_has_a_page_that_says_so(tmp_path):
    write_stills(tmp_path / "page.html", Film("a"), [], title="a", about="Boxes.")
    assert "There is no box on any second of this video." in (tmp_path / "page.html").read_text()
