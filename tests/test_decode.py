"""Decoding against Pillow: equal to the bit, but for the differences that src/image/decode.h states."""

import numpy as np
import pytest
from PIL import Image

from calib8 import _native as native

from support.decoding import check, decode, encoded, image_of
from support.image_files import SIZES, bmp_rows, picture, png_chunk, raw_bmp, raw_png

FEW_SIZES = [(1, 1), (3, 2), (33, 17), (50, 41)]
BLACK_AND_WHITE = [b"\0\0\0\0", b"\xff\xff\xff\0"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(mode, progressive, size):
    image = image_of(np.random.default_rng(1), mode, size)
    kinds = [{"quality": 95}, {"quality": 30}, {"restart_marker_blocks": 2}]
    if mode == "RGB":
        kinds += [{"subsampling": s} for s in (0, 1, 2)] + [{"keep_rgb": True}]
    for options in kinds:
        check(encoded(image, "JPEG", progressive=progressive, **options), str(options))


def with_sampling(data, factors):
    """The factors of the first component replaced: the same scan means other blocks, but still a picture."""
    frame = data.index(b"\xff\xc0")
    return data[: frame + 11] + bytes([factors]) + data[frame + 12 :]


@pytest.mark.parametrize("factors", [0x12, 0x41, 0x14, 0x42, 0x24])
def test_jpeg_of_odd_subsampling(factors):
    """4:4:0, 4:1:1 and the like, which Pillow doesn't write. Noise of one size decodes as the start of another."""
    generator = np.random.default_rng(factors)
    blocks = (factors >> 4) * (factors & 15)
    flat = np.repeat(np.repeat(generator.integers(0, 256, (96, 96, 3)).astype(np.uint8), 2, 0), 2, 1)
    whole = bytearray(with_sampling(encoded(Image.fromarray(flat), "JPEG", subsampling=0), factors))
    frame = whole.index(b"\xff\xc0")
    # As many blocks as the scan has, in units of `blocks` and one of each colour.
    units = 24 * 24 * 3 // (blocks + 2)
    width, height = 8 * (factors >> 4) * 12 - 3, 8 * (factors & 15) * (units // 12) - 5
    whole[frame + 5 : frame + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    check(bytes(whole))


def test_cmyk_jpeg_without_adobe_marker_is_taken_as_inverted():
    data = encoded(image_of(np.random.default_rng(6), "CMYK", (40, 30)), "JPEG")
    marker = data.index(b"\xff\xeeX"[:2])
    length = int.from_bytes(data[marker + 2 : marker + 4], "big")
    assert data[marker + 4 :].startswith(b"Adobe")
    check(data[:marker] + data[marker + 2 + length :])


def test_ycck_jpeg():
    data = bytearray(encoded(image_of(np.random.default_rng(7), "CMYK", (40, 30)), "JPEG"))
    data[data.index(b"Adobe") + 11] = 2
    check(bytes(data))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png(mode, size):
    generator = np.random.default_rng(2)
    colours = image_of(generator, "RGBA", size)
    if mode == "I;16":
        image = Image.fromarray(generator.integers(0, 65536, size[::-1]).astype(np.uint16))
    elif mode == "P":
        image = colours.convert("RGB").quantize(16)
    else:
        image = colours.convert(mode)
    check(encoded(image, "PNG"))


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_transparency_is_dropped(mode):
    image = Image.fromarray(picture(np.random.default_rng(3), 20, 10, 3))
    image = image.quantize(200) if mode == "P" else image.convert(mode)
    for transparency in {"L": [7], "RGB": [(1, 2, 3)], "P": [1, bytes(range(100))]}[mode]:
        check(encoded(image, "PNG", transparency=transparency))


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [0, 2, 3, 4, 6])
def test_png_of_every_depth(colour, interlaced):
    generator = np.random.default_rng(4)
    for depth in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}[colour]:
        for width, height in [(1, 1), (3, 2), (9, 5), (33, 17)]:
            check(raw_png(generator, width, height, colour, depth, interlaced), f"{depth} bit, {width}x{height}")


def test_transparent_colours_of_every_png():
    generator = np.random.default_rng(8)
    for colour, depth, size in [(0, 1, 2), (0, 4, 2), (0, 16, 2), (2, 8, 6), (2, 16, 6), (3, 2, 3)]:
        transparent = b"\0\1\2" if colour == 3 else b"\0\1" * (size // 2)
        check(raw_png(generator, 12, 9, colour, depth, False, png_chunk(b"tRNS", transparent)))


def test_first_frame_of_animations():
    generator = np.random.default_rng(9)
    frames = [image_of(generator, "RGBA", (23, 19)) for _ in range(3)]
    for form in ("PNG", "WEBP"):
        options = {"lossless": True} if form == "WEBP" else {}
        check(encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=40, **options))
    check(encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True))
    check(encoded(frames[0].convert("RGB"), "TIFF", save_all=True, append_images=[frames[1].convert("RGB")]))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_webp(mode, size):
    image = image_of(np.random.default_rng(10), mode, size)
    kinds = [{"quality": 80}, {"quality": 10, "method": 0}, {"lossless": True}, {"quality": 50, "alpha_quality": 20}]
    for options in kinds + [{"lossless": True, "exact": True}]:
        check(encoded(image, "WEBP", **options), str(options))


