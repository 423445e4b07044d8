"""calib8's decoder and Pillow's on the same bytes."""

from __future__ import annotations

import io
import tempfile
import warnings

import numpy as np
from PIL import Image, ImageOps

from calib8 import _native as native

from support.image_files import picture


def image_of(generator, mode: str, size: tuple[int, int]) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, picture(generator, *size, channels).tobytes())


def encoded(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def decode(data: bytes, **options) -> np.ndarray:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return native.decode(file.name, **options)


def as_rgb(image: Image.Image) -> np.ndarray:
    image.load()
    return np.asarray(image.convert("RGB"))


def check(data: bytes, about: str = "") -> tuple[int, ...]:
    """Holds the pixels, turned as EXIF says and not, against Pillow's; gives the shape of those that are turned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            plain = as_rgb(image)
        with Image.open(io.BytesIO(data)) as image:
            turned = as_rgb(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(decode(data), plain, err_msg=about)
    np.testing.assert_array_equal(decode(data, exif_orientation=True), turned, err_msg=about)
    return turned.shape
