"""Every architecture: the written files against PyTorch, on ONNX Runtime and on LiteRT.

One a family by default, at 128x128; with --all every architecture at 224x224.
"""

import dataclasses
import pathlib
import types

import numpy as np
import onnx
import pytest
import torch
from conftest import export_report
from support import images, runtimes, torchvision_models

STATISTICS_IMAGES = 32
CALIBRATION_IMAGES = 32
TEST_IMAGES = 8
TEST_SEED = 7
ODD_SIZE = (225, 161)
HEADS = ["torchvision", "mission"]


@dataclasses.dataclass
class Case:
    arch: str
    size: int
    checkpoint: pathlib.Path
    model: torch.nn.Module
    photos: pathlib.Path
    folder: pathlib.Path
    report: dict
    inputs: np.ndarray
    expected: np.ndarray


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder of images to calibrate on, and another one to test on."""
    folder = tmp_path_factory.mktemp("photos")
    images.write_images(folder / "calibrate", max(STATISTICS_IMAGES, CALIBRATION_IMAGES))
    images.write_images(folder / "test", TEST_IMAGES, seed=TEST_SEED)
    return types.SimpleNamespace(calibrate=folder / "calibrate", test=folder / "test")


def checkpoint_of(arch, size, photos, folder, head="torchvision", num_classes=1000):
    paths = images.image_files(photos.calibrate)[:STATISTICS_IMAGES]
    statistics = images.to_torch(images.batch(paths, size, size))
    path = folder / f"{arch}.pth"
    return path, torchvision_models.make_checkpoint(arch, path, statistics, head, num_classes=num_classes)


def architecture_parameters():
    default = torchvision_models.REPRESENTATIVES
    return [
        arch if arch in default else pytest.param(arch, marks=pytest.mark.slow)
        for arch in torchvision_models.ARCHITECTURES
    ]


@pytest.fixture(scope="module", params=architecture_parameters())
def case(request, photos, tmp_path_factory):
    arch = request.param
    size = 224 if request.config.getoption("--all") else 128
    folder = tmp_path_factory.mktemp(arch)
    checkpoint, model = checkpoint_of(arch, size, photos, folder)
    report = export_report(
        checkpoint, "--format", "both", "--input-size", size, "--dataset-dir", photos.calibrate,
        "--num-calib-samples", CALIBRATION_IMAGES, "--output-dir", folder, "--min-agreement", 0,
    )  # fmt: skip
    inputs = images.batch(images.image_files(photos.test), size, size)
    expected = torchvision_models.logits(model, images.to_torch(inputs)).numpy()
    yield Case(arch, size, checkpoint, model, photos.calibrate, folder, report, inputs, expected)
    for path in folder.iterdir():  # up to 1 GB each
        path.unlink()


def export_float(checkpoint, folder, *arguments):
    export_report(checkpoint, "--quantize", "none", "--output-dir", folder, *arguments)
    return folder / "model.tflite"


def check_onnx(actual, expected):
    """At most 1e-5 of the largest logit."""
    difference = np.abs(actual - expected).max() / np.abs(expected).max()
    assert difference <= 1e-5, f"differs by {difference:.2e} of the largest logit"


def test_architecture_is_recognized(case):
    assert case.report["model"]["architecture"] == case.arch
    assert case.report["model"]["num_classes"] == 1000


def test_onnx_is_valid(case):
    path = case.folder / "model.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    assert [value.name for value in model.graph.input] == ["image"]
    assert [value.name for value in model.graph.output] == ["logits"]
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 20)]


def test_onnx_agrees_with_pytorch(case):
    check_onnx(runtimes.run_onnx(case.folder / "model.onnx", case.inputs), case.expected)


def test_float_tflite_agrees_with_pytorch(case, tmp_path, record_property):
    path = export_float(case.checkpoint, tmp_path, "--input-size", case.size)
    exact = torchvision_models.logits(case.model, images.to_torch(case.inputs), torch.float64).numpy()
    pytorch = runtimes.sqnr(exact, case.expected)
    found = runtimes.sqnr(case.expected, runtimes.run_tflite(path, case.inputs), centred=False)
    centred = runtimes.sqnr(case.expected, runtimes.run_tflite(path, case.inputs))
    line = f"{case.arch}: {found:.1f} dB ({centred:.1f} dB centred); PyTorch's float32 against its float64, centred: {pytorch:.1f} dB"
    record_property("fidelity", line)
    print(line)
    assert found >= 95, line
    names = runtimes.interpreter(path)._get_ops_details()
    assert not [op for op in names if op["op_name"] == "TRANSPOSE"]


def test_every_int8_operator_is_an_integer_one(case):
    assert runtimes.float_operators(case.folder / "model.tflite") == []


def test_int8_runs_in_one_partition(case):
    assert runtimes.delegated_whole(case.folder / "model.tflite") == ""


def test_int8_kernels_are_equally_faithful(case):
    """XNNPACK rounds in float, the built-in kernels in fixed point. A network without training amplifies such single steps
    as much as quantization itself, so their results are far apart; but both are as near to the float model, as long as
    the model means the same to both."""
    path = case.folder / "model.tflite"
    xnnpack = runtimes.sqnr(case.expected, runtimes.run_tflite(path, case.inputs))
    builtin = runtimes.sqnr(case.expected, runtimes.run_tflite(path, case.inputs, builtin=True))
    print(f"{case.arch}: XNNPACK {xnnpack:.1f} dB, built-in kernels {builtin:.1f} dB")
    assert abs(xnnpack - builtin) < 3


def test_int8_keeps_the_signal(case):
    """A floor for gross mistakes; how good it is, bench/fidelity.py measures."""
    found = runtimes.sqnr(case.expected, runtimes.run_tflite(case.folder / "model.tflite", case.inputs))
    print(f"{case.arch}: int8 {found:.1f} dB")
    assert found >= 6


@pytest.mark.parametrize("arch", torchvision_models.REPRESENTATIVES)
def test_odd_size(arch, photos, tmp_path):
    checkpoint, model = checkpoint_of(arch, 96, photos, tmp_path)
    size = "x".join(map(str, ODD_SIZE))
    inputs = images.batch(images.image_files(photos.test)[:2], *ODD_SIZE)
    expected = torchvision_models.logits(model, images.to_torch(inputs)).numpy()
    path = export_float(checkpoint, tmp_path / "float", "--input-size", size)
    assert runtimes.sqnr(expected, runtimes.run_tflite(path, inputs), centred=False) >= 95
    check_onnx(runtimes.run_onnx(tmp_path / "float" / "model.onnx", inputs), expected)
    export_report(
        checkpoint, "--input-size", size, "--dataset-dir", photos.calibrate, "--num-calib-samples", 4,
        "--verify-samples", 2, "--min-agreement", 0, "--output-dir", tmp_path / "int8",
    )  # fmt: skip
    assert runtimes.float_operators(tmp_path / "int8" / "model.tflite") == []
    assert runtimes.delegated_whole(tmp_path / "int8" / "model.tflite") == ""


@pytest.mark.parametrize("arch", torchvision_models.REPRESENTATIVES)
@pytest.mark.parametrize("head", HEADS)
def test_dynamic_batch(arch, head, photos, tmp_path):
    checkpoint, model = checkpoint_of(arch, 64, photos, tmp_path, head, num_classes=7)
    report = export_report(
        checkpoint, "--format", "onnx", "--dynamic-batch", "--input-size", 64, "--output-dir", tmp_path
    )
    assert report["model"]["num_classes"] == 7
    onnx.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)
    inputs = images.batch(images.image_files(photos.test)[:3], 64, 64)
    expected = torchvision_models.logits(model, images.to_torch(inputs)).numpy()
    check_onnx(runtimes.run_onnx_batch(tmp_path / "model.onnx", inputs[:1]), expected[:1])
    check_onnx(runtimes.run_onnx_batch(tmp_path / "model.onnx", inputs), expected)
