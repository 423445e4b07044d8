"""Pools and transposed convolutions over volumes. ONNX Runtime says what they mean."""

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper

POOLS = {
    "max": ("MaxPool", {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2]}),
    "max-padded": ("MaxPool", {"kernel_shape": [3, 3, 3], "strides": [2, 1, 2], "pads": [1, 1, 1, 1, 1, 1]}),
    "max-ceil": ("MaxPool", {"kernel_shape": [2, 3, 2], "strides": [2, 2, 2], "ceil_mode": 1}),
    "mean": ("AveragePool", {"kernel_shape": [2, 3, 1], "strides": [1, 2, 1]}),
    "mean-padded": ("AveragePool", {"kernel_shape": [3, 3, 3], "pads": [1, 1, 1, 1, 1, 1]}),
    "mean-counts-padding": ("AveragePool", {"kernel_shape": [3, 2, 3], "pads": [1, 0, 1, 0, 1, 1], "count_include_pad": 1}),
}


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("batch", [1, 2])
def test_pools_over_volumes(name, batch, tmp_path):
    op, attributes = POOLS[name]
    shape = [batch, 3, 6, 7, 8]
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], ["y"], **attributes)], "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "in.onnx")
    run_calib8("export", tmp_path / "in.onnx", "--quantize", "none", "--output-dir", tmp_path, check=True)
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    (expected,) = onnxruntime.InferenceSession(tmp_path / "in.onnx").run(None, {"x": x})
    np.testing.assert_allclose(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), expected, atol=1e-6)


TRANSPOSED = {
    "plain": (1, {"strides": [2, 2, 2]}),
    "padded": (1, {"strides": [2, 1, 2], "pads": [1, 0, 1, 0, 1, 1], "output_padding": [1, 0, 1]}),
    "dilated": (1, {"dilations": [1, 2, 2], "strides": [1, 2, 3]}),
    "groups": (2, {"strides": [2, 2, 1], "pads": [1, 1, 1, 1, 1, 1]}),
    "output-shape": (1, {"strides": [2, 2, 2], "output_shape": [8, 8, 8]}),
}


@pytest.mark.parametrize("name", TRANSPOSED)
@pytest.mark.parametrize("batch", [1, 2])
def test_transposed_convolutions_over_volumes(name, batch, tmp_path):
    group, attributes = TRANSPOSED[name]
    random = np.random.default_rng(4)
    shape, constants = [batch, 4, 4, 4, 4], {"w": random.normal(0, 0.3, (4, 6 // group, 3, 2, 3)), "b": random.normal(0, 1, 6)}
    graph = helper.make_graph(
        [helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], group=group, **attributes)], "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value.astype(np.float32), key) for key, value in constants.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "in.onnx")
    run_calib8("export", tmp_path / "in.onnx", "--quantize", "none", "--output-dir", tmp_path, check=True)
    x = random.standard_normal(shape).astype(np.float32)
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    (expected,) = onnxruntime.InferenceSession(tmp_path / "in.onnx").run(None, {"x": x})
    np.testing.assert_allclose(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), expected, atol=1e-5)
