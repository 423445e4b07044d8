"""SOFTMAX over long rows: shares far below 1/256 inside a model, and scores of many classes at its end."""

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(4)


def attention(path):
    """Each of 6 rows looks at 900 positions, nearly alike: no share comes near 1/256."""
    constants = [numpy_helper.from_array(RANDOM.standard_normal(shape).astype(np.float32) / 4, name) for name, shape in (("k", (8, 900)), ("v", (900, 8)))]
    nodes = [helper.make_node("MatMul", ["x", "k"], ["s"]), helper.make_node("Softmax", ["s"], ["p"], axis=-1), helper.make_node("MatMul", ["p", "v"], ["y"])]
    save(path, nodes, constants, [1, 6, 8], [1, 6, 8])


def classifier(path):
    constants = [numpy_helper.from_array(RANDOM.standard_normal((8, 200)).astype(np.float32), "w")]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["s"]), helper.make_node("Softmax", ["s"], ["y"], axis=-1)]
    save(path, nodes, constants, [1, 8], [1, 200])


def save(path, nodes, constants, shape, result):
    graph = helper.make_graph(nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def export(make, shape, folder, io):
    make(folder / "in.onnx")
    (folder / "data").mkdir()
    samples = [RANDOM.standard_normal(shape).astype(np.float32) for _ in range(40)]
    for i, sample in enumerate(samples):
        np.save(folder / "data" / f"{i}.npy", sample)
    run_calib8("export", folder / "in.onnx", "--dataset-dir", folder / "data", "--io", io, "--effort", "fast", "--min-agreement", 0, "--output-dir", folder, check=True)
    return samples


def test_attention_over_many_positions(tmp_path):
    samples = export(attention, [1, 6, 8], tmp_path, "float32")
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    session, expected, found = onnxruntime.InferenceSession(tmp_path / "in.onnx"), [], []
    for sample in samples[:10]:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
        expected.append(session.run(None, {"x": sample})[0])
    error = np.subtract(expected, found)
    assert 10 * np.log10(np.sum(np.square(expected)) / np.sum(np.square(error))) > 20


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_scores_that_are_given_out_keep_their_scale(io, tmp_path):
    export(classifier, [1, 8], tmp_path, io)
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    scales = [detail["quantization"][0] for detail in interpreter.get_tensor_details() if detail["shape"].tolist() == [1, 200] and detail["quantization"][0]]
    assert 1 / 256 in scales
