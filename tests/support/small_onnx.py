"""ONNX classifiers that calibrate in a moment, for tests of everything but the model."""

from __future__ import annotations

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save_image_classifier(path: pathlib.Path, size: int = 32, classes: int = 10) -> pathlib.Path:
    """Convolution, ReLU, mean, linear: image [1, 3, size, size] to logits [1, classes]."""
    generator = np.random.default_rng(0)
    constants = {
        "kernel": generator.normal(0, 0.3, (8, 3, 4, 4)),
        "weights": generator.normal(0, 1, (classes, 8)),
        "bias": generator.normal(0, 1, classes),
    }
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["a"], strides=[4, 4]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "weights", "bias"], ["logits"], transB=1),
    ]
    return _save(path, nodes, {"image": [1, 3, size, size]}, {"logits": [1, classes]}, constants)


def save_two_inputs(path: pathlib.Path) -> pathlib.Path:
    """first [1, 6] and second [1, 4], each through a linear layer, added: sum [1, 5]."""
    generator = np.random.default_rng(1)
    constants = {"wa": generator.normal(0, 1, (6, 5)), "wb": generator.normal(0, 1, (4, 5))}
    nodes = [
        helper.make_node("MatMul", ["first", "wa"], ["a"]),
        helper.make_node("MatMul", ["second", "wb"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["sum"]),
    ]
    return _save(path, nodes, {"first": [1, 6], "second": [1, 4]}, {"sum": [1, 5]}, constants)


def _save(path, nodes, inputs, outputs, constants) -> pathlib.Path:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path
