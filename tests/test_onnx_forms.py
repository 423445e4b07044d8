"""Files that other tools than PyTorch's exporters write: functions of their own, ONNX Runtime's fused operators, other sizes of real
numbers, operators younger than ours. ONNX Runtime says what they mean."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(5)


def constant(name, *shape, dtype=np.float32):
    return numpy_helper.from_array(RANDOM.normal(0, 0.5, shape).astype(dtype), name)


def save(path, nodes, constants=(), shape=(1, 4, 8), opset=17, functions=(), dtype=TensorProto.FLOAT):
    graph = helper.make_graph(nodes, "graph", [helper.make_tensor_value_info("x", dtype, shape)],
                              [helper.make_tensor_value_info("y", dtype, None)], list(constants))
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("mine", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10), path)
    return path


def runtime(path, x):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def litert(folder, x):
    interpreter = Interpreter(str(folder / "model.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    interpreter.set_tensor(detail["index"], x.astype(detail["dtype"]))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def convert(path, folder):
    return run_calib8("export", path, "--quantize", "none", "--output-dir", folder, check=True)


def check(path, tmp_path, shape=(1, 4, 8), tolerance=2e-4):
    x = RANDOM.normal(0, 1, shape).astype(np.float32)
    convert(path, tmp_path / "out")
    expected = runtime(path, x)
    np.testing.assert_allclose(litert(tmp_path / "out", x), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(runtime(tmp_path / "out" / "model.onnx", x), expected, rtol=tolerance, atol=tolerance)


FUSED = {
    "Gelu": [("Gelu", ["x"], {})],
    "BiasGelu": [("BiasGelu", ["x", "b"], {})],
    "FastGelu": [("FastGelu", ["x", "b"], {})],
    "FastGelu without bias": [("FastGelu", ["x"], {})],
    "QuickGelu": [("QuickGelu", ["x"], {"alpha": 1.702})],
    "SkipLayerNormalization": [("SkipLayerNormalization", ["x", "skip", "gamma", "beta", "b"], {"epsilon": 1e-5})],
    "SkipSimplifiedLayerNormalization": [("SkipSimplifiedLayerNormalization", ["x", "skip", "gamma"], {"epsilon": 1e-5})],
    "FusedMatMul": [("FusedMatMul", ["x", "w"], {"alpha": 0.5})],
}


@pytest.mark.parametrize("form", FUSED)
def test_operators_of_onnx_runtime(form, tmp_path):
    constants = [constant("b", 8), constant("gamma", 8), constant("beta", 8), constant("skip", 1, 4, 8), constant("w", 8, 5)]
    nodes = [helper.make_node(op, inputs, ["y"], domain="com.microsoft", **attributes) for op, inputs, attributes in FUSED[form]]
    used = {name for node in nodes for name in node.input}
    check(save(tmp_path / "in.onnx", nodes, [c for c in constants if c.name in used]), tmp_path)


@pytest.mark.parametrize("activation, parameters", [("Relu", {}), ("LeakyRelu", {"activation_params": [0.2]}), ("Clip", {"activation_params": [-0.5, 0.75]})])
def test_fused_convolution(activation, parameters, tmp_path):
    node = helper.make_node("FusedConv", ["x", "w", "b"], ["y"], domain="com.microsoft", kernel_shape=[3], pads=[1, 1], activation=activation, **parameters)
    check(save(tmp_path / "in.onnx", [node], [constant("w", 5, 4, 3), constant("b", 5)]), tmp_path)


def reference(name, of_caller):
    return onnx.AttributeProto(name=name, ref_attr_name=of_caller, type=onnx.AttributeProto.FLOAT)


def test_functions_of_the_model(tmp_path):
    """One calls the other, with attributes, a default, an optional input that is left out and a value of the same name in both."""
    inner = helper.make_function("mine", "scaled", ["a"], ["b"],
                                 [helper.make_node("Constant", [], ["t"]), helper.make_node("Mul", ["a", "t"], ["b"])], [helper.make_opsetid("", 17)], ["by"])
    inner.node[0].attribute.append(reference("value_float", "by"))
    outer = helper.make_function("mine", "twice", ["a", "unused"], ["b"],
                                 [helper.make_node("scaled", ["a"], ["t"], domain="mine", by=2.0), helper.make_node("LeakyRelu", ["t"], ["u"]),
                                  helper.make_node("scaled", ["u"], ["b"], domain="mine", by=0.25)],
                                 [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)], [], [helper.make_attribute("slope", 0.3)])
    outer.node[1].attribute.append(reference("alpha", "slope"))
    nodes = [helper.make_node("twice", ["x"], ["m"], domain="mine"), helper.make_node("twice", ["m"], ["y"], domain="mine", slope=0.6)]
    check(save(tmp_path / "in.onnx", nodes, functions=[inner, outer]), tmp_path)


def test_functions_that_never_end(tmp_path):
    endless = helper.make_function("mine", "f", ["a"], ["b"], [helper.make_node("f", ["a"], ["t"], domain="mine"), helper.make_node("f", ["t"], ["b"], domain="mine")],
                                   [helper.make_opsetid("mine", 1)])
    path = save(tmp_path / "in.onnx", [helper.make_node("f", ["x"], ["y"], domain="mine")], functions=[endless])
    done = run_calib8("export", path, "--quantize", "none", "--output-dir", tmp_path / "out")
    assert done.returncode == 3 and "nests functions or branches without end" in done.stderr


@pytest.mark.parametrize("dtype, said", [(np.float16, "float16"), (np.float64, "float64")])
def test_other_sizes_of_real_numbers(dtype, said, tmp_path):
    code = TensorProto.FLOAT16 if dtype is np.float16 else TensorProto.DOUBLE
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Cast", ["m"], ["c"], to=TensorProto.FLOAT), helper.make_node("Relu", ["c"], ["r"]),
             helper.make_node("Cast", ["r"], ["d"], to=code), helper.make_node("Add", ["d", "b"], ["y"])]
    path = save(tmp_path / "in.onnx", nodes, [constant("w", 8, 5, dtype=dtype), constant("b", 5, dtype=dtype)], dtype=code)
    done = convert(path, tmp_path / "out")
    assert f"holds {said}" in done.stdout + done.stderr
    x = RANDOM.normal(0, 1, (1, 4, 8)).astype(dtype)
    np.testing.assert_allclose(litert(tmp_path / "out", x), runtime(path, x).astype(np.float32), rtol=5e-3, atol=5e-3)


def test_younger_operators(tmp_path):
    """Those that the specification's own evaluator knows at opset 24."""
    from onnx.reference import ReferenceEvaluator

    nodes = [helper.make_node("RMSNormalization", ["x", "gamma"], ["n"], axis=-1, epsilon=1e-3), helper.make_node("Swish", ["n"], ["s"], alpha=1.5),
             helper.make_node("GroupNormalization", ["s", "scale", "shift"], ["y"], num_groups=2)]
    path = save(tmp_path / "in.onnx", nodes, [constant("gamma", 8), constant("scale", 4), constant("shift", 4)], opset=24)
    convert(path, tmp_path / "out")
    x = RANDOM.normal(0, 1, (1, 4, 8)).astype(np.float32)
    square = (x**2).mean(-1, keepdims=True)
    n = x / np.sqrt(square + 1e-3) * numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    swish = n / (1 + np.exp(-1.5 * n))
    groups = swish.reshape(1, 2, 16)
    groups = (groups - groups.mean(-1, keepdims=True)) / np.sqrt(groups.var(-1, keepdims=True) + 1e-5)
    scale, shift = (numpy_helper.to_array(c)[:, None] for c in onnx.load(path).graph.initializer[1:])
    expected = groups.reshape(1, 4, 8) * scale + shift
    np.testing.assert_allclose(litert(tmp_path / "out", x), expected, rtol=1e-3, atol=1e-3)
    written = ReferenceEvaluator(str(tmp_path / "out" / "model.onnx")).run(None, {"x": x})[0]
    np.testing.assert_allclose(written, expected, rtol=1e-3, atol=1e-3)


