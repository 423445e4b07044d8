"""Inputs of whole numbers (raw pictures, masks), float and quantized; batches other than 1."""

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(11)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array, np.float32), name)


def picture_model(path, kind, batch=1, channels_last=False):
    """Pixels of that type become floats, are scaled, and go through a convolution."""
    shape = [batch, 12, 12, 3] if channels_last else [batch, 3, 12, 12]
    nodes = [helper.make_node("Transpose", ["x"], ["p"], perm=[0, 3, 1, 2])] if channels_last else [helper.make_node("Identity", ["x"], ["p"])]
    nodes += [
        helper.make_node("Cast", ["p"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["f", "d"], ["n"]),
        helper.make_node("Conv", ["n", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["g"]),
        helper.make_node("Flatten", ["g"], ["y"]),
    ]
    constants = [constant("d", 255.0), constant("w", RANDOM.standard_normal((6, 3, 3, 3)))]
    graph = helper.make_graph(nodes, "net", [helper.make_tensor_value_info("x", kind, shape)], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 6])], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return shape


def run(path, x):
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()
    interpreter.set_tensor(detail["index"], x.transpose(0, 2, 3, 1) if tuple(detail["shape"]) != x.shape else x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def decibels(exact, other):
    return 10 * np.log10(np.sum(np.square(exact, dtype=float)) / np.sum(np.square(exact - other, dtype=float)))


@pytest.mark.parametrize("quantize, least", [("none", 100), ("int8", 25), ("dynamic", 100)])
@pytest.mark.parametrize("channels_last", [False, True], ids=["nchw", "nhwc"])
def test_raw_pictures(quantize, least, channels_last, tmp_path):
    shape = picture_model(tmp_path / "in.onnx", TensorProto.UINT8, channels_last=channels_last)
    (tmp_path / "data").mkdir()
    pictures = [RANDOM.integers(0, 256, shape).astype(np.uint8) for _ in range(12)]
    for i, picture in enumerate(pictures):
        np.save(tmp_path / "data" / f"{i}.npy", picture)
    data = ["--dataset-dir", tmp_path / "data", "--io", "float32", "--effort", "fast"] if quantize == "int8" else []
    run_calib8("export", tmp_path / "in.onnx", "--quantize", quantize, *data, "--output-dir", tmp_path, check=True)
    session = onnxruntime.InferenceSession(tmp_path / "in.onnx")
    for picture in pictures[:3]:
        assert decibels(session.run(None, {"x": picture})[0], run(tmp_path / "model.tflite", picture)) > least


@pytest.mark.parametrize("quantize, least", [("none", 100), ("int8", 25)])
def test_a_batch_that_the_file_fixes(quantize, least, tmp_path):
    """A sample is as many images as the model takes; arrays in either order of axes, alone or several in a file."""
    shape = picture_model(tmp_path / "in.onnx", TensorProto.FLOAT, batch=3)
    (tmp_path / "data").mkdir()
    samples = [(RANDOM.random(shape) * 255).astype(np.float32) for _ in range(12)]
    for i, sample in enumerate(samples[:8]):
        np.save(tmp_path / "data" / f"{i}.npy", sample if i % 2 else sample.transpose(0, 2, 3, 1))
    np.save(tmp_path / "data" / "rest.npy", np.stack(samples[8:]))
    data = ["--dataset-dir", tmp_path / "data", "--io", "float32", "--effort", "fast"] if quantize == "int8" else []
    run_calib8("export", tmp_path / "in.onnx", "--quantize", quantize, *data, "--output-dir", tmp_path, check=True)
    session = onnxruntime.InferenceSession(tmp_path / "in.onnx")
    for sample in samples[:3]:
        assert decibels(session.run(None, {"x": sample})[0], run(tmp_path / "model.tflite", sample)) > least


def test_images_are_no_samples_of_a_model_that_takes_three_at_once(tmp_path):
    from PIL import Image

    picture_model(tmp_path / "in.onnx", TensorProto.FLOAT, batch=3)
    (tmp_path / "data").mkdir()
    for i in range(4):
        Image.fromarray(RANDOM.integers(0, 256, (12, 12, 3)).astype(np.uint8)).save(tmp_path / "data" / f"{i}.png")
    done = run_calib8("export", tmp_path / "in.onnx", "--dataset-dir", tmp_path / "data", "--output-dir", tmp_path)
    assert done.returncode == 4 and "takes 3 images at once" in done.stderr


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int32])
@pytest.mark.parametrize("op", ["Equal", "Less", "GreaterOrEqual"])
def test_whole_numbers_are_compared(op, kind, tmp_path):
    """LiteRT's kernels take int8 and uint8 for levels with a scale, and end their process where there is none."""
    code = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    inputs = [helper.make_tensor_value_info(name, code, [1, 40]) for name in ("x", "z")]
    nodes = [helper.make_node(op, ["x", "z"], ["c"]), helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT)]
    graph = helper.make_graph(nodes, "net", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 40])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), tmp_path / "in.onnx")
    run_calib8("export", tmp_path / "in.onnx", "--quantize", "none", "--output-dir", tmp_path, check=True)
    x, z = (RANDOM.integers(0, 5, (1, 40)).astype(kind) for _ in range(2))
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), (x, z)):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    compared = {"Equal": np.equal, "Less": np.less, "GreaterOrEqual": np.greater_equal}[op](x, z)
    np.testing.assert_array_equal(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), compared.astype(np.float32))
