"""`calib8 compare`: one model several ways, beside other tools' files, all measured on the same samples."""

import json
import os
import re
import shutil

import pytest
from conftest import DIGITS, ROOT, run_calib8
from support import images, runtimes

import calib8

CHECKPOINT = DIGITS / "efficientnet_b0_digits.pth"
DATA = DIGITS / "data"
FEW = ("--num-calib-samples", "16", "--verify-samples", "40")
METHODS = "float32,float16,int8-minmax,int8-mse,int8"


def compare(*arguments, status=0):
    done = run_calib8("compare", *arguments, "--json")
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if status == 0 else done.stderr


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    found = compare(CHECKPOINT, "--dataset-dir", DATA, "--methods", METHODS, "--keep-files", folder, "--seed", "3", *FEW)
    return folder, found


def test_each_way_is_measured_on_the_same_samples(kept):
    folder, found = kept
    names = [model["name"] for model in found["models"]]
    assert names == METHODS.split(",")
    assert {model["verification"]["samples"] for model in found["models"]} == {found["samples"]} == {40}
    by_name = {model["name"]: model for model in found["models"]}
    assert by_name["float32"]["verification"]["sqnr_is"] == "infinite"
    assert by_name["float16"]["bytes"] < 0.6 * by_name["float32"]["bytes"]
    assert by_name["int8"]["bytes"] < 0.35 * by_name["float32"]["bytes"]
    assert by_name["int8"]["recipe"].startswith("ranges ") and by_name["int8-minmax"]["recipe"] == "ranges minmax"
    assert by_name["float16"]["verification"]["sqnr_decibels"] > by_name["int8"]["verification"]["sqnr_decibels"] + 10


def test_what_is_measured_is_what_the_kept_files_do(kept):
    """Against ONNX Runtime's run of model.onnx, on the images that the metadata names."""
    folder, found = kept
    onnx = folder / "reference"
    run_calib8("export", CHECKPOINT, "--format", "onnx", "--output-dir", onnx, check=True)
    for model in found["models"]:
        path = folder / f"{model['name']}.tflite"
        assert model["path"] == str(path) and path.stat().st_size == model["bytes"]
        if model["name"] == "float32":
            continue
        metadata = json.loads(path.with_name(path.name + ".quantization_metadata").read_text())
        verified = [DATA / entry["path"] for entry in metadata["dataset"]["verification"]]
        inputs = images.batch(verified, 64, 64)
        measured = runtimes.sqnr(runtimes.run_onnx(onnx / "model.onnx", inputs), runtimes.run_tflite(path, inputs))
        assert measured == pytest.approx(model["verification"]["sqnr_decibels"], abs=0.3)


def test_an_export_makes_the_same_file(kept, tmp_path):
    folder, _ = kept
    run_calib8("export", CHECKPOINT, "--dataset-dir", DATA, "--output-dir", tmp_path, "--calibration", "minmax", "--effort", "fast",
               "--seed", "3", *FEW, check=True)  # fmt: skip
    assert (tmp_path / "model.tflite").read_bytes() == (folder / "int8-minmax.tflite").read_bytes()


def test_what_is_recommended_passes_the_gate(kept):
    _, found = kept
    (recommended,) = (model for model in found["models"] if model["name"] == found["recommended"])
    assert recommended["gate"] != "failed" and found["reason"]


@pytest.fixture(scope="module")
def others(kept, tmp_path_factory):
    """Files of another tool's making: ai-edge-quantizer's int8, and ours under another name, shuffled in no way."""
    from ai_edge_quantizer import quantizer, recipe

    folder = tmp_path_factory.mktemp("others")
    model = kept[0] / "float32.tflite"
    generator = calib8.RepresentativeDataGenerator(DATA, num_samples=20, input_size=64)
    converter = quantizer.Quantizer(str(model), recipe.static_wi8_ai8())
    calibration = converter.calibrate(generator.as_calibration_data(model=model))
    converter.quantize(calibration, enable_progress_report=False).export_model(folder / "theirs.tflite")
    shutil.copy(kept[0] / "int8-mse.tflite", folder / "ours.tflite")
    return folder