def test_tokens_and_masks(tmp_path):
    """Whole numbers and truth values from outside: an embedding, and a mask that chooses."""
    nodes = [helper.make_node("Gather", ["table", "x"], ["e"]), helper.make_node("Less", ["x", "bound"], ["m"]), helper.make_node("Cast", ["m"], ["f"], to=TensorProto.FLOAT),
             helper.make_node("Unsqueeze", ["f", "axes"], ["u"]), helper.make_node("Mul", ["e", "u"], ["y"])]
    constants = [constant("table", 12, 6), numpy_helper.from_array(np.array(7), "bound"), numpy_helper.from_array(np.array([2]), "axes")]
    graph = helper.make_graph(nodes, "graph", [helper.make_tensor_value_info("x", TensorProto.INT64, (1, 5))], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "in.onnx")
    convert(tmp_path / "in.onnx", tmp_path / "out")
    x = np.array([[0, 11, 3, 7, 6]])
    np.testing.assert_allclose(litert(tmp_path / "out", x), runtime(tmp_path / "in.onnx", x), rtol=1e-6)
    samples = tmp_path / "samples"
    samples.mkdir()
    for i in range(4):
        np.save(samples / f"{i}.npy", RANDOM.integers(0, 12, 5))
    run_calib8("export", tmp_path / "in.onnx", "--io", "float32", "--dataset-dir", samples, "--dataset-type", "numpy", "--min-agreement", "0", "--output-dir", tmp_path / "int8", check=True)
    assert np.abs(litert(tmp_path / "int8", x) - runtime(tmp_path / "in.onnx", x)).max() < 0.05
