"""Decoding TIFF against Pillow: equal to the bit, but for the differences that src/image/decode.h states."""

import itertools
import zlib

import numpy as np
import pytest
from PIL import Image

import calib8

from support.decoding import check, decode, encoded, image_of
from support.image_files import SIZES, TIFF_LONG, TIFF_SHORT, raw_tiff, sampled_tiff


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "compression", [None, "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "jpeg", "lzma", "zstd"]
)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "LA", "I;16"])
def test_tiff(mode, compression, size):
    if compression == "jpeg" and mode not in ("L", "RGB", "CMYK"):
        return  # the format doesn't join them
    generator = np.random.default_rng(14)
    if mode == "I;16":
        image = Image.fromarray(generator.integers(0, 65536, size[::-1]).astype(np.uint16))
    elif mode == "P":
        image = image_of(generator, "RGB", size).quantize(60)
    else:
        image = image_of(generator, mode, size)
    check(encoded(image, "TIFF", compression=compression))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("compression", [None, "tiff_ccitt", "group3", "group4", "tiff_lzw"])
def test_bilevel_tiff(compression, size):
    image = image_of(np.random.default_rng(15), "L", size).convert("1")
    check(encoded(image, "TIFF", compression=compression))


@pytest.mark.parametrize("subsampling, factors", [(0, [1, 1]), (1, [2, 1]), (2, [2, 2])])
def test_ycbcr_tiff_under_jpeg(subsampling, factors):
    image = image_of(np.random.default_rng(16), "RGB", (37, 29))
    tags = size_tags(37, 29) | {259: (TIFF_SHORT, [7]), 530: (TIFF_SHORT, factors)}
    check(raw_tiff(tags, [encoded(image, "JPEG", subsampling=subsampling)]))


def size_tags(width, height):
    """Of a YCbCr TIFF in one strip."""
    return {
        256: (TIFF_LONG, [width]),
        257: (TIFF_LONG, [height]),
        258: (TIFF_SHORT, [8, 8, 8]),
        262: (TIFF_SHORT, [6]),
        277: (TIFF_SHORT, [3]),
        278: (TIFF_LONG, [height]),
    }


@pytest.mark.parametrize("across, down", [(1, 1), (2, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("order", "<>")
def test_ycbcr_tiff_that_libtiff_converts(order, across, down):
    """Packed as TIFF packs subsampled blocks: the luminances of a block, then its two colours."""
    generator = np.random.default_rng(25)
    for width, height in [(16, 8), (13, 7)]:
        blocks = -(-width // across) * -(-height // down)
        tags = size_tags(width, height) | {259: (TIFF_SHORT, [8]), 530: (TIFF_SHORT, [across, down])}
        check(raw_tiff(tags, [zlib.compress(generator.bytes(blocks * (across * down + 2)))], order=order))


TIFF_KINDS = [  # photometric, bits, samples, extra samples
    *itertools.product([0, 1], [1, 2, 4, 8], [1], [None]),
    (1, 16, 1, None),
    *[(3, bits, 1, None) for bits in (1, 2, 4, 8)],
    *[(1, 8, 2, [kind]) for kind in (0, 2)],
    *[(3, 8, 2, [kind]) for kind in (0, 2)],
    *[(2, bits, 3, None) for bits in (8, 16)],
    *[(2, bits, 4, [kind]) for bits in (8, 16) for kind in (0, 1, 2)],
    *[(2, 8, 5, [kind, 0]) for kind in (0, 1, 2)],
    *[(2, 8, 6, [kind, 0, 0]) for kind in (0, 1, 2)],
    *[(5, bits, 4, None) for bits in (8, 16)],
    (5, 8, 5, [0]),
    (5, 8, 6, [0, 0]),
]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("photometric, bits, samples, extra", TIFF_KINDS)
def test_tiff_of_every_kind(photometric, bits, samples, extra, deflate, order):
    generator = np.random.default_rng(17)
    kind = dict(photometric=photometric, bits=bits, samples=samples, extra=extra, deflate=deflate, order=order)
    for width, height in [(1, 1), (9, 5), (37, 33)]:
        for layout in [{}, {"rows_per_strip": 4}]:
            check(sampled_tiff(generator, width, height, **kind, **layout), f"{width}x{height} {layout}")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric, bits, samples, extra", TIFF_KINDS)
def test_tiled_tiff(photometric, bits, samples, extra, order):
    generator = np.random.default_rng(18)
    kind = dict(photometric=photometric, bits=bits, samples=samples, extra=extra, order=order)
    for width, height in [(1, 1), (37, 33), (64, 16)]:
        check(sampled_tiff(generator, width, height, **kind, deflate=True, tile=16), f"{width}x{height}")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize(
    "photometric, bits, samples, extra",
    [(2, 8, 3, None), (2, 16, 3, None), (2, 8, 4, [1]), (2, 8, 4, [2]), (2, 16, 4, [1]), (5, 8, 4, None), (5, 16, 4, None)],
)
def test_planar_tiff(photometric, bits, samples, extra, tile, order):
    generator = np.random.default_rng(19)
    kind = dict(photometric=photometric, bits=bits, samples=samples, extra=extra, order=order)
    check(sampled_tiff(generator, 37, 33, **kind, planar=True, deflate=True, tile=tile))
    check(sampled_tiff(generator, 7, 5, **kind, planar=True, deflate=True, tile=tile, rows_per_strip=2))
    if bits == 8 and extra != [1]:  # Pillow reads the others wrongly where they aren't compressed
        check(sampled_tiff(generator, 37, 33, **kind, planar=True, tile=tile))


def test_tiff_with_bits_from_the_low_end():
    generator = np.random.default_rng(20)
    for photometric, bits in [(0, 1), (1, 1), (1, 2), (1, 4), (1, 8), (3, 1), (3, 4), (3, 8)]:
        for deflate in (False, True):
            if deflate or (photometric, bits) not in [(3, 1), (3, 4)]:  # which Pillow can't read
                check(sampled_tiff(generator, 21, 9, photometric=photometric, bits=bits, samples=1, fill_order=2, deflate=deflate))


def test_deep_gray_whose_zero_is_white_is_not_inverted():
    check(sampled_tiff(np.random.default_rng(26), 21, 9, photometric=0, bits=16, samples=1))


def test_tiff_of_signed_bytes():
    check(sampled_tiff(np.random.default_rng(21), 21, 9, photometric=1, bits=8, samples=1, sample_format=2))


@pytest.mark.parametrize(
    "message, options",
    [
        ("32 bit float samples", dict(photometric=1, bits=32, samples=1, sample_format=3)),
        ("16 bit signed samples", dict(photometric=1, bits=16, samples=1, sample_format=2)),
        ("1 samples of 32 bits", dict(photometric=1, bits=32, samples=1)),
        ("1 samples of 12 bits", dict(photometric=1, bits=12, samples=1)),
        ("big-endian 16 bit gray", dict(photometric=0, bits=16, samples=1, order=">")),
        ("L*a*b* colour", dict(photometric=8, bits=8, samples=3)),
        ("premultiplied gray", dict(photometric=1, bits=8, samples=2, extra=[1])),
        ("uncompressed YCbCr", dict(photometric=6, bits=8, samples=3)),
        ("7 samples a pixel", dict(photometric=2, bits=8, samples=7, extra=[0, 0, 0, 0])),
    ],
)
def test_tiff_that_is_not_read_is_named(message, options):
    data = sampled_tiff(np.random.default_rng(22), 8, 6, **options)
    with pytest.raises(calib8.Error, match=message.replace("*", r"\*")):
        decode(data)
