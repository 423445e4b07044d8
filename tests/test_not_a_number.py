"""NaN and infinity at each place where a number enters: never a success that says nothing, never a crash."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper
from support import images, small_onnx, torchvision_models

REFUSALS = {2, 3, 4, 5}
NOT_FINITE = {"nan": np.nan, "infinity": np.inf, "minus infinity": -np.inf}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    images.write_images(folder, 12, height=40, width=40)
    return folder


def export(model, data, folder, *more):
    return run_calib8(
        "export", model, "--dataset-dir", data, "--output-dir", folder / "out", "--num-calib-samples", 8,
        "--verify-samples", 4, "--min-agreement", 0, "--quiet", *more,
    )  # fmt: skip


def assert_refused(done, folder, statuses=REFUSALS):
    lines = done.stderr.strip().splitlines()
    assert done.returncode in statuses, f"exit {done.returncode}: {done.stderr}"
    assert lines and lines[-1].startswith("calib8: "), done.stderr
    if done.returncode != 5:
        assert not list(folder.glob("out/*.tflite")), "a refused model was written"


def with_value(model: onnx.ModelProto, name: str, value: float) -> onnx.ModelProto:
    """One element of a constant replaced."""
    constant = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    array = numpy_helper.to_array(constant).copy()
    array.flat[array.size // 2] = value
    constant.CopyFrom(numpy_helper.from_array(array, name))
    return model


@pytest.mark.parametrize("value", NOT_FINITE.values(), ids=NOT_FINITE.keys())
@pytest.mark.parametrize("constant", ["kernel", "weights", "bias"])
def test_constants_of_an_onnx_model(constant, value, photos, tmp_path):
    model = onnx.load(small_onnx.save_image_classifier(tmp_path / "model.onnx"))
    onnx.save(with_value(model, constant, value), tmp_path / "model.onnx")
    assert_refused(export(tmp_path / "model.onnx", photos, tmp_path), tmp_path, {3})


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=["nan", "infinity"])
@pytest.mark.parametrize("key", ["classifier.0.weight", "features.1.block.0.1.running_var", "classifier.3.bias"])
def test_tensors_of_a_checkpoint(key, value, photos, tmp_path):
    model = torchvision_models.build("mobilenet_v3_small", num_classes=4)
    state = model.state_dict()
    state[key].view(-1)[0] = value
    torch.save(state, tmp_path / "model.pth")
    assert_refused(export(tmp_path / "model.pth", photos, tmp_path, "--input-size", 32), tmp_path, {3})


# A node behind the image, and its constants: each holds the number where the operator reads it.
PLACES = {
    "alpha of Elu": lambda v: (helper.make_node("Elu", ["image"], ["y"], alpha=v), {}),
    "alpha of LeakyRelu": lambda v: (helper.make_node("LeakyRelu", ["image"], ["y"], alpha=v), {}),
    "alpha of HardSigmoid": lambda v: (helper.make_node("HardSigmoid", ["image"], ["y"], alpha=v), {}),
    "epsilon of BatchNormalization": lambda v: (
        helper.make_node("BatchNormalization", ["image", "one", "zero", "zero", "one"], ["y"], epsilon=v),
        {"one": np.ones(3), "zero": np.zeros(3)},
    ),
    "variance of BatchNormalization": lambda v: (
        helper.make_node("BatchNormalization", ["image", "one", "zero", "zero", "variance"], ["y"]),
        {"one": np.ones(3), "zero": np.zeros(3), "variance": np.array([1, v, 1])},
    ),
    "mean of BatchNormalization": lambda v: (
        helper.make_node("BatchNormalization", ["image", "one", "zero", "mean", "one"], ["y"]),
        {"one": np.ones(3), "zero": np.zeros(3), "mean": np.array([0, v, 0])},
    ),
    "a factor": lambda v: (helper.make_node("Mul", ["image", "factor"], ["y"]), {"factor": np.array(v)}),
    "a summand": lambda v: (helper.make_node("Add", ["image", "summand"], ["y"]), {"summand": np.array(v)}),
    "the value of Pad": lambda v: (
        helper.make_node("Pad", ["image", "pads", "value"], ["y"]),
        {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "value": np.array(v)},
    ),
    "scales of Resize": lambda v: (
        helper.make_node("Resize", ["image", "", "scales"], ["y"]),
        {"scales": np.array([1, 1, v, 2])},
    ),
    "a slope of PRelu": lambda v: (
        helper.make_node("PRelu", ["image", "slope"], ["y"]),
        {"slope": np.array([0.1, v, 0.1]).reshape(3, 1, 1)},
    ),
    "an exponent": lambda v: (helper.make_node("Pow", ["image", "exponent"], ["y"]), {"exponent": np.array(v)}),
}


def save_node(path, node, constants):
    """The node, its mean over the picture, and a linear layer."""
    nodes = [
        node,
        helper.make_node("GlobalAveragePool", ["y"], ["mean_of_y"]),
        helper.make_node("Flatten", ["mean_of_y"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights"], ["logits"]),
    ]
    constants = constants | {"weights": np.random.default_rng(0).normal(0, 1, (3, 4))}
    arrays = {n: a if a.dtype == np.int64 else a.astype(np.float32) for n, a in constants.items()}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


# A variance of infinity makes a factor of zero: all values stay finite, as ONNX has it.
WITH_A_MEANING = {("variance of BatchNormalization", "infinity")}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(place, value, id=f"{place}, {name}")
        for place in PLACES
        for name, value in NOT_FINITE.items()
        if (place, name) not in WITH_A_MEANING
    ],
)
def test_attributes_and_operands(place, value, photos, tmp_path):
    model = save_node(tmp_path / "model.onnx", *PLACES[place](value))
    assert_refused(export(model, photos, tmp_path), tmp_path)


@pytest.mark.parametrize("value", NOT_FINITE.values(), ids=NOT_FINITE.keys())
@pytest.mark.parametrize("position", [0, 11], ids=["first", "last"])
def test_an_array_to_calibrate_on(value, position, tmp_path):
    model = small_onnx.save_image_classifier(tmp_path / "model.onnx")
    arrays = np.random.default_rng(0).normal(0, 1, (12, 32, 32, 3)).astype(np.float32)
    arrays[position, 3, 4, 1] = value
    np.save(tmp_path / "samples.npy", arrays)
    done = export(model, tmp_path / "samples.npy", tmp_path, "--num-calib-samples", 12, "--seed", 0)
    assert_refused(done, tmp_path)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "null", '"nan"'])
@pytest.mark.parametrize("member", ["mean", "std", "scale"])
def test_a_preprocessing_file(member, text, photos, tmp_path):
    model = small_onnx.save_image_classifier(tmp_path / "model.onnx")
    (tmp_path / "preprocessing.json").write_text(
        json.dumps({member: "HERE"}).replace('"HERE"', text if member == "scale" else f"[{text}, 1, 1]")
    )
    done = export(model, photos, tmp_path, "--preprocessing", tmp_path / "preprocessing.json")
    assert_refused(done, tmp_path, {2})


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("flag", ["--min-agreement", "--mean", "--std", "--scale", "--crop"])
def test_a_flag(flag, value, photos, tmp_path):
    model = small_onnx.save_image_classifier(tmp_path / "model.onnx")
    assert_refused(export(model, photos, tmp_path, f"{flag}={value}"), tmp_path, {2})


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_a_row_that_is_masked_throughout_is_what_its_guard_says(tmp_path, quantize):
    """softmax() of -inf alone is no number, and exporters write Where(IsNaN(shares), 0, shares) behind it."""
    random = np.random.default_rng(0)
    mask = np.zeros((1, 4, 6), np.float32)
    mask[:, :, 4:] = mask[:, 2] = -np.inf
    constants = {"q": random.normal(0, 1, (5, 6)), "v": random.normal(0, 1, (6, 3)), "mask": mask, "zero": 0.0}
    nodes = [
        helper.make_node("MatMul", ["x", "q"], ["scores"]), helper.make_node("Add", ["scores", "mask"], ["masked"]),
        helper.make_node("Softmax", ["masked"], ["shares"], axis=-1), helper.make_node("IsNaN", ["shares"], ["none"]),
        helper.make_node("Where", ["none", "zero", "shares"], ["kept"]), helper.make_node("MatMul", ["kept", "v"], ["y"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "attention", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "in.onnx")
    samples = random.normal(0, 1, (40, 4, 5)).astype(np.float32)
    np.save(tmp_path / "data.npy", samples)
    calibrated = ["--dataset-dir", tmp_path / "data.npy", "--io", "float32", "--effort", "fast", "--num-calib-samples", 32, "--verify-samples", 8]
    run_calib8(
        "export", tmp_path / "in.onnx", "--quantize", quantize, "--output-dir", tmp_path, *(calibrated if quantize == "int8" else ()), check=True
    )
    (expected,) = onnxruntime.InferenceSession(tmp_path / "in.onnx").run(None, {"x": samples[:1]})
    interpreter = Interpreter(str(tmp_path / "model.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], samples[:1])
    interpreter.invoke()
    actual = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert np.abs(expected[0, 2]).max() == 0 and np.abs(actual[0, 2]).max() < 0.02
    assert np.abs(actual - expected).max() < (1e-5 if quantize == "none" else 0.1)


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_a_row_that_a_computed_mask_masks_throughout(tmp_path, quantize):
    """The same where the mask comes from outside, with the sample."""
    random = np.random.default_rng(0)
    constants = {"q": random.normal(0, 1, (5, 6)), "v": random.normal(0, 1, (6, 3)), "zero": 0.0, "never": -np.inf}
    nodes = [
        helper.make_node("MatMul", ["x", "q"], ["scores"]), helper.make_node("Equal", ["open", "zero"], ["closed"]),
        helper.make_node("Where", ["closed", "never", "scores"], ["masked"]), helper.make_node("Softmax", ["masked"], ["shares"], axis=-1),
        helper.make_node("IsNaN", ["shares"], ["none"]), helper.make_node("Where", ["none", "zero", "shares"], ["kept"]),
        helper.make_node("MatMul", ["kept", "v"], ["y"]),
    ]  # fmt: skip
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", [1, 4, 5]), ("open", [1, 4, 6]))]
    graph = helper.make_graph(
        nodes, "attention", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "in.onnx")
    (tmp_path / "data").mkdir()
    samples = []
    for number in range(40):
        opened = (random.uniform(0, 1, (1, 4, 6)) < 0.7).astype(np.float32)
        opened[:, number % 4] = 0
        opened[:, (number + 1) % 4, 0] = 1
        samples.append({"x": random.normal(0, 1, (1, 4, 5)).astype(np.float32), "open": opened})
        np.savez(tmp_path / "data" / f"{number:02}.npz", **samples[-1])
    calibrated = ["--dataset-dir", tmp_path / "data", "--io", "float32", "--effort", "fast", "--num-calib-samples", 32, "--verify-samples", 8]
    run_calib8(
        "export", tmp_path / "in.onnx", "--quantize", quantize, "--output-dir", tmp_path, *(calibrated if quantize == "int8" else ()), check=True
    )
    interpreter = Interpreter(str(tmp_path / "model.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    for sample in samples[:8]:
        (expected,) = onnxruntime.InferenceSession(tmp_path / "in.onnx").run(None, sample)
        for detail in interpreter.get_input_details():
            (value,) = (value for value in sample.values() if value.shape == tuple(detail["shape"]))
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        actual = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        rows = np.abs(expected[0]).max(axis=-1) == 0
        assert rows.any() and np.abs(actual[0, rows]).max() < 0.05
        assert np.abs(actual - expected).max() < (1e-5 if quantize == "none" else 0.25)
