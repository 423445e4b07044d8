"""Small ONNX files that ask for much, or for what is odd: they convert and compute as on ONNX Runtime, or they are
refused in one line with status 3. Never a bug, a crash, an endless run, or gigabytes."""

import resource

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper
from support.runtimes import interpreter

MODEL_ERROR = 3
node = helper.make_node


def floats(name, values):
    return numpy_helper.from_array(np.asarray(values, np.float32), name)


def integers(name, values):
    return numpy_helper.from_array(np.asarray(values, np.int64), name)


def model(nodes, constants=(), shape=(1, 3, 8, 8), outputs=("y",), opset=17):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        list(constants),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def doubled(op, count, attributes):
    nodes = [node(op, [f"k{i}", f"k{i}"], [f"k{i + 1}"], **attributes) for i in range(count)]
    last = [node("ReduceMean", [f"k{count}"], ["r"], keepdims=0), node("Add", ["x", "r"], ["y"])]
    return model(nodes + last, [floats("k0", [1.0])])


def repeated(op, count, second):
    """A constant that each node makes larger."""
    nodes = [node(op, [f"k{i}", "n"], [f"k{i + 1}"]) for i in range(count)]
    last = [node("ReduceMean", [f"k{count}"], ["r"], keepdims=0), node("Add", ["x", "r"], ["y"])]
    return model(nodes + last, [floats("k0", [[1.0]]), second])


REFUSED = {
    "concatenations that double": doubled("Concat", 60, {"axis": 0}),
    "concatenations beyond int32": doubled("Concat", 33, {"axis": 0}),
    "tiles that multiply": repeated("Tile", 12, integers("n", [64, 1])),
    "pads that add": model(
        [node("Pad", ["k", "p"], ["l"]), node("ReduceMean", ["l"], ["r"], keepdims=0), node("Add", ["x", "r"], ["y"])],
        [floats("k", [1.0]), integers("p", [0, 2**31])],
    ),
    "a constant of 2^40 elements": model(
        [node("ConstantOfShape", ["s"], ["k"]), node("ReduceMean", ["k"], ["r"]), node("Add", ["x", "r"], ["y"])],
        [integers("s", [2**20, 2**20])],
    ),
    "a range without end": model(
        [node("Range", ["a", "b", "c"], ["k"]), node("ReduceMean", ["k"], ["r"]), node("Add", ["x", "r"], ["y"])],
        [floats("a", 0.0), floats("b", 3e38), floats("c", 1e-30)],
    ),
    "an expansion to 2^34 elements": model([node("Expand", ["x", "s"], ["y"])], [integers("s", [2**28, 1, 8, 8])]),
    "a resize to 2^32 elements": model(
        [node("Resize", ["x", "", "c"], ["y"], mode="nearest")], [floats("c", [1, 1, 5000, 5000])]
    ),
    "a stride of 100000": model(
        [node("ConvTranspose", ["x", "w"], ["y"], strides=[100000] * 2)], [floats("w", np.ones((3, 8, 3, 3)))]
    ),
    "a padding of 2^30": model([node("Pad", ["x", "p"], ["y"])], [integers("p", [0, 0, 2**30, 2**30, 0, 0, 0, 0])]),
    "a product of 2^34 elements": model(
        [node("MatMul", ["x", "w"], ["y"])], [floats("w", np.ones((1, 2**17)))], shape=(2**17, 1)
    ),
    "an input without elements": model([node("Relu", ["x"], ["y"])], shape=(1, 3, 0, 8)),
    "an output without elements": model(
        [node("Slice", ["x", "a", "a"], ["y"])], [integers("a", [0])]
    ),
    "a sum over nothing": model(
        [node("Slice", ["x", "a", "a"], ["s"]), node("ReduceSum", ["s"], ["r"], keepdims=0), node("Add", ["x", "r"], ["y"])],
        [integers("a", [0])],
    ),
    "a concatenation with an empty slice": model(
        [node("Slice", ["x", "a", "a", "b"], ["s"]), node("Concat", ["s", "x"], ["y"], axis=3)], [integers("a", [0]), integers("b", [3])]
    ),
    "an output that is constant": model([node("Add", ["k", "k"], ["y"])], [floats("k", [1.0])]),
    "nine dimensions": model([node("Reshape", ["x", "s"], ["r"]), node("Relu", ["r"], ["y"])], [integers("s", [1, 1, 3, 2, 2, 2, 2, 2, 2])]),
    "a hundred dimensions": model([node("Reshape", ["x", "s"], ["y"])], [integers("s", [1] * 99 + [192])]),
    "Elu's alpha NaN": model([node("Elu", ["x"], ["y"], alpha=float("nan"))]),
    "Elu's alpha infinite": model([node("Elu", ["x"], ["y"], alpha=float("inf"))]),
    "Celu's alpha 0": model([node("Celu", ["x"], ["y"], alpha=0.0)]),
    "Celu's alpha negative": model([node("Celu", ["x"], ["y"], alpha=-1.0)]),
    "LeakyRelu's alpha NaN": model([node("LeakyRelu", ["x"], ["y"], alpha=float("nan"))]),
    "HardSigmoid's beta infinite": model([node("HardSigmoid", ["x"], ["y"], beta=float("inf"))]),
    "Gemm's alpha NaN": model(
        [node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "w"], ["y"], alpha=float("nan"))], [floats("w", np.ones((192, 2)))]
    ),
    "an epsilon of NaN": model(
        [node("BatchNormalization", ["x", "k", "k", "k", "k"], ["y"], epsilon=float("nan"))], [floats("k", [1.0, 1, 1])]
    ),
    "weights of NaN": model([node("Conv", ["x", "w"], ["y"])], [floats("w", np.full((2, 3, 1, 1), np.nan))]),
    "an addend of NaN": model([node("Add", ["x", "k"], ["y"])], [floats("k", [np.nan])]),
    "a division by zero": model([node("Div", ["x", "k"], ["y"])], [floats("k", [0.0])]),
    "an operator without its weights": model([node("Conv", ["x"], ["y"])]),
    "an operator with too many inputs": model([node("Relu", ["x", "x"], ["y"])]),
}

