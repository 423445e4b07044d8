"""Standard streams that are closed, full or left by their reader; signals; limits of the system: each ends the command
with a status of its own, and what was written is whole."""

import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from conftest import DIGITS, calib8_program, run_calib8
from support import small_onnx

CHECKPOINT = DIGITS / "efficientnet_b0_digits.pth"
FILES = ["model.onnx", "model.tflite", "model.tflite.quantization_metadata"]
USAGE, MODEL, GATE, OUTPUT, INTERRUPTED = 2, 3, 5, 7, 130


def run_with(streams, *arguments, program=None, **options):
    """Runs with some of the streams as they are named: "closed", "full", or a path; the others lead nowhere."""

    def prepare():
        for number in range(3):
            how = streams.get(number, os.devnull)
            os.close(number)
            if how != "closed":
                opened = os.open("/dev/full" if how == "full" else how, os.O_RDWR)
                os.dup2(opened, number, inheritable=True) if opened != number else os.set_inheritable(number, True)

    command = [*(program or [calib8_program()]), *map(str, arguments)]
    return subprocess.run(command, preexec_fn=prepare, timeout=120, **options).returncode


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def none_export(model, folder, *more):
    return ("export", model, "--quantize", "none", "--output-dir", folder, *more)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_onnx.save_image_classifier(tmp_path_factory.mktemp("model") / "m.onnx")


@pytest.mark.parametrize("closed", [set(some) for size in range(1, 4) for some in itertools.combinations(range(3), size)], ids=str)
@pytest.mark.parametrize("how", ["closed", "full"])
def test_every_command_without_its_streams(how, closed, model, tmp_path):
    streams = dict.fromkeys(closed, how)
    out = tmp_path / "out"
    lost = OUTPUT if 1 in closed else 0
    assert run_with(streams, *none_export(model, out)) == 0
    assert names(out) == FILES
    before = {name: (out / name).read_bytes() for name in FILES[:2]}
    assert run_with(streams, *none_export(model, out, "--json")) == lost
    assert {name: (out / name).read_bytes() for name in FILES[:2]} == before and json.loads((out / FILES[2]).read_text())
    assert run_with(streams, "inspect", out / "model.tflite") == lost
    assert run_with(streams, "dataset", "--data-dir", DIGITS / "data", "--num-samples", 4) == lost
    assert run_with(streams, "--help") == lost
    assert run_with(streams, "export", tmp_path / "none.onnx") == MODEL
    assert run_with(streams, "export", model, "--no-such-flag") == USAGE


def test_samples_don_t_get_the_number_of_a_closed_stream(tmp_path):
    """What is said on standard error would stand in the middle of them."""
    code = """
import numpy as np, sys
import calib8
rng = np.random.default_rng(0)
batches = [rng.standard_normal((12, 64, 64, 3)).astype(np.float32)]
result = calib8.export(sys.argv[1], representative_data_gen=batches, num_calib_samples=8, verify_samples=4,
                       min_agreement=0, output_dir=sys.argv[2])
"""
    for number, streams in enumerate(({}, {0: "closed", 1: "closed", 2: "closed"})):
        folder = tmp_path / str(number)
        assert run_with(streams, "-c", code, CHECKPOINT, folder, program=[sys.executable]) == 0
    assert (tmp_path / "0" / FILES[1]).read_bytes() == (tmp_path / "1" / FILES[1]).read_bytes()


def test_modules_without_their_streams(model, tmp_path):
    for how in ("closed", "full"):
        streams = dict.fromkeys(range(3), how)
        command = [sys.executable, "-m", "calib8.export_models"]
        assert run_with(streams, *none_export(model, tmp_path / how)[1:], program=command) == 0
        assert names(tmp_path / how) == FILES


def test_a_reader_that_stops(model, tmp_path):
    done = subprocess.run(
        f"{calib8_program()} inspect {CHECKPOINT} | head -1; exit ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


# --- signals ---


@pytest.fixture
def waiting(tmp_path):
    """An export that waits inside a step that asks nothing: it reads its list of samples from a pipe."""

    def start(*prefix):
        os.mkfifo(tmp_path / "pipe")
        process = subprocess.Popen(
            [*prefix, calib8_program(), "export", CHECKPOINT, "--dataset-dir", DIGITS / "data", "--num-calib-samples", "700",
             "--threads", "1", "--output-dir", tmp_path / "out"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, range(1, 32)),
        )  # fmt: skip
        assert any("calibrating" in line for line in process.stderr)
        return process

    return start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_an_export_and_leaves_nothing(number, waiting, tmp_path):
    process = waiting()
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == INTERRUPTED, errors
    assert not (tmp_path / "out").exists() or names(tmp_path / "out") in ([], ["model.onnx"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_ends_at_once(number, waiting):
    """The program is stopped, gets two signals, and goes on: it must not come to ask for the first."""
    process = waiting()
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGTERM if number != signal.SIGTERM else signal.SIGINT)
    process.send_signal(number)
    start = time.monotonic()
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=20)
    assert process.returncode < 0 and time.monotonic() - start < 1


def test_nohup(model, tmp_path):
    process = subprocess.Popen(
        [calib8_program(), *map(str, none_export(model, tmp_path / "out", "--quiet"))],
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 0


# --- limits ---


@pytest.mark.parametrize("limit", [0, 100, 100_000])
def test_file_size_limit(limit, tmp_path):
    def prepare():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = run_calib8(*none_export(CHECKPOINT, tmp_path / "out"), preexec_fn=prepare)
    assert done.returncode == OUTPUT, (done.returncode, done.stderr)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("calib8: ")]
    assert "File too large" in line
    assert names(tmp_path / "out") == []
