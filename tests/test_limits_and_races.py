"""Limits of the system, and files that change while they are read: one line and a status, whole outputs or none."""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import time

import numpy as np
import pytest
from conftest import DIGITS, calib8_program
from support import images, small_onnx

TOLD = {0, 2, 3, 4, 5, 6, 7}
METADATA = "model.tflite.quantization_metadata"
CHECKPOINT = DIGITS / "efficientnet_b0_digits.pth"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    images.write_images(folder, 12, height=40, width=40)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_onnx.save_image_classifier(tmp_path_factory.mktemp("model") / "model.onnx")


def command(model, data, out, *more):
    return [
        calib8_program(), "export", str(model), "--dataset-dir", str(data), "--output-dir", str(out), "--quiet",
        "--num-calib-samples", "8", "--verify-samples", "4", "--min-agreement", "0", *map(str, more),
    ]  # fmt: skip


def assert_told(status, errors, out):
    """A status of ours, a line where it isn't 0, and outputs that are whole."""
    assert status in TOLD, f"exit {status}: {errors}"
    if status not in (0, 5):
        assert errors.strip().splitlines()[-1:] and "calib8: " in errors, f"exit {status} without a word: {errors!r}"
    out = pathlib.Path(out)
    left = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    assert set(left) <= {"model.onnx", "model.tflite", METADATA}, f"a temporary file was left: {left}"
    if METADATA in left:
        json.loads((out / METADATA).read_text())


def run_limited(arguments, limit, value):
    def limited():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(limit, (value, value))

    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, preexec_fn=limited)


@pytest.mark.parametrize("size", [0, 1, 511, 4096, 20_000])
def test_size_of_files(size, model, photos, tmp_path):
    done = run_limited(command(model, photos, tmp_path / "out"), resource.RLIMIT_FSIZE, size)
    assert_told(done.returncode, done.stderr, tmp_path / "out")


@pytest.mark.parametrize("count", [3, 4, 5, 6, 8, 10, 12, 16, 24])
def test_open_files(count, model, photos, tmp_path):
    done = run_limited(command(model, photos, tmp_path / "out"), resource.RLIMIT_NOFILE, count)
    if done.returncode == 127 or "shared libraries" in done.stderr:
        return  # the system's loader can't even start the program
    assert_told(done.returncode, done.stderr, tmp_path / "out")


@pytest.mark.parametrize("megabytes", [60, 100, 150, 200, 300, 500])
def test_address_space(megabytes, model, photos, tmp_path):
    done = run_limited(command(model, photos, tmp_path / "out"), resource.RLIMIT_AS, megabytes << 20)
    if done.returncode == 127 or "shared libraries" in done.stderr:
        return
    assert_told(done.returncode, done.stderr, tmp_path / "out")


@pytest.mark.parametrize("seconds", [1])
def test_time_of_the_processor(seconds, photos, tmp_path):
    """SIGXCPU ends the program; what was there stays."""
    done = run_limited(command(CHECKPOINT, photos, tmp_path / "out", "--num-calib-samples", 12), resource.RLIMIT_CPU, seconds)
    if done.returncode >= 0:
        assert_told(done.returncode, done.stderr, tmp_path / "out")


def run_while(arguments, out, change, delay):
    """Lets `change` happen some time after the start."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(delay)
    change()
    _, errors = process.communicate(timeout=120)
    assert_told(process.returncode, errors, out)
    return process.returncode


DELAYS = [0.01, 0.03, 0.08, 0.2, 0.5]


def truncate(path):
    os.truncate(path, os.path.getsize(path) // 3)


def empty(path):
    os.truncate(path, 0)


def remove(path):
    path.unlink()


def become_fifo(path):
    path.unlink()
    os.mkfifo(path)


def become_folder(path):
    path.unlink()
    path.mkdir()


def become_link_to_itself(path):
    path.unlink()
    path.symlink_to(path)


def overwrite(path):
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(os.urandom(2000))


CHANGES = [truncate, empty, remove, become_fifo, become_folder, become_link_to_itself, overwrite]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("delay", DELAYS)
def test_the_model_changes(change, delay, photos, tmp_path):
    shutil.copy(CHECKPOINT, tmp_path / "model.pth")
    arguments = command(tmp_path / "model.pth", photos, tmp_path / "out")
    run_while(arguments, tmp_path / "out", lambda: change(tmp_path / "model.pth"), delay)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("delay", DELAYS)
def test_images_change(change, delay, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "data")

    def change_all():
        for path in sorted((tmp_path / "data").iterdir()):
            change(path)

    arguments = command(CHECKPOINT, tmp_path / "data", tmp_path / "out", "--num-calib-samples", 8)
    run_while(arguments, tmp_path / "out", change_all, delay)


@pytest.mark.parametrize("change", CHANGES)
def test_arrays_change(change, model, tmp_path):
    (tmp_path / "data").mkdir()
    for number in range(40):
        np.save(tmp_path / "data" / f"{number:02}.npy", np.random.default_rng(number).normal(0, 1, (32, 32, 3)).astype(np.float32))

    def change_all():
        for path in sorted((tmp_path / "data").iterdir()):
            change(path)

    arguments = command(model, tmp_path / "data", tmp_path / "out", "--num-calib-samples", 36)
    run_while(arguments, tmp_path / "out", change_all, 0.02)


@pytest.mark.parametrize("delay", DELAYS)
def test_the_output_folder_goes(delay, photos, tmp_path):
    (tmp_path / "out").mkdir()
    arguments = command(CHECKPOINT, photos, tmp_path / "out")
    run_while(arguments, tmp_path / "out", lambda: shutil.rmtree(tmp_path / "out", ignore_errors=True), delay)


@pytest.mark.parametrize("delay", DELAYS)
def test_the_data_go(delay, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "data")
    arguments = command(CHECKPOINT, tmp_path / "data", tmp_path / "out")
    run_while(arguments, tmp_path / "out", lambda: shutil.rmtree(tmp_path / "data"), delay)