def test_other_tools_files_are_ranked_beside_ours(kept, others):
    found = compare(CHECKPOINT, others / "theirs.tflite", others / "ours.tflite", "--dataset-dir", DATA, "--methods", "int8-mse", "--seed", "3", *FEW)
    ours, theirs, copy = found["models"]
    assert [model["other"] for model in found["models"]] == [False, True, True]
    assert theirs["name"] == str(others / "theirs.tflite") and theirs["bytes"] == (others / "theirs.tflite").stat().st_size
    assert "seconds" not in theirs and ours["seconds"] > 0
    assert copy["verification"]["sqnr_decibels"] == ours["verification"]["sqnr_decibels"]
    metadata = json.loads((kept[0] / "int8-mse.tflite.quantization_metadata").read_text())
    inputs = images.batch([DATA / entry["path"] for entry in metadata["dataset"]["verification"]], 64, 64)
    reference = runtimes.run_tflite(kept[0] / "float32.tflite", inputs)
    measured = runtimes.sqnr(reference, runtimes.run_tflite(others / "theirs.tflite", inputs))
    assert theirs["verification"]["sqnr_decibels"] == pytest.approx(measured, abs=0.05)


def test_the_table_says_it_for_people(others):
    done = run_calib8("compare", CHECKPOINT, others / "theirs.tflite", "--dataset-dir", DATA, "--methods", "float16,int8-mse", *FEW, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["way", "size"]
    assert [line.lstrip("* ").split()[0] for line in lines[1:4]] == ["float16", "int8-mse", str(others / "theirs.tflite")]
    assert sum(line.startswith("*") for line in lines) == 1
    assert lines[-1].startswith("recommended: ")


def columns(table):
    """The head, and name and size of each line: what doesn't depend on the machine."""
    lines = [re.split(r"  +", line.lstrip("* ").strip()) for line in table.splitlines()]
    end = next(number for number, line in enumerate(lines) if line == [""])
    return lines[0], [line[:2] for line in lines[1:end]]


def test_the_documented_table_is_what_it_prints():
    """CALIB8_WRITE_DOCS=1 puts the table that is printed into the page."""
    page = ROOT / "docs" / "comparing.md"
    documented = re.search(r"```text\n(.*?)```", page.read_text(), re.DOTALL).group(1)
    printed = run_calib8("compare", CHECKPOINT, "--dataset-dir", DATA, "--methods", "float32,float16,int8-minmax,int8-mse,int8", check=True).stdout
    if os.environ.get("CALIB8_WRITE_DOCS"):
        page.write_text(page.read_text().replace(documented, printed))
    else:
        assert columns(printed) == columns(documented)


def test_from_python(tmp_path):
    result = calib8.compare(CHECKPOINT, methods=["float16", "int8-mse"], dataset_dir=DATA, keep_files=tmp_path, num_calib_samples=16, verify_samples=20)
    assert [model["name"] for model in result.report["models"]] == ["float16", "int8-mse"]
    assert result.recommended in ("float16", "int8-mse") and result.reason in result.summary
    assert (tmp_path / "int8-mse.tflite").exists() and not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--methods", "int4"), 2, "'int4' is none of float32, float16, dynamic, int8-minmax"),
        (("nothing.tflite",), 3, "nothing.tflite"),
        (("text.tflite",), 3, "not a TFLite file"),
        (("other.tflite",), 3, "other.tflite: its input"),
    ],
)
def test_what_can_not_be_compared(arguments, status, words, tmp_path):
    (tmp_path / "text.tflite").write_text("this is no model")
    if "other.tflite" in arguments:
        calib8.export(CHECKPOINT, quantize="none", input_size=96, tflite_path=tmp_path / "other.tflite", onnx_path=tmp_path / "model.onnx")
    done = run_calib8("compare", CHECKPOINT, *arguments, "--dataset-dir", DATA, *FEW, cwd=tmp_path)
    assert done.returncode == status and words in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()[-1]) < 400 and done.stdout == ""
