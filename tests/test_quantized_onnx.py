"""ONNX files that ONNX Runtime has quantized, in each of its ways, are read as the real numbers that they stand for."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static


def float_model(path, images):
    """A small network of most operators that ONNX Runtime quantizes: of images, or of vectors alone."""
    random = np.random.default_rng(3)
    constants, nodes = [], []

    def constant(*shape):
        fan = max(1, int(np.prod(shape[1:])))
        constants.append(numpy_helper.from_array((random.standard_normal(shape) / np.sqrt(fan)).astype(np.float32), f"c{len(constants)}"))
        return constants[-1].name

    def node(op, *inputs, **attributes):
        nodes.append(helper.make_node(op, list(inputs), [f"v{len(nodes)}"], name=f"n{len(nodes)}", **attributes))
        return nodes[-1].output[0]

    x = "x"
    if images:
        a = node("Relu", node("Conv", x, constant(8, 3, 3, 3), constant(8), pads=[1, 1, 1, 1]))
        b = node("LeakyRelu", node("Conv", a, constant(8, 8, 3, 3), pads=[1, 1, 1, 1]), alpha=0.1)
        c = node("Concat", node("Add", a, b), node("Mul", a, node("Sigmoid", b)), axis=1)
        c = node("MaxPool", c, kernel_shape=[2, 2], strides=[2, 2])
        c = node("AveragePool", c, kernel_shape=[2, 2], strides=[2, 2])
        x = node("Flatten", node("GlobalAveragePool", c))
        width = 16
    else:
        width = 24
    y = node("Relu", node("Gemm", x, constant(32, width), constant(32), transB=1))
    y = node("Add", node("MatMul", y, constant(32, 5)), constant(5))
    shape = [1, 3, 16, 16] if images else [1, 24]
    graph = helper.make_graph(nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], [helper.make_tensor_value_info(y, TensorProto.FLOAT, [1, 5])], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return [random.standard_normal(shape).astype(np.float32) for _ in range(16)]


class Samples(CalibrationDataReader):
    def __init__(self, samples):
        self.left = iter(samples)

    def get_next(self):
        sample = next(self.left, None)
        return None if sample is None else {"x": sample}


def quantized_statically(path, out, samples, **options):
    quantize_static(path, out, Samples(samples), **options)


WAYS = {
    "qdq": (True, lambda path, out, samples: quantized_statically(path, out, samples, quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)),
    "qdq-int8": (True, lambda path, out, samples: quantized_statically(path, out, samples, quant_format=QuantFormat.QDQ, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)),
    "qoperator": (True, lambda path, out, samples: quantized_statically(path, out, samples, quant_format=QuantFormat.QOperator, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)),
    "dynamic": (False, lambda path, out, samples: quantize_dynamic(path, out, weight_type=QuantType.QUInt8)),
    "dynamic-images": (True, lambda path, out, samples: quantize_dynamic(path, out, weight_type=QuantType.QUInt8)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_quantized_file_is_read_as_real_numbers(way, tmp_path):
    images, quantize = WAYS[way]
    samples = float_model(tmp_path / "float.onnx", images)
    quantize(tmp_path / "float.onnx", tmp_path / "in.onnx", samples)
    kinds = {node.op_type for node in onnx.load(tmp_path / "in.onnx").graph.node}
    assert kinds & {"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv"}
    done = run_calib8("export", tmp_path / "in.onnx", "--format", "both", "--quantize", "none", "--output-dir", tmp_path, check=True)
    assert "the file is quantized already" in done.stderr
    left = {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
    assert not any("Quant" in kind or "QLinear" in kind or "Integer" in kind for kind in left)
    notes = json.loads((tmp_path / "model.tflite.quantization_metadata").read_text())["model"]["notes"]
    assert any("quantized anew" in note for note in notes)

    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    found, wanted, of_file = [], [], []
    for sample in samples:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample.transpose(0, 2, 3, 1) if images else sample)
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
        wanted.append(onnxruntime.InferenceSession(tmp_path / "float.onnx").run(None, {"x": sample})[0])
        of_file.append(onnxruntime.InferenceSession(tmp_path / "in.onnx").run(None, {"x": sample})[0])
    decibels = lambda exact, other: 10 * np.log10(np.sum(np.square(exact)) / np.sum(np.square(np.subtract(exact, other))))
    # Its weights alone are rounded, so it lies nearer to the float model than the file does.
    assert decibels(wanted, found) > max(28, decibels(wanted, of_file) - 0.5)


def test_integers_from_outside_are_widened(tmp_path):
    q = helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 8])
    nodes = [helper.make_node("DequantizeLinear", ["x", "s", "z"], ["r"]), helper.make_node("Relu", ["r"], ["y"])]
    constants = [numpy_helper.from_array(np.float32(0.5), "s"), numpy_helper.from_array(np.uint8(128), "z")]
    graph = helper.make_graph(nodes, "net", [q], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "in.onnx")
    run_calib8("export", tmp_path / "in.onnx", "--quantize", "none", "--output-dir", tmp_path, check=True)
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    x = np.arange(0, 256, 32, dtype=np.uint8)[None]
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x.astype(interpreter.get_input_details()[0]["dtype"]))
    interpreter.invoke()
    np.testing.assert_array_equal(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), np.maximum(0, (x.astype(np.float32) - 128) / 2))


def float_outputs(path, samples):
    """Of the float model that calib8 makes of the file."""
    run_calib8("export", path, "--quantize", "none", "--keep-output-axes", "--output-dir", path.parent, check=True)
    interpreter = Interpreter(str(path.parent / "model.tflite"))
    interpreter.allocate_tensors()
    outputs = []
    for sample in samples:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return outputs


def decibels_between(exact, other):
    return 10 * np.log10(np.sum(np.square(exact)) / np.sum(np.square(np.subtract(exact, other))))


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_dynamically_quantized_lstm(direction, per_channel, tmp_path):
    random, directions = np.random.default_rng(5), 2 if direction == "bidirectional" else 1
    shapes = {"w": (directions, 64, 12), "r": (directions, 64, 16), "b": (directions, 128)}
    constants = [numpy_helper.from_array((random.standard_normal(shape) / 4).astype(np.float32), name) for name, shape in shapes.items()]
    node = helper.make_node("LSTM", ["x", "w", "r", "b"], ["y"], hidden_size=16, direction=direction)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [5, 1, 12])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [5, directions, 1, 16])]
    onnx.save(helper.make_model(helper.make_graph([node], "net", inputs, outputs, constants), opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "float.onnx")
    quantize_dynamic(tmp_path / "float.onnx", tmp_path / "in.onnx", weight_type=QuantType.QInt8, per_channel=per_channel)
    assert [node.op_type for node in onnx.load(tmp_path / "in.onnx").graph.node] == ["DynamicQuantizeLSTM"]
    samples = [random.standard_normal((5, 1, 12)).astype(np.float32) for _ in range(4)]
    session = onnxruntime.InferenceSession(tmp_path / "float.onnx")
    exact = [session.run(None, {"x": sample})[0] for sample in samples]
    found = [y.reshape(x.shape) for x, y in zip(exact, float_outputs(tmp_path / "in.onnx", samples))]
    assert decibels_between(exact, found) > 35


def test_a_bias_that_is_rounded_to_the_scale_of_the_product(tmp_path):
    """As early versions of ONNX Runtime's quantize_dynamic write it."""
    random = np.random.default_rng(6)
    weights = random.integers(-127, 128, (8, 4, 1, 1)).astype(np.int8)
    scale, bias = np.float32(0.01), random.standard_normal(8).astype(np.float32)
    constants = [numpy_helper.from_array(value, name) for name, value in {
        "w": weights, "w_scale": scale, "w_zero": np.int8(0), "bias": bias, "shape": np.array([1, 8, 1, 1])}.items()]  # fmt: skip
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "q_scale", "q_zero"]),
        helper.make_node("ConvInteger", ["q", "w", "q_zero", "w_zero"], ["product"]),
        helper.make_node("Mul", ["q_scale", "w_scale"], ["both"]),
        helper.make_node("Div", ["bias", "both"], ["quotient"]),
        helper.make_node("Floor", ["quotient"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["whole"], to=TensorProto.INT32),
        helper.make_node("Reshape", ["whole", "shape"], ["placed"]),
        helper.make_node("Add", ["product", "placed"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "both"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 5, 5])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 5, 5])]
    onnx.save(helper.make_model(helper.make_graph(nodes, "net", inputs, outputs, constants), opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "in.onnx")
    x = random.standard_normal((1, 4, 5, 5)).astype(np.float32)
    exact = np.einsum("oc,nchw->nohw", weights[:, :, 0, 0] * scale, x) + bias[None, :, None, None]
    (found,) = float_outputs(tmp_path / "in.onnx", [x.transpose(0, 2, 3, 1)])
    assert decibels_between(exact, found) > 60
