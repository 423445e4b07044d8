"""PNM, GIF, AVIF and HEIC against Pillow: files that image folders hold beside JPEG and PNG."""

import io
import struct

import calib8
import numpy as np
import pytest
from conftest import run_calib8
from PIL import Image
from pillow_heif import register_heif_opener

from support.decoding import check, decode, encoded, image_of
from support.image_files import SIZES

register_heif_opener()


def pnm(kind: int, width: int, height: int, most: int, samples: np.ndarray, comment: str = "") -> bytes:
    head = f"P{kind}\n{comment}{width} {height}\n" + (f"{most}\n" if kind not in (1, 4) else "")
    if kind <= 3:
        return head.encode() + b" ".join(str(v).encode() for v in samples.ravel())
    if kind == 4:
        return head.encode() + np.packbits(samples.reshape(height, width), axis=1).tobytes()
    return head.encode() + samples.astype(">u2" if most > 255 else np.uint8).tobytes()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", range(1, 7))
@pytest.mark.parametrize("most", [1, 100, 255, 1000, 65535])
def test_pnm(size, kind, most):
    if kind in (1, 4) and most != 1:
        return
    channels = 3 if kind in (3, 6) else 1
    samples = np.random.default_rng(most).integers(0, most + 1, (size[1], size[0], channels))
    check(pnm(kind, *size, most, samples, "# by hand\n"), f"P{kind}, white {most}")


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "1"])
@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize("size", SIZES)
def test_gif(mode, interlace, size):
    image = image_of(np.random.default_rng(3), "RGB", size).convert(mode)
    check(encoded(image, "GIF", interlace=interlace), mode)


def test_gif_of_several_pictures_gives_the_first():
    generator = np.random.default_rng(4)
    pictures = [image_of(generator, "RGB", (40, 30)).quantize(16) for _ in range(3)]
    check(encoded(pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=10))


@pytest.mark.parametrize("transparent", [None, 1])
def test_gif_whose_first_picture_covers_a_part(transparent):
    """The rest is the transparent colour, or the first one."""
    data = bytearray(encoded(Image.frombytes("P", (4, 4), bytes([2, 3] * 8)).convert("P"), "GIF", optimize=False,
                             **({} if transparent is None else {"transparency": transparent})))
    data[6:10] = struct.pack("<HH", 9, 7)  # a larger canvas
    place = data.index(b"," + struct.pack("<HHHH", 0, 0, 4, 4))
    data[place + 1 : place + 5] = struct.pack("<HH", 3, 2)
    check(bytes(data))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0", "4:0:0"])
def test_avif_is_within_a_few_levels(subsampling):
    """libavif of another version than Pillow's own may round colours otherwise."""
    ramp = np.stack(np.meshgrid(np.arange(64) * 4, np.arange(48) * 5), -1)
    image = Image.fromarray(np.dstack([ramp, ramp.sum(-1) // 2]).astype(np.uint8))
    data = encoded(image, "AVIF", quality=90, subsampling=subsampling)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    found = decode(data).astype(int)
    assert found.shape == expected.shape and abs(found - expected).max() <= 4 and abs(found - expected).mean() < 0.6


@pytest.mark.parametrize("options", [{}, {"chroma": 444}, {"quality": 50}])
def test_heic_is_within_a_level(options):
    ramp = np.stack(np.meshgrid(np.arange(64) * 4, np.arange(48) * 5), -1)
    image = Image.fromarray(np.dstack([ramp, ramp.sum(-1) // 2]).astype(np.uint8))
    data = encoded(image, "HEIF", **options)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    found = decode(data).astype(int)
    assert found.shape == expected.shape and abs(found - expected).max() <= 1


def test_png_of_deep_gray_is_clipped_and_warned_of(tmp_path):
    for i in range(40):
        pixels = np.random.default_rng(i).integers(0, 65536, (20, 20), np.uint16)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        check((tmp_path / f"{i}.png").read_bytes())
    done = run_calib8("dataset", "--data-dir", tmp_path, check=True)
    assert "16 bit gray" in done.stdout + done.stderr and 'convert("RGB")' in done.stdout + done.stderr


@pytest.mark.parametrize("ending, form", [("ppm", "PPM"), ("pgm", "PPM"), ("jfif", "JPEG"), ("jpe", "JPEG"), ("gif", "GIF"), ("avif", "AVIF"), ("heic", "HEIF"), ("dib", "BMP")])
def test_folders_of_such_files_are_read(tmp_path, ending, form):
    for i in range(3):
        image_of(np.random.default_rng(i), "L" if ending == "pgm" else "RGB", (20, 16)).save(tmp_path / f"{i}.{ending.upper()}", form)
    done = run_calib8("dataset", "--data-dir", tmp_path, "--input-size", 16, check=True)
    assert "3 images" in done.stdout and "another format" not in done.stdout + done.stderr


@pytest.mark.parametrize("form", ["PPM", "GIF", "AVIF", "HEIF"])
def test_cut_files_are_refused(form):
    data = encoded(image_of(np.random.default_rng(5), "RGB", (64, 48)), form)
    for size in (12, len(data) // 3, len(data) - 20):
        with pytest.raises(calib8.Error) as caught:
            decode(data[:size])
        assert caught.value.code == calib8.ErrorCode.DATASET


def test_damaged_files_are_decoded_or_refused():
    generator = np.random.default_rng(6)
    for form in ("PPM", "GIF", "AVIF", "HEIF"):
        data = encoded(image_of(generator, "RGB", (24, 17)), form)
        for _ in range(150):
            broken = bytearray(data)
            for place in generator.integers(3, len(data), 3):
                broken[place] = generator.integers(256)
            try:
                assert decode(bytes(broken)).dtype == np.uint8
            except calib8.Error as error:
                assert error.code == calib8.ErrorCode.DATASET


@pytest.mark.parametrize("claim", [b"P6 100000 100000 255\n", b"P5\n999999999 1\n255\n", b"GIF89a\xff\xff\xff\xff\x00\x00\x00"])
def test_what_claims_more_than_it_holds_is_refused_at_once(claim):
    with pytest.raises(calib8.Error) as caught:
        decode(claim + bytes(30))
    assert caught.value.code == calib8.ErrorCode.DATASET
