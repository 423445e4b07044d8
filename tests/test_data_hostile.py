"""Data that is hostile, or changes while it is read: one line and status 4, or a result without it; never more memory
or time than the samples are worth."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

import calib8
import numpy as np
import pytest
from conftest import calib8_program, run_calib8
from PIL import Image
from support.small_onnx import save_image_classifier
from test_samples import picture, pictures

FEW = ["--num-calib-samples", 8, "--verify-samples", 4, "--min-agreement", 0]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_image_classifier(tmp_path_factory.mktemp("model") / "small.onnx", size=32)


def export(model, data, folder, *arguments, statuses=(4,)):
    """What was said last. The run must end in a minute with one of the statuses."""
    done = run_calib8("export", model, "--dataset-dir", data, "--output-dir", folder, *FEW, *arguments, timeout=60)
    assert done.returncode in statuses, (done.returncode, done.stderr)
    return (done.stderr.strip().splitlines() or [""])[-1]


def png(width, height, bits=1, colour=0, interlaced=False):
    """A black PNG of any size in a few kilobytes."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes = [(8, 8), (8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2)] if interlaced else [(1, 1)]
    offsets = [(0, 0), (4, 0), (0, 4), (2, 0), (0, 2), (1, 0), (0, 1)] if interlaced else [(0, 0)]
    total = 0
    for (across, down), (left, top) in zip(passes, offsets):
        columns, rows = -(-max(0, width - left) // across), -(-max(0, height - top) // down)
        total += rows * (1 + (columns * bits * channels + 7) // 8) if columns else 0
    packer, packed, block = zlib.compressobj(9), bytearray(), bytes(1 << 20)
    for begin in range(0, total, len(block)):
        packed += packer.compress(block[: total - begin])
    packed += packer.flush()

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(3)) if colour == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + chunk(b"IDAT", bytes(packed)) + chunk(b"IEND", b"")


# The kernel counts what the caller held when it started the command, so a small one stands between.
MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def peak_megabytes(*arguments):
    done = subprocess.run([sys.executable, "-I", "-S", "-c", MEASURE, calib8_program(), *map(str, arguments)], capture_output=True, text=True)
    status, peak = map(int, done.stdout.split())
    assert status in (0, 4), done.stderr
    return peak / 1024


# width, height, bits, colour type, interlaced, further arguments; 50 million pixels are 150 MB
OBLONG = {
    "wide": (178_000_000, 1, 1, 0, False, []),
    "tall": (1, 178_000_000, 1, 3, False, ["--interpolation", "lanczos"]),
    "as wide as may be": (1 << 20, 47, 1, 0, False, ["--interpolation", "bicubic"]),
    "as tall as may be": (47, 1 << 20, 8, 0, False, ["--interpolation", "lanczos"]),
    "resized to 160 million pixels": (1 << 20, 7, 1, 0, False, ["--resize-mode", "shortest-side"]),
    "to a strip": (1 << 20, 20, 1, 0, False, ["--resize-mode", "letterbox", "--interpolation", "opencv-lanczos"]),
    "interlaced, of 8 bytes a pixel": (7000, 7000, 16, 6, True, []),
    "made gray": (7000, 7000, 8, 2, False, []),
}


@pytest.mark.parametrize("name", OBLONG)
def test_small_files_of_many_pixels_take_no_more_than_their_pixels(tmp_path, model, name):
    width, height, bits, colour, interlaced, arguments = OBLONG[name]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(png(width, height, bits, colour, interlaced))
    if name == "made gray":
        arguments = ["--channel-order", "gray"]
        peak = peak_megabytes("dataset", "--data-dir", tmp_path / "data", "--input-size", 32, "--threads", 1, *arguments)
    else:
        peak = peak_megabytes("export", model, "--dataset-dir", tmp_path / "data", "--output-dir", tmp_path / "out", *FEW, "--threads", 1, *arguments)
    assert peak < 260, f"{peak:.0f} MB"


def test_interlaced_pngs_equal_pillow(tmp_path):
    """Every size of the smaller passes, some of which are empty."""
    generator = np.random.default_rng(0)
    for width, height in [(1, 1), (2, 3), (4, 4), (5, 1), (1, 5), (9, 7), (33, 18)]:
        image = Image.fromarray(generator.integers(0, 256, (height, width, 3), np.uint8))
        rows = np.asarray(image)
        raw = b""
        for left, top, across, down in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
            part = rows[top::down, left::across]
            raw += b"".join(b"\0" + row.tobytes() for row in part) if part.size else b""

        def chunk(name, content):
            return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
        file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
        (tmp_path / "a.png").write_bytes(file)
        np.testing.assert_array_equal(calib8._native.decode(tmp_path / "a.png"), rows)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png").convert("RGB")), rows)


def npy_head(shape, order=False):
    header = f"{{'descr': '<f4', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n"


@pytest.mark.parametrize("order", [False, True])
def test_a_sparse_file_of_equal_rows_comes_to_an_end(tmp_path, model, order):
    """128 GB in no space, every row of it zero."""
    rows = (128 << 30) // (32 * 32 * 3 * 4)
    with open(tmp_path / "x.npy", "wb") as file:
        file.write(npy_head(f"({rows}, 32, 32, 3)", order))
        file.truncate(file.tell() + rows * 32 * 32 * 3 * 4)
    begin = time.monotonic()
    said = export(model, tmp_path / "x.npy", tmp_path / "out", statuses=(4,) if order else (0,))
    assert time.monotonic() - begin < 30
    assert not order or "ascontiguousarray" in said


def test_a_million_equal_rows(tmp_path, model):
    small = save_image_classifier(tmp_path / "tiny.onnx", size=4)
    np.savez_compressed(tmp_path / "x.npz", image=np.ones((1_000_000, 4, 4, 3), np.float32))
    begin = time.monotonic()
    done = run_calib8("export", small, "--dataset-dir", tmp_path / "x.npz", "--output-dir", tmp_path / "out", *FEW, "--json", check=True)
    assert time.monotonic() - begin < 20
    dataset = json.loads(done.stdout)["dataset"]
    assert dataset["calibration_samples"] == 1 and dataset["dropped_duplicates"] == 1000


def test_fortran_order_gives_the_same_samples(tmp_path, model):
    """The samples are those of C's order."""
    values = np.random.default_rng(0).normal(0, 1, (600, 32, 32, 3)).astype(np.float32)
    np.save(tmp_path / "c.npy", values)
    np.save(tmp_path / "f.npy", np.asfortranarray(values))
    hashes = {}
    for name in ("c", "f"):
        done = run_calib8("export", model, "--dataset-dir", tmp_path / f"{name}.npy", "--output-dir", tmp_path / name, *FEW, "--json", check=True)
        hashes[name] = [sample["sha256"] for sample in json.loads(done.stdout)["dataset"]["calibration"]]
    assert hashes["c"] == hashes["f"]


@pytest.mark.parametrize("kind", ["image", "list", "samples-in", "preprocessing", "labels", "npy"])
@pytest.mark.parametrize("what", ["pipe", "socket", "folder", "loop", "device"])
def test_what_is_no_file_is_never_waited_for(tmp_path, model, kind, what):
    data = pictures(tmp_path / "images", 12)
    places = {"image": data / "zz.png", "list": tmp_path / "list.txt", "samples-in": tmp_path / "s.json",
              "preprocessing": tmp_path / "p.json", "labels": tmp_path / "labels" / "000.txt", "npy": tmp_path / "x.npy"}  # fmt: skip
    place = places[kind]
    place.parent.mkdir(exist_ok=True)
    if what == "pipe":
        os.mkfifo(place)
    elif what == "socket":
        listening = socket.socket(socket.AF_UNIX)
        with contextlib.chdir(place.parent):  # a socket's name is short
            listening.bind(place.name)
    elif what == "folder":
        place.mkdir()
    else:
        place.symlink_to(place.name if what == "loop" else "/dev/zero")
    arguments = {"samples-in": ["--samples-in", place], "preprocessing": ["--preprocessing", place]}.get(kind, [])
    dataset = place if kind in ("list", "npy") else tmp_path if kind == "labels" else data
    said = export(model, dataset, tmp_path / "out", *arguments, statuses=(0, 2, 4))
    assert "internal" not in said


def test_files_that_change_under_the_run(tmp_path, model):
    """Replaced, cut, removed, turned into pipes and back, all the time: an error that names a file, or success."""
    data = pictures(tmp_path / "data", 40)
    stop = threading.Event()

    def change():
        generator = np.random.default_rng(0)
        while not stop.is_set():
            path = data / f"{generator.integers(40):03}.png"
            way = generator.integers(5)
            try:
                path.unlink(missing_ok=True)
                if way == 0:
                    os.mkfifo(path)
                elif way == 1:
                    path.mkdir()
                    path.rmdir()
                elif way < 4:
                    picture(path, int(generator.integers(1000)), size=(200, 150))
                    if way == 2:
                        os.truncate(path, 500)
            except OSError:
                pass

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for seed in range(6):
            done = run_calib8("export", model, "--dataset-dir", data, "--output-dir", tmp_path / "out", "--num-calib-samples", 30,
                              "--verify-samples", 8, "--min-agreement", 0, "--seed", seed, timeout=60)  # fmt: skip
            assert done.returncode in (0, 4), done.stderr
    finally:
        stop.set()
        changing.join()


def test_an_array_that_changes_is_named(tmp_path):
    """Read again, it must hold what was drawn."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((40, 8, 8, 3), np.float32))
    generator = calib8.RepresentativeDataGenerator(tmp_path / "x.npy", num_samples=5)
    np.save(tmp_path / "x.npy", np.random.default_rng(1).random((40, 8, 8, 3), np.float32))
    with pytest.raises(calib8.Error, match="x.npy.*changed"):
        list(generator)


def test_a_folder_for_temporary_files_that_is_none(tmp_path, model):
    np.savez_compressed(tmp_path / "x.npz", image=np.random.default_rng(0).random((20, 32, 32, 3), np.float32))
    done = run_calib8("export", model, "--dataset-dir", tmp_path / "x.npz", "--output-dir", tmp_path / "out", *FEW,
                      env={**os.environ, "TMPDIR": str(tmp_path / "absent")})  # fmt: skip
    assert done.returncode == 4 and "TMPDIR" in done.stderr, done.stderr


@pytest.mark.parametrize("flags", [["--std", "1e-45"], ["--scale", "1e38", "--mean", "0", "--std", "1e-5"], ["--mean", "nan"], ["--std", "inf"], ["--scale", "nan"]])
def test_a_preprocessing_without_finite_values(tmp_path, model, flags):
    said = export(model, pictures(tmp_path / "data", 3), tmp_path / "out", *flags, statuses=(2,))
    assert flags[-2] in said or flags[0] in said or "--" in said
