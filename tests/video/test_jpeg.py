"""Tests of lfb.video.jpeg: pixels and errors against torchvision and Pillow."""

import io
from itertools import product

import numpy as np
import pytest
import torch
import torchvision.io
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lfb.video.jpeg import decode_jpeg, jpeg_size

pytestmark = pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")


def encode(pixels: np.ndarray, **options) -> bytes:
    """Return a JPEG that Pillow encodes."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", **options)
    return data.getvalue()


def picture(seed: int, height: int, width: int) -> np.ndarray:
    """Return smooth colours with noise, (height, width, 3)."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (2 + height // 8, 2 + width // 8, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    noisy = smooth + random.integers(-20, 21, smooth.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def by_torchvision(data: bytes) -> np.ndarray:
    buffer = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    rgb = torchvision.io.ImageReadMode.RGB
    return torchvision.io.decode_jpeg(buffer, rgb).permute(1, 2, 0).numpy()


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@given(
    seed=st.integers(0, 99),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(["4:4:4", "4:2:2", "4:2:0", "4:1:1"]),
    progressive=st.booleans(),
    optimize=st.booleans(),
    restarts=st.sampled_from([0, 1, 3]),
)
@settings(max_examples=60)
def test_pixels_are_those_of_torchvision_and_pillow(seed, height, width, restarts, **options):
    data = encode(picture(seed, height, width), restart_marker_blocks=restarts, **options)
    found = decode_jpeg(data)
    assert found.shape == (height, width, 3)
    np.testing.assert_array_equal(found, by_torchvision(data))
    np.testing.assert_array_equal(found, by_pillow(data))
    assert jpeg_size(data) == (width, height)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 8), (21, 34)])
def test_grey_pictures_and_unconverted_rgb_become_rgb(height, width):
    pixels = picture(0, height, width)
    for data in encode(pixels[..., 0]), encode(pixels, keep_rgb=True):
        found = decode_jpeg(data)
        assert found.shape == (height, width, 3)
        np.testing.assert_array_equal(found, by_torchvision(data))
        np.testing.assert_array_equal(found, by_pillow(data))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_truncated_anywhere_is_an_error(progressive):
    data = encode(picture(0, 24, 32), progressive=progressive)
    for end in range(len(data)):
        for read in decode_jpeg, jpeg_size:
            with pytest.raises(ValueError, match=r"."):
                read(data[:end])


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\xff\xd8", b"\xff\xd8\xff\xd9"])
def test_other_bytes_are_an_error(data):
    for read in decode_jpeg, jpeg_size:
        with pytest.raises(ValueError, match=r"."):
            read(data)


def test_bytes_after_the_picture_do_not_matter():
    data = encode(picture(0, 24, 32))
    padded = data[:-2] + bytes(9) + data[-2:]
    for longer in data + b"more", padded:
        np.testing.assert_array_equal(decode_jpeg(longer), decode_jpeg(data))
        np.testing.assert_array_equal(by_torchvision(longer), decode_jpeg(data))
        assert jpeg_size(longer) == (32, 24)


def test_damage_that_torchvision_finds_is_an_error_and_other_pixels_are_the_same():
    data = encode(picture(0, 24, 32))
    refused = 0
    for place, value in product(range(2, len(data), 3), (0x00, 0x5A, 0xD8)):
        damaged = data[:place] + bytes([value]) + data[place + 1 :]
        try:
            found = decode_jpeg(damaged)
        except ValueError:
            refused += 1
            with pytest.raises(ValueError, match=r"."):
                jpeg_size(damaged)
        else:
            np.testing.assert_array_equal(found, by_torchvision(damaged))
    assert refused > 50
