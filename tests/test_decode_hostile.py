"""Damaged and lying image files: the pixels that Pillow sees, or one clear line; never a crash, and no memory for lies."""

import io
import resource
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

import calib8
from calib8 import _native as native

from support.image_files import TIFF_LONG, TIFF_SHORT, bmp_rows, png_chunk, png_header, raw_bmp, raw_tiff, sampled_tiff

def encoded(form, **options):
    generator = np.random.default_rng(1)
    image = Image.fromarray(generator.integers(0, 256, (21, 34, 3)).astype(np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def files():
    generator = np.random.default_rng(2)
    return {
        "jpeg": encoded("JPEG"),
        "progressive": encoded("JPEG", progressive=True),
        "png": encoded("PNG"),
        "webp": encoded("WEBP"),
        "lossless": encoded("WEBP", lossless=True),
        "bmp": raw_bmp(34, 21, 24, bmp_rows(generator, 34, 21, 24)),
        "runs": raw_bmp(6, 2, 8, b"\6\1\0\0\0\6abcdef\0\1", palette=generator.bytes(1024), compression=1),
        "tiff": sampled_tiff(generator, 34, 21, photometric=2, bits=8, samples=3, rows_per_strip=5),
        "tiled": sampled_tiff(generator, 34, 21, photometric=2, bits=8, samples=3, tile=16, deflate=True, order=">"),
        "lzw": encoded("TIFF", compression="tiff_lzw"),
        "fax": sampled_tiff(generator, 3, 3, photometric=1, bits=1, samples=1),
    }


FILES = files()


def pillow(data):
    """The pixels, or None where Pillow refuses or where its kind of pixels is a stated difference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                return None if image.mode.startswith(("I", "F")) else np.asarray(image.convert("RGB"))
        except Exception:
            return None


@pytest.fixture
def decode(tmp_path):
    """The pixels, or the message of the refusal, which is one clear line."""

    def decode_bytes(data):
        path = tmp_path / "image"
        path.write_bytes(data)
        try:
            return native.decode(str(path), exif_orientation=False)
        except calib8.Error as error:
            text = str(error)
            assert text and "\n" not in text
            return text

    return decode_bytes


@pytest.mark.parametrize("name", FILES)
def test_cut_short(decode, name):
    """Pillow raises for files that are cut within their pixels, and so do we."""
    data = FILES[name]
    assert not isinstance(decode(data), str)
    step = max(1, len(data) // 100)
    for end in range(0, len(data), step):
        decoded = decode(data[:end])
        if not isinstance(decoded, str):
            np.testing.assert_array_equal(decoded, pillow(data[:end]), err_msg=f"cut at {end} of {len(data)}")


@pytest.mark.parametrize("name", FILES)
def test_flipped_bits(decode, name):
    """Where both decode, they agree."""
    generator = np.random.default_rng(3)
    agreed = 0
    for _ in range(100):
        data = bytearray(FILES[name])
        for _ in range(int(generator.integers(1, 4))):
            place = int(generator.integers(len(data) if generator.integers(2) else min(len(data), 120)))
            data[place] ^= 1 << int(generator.integers(8))
        decoded = decode(bytes(data))
        expected = None if isinstance(decoded, str) else pillow(bytes(data))
        if expected is not None:
            np.testing.assert_array_equal(decoded, expected)
            agreed += 1
    assert agreed > 5 or name in ("png", "lossless", "tiled")  # whose checksums tell


def sized_tiff(width, height, compression=1):
    tags = {256: (TIFF_LONG, [width]), 257: (TIFF_LONG, [height]), 258: (TIFF_SHORT, [8]), 259: (TIFF_SHORT, [compression])}
    return raw_tiff(tags | {262: (TIFF_SHORT, [1])}, [b"\0" * 100])


def claims(width, height):
    """Files of each format that claim a size and hold next to nothing."""
    jpeg = bytearray(encoded("JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    canvas = bytes(4) + (max(width, 1) - 1).to_bytes(3, "little") + (max(height, 1) - 1).to_bytes(3, "little")
    frame = b"VP8X" + struct.pack("<I", 10) + canvas + encoded("WEBP", lossless=True)[12:]
    return {
        "jpeg": bytes(jpeg),
        "png": png_header(width, height) + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b""),
        "webp": b"RIFF" + struct.pack("<I", 4 + len(frame)) + b"WEBP" + frame,
        "bmp": raw_bmp(width, height, 24, b"\0" * 100),
        "runs": raw_bmp(width, height, 8, b"\0\1", palette=b"\1" * 1024, compression=1),
        "tiff": sized_tiff(width, height),
        "deflated": sized_tiff(width, height, 8),
    }


@pytest.mark.parametrize("name", claims(9, 9))
def test_sizes_that_lie_cost_nothing(decode, name):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    message = decode(claims(60000, 60000)[name])
    assert isinstance(message, str)
    if name != "webp":  # which can't be so large, so that libwebp refuses it
        assert "60000x60000" in message
    for size in ((60000, 1), (1, 60000), (12000, 12000)):
        decoded = decode(claims(*size)[name])
        if not isinstance(decoded, str):  # JPEG goes on with gray
            np.testing.assert_array_equal(decoded, pillow(claims(*size)[name]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000 or name == "webp"


@pytest.mark.parametrize("name", ["bmp", "runs", "tiff", "png", "jpeg"])
def test_no_pixels(decode, name):
    for size in ((0, 5), (5, 0)):
        assert isinstance(decode(claims(*size)[name]), str)


def test_tiff_whose_directories_form_a_loop(decode):
    """Only the first is read."""
    data = bytearray(FILES["tiff"])
    directory = struct.unpack_from("<I", data, 4)[0]
    end = directory + 2 + 12 * struct.unpack_from("<H", data, directory)[0]
    for target in (directory, end, 3, 2**32 - 1):
        struct.pack_into("<I", data, end, target)
        np.testing.assert_array_equal(decode(bytes(data)), pillow(FILES["tiff"]))
    struct.pack_into("<I", data, 4, len(data) + 100)
    assert isinstance(decode(bytes(data)), str)


def test_tiff_with_tables_that_lie(decode):
    tags = {256: (TIFF_LONG, [8]), 257: (TIFF_LONG, [8]), 258: (TIFF_SHORT, [8]), 262: (TIFF_SHORT, [1])}
    for more in (
        {322: (TIFF_LONG, [2**31]), 323: (TIFF_LONG, [16])},
        {322: (TIFF_LONG, [65536]), 323: (TIFF_LONG, [65536])},
        {278: (TIFF_LONG, [2**32 - 1]), 279: (TIFF_LONG, [2**31])},
        {273: (TIFF_LONG, [2**32 - 1])},
        {277: (TIFF_SHORT, [65535])},
        {258: (TIFF_SHORT, [0])},
        {320: (TIFF_SHORT, [0] * 3), 262: (TIFF_SHORT, [3])},
    ):
        data = raw_tiff(tags | more, [b"\0" * 40], tiled=322 in more)
        decoded = decode(data)
        if not isinstance(decoded, str):
            np.testing.assert_array_equal(decoded, pillow(data), err_msg=str(more))


def test_nothing_is_printed(decode, capfd):
    for data in FILES.values():
        for end in range(0, len(data), max(1, len(data) // 10)):
            decode(data[:end])
    assert capfd.readouterr() == ("", "")


def test_refusals_say_what_the_content_is(decode):
    assert "empty" in decode(b"")
    assert "GIF" in decode(b"GIF89a")
    assert "none of JPEG, PNG, WebP, BMP and TIFF" in decode(b"hello")
