"""JPEG decoding that refuses damaged pictures."""

import re
from typing import Any

import numpy as np
import simplejpeg

# Some cameras and converters pad frames. libjpeg warns of it, but the picture is complete.
_PADDED = re.compile("extraneous bytes before marker 0xd9$")


def decode_jpeg(data: bytes, **options: Any) -> np.ndarray:
    """Return a JPEG as (H, W, 3) uint8 RGB.

    Args:
        options: Of ``simplejpeg.decode_jpeg``, such as ``min_factor`` for a smaller picture.

    Raises:
        ValueError: It is truncated, damaged or not a JPEG.
    """
    try:
        return simplejpeg.decode_jpeg(data, "RGB", **options)
    except ValueError as error:
        if not _PADDED.search(str(error)):
            raise
    return simplejpeg.decode_jpeg(data, "RGB", strict=False, **options)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of a JPEG after reading every byte of it.

    Raises:
        ValueError: As ``decode_jpeg``.
    """
    decode_jpeg(data, min_factor=8)  # the fastest size
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    return width, height
