"""Decoding, resizing and normalizing against Pillow and PyTorch: equal to the bit, but for 16 bit gray.

Pillow must be 13 or later: until 12, it changed the width first whatever the sizes.
"""

import random
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from calib8 import _native as native

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
SIZES = [(1, 1), (1, 9), (8, 1), (2, 3), (7, 5), (16, 16), (17, 33), (64, 48), (161, 225)]
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def picture(generator, width, height, channels):
    """Smooth in one corner and noise in the other, so that both kinds of blocks occur."""
    ramp = np.add.outer(np.arange(height), np.arange(width))[:, :, None] * np.arange(1, channels + 1)
    noise = generator.integers(0, 256, (height, width, channels))
    return np.where(np.arange(width)[None, :, None] * 2 < width, ramp % 256, noise).astype(np.uint8)


def expected_pixels(path):
    with Image.open(path) as image:
        if image.mode.startswith("I"):
            values = np.asarray(image).astype(np.int64)
            gray = np.floor(values / 257 + 0.5).astype(np.uint8)
            return Image.fromarray(gray).convert("RGB")
        return image.convert("RGB")


def expected_tensor(image, height, width):
    resized = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    tensor = torch.from_numpy(resized.copy()).permute(2, 0, 1).to(torch.float32).div(255)
    return tensor.sub_(MEAN).div_(DEVIATION).permute(1, 2, 0).numpy()[None]


def check_decoded(path):
    np.testing.assert_array_equal(native.decode(str(path)), np.asarray(expected_pixels(path)))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_png(generator, width, height, colour, depth, interlaced):
    """A PNG of random samples: Pillow writes neither interlaced nor 16 bit colour ones."""
    bits = CHANNELS[colour] * depth

    def rows(row_width, row_height):
        size = (row_width * bits + 7) // 8
        return b"".join(bytes([int(generator.integers(5))]) + generator.bytes(size) for _ in range(row_height))

    if interlaced:
        passes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in ADAM7 if width > x and height > y]
        data = b"".join(rows(*size) for size in passes)
    else:
        data = rows(width, height)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    palette = chunk(b"PLTE", generator.bytes(3 * 2**depth)) if colour == 3 else b""
    body = chunk(b"IHDR", header) + palette + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(tmp_path, mode, progressive, size):
    generator = np.random.default_rng(1)
    pixels = picture(generator, *size, len(Image.new(mode, (1, 1)).getbands()))
    image = Image.frombytes(mode, size, pixels.tobytes())
    for number, options in enumerate(
        [{"quality": 95}, {"quality": 30}] + ([{"subsampling": s} for s in (0, 1, 2)] if mode == "RGB" else [])
    ):
        path = tmp_path / f"{number}.jpg"
        image.save(path, progressive=progressive, **options)
        check_decoded(path)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png(tmp_path, mode, size):
    generator = np.random.default_rng(2)
    width, height = size
    colours = Image.frombytes("RGBA", size, picture(generator, width, height, 4).tobytes())
    path = tmp_path / "image.png"
    if mode == "I;16":
        Image.fromarray(generator.integers(0, 65536, (height, width)).astype(np.uint16)).save(path)
    elif mode == "P":
        colours.convert("RGB").quantize(16).save(path)
    else:
        colours.convert(mode).save(path)
    check_decoded(path)


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_transparency_is_dropped(tmp_path, mode):
    generator = np.random.default_rng(3)
    image = Image.fromarray(picture(generator, 20, 10, 3))
    image = image.quantize(200) if mode == "P" else image.convert(mode)
    for number, transparency in enumerate({"L": [7], "RGB": [(1, 2, 3)], "P": [1, bytes(range(100))]}[mode]):
        path = tmp_path / f"{number}.png"
        image.save(path, transparency=transparency)
        check_decoded(path)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [0, 2, 3, 4, 6])
def test_png_of_every_depth(tmp_path, colour, interlaced):
    generator = np.random.default_rng(4)
    for depth in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}[colour]:
        for width, height in [(1, 1), (3, 2), (9, 5), (33, 17)]:
            path = tmp_path / f"{depth}_{width}.png"
            path.write_bytes(raw_png(generator, width, height, colour, depth, interlaced))
            check_decoded(path)


def test_the_content_and_not_the_name_decides(tmp_path):
    image = Image.fromarray(picture(np.random.default_rng(5), 12, 8, 3))
    image.save(tmp_path / "jpeg", "JPEG")
    (tmp_path / "jpeg").rename(tmp_path / "image.png")
    check_decoded(tmp_path / "image.png")


@pytest.mark.parametrize("seed", range(10))
def test_preprocessing_equals_pillow_and_torch(tmp_path, seed):
    """Random sizes, up and down; the seed is the test's parameter."""
    chooser = random.Random(seed)
    generator = np.random.default_rng(seed)
    path = tmp_path / "image.png"
    for _ in range(30):
        width, height, new_width, new_height = (
            chooser.choice([1, 2, 3, 8, 224, chooser.randint(1, 60), chooser.randint(1, 500)]) for _ in range(4)
        )
        image = Image.fromarray(picture(generator, width, height, 3))
        image.save(path, compress_level=1)
        np.testing.assert_array_equal(
            native.preprocess(str(path), new_height, new_width),
            expected_tensor(image, new_height, new_width),
            err_msg=f"{width}x{height} to {new_width}x{new_height}",
        )