CONVERTED = {
    "concatenations that double 16 times": doubled("Concat", 16, {"axis": 0}),
    "Elu with alpha 0": model([node("Elu", ["x"], ["y"], alpha=0.0)]),
    "Elu with a denormal alpha": model([node("Elu", ["x"], ["y"], alpha=1e-42)]),
    "Elu with alpha -2": model([node("Elu", ["x"], ["y"], alpha=-2.0)]),
    "Elu of what is never negative": model([node("Relu", ["x"], ["r"]), node("Elu", ["r"], ["y"], alpha=0.2)]),
    "Celu of what is never negative": model([node("Sigmoid", ["x"], ["r"]), node("Celu", ["r"], ["y"], alpha=2.0)]),
    "Celu with a tiny alpha": model([node("Celu", ["x"], ["y"], alpha=1e-35)]),
    "Squeeze with no axes named": model([node("ReduceMean", ["x"], ["m"], axes=[2, 3]), node("Squeeze", ["m", "a"], ["y"])], [integers("a", [])]),
    "a Split of which a part is unused": model(
        [node("Split", ["x", "s"], ["y", "z"], axis=3), node("Relu", ["z"], ["unused"])], [integers("s", [3, 5])]
    ),
    "a Split whose last parts nobody reads": model([node("Split", ["x", "s"], ["y", "z", "w"], axis=3)], [integers("s", [3, 4, 1])]),
    "an old Split whose last part nobody reads": model([node("Split", ["x"], ["y", "z"], axis=3)], opset=12),
    "the input given out": model([node("Identity", ["x"], ["y"])]),
    "the input given out as a vector": model([node("Identity", ["x"], ["y"])], shape=(1, 5)),
    "one tensor given out twice": model([node("Tanh", ["x"], ["y"]), node("Identity", ["y"], ["z"])], outputs=("y", "z")),
    "one vector given out twice": model([node("Tanh", ["x"], ["y"]), node("Identity", ["y"], ["z"])], outputs=("y", "z"), shape=(1, 4)),
    "a Reshape to itself given out": model(
        [node("Tanh", ["x"], ["y"]), node("Reshape", ["y", "s"], ["z"])], [integers("s", [1, 2])], outputs=("y", "z"), shape=(1, 2)
    ),
    "thirteen parts": model([node("Tanh", ["x"], ["t"]), node("Concat", ["x", "t"] * 6 + ["x"], ["y"], axis=1)]),
    "seven equal parts": model([node("Split", ["x"], [f"s{i}" for i in range(7)], axis=1), node("Concat", [f"s{i}" for i in (3, 1, 6)], ["y"], axis=1)], shape=(1, 14, 2, 2), opset=12),
    "a division by constants": model([node("Div", ["x", "k"], ["y"])], [floats("k", [3.0, -7, 0.1, 2, 4, 5, 6, 8])]),
    "a negation": model([node("Neg", ["x"], ["y"])]),
    "a padded maximum of what may be negative": model(
        [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])]
    ),
    "a padded maximum behind Relu": model(
        [node("Relu", ["x"], ["r"]), node("MaxPool", ["r"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])]
    ),
    "a mask of -inf": model([node("Add", ["x", "k"], ["a"]), node("Softmax", ["a"], ["y"], axis=-1)], [floats("k", [0, 0, -np.inf, 0, 0, 0, 0, 0])]),
    "eight dimensions": model(
        [node("Reshape", ["x", "s"], ["r"]), node("Reshape", ["r", "t"], ["y"])],
        [integers("s", [1, 3, 2, 2, 2, 2, 2, 2]), integers("t", [3, 64])],
    ),
}


def export(made, folder):
    """The exit status and last line under 6 GB of address space and 60 seconds."""
    onnx.save(made, folder / "in.onnx")

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))

    return run_calib8(
        "export", folder / "in.onnx", "--quantize", "none", "--output-dir", folder, "--quiet", timeout=60, preexec_fn=limit
    )


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_in_a_line(name, tmp_path):
    done = export(REFUSED[name], tmp_path)
    assert done.returncode == MODEL_ERROR, (done.returncode, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1
    assert len(done.stderr) < 5000


@pytest.mark.parametrize("name", CONVERTED)
def test_what_is_odd_computes_as_on_onnx_runtime(name, tmp_path):
    made = CONVERTED[name]
    done = export(made, tmp_path)
    assert done.returncode == 0, (done.returncode, done.stderr)
    shape = [dim.dim_value for dim in made.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})
    image = x.transpose(0, 2, 3, 1) if x.ndim == 4 else x
    outputs = interpreter(tmp_path / "model.tflite").get_signature_runner()(x=np.ascontiguousarray(image))
    for output, want in zip(made.graph.output, expected, strict=True):
        mine = outputs[output.name]
        if want.ndim == 4:
            want = want.transpose(0, 2, 3, 1)
        assert mine.shape == want.shape
        np.testing.assert_allclose(mine, want, rtol=1e-5, atol=1e-6)
