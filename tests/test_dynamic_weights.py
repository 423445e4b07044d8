"""`--quantize dynamic`: int8 weights per channel beside float activations, without any data."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(8)


def text_model(path):
    """Token ids, a table of 500 rows, two layers with a normalization between them."""
    constants = {
        "table": RANDOM.standard_normal((500, 64)),
        "w1": RANDOM.standard_normal((64, 256)) * np.geomspace(0.01, 1, 256) / 8,  # columns of very different size
        "b1": RANDOM.standard_normal(256),
        "gamma": np.ones(256),
        "beta": np.zeros(256),
        "w2": RANDOM.standard_normal((256, 16)) / 16,
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"]),
        helper.make_node("MatMul", ["e", "w1"], ["m"]),
        helper.make_node("Add", ["m", "b1"], ["a"]),
        helper.make_node("LayerNormalization", ["a", "gamma", "beta"], ["n"]),
        helper.make_node("MatMul", ["n", "w2"], ["y"]),
    ]
    initializers = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "net", [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 12])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 12, 16])], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def decibels(exact, other):
    return 10 * np.log10(np.sum(np.square(exact)) / np.sum(np.square(exact - other)))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dynamic")
    text_model(folder / "in.onnx")
    done = run_calib8("export", folder / "in.onnx", "--quantize", "dynamic", "--output-dir", folder, check=True)
    return folder, done


@pytest.mark.parametrize("resolver", [OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES])
def test_it_stays_near_the_float_model_on_either_kernels(exported, resolver):
    folder, _ = exported
    interpreter = Interpreter(str(folder / "model.tflite"), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    ids = RANDOM.integers(0, 500, (1, 12))
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], ids.astype(np.int32))
    interpreter.invoke()
    (exact,) = onnxruntime.InferenceSession(folder / "in.onnx").run(None, {"ids": ids})
    assert decibels(exact, interpreter.get_tensor(interpreter.get_output_details()[0]["index"])) > 33


def test_it_takes_a_quarter_of_the_size_and_tells_what_it_did(exported):
    folder, done = exported
    metadata = json.loads((folder / "model.tflite.quantization_metadata").read_text())
    written = metadata["outputs"]["tflite"]
    assert written["type"] == "int8 weights" and written["float_bytes"] / written["bytes"] > 3
    assert metadata["options"]["quantize"] == "int8 weights"
    weights = metadata["quantization"]["weights"]
    assert {(entry["operator"], entry["use"]) for entry in weights} == {("FULLY_CONNECTED", "int8 kernel"), ("GATHER", "looked up")}
    assert "weights of 1 GATHER (looked up), 2 FULLY_CONNECTED (int8 kernel)" in done.stdout
    shown = run_calib8("inspect", folder / "model.tflite.quantization_metadata", check=True).stdout
    assert "weights of 1 GATHER (looked up), 2 FULLY_CONNECTED (int8 kernel)" in shown


def test_it_is_verified_where_there_are_data(exported, tmp_path):
    folder, _ = exported
    (tmp_path / "data").mkdir()
    for i in range(8):
        np.save(tmp_path / "data" / f"{i}.npy", RANDOM.integers(0, 500, (1, 12)))
    run_calib8("export", folder / "in.onnx", "--quantize", "dynamic", "--dataset-dir", tmp_path / "data", "--output-dir", tmp_path, check=True)
    measured = json.loads((tmp_path / "model.tflite.quantization_metadata").read_text())["measured"]
    assert measured["gate"] == "proven" or measured["verification"]["outputs"][0]["sqnr_decibels"] > 33


def test_what_it_writes_is_read_again(exported, tmp_path):
    """As a model whose weights are stored in int8, to be quantized in another way."""
    folder, _ = exported
    run_calib8("export", folder / "model.tflite", "--quantize", "none", "--output-dir", tmp_path, check=True)
    interpreters = [Interpreter(str(path / "model.tflite")) for path in (folder, tmp_path)]
    ids, results = RANDOM.integers(0, 500, (1, 12)).astype(np.int32), []
    for interpreter in interpreters:
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], ids)
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    assert decibels(results[1], results[0]) > 33
