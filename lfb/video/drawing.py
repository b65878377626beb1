"""Draw boxes and text into the planes of YUV 4:2:0 pictures."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from lfb.video.overlays import Line, Overlay

# Okabe and Ito, 2008, without the dark ones: colours that colour-blind readers can tell apart.
COLOURS = ("#56b4e9", "#e69f00", "#00b386", "#f0e442", "#cc79a7", "#ff7a33", "#9ecae1", "#b8e186")
UNKNOWN = "#c9ced6"  # of a box without a number
BACKGROUND = (17, 21, 26, 190)
TEXT, NEW = "#ffffff", "#ffd33d"
_LINES_OF_TEXT = 30  # that fit below each other into the short side of a picture
_SMALLEST = 12  # pixels, of text


@dataclass(frozen=True, eq=False)
class Picture:
    """The planes of a picture with an even number of rows and columns, (H, W) and 2 x (H/2, W/2).

    Attributes:
        planes: (3 H / 2, W) uint8: Y, then U, then V, as PyAV takes them.
    """

    planes: np.ndarray

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.planes.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.planes.shape[0]) * 2 // 3

    def views(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return Y, U and V as views that can be written to."""
        height, half = self.height, (2, self.height // 2, self.width // 2)
        u, v = self.planes[height:].reshape(half)
        return self.planes[:height], u, v


class Pen:
    """Draws the overlays of pictures of one size. Texts are drawn once and kept.

    Args:
        width: Of the pictures, pixels.
        height: Of the pictures, pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        short = min(width, height)
        self._thickness = 2 * max(1, round(short / 480))
        self._font = _font(max(_SMALLEST, round(short / _LINES_OF_TEXT)))
        self._stamp = lru_cache(maxsize=256)(self._new_stamp)

    def draw(self, picture: Picture, shown: list[tuple[np.ndarray, Overlay]]) -> None:
        """Draw boxes, then texts, so that no box crosses a text.

        A text stands above its box, or inside at the bottom if there is no room: faces stay free.

        Args:
            picture: It changes.
            shown: What ``Timeline.at`` returns.
        """
        size = np.array([picture.width, picture.height] * 2)
        corners = [np.rint(np.clip(box, 0, 1) * size / 2).astype(int) * 2 for box, _ in shown]
        for box, (_, overlay) in zip(corners, shown, strict=True):
            self._draw_box(picture, box, colour_of(overlay.person))
        taken: list[tuple[int, int, int, int]] = []
        for box, (_, overlay) in zip(corners, shown, strict=True):
            if overlay.person is None and not overlay.lines:
                continue
            stamp = self._stamp(overlay.person, overlay.lines)
            height, width = stamp.alpha.shape
            # By the keyframe's box, so that a text does not jump while its box moves.
            above = overlay.box[1] * picture.height >= height
            top = box[1] - height if above else box[3] - height
            place = _free_place(box[0], top, width, height, picture, taken)
            taken.append(place)
            stamp.press(picture, place[0], place[1])

    def _draw_box(self, picture: Picture, box: np.ndarray, colour: str) -> None:
        """Draw the frame of a box in even pixels, with a dark line around it."""
        x1, y1, x2, y2 = box.tolist()
        for rim, shade in ((self._thickness + 2, (16, 128, 128)), (self._thickness, _yuv(colour))):
            grow = rim - self._thickness
            left, top, right, bottom = x1 - grow, y1 - grow, x2 + grow, y2 + grow
            width = rim + grow
            sides = (
                (left, top, right, top + width),
                (left, bottom - width, right, bottom),
                (left, top, left + width, bottom),
                (right - width, top, right, bottom),
            )
            for side in sides:
                _fill(picture, side, shade)

    def _new_stamp(self, person: int | None, lines: tuple[Line, ...]) -> "Stamp":
        """Return the drawn text of an overlay: the number in its colour, then the lines."""
        ascent, descent = self._font.getmetrics()
        row, pad = ascent + descent, max(2, self._thickness)
        number = "" if person is None else f" {person} "
        texts = [f"+ {line.text}" if line.new else line.text for line in lines]
        tag = round(self._font.getlength(number))
        lengths = [self._font.getlength(text) + 2 * pad for text in texts]
        # The first line stands beside the number.
        wide = max([tag, *(tag * (i == 0) + length for i, length in enumerate(lengths))])
        high = row * max(1, len(texts)) + 2 * pad
        image = Image.new("RGBA", (_even(wide), _even(high)), BACKGROUND)
        canvas = ImageDraw.Draw(image)
        if number:
            canvas.rectangle((0, 0, tag - 1, row + 2 * pad - 1), colour_of(person))
            canvas.text((0, pad), number, "#000000", self._font)
        for i, (line, text) in enumerate(zip(lines, texts, strict=True)):
            left = pad + tag * (i == 0)
            canvas.text((left, pad + row * i), text, NEW if line.new else TEXT, self._font)
        return Stamp.of(image)


@dataclass(frozen=True, eq=False)
class Stamp:
    """A small picture with an alpha channel, as planes.

    Attributes:
        y: (H, W) uint16.
        uv: (2, H / 2, W / 2) uint16.
        alpha: (H, W) uint16, 0 to 255.
        half: (H / 2, W / 2) uint16, that of ``uv``.
    """

    y: np.ndarray
    uv: np.ndarray
    alpha: np.ndarray
    half: np.ndarray

    @classmethod
    def of(cls, image: Image.Image) -> "Stamp":
        """Return an RGBA image of even size as a stamp."""
        pixels = np.asarray(image, np.float32)
        yuv = _to_yuv(pixels[..., :3])
        height, width = pixels.shape[:2]
        small = yuv[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean((1, 3))
        half = pixels[..., 3].reshape(height // 2, 2, width // 2, 2).mean((1, 3))
        planes = (yuv[..., 0], small.transpose(2, 0, 1), pixels[..., 3], half)
        return cls(*(np.rint(plane).astype(np.uint16) for plane in planes))

    def press(self, picture: Picture, left: int, top: int) -> None:
        """Blend into a picture, with the upper left corner at even pixels."""
        y, u, v = picture.views()
        _blend(y, self.y, self.alpha, left, top)
        _blend(u, self.uv[0], self.half, left // 2, top // 2)
        _blend(v, self.uv[1], self.half, left // 2, top // 2)


def colour_of(person: int | None) -> str:
    """Return the colour of a person."""
    return UNKNOWN if person is None else COLOURS[person % len(COLOURS)]


def _free_place(
    left: int,
    top: int,
    width: int,
    height: int,
    picture: Picture,
    taken: list[tuple[int, int, int, int]],
) -> tuple[int, int, int, int]:
    """Return where a text goes: inside the picture, below the texts that it would cover."""
    left = max(0, min(left, picture.width - width)) // 2 * 2
    for x1, y1, x2, y2 in sorted(taken, key=lambda place: place[1]):
        if left < x2 and x1 < left + width and top < y2 and y1 < top + height:
            top = y2
    top = max(0, min(top, picture.height - height)) // 2 * 2
    return left, top, left + width, top + height


def _fill(picture: Picture, area: tuple[int, int, int, int], shade: tuple[int, int, int]) -> None:
    """Fill an area of even corners; parts outside the picture are left out."""
    x1, y1, x2, y2 = (max(0, value) for value in area)
    y, u, v = picture.views()
    y[y1:y2, x1:x2] = shade[0]
    u[y1 // 2 : y2 // 2, x1 // 2 : x2 // 2] = shade[1]
    v[y1 // 2 : y2 // 2, x1 // 2 : x2 // 2] = shade[2]


def _blend(plane: np.ndarray, colour: np.ndarray, alpha: np.ndarray, left: int, top: int) -> None:
    part = plane[top : top + colour.shape[0], left : left + colour.shape[1]]
    rows, columns = part.shape
    colour, alpha = colour[:rows, :columns], alpha[:rows, :columns]
    part[:] = (colour * alpha + part * (255 - alpha) + 127) // 255


def _to_yuv(rgb: np.ndarray) -> np.ndarray:
    """Return (..., 3) RGB, 0 to 255, as YUV of limited range (BT.601)."""
    matrix = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112], [112, -93.786, -18.214]])
    return rgb / 255 @ matrix.T + np.array([16, 128, 128])


@lru_cache
def _yuv(colour: str) -> tuple[int, int, int]:
    y, u, v = np.rint(_to_yuv(np.array(ImageColor.getrgb(colour)))).astype(int).tolist()
    return y, u, v


def _font(size: int) -> Any:
    """Return the font that Matplotlib brings, the same on every machine."""
    from matplotlib import get_data_path

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def _even(length: float) -> int:
    return 2 * int(np.ceil(length / 2))
