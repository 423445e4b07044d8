"""Large data sets: the time to list them, and memory that doesn't grow with them."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import calib8_program, run_calib8
from PIL import Image
from support.small_onnx import save_image_classifier


def peak_of(*arguments) -> int:
    """Peak memory of a run of calib8, in KiB."""
    process = subprocess.Popen([calib8_program(), *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, message
    return usage.ru_maxrss


def make_images(folder, count):
    generator = np.random.default_rng(0)
    for number in range(count):
        path = folder / "val" / str(number % 10) / f"{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (24, 32, 3), np.uint8)).save(path, compress_level=1)
    return folder


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_images(tmp_path, count):
    model = save_image_classifier(tmp_path / "model.onnx")
    few, many = make_images(tmp_path / "few", 100), make_images(tmp_path / "many", count)
    options = ("--num-calib-samples", 40, "--output-dir", tmp_path / "out", "--min-agreement", 0, "--threads", 2, "--full")
    peaks = [min(peak_of("export", model, "--dataset-dir", data, *options) for _ in range(3)) for data in (few, many)]
    assert peaks[1] < peaks[0] * 1.05, peaks


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_samples(tmp_path, count):
    """Though every one is named in the metadata, or in the report and the module."""
    model = save_image_classifier(tmp_path / "model.onnx")
    data = make_images(tmp_path / "data", count)
    commands = [
        ("export", model, "--dataset-dir", data, "--output-dir", tmp_path / "out", "--min-agreement", 0),
        ("dataset", "--data-dir", data, "--json", "--create-module", "--output", tmp_path / "representative_data.py"),
    ]
    for command in commands:
        peaks = [
            min(peak_of(*command, "--threads", 2, "--num-calib-samples", samples) for _ in range(3))
            for samples in (100, count - 20)
        ]
        assert peaks[1] < peaks[0] * 1.05, (command[0], peaks)


def test_memory_does_not_grow_with_given_arrays(tmp_path):
    """The samples of a generator would fill 100 MB."""
    code = """
import resource, sys, calib8, numpy as np
random = np.random.default_rng(0)
samples = (random.standard_normal((1, 64, 64, 3), np.float32) for _ in range(int(sys.argv[2]) + 20))
calib8.export(sys.argv[1], representative_data_gen=samples, num_calib_samples=int(sys.argv[2]), output_dir=sys.argv[3],
              min_agreement=0, threads=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    model = save_image_classifier(tmp_path / "model.onnx", size=64)
    peaks = [
        int(subprocess.run([sys.executable, "-c", code, model, str(count), tmp_path / "out"], check=True, capture_output=True).stdout)
        for count in (100, 2000)
    ]
    assert peaks[1] < peaks[0] * 1.05, peaks


@pytest.mark.slow
def test_a_million_files_are_listed_in_seconds(tmp_path):
    for folder in range(1000):
        os.makedirs(tmp_path / "val" / f"{folder:04}")
        for number in range(1000):
            os.close(os.open(tmp_path / "val" / f"{folder:04}" / f"{number:06}.jpg", os.O_CREAT | os.O_WRONLY))
    model = save_image_classifier(tmp_path / "model.onnx")
    (tmp_path / "list.json").write_text('["gone.jpg"]')  # ends the run behind the listing
    begin = time.monotonic()
    done = run_calib8(
        "export", model, "--dataset-dir", tmp_path, "--output-dir", tmp_path / "out", "--samples-in", tmp_path / "list.json"
    )
    assert time.monotonic() - begin < 10
    assert done.returncode == 4 and "1000 classes, 1000000 images" in done.stderr, done.stderr


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_very_many_classes(tmp_path, count):
    for number in range(count):
        os.mkdir(tmp_path / f"{number:06}")
    for number in range(0, count, 5000):
        (tmp_path / f"{number:06}" / "1.jpg").touch()
    code = f"""
import pathlib
from calib8 import _native
found = _native.discover(pathlib.Path({str(tmp_path)!r}))
assert len(found["class_names"]) == {count} and found["labels"][1] == 5000, found["labels"]
assert any(b"{count - count // 5000} of {count} class folders hold no image" in note for note in found["notes"]), found["notes"]
"""
    begin = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    assert time.monotonic() - begin < 20
