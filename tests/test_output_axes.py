"""Outputs of four axes: which of them are turned channels last is said, and a flag keeps them."""

import calib8
import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture
def model(tmp_path):
    """A mask [1, 5, 12, 10], attention [1, 2, 6, 6] and a row [1, 36]."""
    random = np.random.default_rng(0)
    weights = {
        "w": random.standard_normal((5, 3, 3, 3)).astype(np.float32),
        "shape": np.int64([1, 2, 6, 6]), "start": np.int64([0]), "end": np.int64([72]), "axis": np.int64([1]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["mask"], pads=[1, 1, 1, 1]),
        helper.make_node("Flatten", ["mask"], ["flat"]),
        helper.make_node("Slice", ["flat", "start", "end", "axis"], ["part"]),
        helper.make_node("Reshape", ["part", "shape"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["attention"], axis=-1),
        helper.make_node("Sigmoid", ["part"], ["row"]),
    ]
    outputs = {"mask": [1, 5, 12, 10], "attention": [1, 2, 6, 6], "row": [1, 72]}
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 12, 10])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def run(result, model, sample):
    runner = Interpreter(str(result.tflite)).get_signature_runner("serving_default")
    (name,) = runner.get_input_details()
    session = onnxruntime.InferenceSession(model)
    names = [output.name for output in session.get_outputs()]
    expected = dict(zip(names, session.run(names, {"x": sample}), strict=True))
    return expected, runner(**{name: sample.transpose(0, 2, 3, 1)})


def test_turned_outputs_are_said(model, tmp_path):
    result = calib8.export(model, quantize="none", output_dir=tmp_path / "out")
    moved = {output["output"]: output for output in result.report["moved_outputs"]}
    assert set(moved) == {"mask", "attention"}
    assert moved["mask"]["shape"] == [1, 12, 10, 5] and moved["mask"]["onnx_shape"] == [1, 5, 12, 10]
    for line in ("output mask is [1, 12, 10, 5], channels last; [1, 5, 12, 10] in ONNX", "output attention is [1, 6, 6, 2]"):
        assert line in result.summary
        assert line in run_calib8("inspect", result.metadata).stdout
    expected, found = run(result, model, np.random.default_rng(1).standard_normal((1, 3, 12, 10)).astype(np.float32))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value.transpose(0, 2, 3, 1) if value.ndim == 4 else value, atol=1e-5)


def test_a_flag_keeps_the_axes(model, tmp_path):
    result = calib8.export(model, quantize="none", keep_output_axes=True, output_dir=tmp_path / "out")
    assert "moved_outputs" not in result.report and "channels last" not in result.summary
    expected, found = run(result, model, np.random.default_rng(1).standard_normal((1, 3, 12, 10)).astype(np.float32))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)
