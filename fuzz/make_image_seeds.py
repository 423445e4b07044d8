"""Writes small valid images of every kind that the decoder tells apart into fuzz/corpus/image/.

Needs Pillow and NumPy. Run from anywhere; the files are the same every time.
"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.image_files import bmp_rows, raw_bmp, sampled_tiff

FOLDER = Path(__file__).parent / "corpus" / "image"
WIDTH, HEIGHT = 11, 7
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def picture(mode: str) -> Image.Image:
    size = WIDTH * HEIGHT * len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (WIDTH, HEIGHT), bytes((i * 37 + i * i) % 256 for i in range(size)))


def encoded(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def rows(width: int, height: int, bits: int) -> bytes:
    size = (width * bits + 7) // 8
    return b"".join(bytes([y % 5]) + bytes((x * 29 + y * 11) % 256 for x in range(size)) for y in range(height))


def png(colour: int, depth: int, interlaced: bool) -> bytes:
    bits = CHANNELS[colour] * depth
    if interlaced:
        data = b"".join(
            rows(-(-(WIDTH - x) // dx), -(-(HEIGHT - y) // dy), bits) for x, y, dx, dy in ADAM7 if WIDTH > x and HEIGHT > y
        )
    else:
        data = rows(WIDTH, HEIGHT, bits)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(range(3 * 2 ** min(depth, 4)))) if colour == 3 else b""
    parts = [chunk(b"IHDR", header), palette, chunk(b"tEXt", b"Title\0seed"), chunk(b"IDAT", zlib.compress(data))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def claims(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def as_text(raw: bytes, image: Image.Image) -> bytes:
    """The kin of a raw PNM whose samples are decimal numbers."""
    kind = {b"P4": b"P1", b"P5": b"P2", b"P6": b"P3"}[raw[:2]]
    samples = [int(value > 127) for value in image.tobytes()] if kind == b"P1" else image.tobytes()
    highest = b"" if kind == b"P1" else b"255\n"
    return kind + b" %d %d\n" % image.size + highest + b" ".join(b"%d" % value for value in samples)


def seeds() -> dict[str, bytes]:
    files = {
        "rgb.jpg": encoded(picture("RGB"), "JPEG", quality=80),
        "rgb_444.jpg": encoded(picture("RGB"), "JPEG", quality=80, subsampling=0),
        "rgb_direct.jpg": encoded(picture("RGB"), "JPEG", keep_rgb=True),
        "progressive.jpg": encoded(picture("RGB"), "JPEG", progressive=True),
        "gray.jpg": encoded(picture("L"), "JPEG"),
        "cmyk.jpg": encoded(picture("CMYK"), "JPEG"),
        "cmyk_progressive.jpg": encoded(picture("CMYK"), "JPEG", progressive=True),
        "restarts.jpg": encoded(picture("RGB"), "JPEG", restart_marker_blocks=1),
        "exif.jpg": encoded(picture("RGB"), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0", comment=b"seed"),
        "cut.jpg": encoded(picture("RGB"), "JPEG")[:-40],
        "claims_60000.png": claims(60000, 60000),
        "claims_10000.png": claims(10000, 10000),
        "no_pixels.png": claims(0, 5),
        "transparent.png": encoded(picture("L"), "PNG", transparency=3),
        "empty.jpg": b"",
        "text.png": b"hello",
    }
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            for interlaced in (False, True):
                files[f"colour{colour}_{depth}bit{'_interlaced' if interlaced else ''}.png"] = png(colour, depth, interlaced)
    files["cut.png"] = files["colour2_8bit.png"][:90]
    scan = files["progressive.jpg"].rindex(b"\xff\xda")
    files["many_scans.jpg"] = files["progressive.jpg"][:-2] + files["progressive.jpg"][scan:-2] * 110 + b"\xff\xd9"
    two = bytearray(files["gray.jpg"])
    start = two.index(b"\xff\xc0")
    two[start + 2 : start + 10] = struct.pack(">HBHHB", 14, 8, HEIGHT, WIDTH, 2)
    files["two_components.jpg"] = bytes(two[: start + 13]) + b"\x02\x11\x00" + bytes(two[start + 13 :])
    return files


def more_seeds() -> dict[str, bytes]:
    """The formats beside JPEG and PNG, and the orientation that a file may carry."""
    generator = np.random.default_rng(1)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    xmp = b'<x tiff:Orientation="5"/>'
    files = {
        "turned.jpg": encoded(picture("L"), "JPEG", exif=exif),
        "turned.png": encoded(picture("L"), "PNG", exif=exif),
        "lossy.webp": encoded(picture("RGB"), "WEBP", exif=exif, xmp=xmp),
        "lossless.webp": encoded(picture("RGB"), "WEBP", lossless=True, xmp=xmp),
        "alpha.webp": encoded(picture("RGBA"), "WEBP"),
        "animated.webp": encoded(picture("RGB"), "WEBP", save_all=True, append_images=[picture("L").convert("RGB")]),
        "fax.tif": encoded(picture("L").convert("1"), "TIFF", compression="group4"),
        "fax3.tif": encoded(picture("L").convert("1"), "TIFF", compression="group3"),
        "ycbcr.tif": encoded(picture("RGB").convert("YCbCr"), "TIFF", compression="jpeg"),
        "ycbcr_lzw.tif": encoded(picture("RGB").convert("YCbCr"), "TIFF", compression="tiff_lzw"),
        "runs8.bmp": raw_bmp(6, 3, 8, b"\6\1\0\0\0\5abcde\0\0\2\1\1\2\3\0\1", palette=generator.bytes(1024), compression=1),
        "runs4.bmp": raw_bmp(6, 2, 4, b"\6\x12\0\0\0\6abc\0\0\1", palette=generator.bytes(64), compression=2),
        "fields.bmp": raw_bmp(5, 3, 16, bmp_rows(generator, 5, 3, 16), compression=3, masks=(0xF800, 0x7E0, 0x1F)),
        "core.bmp": raw_bmp(5, 3, 1, bmp_rows(generator, 5, 3, 1), palette=generator.bytes(6), header_size=12),
    }
    for kind, mode in {"plain": "1", "gray": "L", "colour": "RGB"}.items():
        raw = encoded(picture("L").convert("1") if mode == "1" else picture(mode), "PPM")
        files[f"{kind}.pnm"] = raw
        files[f"{kind}_text.pnm"] = as_text(raw, picture(mode).convert("L") if mode == "1" else picture(mode))
    files["deep.pgm"] = b"P5\n# deep\n%d %d\n1023\n" % (WIDTH, 2) + struct.pack(f">{2 * WIDTH}H", *(i * 46 for i in range(2 * WIDTH)))
    files["palette.gif"] = encoded(picture("RGB").quantize(16), "GIF")
    files["interlaced.gif"] = encoded(picture("L"), "GIF", interlace=1, comment=b"seed")
    files["animated.gif"] = encoded(
        picture("RGB"), "GIF", save_all=True, append_images=[picture("L").convert("RGB")], transparency=0, disposal=2
    )
    for compression in ("packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "lzma", "zstd"):
        files[f"{compression}.tif"] = encoded(picture("RGB"), "TIFF", compression=compression)
    for bits in (4, 8, 24, 32):
        palette = generator.bytes(4 * 2**bits) if bits <= 8 else b""
        files[f"{bits}bit.bmp"] = raw_bmp(7, 3, bits, bmp_rows(generator, 7, 3, bits), palette=palette, top_down=bits == 24)
    for photometric, bits, samples, extra in [(0, 1, 1, None), (1, 16, 1, None), (3, 4, 1, None), (2, 8, 4, [1]), (5, 8, 4, None)]:
        kind = dict(photometric=photometric, bits=bits, samples=samples, extra=extra, orientation=6)
        files[f"kind{photometric}_{bits}.tif"] = sampled_tiff(generator, 7, 5, **kind, rows_per_strip=2)
        files[f"kind{photometric}_{bits}_tiled.tif"] = sampled_tiff(
            generator, 20, 5, **kind, order=">", planar=samples > 1, deflate=True, tile=16
        )
    return files


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in (seeds() | more_seeds()).items():
        (FOLDER / name).write_bytes(data)
