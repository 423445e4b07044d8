"""Pictures, and image files of kinds that Pillow doesn't write."""

from __future__ import annotations

import struct
import zlib

import numpy as np

SIZES = [(1, 1), (1, 9), (8, 1), (2, 3), (7, 5), (16, 16), (17, 33), (64, 48), (161, 225)]
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
TIFF_SHORT, TIFF_LONG = 3, 4
REVERSED_BITS = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def picture(generator, width: int, height: int, channels: int) -> np.ndarray:
    """Smooth in one half and noise in the other, so that both kinds of blocks occur."""
    ramp = np.add.outer(np.arange(height), np.arange(width))[:, :, None] * np.arange(1, channels + 1)
    noise = generator.integers(0, 256, (height, width, channels))
    return np.where(np.arange(width)[None, :, None] * 2 < width, ramp % 256, noise).astype(np.uint8)


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_header(width: int, height: int, colour: int = 2, depth: int = 8, interlaced: bool = False) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def raw_png(generator, width: int, height: int, colour: int, depth: int, interlaced: bool, extra: bytes = b"") -> bytes:
    """Random samples under random filters; `extra` are chunks before the pixels."""
    bits = PNG_CHANNELS[colour] * depth

    def rows(row_width, row_height):
        size = (row_width * bits + 7) // 8
        return b"".join(bytes([int(generator.integers(5))]) + generator.bytes(size) for _ in range(row_height))

    if interlaced:
        passes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in ADAM7 if width > x and height > y]
        data = b"".join(rows(*size) for size in passes)
    else:
        data = rows(width, height)
    palette = png_chunk(b"PLTE", generator.bytes(3 * 2**depth)) if colour == 3 else b""
    body = palette + extra + png_chunk(b"IDAT", zlib.compress(data)) + png_chunk(b"IEND", b"")
    return png_header(width, height, colour, depth, interlaced) + body


def raw_bmp(
    width: int,
    height: int,
    bits: int,
    data: bytes,
    *,
    palette: bytes = b"",
    header_size: int = 40,
    compression: int = 0,
    masks: tuple = (),
    top_down: bool = False,
    colours: int | None = None,
    offset: int | None = None,
) -> bytes:
    """`data` are the rows as they stand in the file, padded; a palette entry is four bytes, three where header_size is 12."""
    if header_size == 12:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        count = len(palette) // 4 if colours is None else colours
        signed_height = -height if top_down else height
        header = struct.pack("<IiiHHIIiiII", header_size, width, signed_height, 1, bits, compression, len(data), 0, 0, count, 0)
        fields = struct.pack(f"<{len(masks)}I", *masks)
        header += fields if header_size == 40 else fields.ljust(header_size - 40, b"\0")
    start = 14 + len(header) + len(palette) if offset is None else offset
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(palette) + len(data), 0, 0, start) + header + palette + data


def bmp_rows(generator, width: int, height: int, bits: int) -> bytes:
    return generator.bytes((width * bits + 31) // 32 * 4 * height)


def raw_tiff(tags: dict[int, tuple[int, list[int]]], blocks: list[bytes], *, order: str = "<", tiled: bool = False) -> bytes:
    """One directory behind the blocks (strips or tiles), whose offsets and sizes are added to the tags, unless given."""
    data = b""
    offsets = []
    for block in blocks:
        offsets.append(8 + len(data))
        data += block + b"\0" * (len(block) % 2)
    tags = {
        (324 if tiled else 273): (TIFF_LONG, offsets),
        (325 if tiled else 279): (TIFF_LONG, [len(block) for block in blocks]),
        **tags,
    }
    directory = 8 + len(data)
    behind = directory + 2 + 12 * len(tags) + 4
    entries = struct.pack(order + "H", len(tags))
    values_behind = b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{'BHI'[{1: 0, 3: 1, 4: 2}[kind]]}", *values)
        if len(packed) > 4:
            place = struct.pack(order + "I", behind + len(values_behind))
            values_behind += packed + b"\0" * (len(packed) % 2)
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + place
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, directory)
    return head + data + entries + struct.pack(order + "I", 0) + values_behind


def sampled_tiff(
    generator,
    width: int,
    height: int,
    *,
    photometric: int,
    bits: int,
    samples: int,
    extra: list[int] | None = None,
    order: str = "<",
    planar: bool = False,
    deflate: bool = False,
    tile: int = 0,
    rows_per_strip: int = 0,
    fill_order: int = 1,
    sample_format: int = 1,
    orientation: int = 0,
) -> bytes:
    """Random samples in any layout. `tile` is the side of square tiles; 0 for strips of `rows_per_strip` (0: one strip)."""
    per_block = 1 if planar else samples
    block_width, block_height = (tile, tile) if tile else (width, rows_per_strip or height)
    across = -(-width // block_width)
    down = -(-height // block_height)
    blocks = []
    for _ in range(samples if planar else 1):
        for row in range(down):
            rows = block_height if tile else min(block_height, height - row * block_height)
            blocks += [generator.bytes((block_width * per_block * bits + 7) // 8 * rows) for _ in range(across)]
    if deflate:
        blocks = [zlib.compress(block) for block in blocks]
        if fill_order == 2:  # the order of what stands in the file
            blocks = [block.translate(REVERSED_BITS) for block in blocks]
    tags = {
        256: (TIFF_LONG, [width]),
        257: (TIFF_LONG, [height]),
        258: (TIFF_SHORT, [bits] * samples),
        259: (TIFF_SHORT, [8 if deflate else 1]),
        262: (TIFF_SHORT, [photometric]),
        277: (TIFF_SHORT, [samples]),
        284: (TIFF_SHORT, [2 if planar else 1]),
    }
    if tile:
        tags[322] = tags[323] = (TIFF_LONG, [tile])
    else:
        tags[278] = (TIFF_LONG, [block_height])
    if extra:
        tags[338] = (TIFF_SHORT, extra)
    if photometric == 3:
        tags[320] = (TIFF_SHORT, [int(value) for value in generator.integers(0, 65536, 3 * 2**bits)])
    if fill_order != 1:
        tags[266] = (TIFF_SHORT, [fill_order])
    if sample_format != 1:
        tags[339] = (TIFF_SHORT, [sample_format] * samples)
    if orientation:
        tags[274] = (TIFF_SHORT, [orientation])
    return raw_tiff(tags, blocks, order=order, tiled=bool(tile))
