"""The Python package: export, ModelExporter, representative data as arrays, and its errors."""

import hashlib
import json
import pathlib
import subprocess
import sys

import calib8
import numpy as np
import pytest
from conftest import DIGITS, export_report
from support import images, runtimes

CHECKPOINT = DIGITS / "efficientnet_b0_digits.pth"
SIZE = 64
FAST = {"num_calib_samples": 16, "verify_samples": 8}


@pytest.fixture(scope="module")
def batches():
    """Three batches of 8 preprocessed digits, [8, 64, 64, 3]."""
    return np.split(images.batch(images.image_files(DIGITS / "data")[::33][:24], SIZE, SIZE), 3)


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def with_data(data, folder, **options):
    return calib8.export(CHECKPOINT, representative_data_gen=data, output_dir=folder, **FAST, **options)


def test_export_is_the_command_line(tmp_path):
    result = calib8.export(CHECKPOINT, dataset_dir=DIGITS / "data", output_dir=tmp_path / "python", **FAST)
    report = export_report(
        CHECKPOINT, "--dataset-dir", DIGITS / "data", "--output-dir", tmp_path / "command",
        "--num-calib-samples", 16, "--verify-samples", 8,
    )  # fmt: skip
    assert result.onnx == tmp_path / "python" / "model.onnx"
    assert result.gate == "unproven" and result.gate_passed and result.verdict.startswith("unproven") and "efficientnet_b0" in result.summary
    assert sha256(result.tflite) == report["outputs"]["tflite"]["sha256"] == result.report["outputs"]["tflite"]["sha256"]
    assert json.loads(result.metadata.read_text()) == result.report


def test_kinds_of_representative_data(batches, tmp_path):
    """The same samples in every form give the same file."""
    forms = {
        "list": batches,
        "generator": (batch for batch in batches),
        "function": lambda: iter(batches),
        "dicts": [{"image": batch} for batch in batches],
        "lists of one": [[batch] for batch in batches],
        "single samples": [sample[None] for batch in batches for sample in batch],
        "channels first": [batch.transpose(0, 3, 1, 2) for batch in batches],
        "float64": [batch.astype(np.float64) for batch in batches],
        "strided": [np.repeat(batch, 2, axis=1)[:, ::2] for batch in batches],
    }
    found = {}
    for name, data in forms.items():
        result = with_data(data, tmp_path / name.replace(" ", "_"), io="int8")
        assert result.report["dataset"]["calibration_samples"] == 16
        assert result.report["dataset"]["verification_samples"] == 8
        found[name] = sha256(result.tflite)
    assert len(set(found.values())) == 1, found


def test_arrays_are_as_good_as_images(batches, tmp_path):
    result = with_data(batches, tmp_path)
    inputs = np.concatenate(batches)
    found = runtimes.sqnr(runtimes.run_onnx(result.onnx, inputs), runtimes.run_tflite(result.tflite, inputs))
    assert found > 20


@pytest.mark.parametrize(("effort", "needed"), [("fast", 3), ("balanced", 6)])
def test_an_endless_generator_is_read_as_far_as_needed(effort, needed, batches, tmp_path):
    """16 samples calibrate, 8 verify, and 20 more are to compare candidates on."""
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield batches[0]

    with_data(endless, tmp_path, effort=effort)
    assert read == needed


def test_an_exception_in_the_generator_is_the_callers(batches, tmp_path):
    def broken():
        yield batches[0]
        raise LookupError("no more photos")

    with pytest.raises(LookupError, match="no more photos"):
        with_data(broken, tmp_path)
    assert not (tmp_path / "model.tflite").exists()


def test_model_exporter(batches, tmp_path):
    exporter = calib8.ModelExporter(CHECKPOINT, input_size=SIZE)
    result = exporter.export_to_onnx(tmp_path / "a" / "digits.onnx")
    assert result.onnx == tmp_path / "a" / "digits.onnx" and result.tflite is None
    result = exporter.export_to_tflite(tmp_path / "b" / "digits.tflite", representative_data_gen=batches, **FAST)
    assert result.tflite == tmp_path / "b" / "digits.tflite"
    assert result.metadata == tmp_path / "b" / "digits.tflite.quantization_metadata"
    assert {path.name for path in result.tflite.parent.iterdir()} >= {result.tflite.name, result.metadata.name}
    result = exporter.export_to_tflite(tmp_path / "c.tflite", quantize="none")
    inputs = np.concatenate(batches)
    assert runtimes.sqnr(runtimes.run_onnx(tmp_path / "a" / "digits.onnx", inputs), runtimes.run_tflite(result.tflite, inputs)) > 95


