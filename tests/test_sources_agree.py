"""The same network from a checkpoint and from either of PyTorch's ONNX exporters becomes the same TFLite graph."""

import warnings

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
import torch
from conftest import run_calib8
from support import images, runtimes, tflite_file, torchvision_models

SIZE = 64
VARIANTS = {
    "classic17": {"dynamo": False, "opset_version": 17},
    "classic20": {"dynamo": False, "opset_version": 20},
    "classic17_unfolded": {"dynamo": False, "opset_version": 17, "do_constant_folding": False, "keep_initializers_as_inputs": True},
    "dynamo": {"dynamo": True, "verbose": False},
    "dynamo20": {"dynamo": True, "opset_version": 20, "verbose": False},
    "dynamo_embedded": {"dynamo": True, "external_data": False, "verbose": False},
}  # fmt: skip
DEFAULT_VARIANTS = ["classic17", "classic20", "dynamo", "dynamo20"]
DEFAULT_ARCHITECTURES = ["resnet18", "mobilenet_v3_small", "efficientnet_b0"]


def pairs():
    for arch in torchvision_models.REPRESENTATIVES:
        for variant in VARIANTS:
            default = arch in DEFAULT_ARCHITECTURES and variant in DEFAULT_VARIANTS
            yield pytest.param(arch, variant, marks=[] if default else [pytest.mark.slow])


@pytest.fixture(scope="session")
def statistics(tmp_path_factory):
    paths = images.write_images(tmp_path_factory.mktemp("statistics"), 32)
    return images.to_torch(images.batch(paths, SIZE, SIZE))


@pytest.fixture(scope="module")
def from_checkpoint(statistics, tmp_path_factory):
    """arch -> the module and the TFLite file that its checkpoint becomes; each made once."""
    made = {}

    def make(arch):
        if arch not in made:
            folder = tmp_path_factory.mktemp(arch)
            model = torchvision_models.make_checkpoint(arch, folder / "model.pth", statistics, num_classes=10)
            made[arch] = model, lowered(folder / "model.pth", folder / "out", "--input-size", SIZE)
        return made[arch]

    return make


def lowered(model, folder, *arguments):
    run_calib8(
        "export", model, "--quantize", "none", "--output-dir", folder, "--quiet", *arguments, check=True
    )
    return folder / "model.tflite"


def export_onnx(model, path, **options):
    sample = torch.zeros(1, 3, SIZE, SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (sample,), str(path), input_names=["image"], output_names=["logits"], **options)


@pytest.mark.parametrize(("arch", "variant"), list(pairs()))
def test_exporter(arch, variant, from_checkpoint, tmp_path):
    model, expected = from_checkpoint(arch)
    export_onnx(model, tmp_path / "torch.onnx", **VARIANTS[variant])
    found = tflite_file.differences(expected, lowered(tmp_path / "torch.onnx", tmp_path / "out"))
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("arch", DEFAULT_ARCHITECTURES)
def test_own_onnx(arch, from_checkpoint, tmp_path):
    """What calib8 wrote from the checkpoint, read back."""
    _, expected = from_checkpoint(arch)
    found = tflite_file.differences(expected, lowered(expected.with_name("model.onnx"), tmp_path))
    assert not found, "\n".join(found[:20])


def test_dynamic_batch_of_the_exporter(from_checkpoint, tmp_path):
    model, expected = from_checkpoint("mobilenet_v3_small")
    axes = {"image": {0: "batch"}, "logits": {0: "batch"}}
    export_onnx(model, tmp_path / "torch.onnx", dynamo=False, opset_version=17, dynamic_axes=axes)
    found = tflite_file.differences(expected, lowered(tmp_path / "torch.onnx", tmp_path / "out"))
    assert not found, "\n".join(found[:20])


def test_open_size_needs_one(from_checkpoint, tmp_path):
    model, expected = from_checkpoint("mobilenet_v3_small")
    axes = {"image": {0: "batch", 2: "height", 3: "width"}, "logits": {0: "batch"}}
    export_onnx(model, tmp_path / "torch.onnx", dynamo=False, opset_version=17, dynamic_axes=axes)
    refused = run_calib8("export", tmp_path / "torch.onnx", "--quantize", "none", "--output-dir", tmp_path / "out")
    assert refused.returncode == 3 and "--input-size" in refused.stderr
    found = tflite_file.differences(
        expected, lowered(tmp_path / "torch.onnx", tmp_path / "out", "--input-size", SIZE)
    )
    assert not found, "\n".join(found[:20])


def test_float_tflite_as_source(from_checkpoint, tmp_path):
    """A float .tflite enters behind lowering, and is quantized like any other."""
    _, expected = from_checkpoint("mobilenet_v3_small")
    found = tflite_file.differences(expected, lowered(expected, tmp_path / "float"))
    assert not found, "\n".join(found[:20])
    photos = tmp_path / "photos"
    images.write_images(photos, 12)
    run_calib8(
        "export", expected, "--dataset-dir", photos, "--num-calib-samples", 8, "--verify-samples", 4, "--quiet",
        "--min-agreement", 0, "--output-dir", tmp_path / "int8", check=True,
    )  # fmt: skip
    assert runtimes.float_operators(tmp_path / "int8" / "model.tflite") == []


def test_the_comparison_can_fail(from_checkpoint, tmp_path):
    """A weight that differs by 1e-4 of the largest one is found, and so is another attribute."""
    model, expected = from_checkpoint("mobilenet_v3_small")
    export_onnx(model, tmp_path / "torch.onnx", dynamo=False, opset_version=17)
    changed = onnx.load(tmp_path / "torch.onnx")
    weights = next(value for value in changed.graph.initializer if len(value.dims) == 4 and value.dims[2] == 5)
    values = onnx.numpy_helper.to_array(weights).copy()
    values.flat[3] += 1e-4 * np.abs(values).max()
    weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    onnx.save(changed, tmp_path / "weights.onnx")
    assert tflite_file.differences(expected, lowered(tmp_path / "weights.onnx", tmp_path / "weights"))

    changed = onnx.load(tmp_path / "torch.onnx")
    node = next(node for node in changed.graph.node if node.op_type == "HardSwish")
    node.op_type = "Relu"
    onnx.save(changed, tmp_path / "operator.onnx")
    assert tflite_file.differences(expected, lowered(tmp_path / "operator.onnx", tmp_path / "operator"))
