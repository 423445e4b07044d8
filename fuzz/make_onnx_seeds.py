"""Writes small valid ONNX models, one for each way a file can say something, into fuzz/corpus/onnx/.

Needs onnx and numpy. Run from anywhere; the files are the same every time.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent / "corpus" / "onnx"
IMAGE = [1, 2, 4, 4]


def model(nodes, *, initializers=(), inputs=None, outputs=(("y", None),), opset=20, extra=()):
    """x: float[1, 2, 4, 4] -> nodes -> y"""
    inputs = inputs or [helper.make_tensor_value_info("x", TensorProto.FLOAT, IMAGE)]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs]
    graph = helper.make_graph(nodes, "seed", inputs, made, list(initializers))
    imports = [helper.make_opsetid("", opset), *extra]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, producer_name="seeds")


def node(op_type, inputs, outputs=("y",), **attributes):
    return helper.make_node(op_type, list(inputs), list(outputs), name=op_type.lower(), **attributes)


def array(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def listed(name, data_type, values):
    """A tensor whose elements stand in a typed list, not in raw_data."""
    return helper.make_tensor(name, data_type, [len(values)], values)


def counting(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 7 - 1


def layers():
    norm = [array(name, [1, 2]) for name in ("gamma", "beta", "mean", "variance")]
    names = ["gamma", "beta", "mean", "variance"]
    weights = array("w", counting(2, 2, 3, 3))
    yield "conv_norm", model(
        [
            node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
            node("BatchNormalization", ["a", *names], ["b"], epsilon=1e-3),
            node("Relu", ["b"]),
        ],
        initializers=[weights, *norm],
    )
    yield "grouped_transposed", model(
        [
            node("ConvTranspose", ["x", "t"], ["a"], strides=[2, 2], group=2),
            node("BatchNormalization", ["a", *names]),
        ],
        initializers=[array("t", counting(2, 1, 2, 2)), *norm],
    )
    yield "pad_pool_gemm", model(
        [
            node("Pad", ["x", "pads"], ["p"]),
            node("Conv", ["p", "w"], ["c"]),
            node("MaxPool", ["c"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
            node("ReduceMean", ["m", "axes"], ["r"], keepdims=1),
            node("Reshape", ["r", "to"], ["f"]),
            node("Gemm", ["f", "g"], ["z"], transB=1, alpha=2.0),
            node("Softmax", ["z"], axis=-1),
        ],
        initializers=[
            weights,
            array("pads", [0, 0, 1, 1, 0, 0, 1, 1], np.int64),
            array("axes", [2, 3], np.int64),
            array("to", [1, 2], np.int64),
            array("g", counting(3, 2)),
        ],
    )
    yield "matmul_bias", model(
        [
            node("Flatten", ["x"], ["f"]),
            node("MatMul", ["f", "g"], ["m"]),
            node("Add", ["m", "b"]),
        ],
        initializers=[array("g", counting(32, 3)), array("b", [1, 2, 3])],
    )


def activations():
    scalars = [array("three", 3), array("zero", 0), array("six", 6)]
    clipped = [node("Add", ["x", "three"], ["a"]), node("Clip", ["a", "zero", "six"], ["c"])]
    yield "hard_sigmoid", model([*clipped, node("Div", ["c", "six"])], initializers=scalars)
    yield "hard_swish", model(
        [*clipped, node("Mul", ["x", "c"], ["m"]), node("Div", ["m", "six"])], initializers=scalars
    )
    yield "silu", model([node("Sigmoid", ["x"], ["s"]), node("Mul", ["s", "x"])])
    for op_type in ("Elu", "Gelu", "HardSwish", "LeakyRelu", "Tanh", "Sqrt", "Exp", "Neg", "Abs"):
        yield op_type.lower(), model([node(op_type, ["x"])])


def shapes():
    opened = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2, 4, None])]
    yield "view", model(
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "first"], ["n"]),
            node("Unsqueeze", ["n", "front"], ["u"]),
            node("Concat", ["u", "rest"], ["to"], axis=0),
            node("Reshape", ["x", "to"]),
        ],
        initializers=[array("first", 0, np.int64), array("front", [0], np.int64), array("rest", [-1], np.int64)],
        inputs=opened,
    )
    branches = [
        helper.make_graph([node(op, ["x"], ["b"])], "branch", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)])
        for op in ("Relu", "Neg")
    ]
    yield "if", model(
        [node("Not", ["no"], ["yes"]), node("If", ["yes"], then_branch=branches[0], else_branch=branches[1])],
        initializers=[array("no", False, np.bool_)],
    )
    yield "split_concat", model(
        [
            node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
            node("Concat", ["b", "a"], ["c"], axis=1),
            node("Transpose", ["c"], perm=[0, 2, 3, 1]),
        ]
    )
    yield "slice_resize", model(
        [
            node("Slice", ["x", "starts", "ends", "axes", "steps"], ["s"]),
            node("Resize", ["s", "", "scales"], mode="linear", coordinate_transformation_mode="half_pixel"),
        ],
        initializers=[
            array("starts", [0], np.int64),
            array("ends", [4], np.int64),
            array("axes", [2], np.int64),
            array("steps", [2], np.int64),
            array("scales", [1, 1, 2, 2]),
        ],
    )
    yield "constant_arithmetic", model(
        [
            node("Range", ["zero", "four", "one"], ["r"]),
            node("CastLike", ["r", "x"], ["f"]),
            node("ConstantOfShape", ["four_vector"], ["o"], value=array("", [2])),
            node("Expand", ["f", "four_vector"], ["e"]),
            node("Mul", ["e", "o"], ["m"]),
            node("Add", ["x", "m"]),
        ],
        initializers=[
            array("zero", 0, np.int64),
            array("one", 1, np.int64),
            array("four", 4, np.int64),
            array("four_vector", [4], np.int64),
        ],
    )


def families():
    """A node of every other operator, in families as src/ops/ has them, with values that calibration could meet."""
    chosen = [array("c", counting(1, 2, 1, 1)), array("s", 0.5), array("axes", [2, 3], np.int64), array("i", [1, 0], np.int64)]
    for name in ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Mod"):
        attributes = {"fmod": 1} if name == "Mod" else {}
        yield f"{name.lower()}_constant", model(
            [node(name, ["x", "c"], ["a"], **attributes), node(name, ["a", "s"], ["b"], **attributes),
             node(name, ["x", "b"], **attributes)],
            initializers=chosen[:2],
        )  # fmt: skip
    for name in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"):
        yield f"where_{name.lower()}", model(
            [node(name, ["x", "s"], ["a"]), node("Not", ["a"], ["b"]), node("And", ["a", "b"], ["d"]),
             node("Or", ["a", "d"], ["e"]), node("Where", ["e", "x", "c"])],
            initializers=chosen[:2],
        )  # fmt: skip
    for name in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"):
        yield name.lower(), model(
            [node(name, ["x", "axes"], ["a"], keepdims=1), node(name, ["a"], keepdims=0)], initializers=chosen[2:3]
        )
    for name in ("Ceil", "Floor", "Log", "Reciprocal", "Celu"):
        yield f"only_{name.lower()}", model([node(name, ["x"])])
    for name in ("AveragePool", "MaxPool"):
        yield f"{name.lower()}_padded", model([node(name, ["x"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 2], ceil_mode=1)])
    for name in ("GlobalAveragePool", "GlobalMaxPool"):
        yield name.lower(), model([node(name, ["x"])])
    for axis in (1, -1):
        yield f"softmax_{axis}", model([node("Softmax", ["x"], axis=axis)])
    yield "shuffled", model(
        [node("SpaceToDepth", ["x"], ["a"], blocksize=2), node("DepthToSpace", ["a"], ["b"], blocksize=2, mode="CRD"),
         node("SpaceToDepth", ["b"], ["c"], blocksize=2), node("DepthToSpace", ["c"], blocksize=2)]
    )  # fmt: skip
    yield "prelu", model([node("PRelu", ["x", "c"])], initializers=chosen[:1])
    yield "gather", model([node("Gather", ["x", "i"], axis=3)], initializers=chosen[3:])
    yield "tile_expand", model(
        [node("Tile", ["x", "r"], ["a"]), node("Expand", ["a", "e"])],
        initializers=[array("r", [1, 1, 2, 1], np.int64), array("e", [1, 2, 8, 4], np.int64)],
    )
    yield "transposed", model([node("Transpose", ["x"], ["a"], perm=[0, 2, 3, 1]), node("Relu", ["a"], ["b"]),
                               node("Transpose", ["b"], perm=[0, 3, 1, 2])])  # fmt: skip
    yield "depthwise", model(
        [node("Conv", ["x", "w"], ["a"], group=2, strides=[2, 2], dilations=[1, 1], auto_pad="SAME_UPPER"), node("Relu", ["a"])],
        initializers=[array("w", counting(2, 1, 3, 3))],
    )


def data():
    kinds = {
        "float32": (TensorProto.FLOAT, [1.5, 2.0]),
        "float64": (TensorProto.DOUBLE, [1.5, 2.0]),
        "int64": (TensorProto.INT64, [1, -2]),
        "int32": (TensorProto.INT32, [1, -2]),
        "int8": (TensorProto.INT8, [1, -2]),
        "uint8": (TensorProto.UINT8, [1, 200]),
        "uint64": (TensorProto.UINT64, [1, 2]),
        "bool": (TensorProto.BOOL, [True, False]),
        "float16": (TensorProto.FLOAT16, [1.5, 2.0]),
        "bfloat16": (TensorProto.BFLOAT16, [1.5, 2.0]),
    }
    for name, (data_type, values) in kinds.items():
        yield f"data_{name}", model(
            [node("Cast", ["t"], ["c"], to=TensorProto.FLOAT), node("Unsqueeze", ["c", "axis"])],
            initializers=[listed("t", data_type, values), array("axis", [0], np.int64)],
        )
    attributes = {
        "value": {"value": array("", [1, 2])},
        "value_float": {"value_float": 1.5},
        "value_floats": {"value_floats": [1.5, 2.0]},
        "value_int": {"value_int": 3},
        "value_ints": {"value_ints": [3, 4]},
    }
    for name, attribute in attributes.items():
        yield f"constant_{name}", model(
            [node("Constant", [], ["c"], **attribute), node("Cast", ["c"], to=TensorProto.FLOAT)]
        )


def older():
    yield "opset7", model(
        [
            node("Upsample", ["x"], ["u"], scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"),
            node("Slice", ["u"], ["s"], starts=[0], ends=[2], axes=[2]),
            node("Clip", ["s"], ["c"], min=0.0, max=6.0),
            node("Dropout", ["c"], ["d", "mask"], ratio=0.5),
            node("Pad", ["d"], ["p"], pads=[0, 0, 1, 1, 0, 0, 1, 1], value=1.0),
            node("ReduceMean", ["p"], ["r"], axes=[2, 3], keepdims=0),
            node("Softmax", ["r"], axis=1),
        ],
        opset=7,
    )
    yield "opset10", model([node("Resize", ["x", "s"], mode="nearest")], initializers=[array("s", [1, 1, 2, 2])], opset=10)
    yield "opset12", model(
        [
            node("Split", ["x"], ["a", "b"], axis=1, split=[1, 1]),
            node("Squeeze", ["a"], ["s"], axes=[1]),
            node("Unsqueeze", ["s"], ["u"], axes=[1]),
            node("Add", ["u", "b"], ["z"]),
            node("Softmax", ["z"], axis=2),
        ],
        opset=12,
    )
    yield "opset21", model([node("Relu", ["x"])], opset=21)


def refused():
    body = helper.make_graph(
        [node("Identity", ["x"], ["i"])], "body", [], [helper.make_tensor_value_info("i", TensorProto.FLOAT, None)]
    )
    yield "loop", model([node("Loop", ["", "c", "x"], body=body)], initializers=[array("c", True, np.bool_)])
    yield "custom_domain", model(
        [helper.make_node("Fused", ["x"], ["y"], domain="other")], extra=[helper.make_opsetid("other", 1)]
    )
    yield "strings", model([node("Relu", ["x"])], initializers=[helper.make_tensor("t", TensorProto.STRING, [1], [b"a"])])
    yield "opset11_resize", model(
        [node("Resize", ["x", "roi", "s"], mode="nearest", coordinate_transformation_mode="tf_half_pixel_for_nn")],
        initializers=[array("roi", []), array("s", [1, 1, 2, 2])],
        opset=11,
    )
    norm = [array(name, [1, 2]) for name in ("gamma", "beta", "mean", "variance")]
    yield "training_norm", model(
        [node("BatchNormalization", ["x", "gamma", "beta", "mean", "variance"], training_mode=1)], initializers=norm
    )
    yield "training_dropout", model(
        [node("Dropout", ["x", "ratio", "training"])],
        initializers=[array("ratio", 0.5), array("training", True, np.bool_)],
    )
    sequence = helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, IMAGE)
    yield "sequence", model([node("Relu", ["x"])], inputs=[sequence])
    external = array("w", [1, 2])
    external.ClearField("raw_data")
    external.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "w.bin"), ("offset", "0"), ("length", "8")):
        external.external_data.add(key=key, value=value)
    yield "external", model([node("Add", ["x", "w"])], initializers=[external])
    sparse = model([node("Relu", ["x"])])
    sparse.graph.sparse_initializer.add(
        values=array("s", [1]), indices=array("", [0], np.int64), dims=[2]
    )
    yield "sparse", sparse


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for group in (layers, activations, shapes, families, data, older, refused):
        for name, content in group():
            (FOLDER / f"{name}.onnx").write_bytes(content.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