def test_default_input_size_of_model_exporter(tmp_path):
    """As the command's: the config's, which here is 64."""
    result = calib8.ModelExporter(CHECKPOINT).export_to_onnx(tmp_path / "model.onnx")
    assert result.report["model"]["input_size"] == [64, 64]


def test_a_size_that_is_not_square(tmp_path):
    result = calib8.export(CHECKPOINT, format="onnx", input_size=(64, 96), output_dir=tmp_path)
    assert result.report["model"]["input_size"] == [64, 96]


def test_progress(tmp_path):
    seen = []
    calib8.export(
        CHECKPOINT, dataset_dir=DIGITS / "data", output_dir=tmp_path, progress=lambda *event: seen.append(event), **FAST
    )
    assert {stage for stage, _, _ in seen} >= {"calibrating", "verifying"}
    assert all(0 <= done <= total for _, done, total in seen if total)


def test_an_exception_in_progress_ends_the_export(tmp_path):
    def fail(*event):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        calib8.export(CHECKPOINT, dataset_dir=DIGITS / "data", output_dir=tmp_path, progress=fail, **FAST)


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("USAGE", {"no_such_option": 1}),
        ("USAGE", {"format": "keras"}),
        ("USAGE", {"input_size": "big"}),
        ("MODEL", {"arch": "resnet18"}),
        ("DATASET", {"dataset_dir": "no/such/folder"}),
        ("DATASET", {"representative_data_gen": []}),
        ("DATASET", {"representative_data_gen": [np.zeros((1, 64, 64, 3), np.uint8)]}),
        ("DATASET", {"representative_data_gen": [np.zeros((1, 64, 65, 3), np.float32)]}),
        ("DATASET", {"representative_data_gen": [{"picture": np.zeros((1, 64, 64, 3), np.float32)}]}),
        ("DATASET", {"representative_data_gen": [{0: np.zeros((1, 64, 64, 3), np.float32)}]}),
        ("DATASET", {"representative_data_gen": [np.full((1, 64, 64, 3), np.nan, np.float32)]}),
    ],
    ids=str,
)
def test_errors(code, options, tmp_path):
    with pytest.raises(calib8.Error) as caught:
        calib8.export(CHECKPOINT, output_dir=tmp_path, **options)
    assert caught.value.code == calib8.ErrorCode[code]
    assert caught.value.message and "\n" not in caught.value.message
    assert str(caught.value).endswith(caught.value.message)


def test_missing_model(tmp_path):
    with pytest.raises(calib8.Error) as caught:
        calib8.export(tmp_path / "none.pth")
    assert caught.value.code == calib8.ErrorCode.MODEL and "none.pth" in caught.value.where


def test_unwritable_output(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(calib8.Error) as caught:
        calib8.export(CHECKPOINT, output_dir=tmp_path / "file")
    assert caught.value.code == calib8.ErrorCode.OUTPUT


def test_failed_gate_is_no_exception(batches, tmp_path):
    """Calibrated on arrays that are nothing like the ones to verify on."""
    data = [np.zeros((16, SIZE, SIZE, 3), np.float32) + 1e-3, batches[0]]
    result = with_data(data, tmp_path, min_agreement=1.0)
    assert result.gate == "failed" and not result.gate_passed and not result.passed and result.verdict.startswith("failed")


def test_module_takes_the_flags_of_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "calib8.export_models", "--checkpoint", CHECKPOINT, "--format", "onnx", "--output-dir", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.onnx").is_file()
    refused = subprocess.run([sys.executable, "-m", "calib8.export_models", "--nonsense"], capture_output=True, check=False)
    assert refused.returncode == 2
