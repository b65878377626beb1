"""Tests of lfb.video.drawing."""

import numpy as np

from lfb.video.drawing import Pen, Picture
from lfb.video.overlays import Line, Overlay

BOX = np.array([0.25, 0.5, 0.5, 0.75])


def grey(width: int = 640, height: int = 360) -> Picture:
    return Picture(np.full((height * 3 // 2, width), 128, np.uint8))


def drawn(*overlays: Overlay, width: int = 640, height: int = 360) -> np.ndarray:
    """Return the luma of a grey picture with overlays."""
    picture = grey(width, height)
    Pen(width, height).draw(picture, [(overlay.box, overlay) for overlay in overlays])
    return picture.views()[0]


def test_a_box_is_drawn_around_its_inside_and_nowhere_else() -> None:
    changed = drawn(Overlay(0, None, BOX)) != 128
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert (columns[0], columns[-1] + 1) == (160 - 2, 320 + 2)
    assert (rows[0], rows[-1] + 1) == (180 - 2, 270 + 2)
    assert not changed[184:266, 164:316].any()


def test_boxes_at_the_edges_stay_in_the_picture() -> None:
    for box in ([0, 0, 1, 1], [0.999, 0.999, 1, 1], [0.5, 0.5, 0.5, 0.5]):
        person = Overlay(0, 3, np.array(box), (Line("a long line of text", new=True),) * 3)
        for size in ((640, 360), (360, 640), (36, 24)):
            assert drawn(person, width=size[0], height=size[1]).shape == size[::-1]


def test_the_text_stands_above_the_box_or_inside_at_the_bottom() -> None:
    lines = (Line("stand 0.92"), Line("talk to (e.g., self, a person) 0.51"))
    plain = drawn(Overlay(0, None, BOX))
    rows = np.flatnonzero((drawn(Overlay(0, None, BOX, lines)) != plain).any(1))
    assert 140 < rows[0] < rows[-1] < 180
    high = np.array([0.25, 0.01, 0.5, 0.75])
    text = drawn(Overlay(0, 1, high, lines))[200:268, 168:312]
    assert (text != 128).any()


def test_texts_do_not_cover_each_other() -> None:
    lines = (Line("stand 0.92"), Line("listen 0.66"))
    one, other = Overlay(0, 1, BOX, lines), Overlay(0, 2, BOX, lines)
    bright = [(drawn(*people) > 200).sum() for people in ((one,), (other,), (one, other))]
    assert bright[2] >= 0.9 * (bright[0] + bright[1] - (drawn(other) > 200)[176:].sum())


def test_text_is_larger_in_a_larger_picture_and_new_lines_stand_out() -> None:
    def pixels(height: int, new: bool = False) -> int:
        width = height * 16 // 9
        text = drawn(Overlay(0, None, BOX, (Line("stand", new),)), width=width, height=height)
        return int((text[: height // 2 - 4] > 150).sum())

    assert pixels(1080) > 4 * pixels(360) > 0
    assert pixels(360, new=True) != pixels(360)


def test_colours_of_people_differ() -> None:
    chroma = set()
    for person in range(8):
        picture = grey()
        Pen(640, 360).draw(picture, [(BOX, Overlay(0, person, BOX))])
        _, u, v = picture.views()
        chroma.add((u[110, 80], v[110, 80]))
    assert len(chroma) == 8
