"""EXIF orientation against Pillow's exif_transpose, in every format that has one."""

import struct
import zlib

import numpy as np
import pytest

from support.decoding import check, encoded, image_of
from support.image_files import TIFF_LONG, TIFF_SHORT, png_chunk, raw_png, raw_tiff, sampled_tiff

ORIENTATIONS = range(10)
XMP_ATTRIBUTE = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="%d"/></x:xmpmeta>'
XMP_ELEMENT = b"<rdf><tiff:Orientation >1</a><tiff:Orientation>%d</tiff:Orientation></rdf>"


def exif(orientation, order="<", kind=3, count=1, before=(), after=()):
    """A directory with one orientation entry; `before` and `after` are further entries of 12 bytes."""
    width = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}[kind]
    value = struct.pack(f"{order}{count}{width}", *[orientation] * count)
    entry = struct.pack(order + "HHI", 274, kind, count)
    entries = [*before, b"", *after]
    behind = 8 + 2 + 12 * len(entries) + 4
    entry += value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "I", behind)
    entries[len(before)] = entry
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    tail = value if len(value) > 4 else b""
    return b"Exif\0\0" + head + struct.pack(order + "H", len(entries)) + b"".join(entries) + b"\0" * 4 + tail


def picture_file(form, **options):
    return encoded(image_of(np.random.default_rng(1), "RGB", (12, 7)), form, **options)


def with_segments(*segments):
    data = picture_file("JPEG")
    packed = [b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment for segment in segments]
    return data[:2] + b"".join(packed) + data[2:]


def with_chunks(*chunks):
    return raw_png(np.random.default_rng(2), 12, 7, 2, 8, False, b"".join(chunks))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_exif(form, order, orientation):
    shape = check(picture_file(form, exif=exif(orientation, order)))
    assert shape == ((12, 7, 3) if orientation in (5, 6, 7, 8) else (7, 12, 3))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("deflate", [False, True])
def test_tiff_is_always_turned(deflate, orientation):
    data = sampled_tiff(
        np.random.default_rng(3), 12, 7, photometric=2, bits=8, samples=3, orientation=orientation, deflate=deflate
    )
    check(data)


@pytest.mark.parametrize("kind", [1, 3, 4, 6, 8, 9, 13])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_types_and_counts_of_the_entry(kind, count):
    for order in "<>":
        check(with_segments(exif(6, order, kind, count)), f"{order} {kind} {count}")


def test_odd_directories():
    other = struct.pack("<HHII", 271, 2, 4, 0x41414141)
    unknown = struct.pack("<HHII", 300, 77, 4, 0)
    outside = struct.pack("<HHII", 274, 3, 3, 2**32 - 10)
    second = struct.pack("<HHII", 274, 3, 1, 8)
    for before, after in [((other, unknown), (other,)), ((outside,), ()), ((), (outside,)), ((), (second,))]:
        check(with_segments(exif(6, before=before, after=after)))
    whole = exif(6)
    for end in range(20, len(whole)):
        check(with_segments(whole[:end]), f"cut at {end}")
    check(with_segments(whole[:20], b"Exif\0\0" + whole[20:]))  # one block in two segments
    check(with_segments(b"Exif\0\0" + whole))
    check(picture_file("JPEG"))


def test_xmp():
    head = b"http://ns.adobe.com/xap/1.0/\0"
    for packet in (XMP_ATTRIBUTE % 6, XMP_ELEMENT % 8, b'tiff:Orientation="x"', b"tiff:Orientation", b""):
        check(with_segments(head + packet))
        check(picture_file("WEBP", xmp=packet))
        check(with_chunks(png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)))
        check(with_chunks(png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet))))
    check(with_segments(exif(3), head + XMP_ATTRIBUTE % 6))  # EXIF first
    check(with_segments(head + XMP_ATTRIBUTE % 6, exif(3)))
    pixels = np.random.default_rng(4).bytes(12 * 7)
    tags = {256: (TIFF_LONG, [12]), 257: (TIFF_LONG, [7]), 258: (TIFF_SHORT, [8]), 262: (TIFF_SHORT, [1])}
    check(raw_tiff(tags | {700: (1, list(XMP_ATTRIBUTE % 6))}, [pixels]))


def test_raw_profile_of_png():
    """ImageMagick's way before there was a chunk for EXIF."""
    block = exif(8)
    text = f"\nexif\n{len(block):8}\n{block.hex()[:72]}\n{block.hex()[72:]}\n".encode()
    check(with_chunks(png_chunk(b"tEXt", b"Raw profile type exif\0" + text)))
    check(with_chunks(png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))))
    check(with_chunks(png_chunk(b"eXIf", exif(3)[6:]), png_chunk(b"tEXt", b"Raw profile type exif\0" + text)))


def test_chunk_behind_the_pixels():
    data = picture_file("PNG")
    check(data[:-12] + png_chunk(b"eXIf", exif(6)[6:]) + data[-12:])