def test_webp_frame_smaller_than_its_canvas():
    """Pillow crops the first frame of no animation, so the frame's place is written here."""
    frames = [image_of(np.random.default_rng(seed), "RGB", (20, 16)) for seed in (1, 2)]
    data = bytearray(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    canvas = data.index(b"VP8X") + 12
    data[canvas : canvas + 6] = (29).to_bytes(3, "little") + (24).to_bytes(3, "little")
    place = data.index(b"ANMF") + 8
    data[place : place + 6] = (3).to_bytes(3, "little") + (2).to_bytes(3, "little")
    check(bytes(data))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_bmp(mode, size):
    image = image_of(np.random.default_rng(11), "RGB", size)
    check(encoded(image.quantize(50) if mode == "P" else image.convert(mode), "BMP"))


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize("header_size", [12, 40, 52, 56, 64, 108, 124])
@pytest.mark.parametrize("bits", [1, 4, 8, 16, 24, 32])
def test_bmp_of_every_depth(bits, header_size, top_down):
    if header_size == 12 and top_down:
        return  # its height has no sign
    generator = np.random.default_rng(bits)
    entry = 3 if header_size == 12 else 4
    palette = generator.bytes(entry * 2**bits) if bits <= 8 else b""
    for width, height in FEW_SIZES:
        rows = bmp_rows(generator, width, height, bits)
        check(raw_bmp(width, height, bits, rows, palette=palette, header_size=header_size, top_down=top_down))


@pytest.mark.parametrize("header_size", [40, 52, 56, 108])
@pytest.mark.parametrize(
    "bits, masks",
    [
        (16, (0xF800, 0x7E0, 0x1F, 0)),
        (16, (0x7C00, 0x3E0, 0x1F, 0)),
        (24, (0xFF0000, 0xFF00, 0xFF, 0)),
        (32, (0xFF0000, 0xFF00, 0xFF, 0)),
        (32, (0xFF000000, 0xFF0000, 0xFF00, 0)),
        (32, (0xFF000000, 0xFF00, 0xFF, 0)),
        (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
        (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
        (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        (32, (0xFF000000, 0xFF00, 0xFF, 0xFF0000)),
        (32, (0, 0, 0, 0)),
    ],
)
def test_bmp_with_bit_fields(bits, masks, header_size):
    generator = np.random.default_rng(bits)
    if header_size < 56:
        if masks[3]:
            return  # such a header has no mask for alpha
        masks = masks[:3]
    rows = bmp_rows(generator, 13, 7, bits)
    check(raw_bmp(13, 7, bits, rows, header_size=header_size, compression=3, masks=masks))


def test_bmp_palettes():
    """Short ones, gray ramps, and files whose offset forgets the palette or is missing."""
    generator = np.random.default_rng(12)
    rows = bmp_rows(generator, 30, 20, 8)
    for colours in (1, 2, 3, 100, 255, 256):
        check(raw_bmp(30, 20, 8, rows, palette=generator.bytes(4 * colours)), f"{colours} colours")
        if colours > 2:
            ramp = b"".join(bytes([i, i, i, 0]) for i in range(colours))
            check(raw_bmp(30, 20, 8, rows, palette=ramp), f"ramp of {colours}")
    check(raw_bmp(30, 20, 8, rows, palette=generator.bytes(1024), offset=54))
    check(raw_bmp(30, 20, 8, rows, palette=generator.bytes(1024), offset=0))
    check(raw_bmp(30, 20, 8, rows, palette=generator.bytes(1024), colours=0))
    one_bit = bmp_rows(generator, 30, 20, 1)
    for palette in (BLACK_AND_WHITE, BLACK_AND_WHITE[::-1]):
        check(raw_bmp(30, 20, 1, one_bit, palette=b"".join(palette)))


def test_bmp_of_black_and_white_in_bytes():
    """Pillow takes the bytes for bits."""
    data = raw_bmp(4, 1, 8, b"\0\1\0\1", palette=b"".join(BLACK_AND_WHITE))
    np.testing.assert_array_equal(decode(data)[0, :, 0], [0, 255, 0, 255])


def runs(generator, width, height, nibbles):
    """Every kind of run, and rows that end early."""
    data = b""
    for _ in range(height):
        left = width
        while left > 0:
            kind = int(generator.integers(5))
            count = min(left, int(generator.integers(1, 9)))
            if kind == 0 and count >= 3:
                size = (count + 1) // 2 if nibbles else count
                data += bytes([0, count]) + generator.bytes(size) + b"\0" * (size % 2)
            elif kind == 1:
                data += bytes([0, 2, count, 0])
            elif kind == 2 and left < width:
                break
            else:
                data += bytes([count]) + generator.bytes(1)
            left -= count
        data += b"\0\0"
    return data + b"\0\1"


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize("nibbles", [False, True])
def test_bmp_of_runs(nibbles, top_down):
    generator = np.random.default_rng(13)
    bits = 4 if nibbles else 8
    for width, height in FEW_SIZES + [(9, 30), (200, 3)]:
        data = runs(generator, width, height, nibbles)
        palette = generator.bytes(4 * 2**bits)
        check(raw_bmp(width, height, bits, data, palette=palette, compression=2 if nibbles else 1, top_down=top_down))
    rows_left_out = b"\5\1" + b"\0\2\0\3" + b"\5\2\0\0" + b"\0\2\7\2" + b"\3\3\0\1"
    palette = generator.bytes(4 * 2**bits)
    check(raw_bmp(10, 7, bits, rows_left_out, palette=palette, compression=2 if nibbles else 1))


def test_the_content_and_not_the_name_decides(tmp_path):
    image = image_of(np.random.default_rng(5), "RGB", (12, 8))
    path = tmp_path / "image.png"
    image.save(path, "BMP")
    np.testing.assert_array_equal(native.decode(str(path)), np.asarray(image))


QUICKLY = {"PNG": {"compress_level": 1}, "WEBP": {"method": 0}}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("size", [(2000, 1500), (601, 2011)])
def test_large(form, size):
    check(encoded(image_of(np.random.default_rng(23), "RGB", size), form, **QUICKLY.get(form, {})))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_4000x3000(form):
    check(encoded(image_of(np.random.default_rng(24), "RGB", (4000, 3000)), form, **QUICKLY.get(form, {})))
