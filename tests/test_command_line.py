"""What the command line says of itself: usage, groups of flags, wrong flags, failures as JSON."""

import json
import subprocess
import sys

import calib8
import pytest
from conftest import run_calib8
from support import images, small_onnx


def test_usage_spells_each_argument_once():
    text = run_calib8("export", "--help").stdout
    assert "Usage: calib8 export --checkpoint MODEL [OPTIONS]" in text and "Positionals" not in text
    assert text.count("--checkpoint MODEL") == 2  # the usage, and the flag itself
    assert "Usage: calib8 inspect file" in run_calib8("inspect", "--help").stdout


@pytest.mark.parametrize(("command", "groups"), [
    ("export", ["Model", "Files", "Data", "Preprocessing", "Calibration", "Proof", "Run"]),
    ("dataset", ["Data", "Model", "Preprocessing", "Output and run"]),
])  # fmt: skip
def test_flags_stand_in_groups(command, groups):
    lines = run_calib8(command, "--help").stdout.splitlines()
    places = [lines.index(f"{group}:") for group in groups]
    assert places == sorted(places)


@pytest.mark.parametrize(("arguments", "meant"), [
    (("exprot", "m.onnx"), "export"),
    (("datasets",), "dataset"),
    (("export", "m.onnx", "--quantise", "int8"), "--quantize"),
    (("export", "m.onnx", "--dataset_dir=data"), "--dataset-dir"),
    (("export", "m.onnx", "--min-agreemnt", "1"), "--min-agreement"),
    (("dataset", "--dataset-dri", "x"), "--dataset-dir"),
    (("inspect", "m.onnx", "--jsno"), "--json"),
])  # fmt: skip
def test_a_wrong_word_gets_the_nearest(arguments, meant):
    done = run_calib8(*arguments)
    assert done.returncode == calib8.ErrorCode.USAGE
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"(did you mean {meant}?)")


def test_a_word_that_is_near_nothing_gets_no_advice():
    done = run_calib8("export", "m.onnx", "--zzzzzzzzzz")
    assert done.returncode == calib8.ErrorCode.USAGE
    assert "did you mean" not in done.stderr and "calib8 --help" in done.stderr


@pytest.mark.parametrize(("arguments", "code"), [
    (("export", "--nonsense", "--json"), "usage"),
    (("export", "missing.onnx", "--json"), "model"),
    (("export", "m.onnx", "--dataset-dir", "nowhere", "--json"), "dataset"),
    (("dataset", "--dataset-dir", "nowhere", "--json"), "dataset"),
    (("inspect", "missing.onnx", "--json"), "model"),
    (("export", "m.onnx", "--dataset-dir", "data", "--output-dir", "m.onnx/out", "--json"), "output"),
])  # fmt: skip
def test_json_tells_of_failures(arguments, code, tmp_path):
    small_onnx.save_image_classifier(tmp_path / "m.onnx")
    images.write_images(tmp_path / "data", 4)
    done = run_calib8(*arguments, cwd=tmp_path)
    error = json.loads(done.stdout)["error"]
    assert error["code"] == code and error["status"] == done.returncode == calib8.ErrorCode[code.upper()]
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("calib8: ")]
    assert line.endswith(error["message"]) and error["where"] in line
    assert run_calib8(*[argument for argument in arguments if argument != "--json"], cwd=tmp_path).stdout == ""


def test_python_runs_the_program():
    done = subprocess.run([sys.executable, "-m", "calib8", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == run_calib8("--version").stdout
