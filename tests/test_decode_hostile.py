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

from support.decoding import decode, encoded
from support.image_files import TIFF_LONG, TIFF_SHORT, bmp_rows, png_chunk, png_header, raw_bmp, raw_tiff, sampled_tiff

def noise_image():
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (21, 34, 3)).astype(np.uint8))


def noise_file(form, **options):
    return encoded(noise_image(), form, **options)


def files():
    generator = np.random.default_rng(2)
    return {
        "jpeg": noise_file("JPEG"),
        "progressive": noise_file("JPEG", progressive=True),
        "png": noise_file("PNG"),
        "webp": noise_file("WEBP"),
        "lossless": noise_file("WEBP", lossless=True),
        "bmp": raw_bmp(34, 21, 24, bmp_rows(generator, 34, 21, 24)),
        "runs": raw_bmp(6, 2, 8, b"\6\1\0\0\0\6abcdef\0\1", palette=generator.bytes(1024), compression=1),
        "tiff": sampled_tiff(generator, 34, 21, photometric=2, bits=8, samples=3, rows_per_strip=5),
        "tiled": sampled_tiff(generator, 34, 21, photometric=2, bits=8, samples=3, tile=16, deflate=True, order=">"),
        "lzw": noise_file("TIFF", compression="tiff_lzw"),
        "fax": encoded(noise_image().convert("1"), "TIFF", compression="group4"),
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


def decoded_or_refused(data):
    """The pixels, or the message of the refusal, which is one clear line."""
    try:
        return decode(data)
    except calib8.Error as error:
        text = str(error)
        assert text and "\n" not in text
        return text


@pytest.mark.parametrize("name", FILES)
def test_cut_short(name):
    """Pillow raises for files that are cut within their pixels, and so do we."""
    data = FILES[name]
    assert not isinstance(decoded_or_refused(data), str)
    step = max(1, len(data) // 100)
    for end in range(0, len(data), step):
        decoded = decoded_or_refused(data[:end])
        if not isinstance(decoded, str):
            np.testing.assert_array_equal(decoded, pillow(data[:end]), err_msg=f"cut at {end} of {len(data)}")


@pytest.mark.parametrize("compression", ["packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "lzma", "zstd", "group3", "group4"])
def test_tiff_whose_strip_is_cut_short(compression):
    """Refused, though Pillow fills up the rows of some compressions with noise."""
    image = noise_image().convert("1" if "group" in compression else "L")
    data = encoded(image, "TIFF", compression=compression)
    with Image.open(io.BytesIO(data)) as written:
        offset, size = written.tag_v2[273][0], written.tag_v2[279][0]
        numbers = {tag: written.tag_v2.get(tag, 1) for tag in (256, 257, 258, 259, 262, 277, 278)}
    strip = data[offset : offset + size]
    tags = {tag: (TIFF_LONG, [value] if isinstance(value, int) else list(value)) for tag, value in numbers.items()}
    whole = np.asarray(image.convert("RGB"))
    if compression != "jpeg":  # whose tables stand in a tag
        np.testing.assert_array_equal(decoded_or_refused(raw_tiff(tags, [strip])), whole)
    for end in range(0, size, 7):
        decoded = decoded_or_refused(raw_tiff(tags, [strip[:end]]))
        if not isinstance(decoded, str):  # all pixels stand before some formats' ends
            np.testing.assert_array_equal(decoded, whole, err_msg=f"cut at {end} of {size}")


@pytest.mark.parametrize("name", FILES)
def test_bytes_behind_the_end_are_ignored(name):
    np.testing.assert_array_equal(decoded_or_refused(FILES[name] + b"\xff\xd8 more"), pillow(FILES[name]))


@pytest.mark.parametrize("name", FILES)
def test_flipped_bits(name):
    """Where both decode, they agree."""
    generator = np.random.default_rng(3)
    agreed = 0
    for _ in range(100):
        data = bytearray(FILES[name])
        for _ in range(int(generator.integers(1, 4))):
            place = int(generator.integers(len(data) if generator.integers(2) else min(len(data), 120)))
            data[place] ^= 1 << int(generator.integers(8))
        decoded = decoded_or_refused(bytes(data))
        expected = None if isinstance(decoded, str) else pillow(bytes(data))
        if expected is not None:
            np.testing.assert_array_equal(decoded, expected)
            agreed += 1
    assert agreed > 5 or name in ("png", "lossless", "tiled", "fax")  # where nearly all damage is seen


def sized_tiff(width, height, compression=1):
    tags = {256: (TIFF_LONG, [width]), 257: (TIFF_LONG, [height]), 258: (TIFF_SHORT, [8]), 259: (TIFF_SHORT, [compression])}
    return raw_tiff(tags | {262: (TIFF_SHORT, [1])}, [b"\0" * 100])


def claims(width, height):
    """Files of each format that claim a size and hold next to nothing."""
    jpeg = bytearray(noise_file("JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    canvas = bytes(4) + (max(width, 1) - 1).to_bytes(3, "little") + (max(height, 1) - 1).to_bytes(3, "little")
    frame = b"VP8X" + struct.pack("<I", 10) + canvas + noise_file("WEBP", lossless=True)[12:]
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
def test_sizes_that_lie_cost_nothing(name):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    message = decoded_or_refused(claims(60000, 60000)[name])
    assert isinstance(message, str)
    if name != "webp":  # which can't be so large, so that libwebp refuses it
        assert "60000x60000" in message
    for size in ((60000, 1), (1, 60000), (12000, 12000)):
        decoded = decoded_or_refused(claims(*size)[name])
        if not isinstance(decoded, str):  # JPEG goes on with gray
            np.testing.assert_array_equal(decoded, pillow(claims(*size)[name]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000 or name == "webp"


@pytest.mark.parametrize("name", ["bmp", "runs", "tiff", "png", "jpeg"])
def test_no_pixels(name):
    for size in ((0, 5), (5, 0)):
        assert isinstance(decoded_or_refused(claims(*size)[name]), str)


def test_tiff_whose_directories_form_a_loop():
    """Only the first is read."""
    data = bytearray(FILES["tiff"])
    directory = struct.unpack_from("<I", data, 4)[0]
    end = directory + 2 + 12 * struct.unpack_from("<H", data, directory)[0]
    for target in (directory, end, 3, 2**32 - 1):
        struct.pack_into("<I", data, end, target)
        np.testing.assert_array_equal(decoded_or_refused(bytes(data)), pillow(FILES["tiff"]))
    struct.pack_into("<I", data, 4, len(data) + 100)
    assert isinstance(decoded_or_refused(bytes(data)), str)


def test_tiff_with_tables_that_lie():
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
        decoded = decoded_or_refused(data)
        if not isinstance(decoded, str):
            np.testing.assert_array_equal(decoded, pillow(data), err_msg=str(more))


def test_nothing_is_printed(capfd):
    for data in FILES.values():
        for end in range(0, len(data), max(1, len(data) // 10)):
            decoded_or_refused(data[:end])
    assert capfd.readouterr() == ("", "")


def test_refusals_say_what_the_content_is():
    assert "empty" in decoded_or_refused(b"")
    assert "GIF" in decoded_or_refused(b"GIF89a")
    assert "none of JPEG, PNG, WebP, BMP, TIFF, PNM, GIF, AVIF and HEIC" in decoded_or_refused(b"hello")
