"""TFLite models of one operator, built table by table, and every way of setting one of their fields to a wild value."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

INT_MAX, INT_MIN = 2**31 - 1, -(2**31)
WILD_INTEGERS = [0, -1, 1, 2, 3, 255, 32768, INT_MAX, INT_MIN]
WILD_FLOATS = [float("nan"), float("inf"), 0.0, -1.0, 3e38]
TENSOR_TYPES = range(23)


class X(tuple):
    """The model's input, of this shape."""


def weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def integers(*values) -> np.ndarray:
    return np.array(values, np.int32)


def options(name: str, **fields) -> tuple[int, object]:
    table = getattr(schema, f"{name}T")()
    for field, value in fields.items():
        assert hasattr(table, field), field
        setattr(table, field, value)
    return getattr(schema.BuiltinOptions, name), table


WINDOW = {"padding": 1, "strideH": 1, "strideW": 1}
DILATED = {**WINDOW, "dilationHFactor": 1, "dilationWFactor": 1}
IMAGE = X((1, 4, 4, 4))

# Name in the schema: inputs in order (arrays are constants), the outputs' shapes, the options.
OPERATORS = {
    "CONV_2D": (
        [X((1, 9, 8, 4)), weights(6, 3, 2, 4), weights(6)],
        [(1, 7, 7, 6)],
        options("Conv2DOptions", **DILATED),
    ),
    "DEPTHWISE_CONV_2D": (
        [X((1, 9, 8, 4)), weights(1, 3, 2, 8), weights(8)],
        [(1, 7, 7, 8)],
        options("DepthwiseConv2DOptions", depthMultiplier=2, **DILATED),
    ),
    "TRANSPOSE_CONV": (
        [integers(1, 8, 8, 3), weights(3, 2, 2, 4), IMAGE, weights(3)],
        [(1, 8, 8, 3)],
        options("TransposeConvOptions", padding=1, strideH=2, strideW=2),
    ),
    "FULLY_CONNECTED": ([X((1, 12)), weights(5, 12), weights(5)], [(1, 5)], options("FullyConnectedOptions")),
    "BATCH_MATMUL": ([X((1, 3, 4)), weights(4, 6)], [(1, 3, 6)], options("BatchMatMulOptions")),
    **{
        name: ([X((1, 8, 8, 4))], [(1, 7, 7, 4)], options("Pool2DOptions", filterHeight=2, filterWidth=2, **WINDOW))
        for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D")
    },
    **{
        name: ([IMAGE, weights(4)], [IMAGE], options(f"{name.title()}Options"))
        for name in ("ADD", "SUB", "MUL", "DIV")
    },
    **{name: ([IMAGE, weights(4)], [IMAGE], None) for name in ("MAXIMUM", "MINIMUM", "PRELU")},
    **{
        name: ([IMAGE], [IMAGE], None)
        for name in "LOGISTIC TANH RELU RELU6 HARD_SWISH ELU EXP LOG SQRT RSQRT ABS NEG".split()
    },
    "LEAKY_RELU": ([IMAGE], [IMAGE], options("LeakyReluOptions", alpha=0.25)),
    "GELU": ([IMAGE], [IMAGE], options("GeluOptions")),
    "SOFTMAX": ([X((1, 12))], [(1, 12)], options("SoftmaxOptions", beta=1.0)),
    "TRANSPOSE": ([X((1, 2, 3, 4)), integers(0, 3, 1, 2)], [(1, 4, 2, 3)], options("TransposeOptions")),
    "PAD": ([IMAGE, integers([0, 0], [1, 2], [0, 1], [0, 0])], [(1, 7, 5, 4)], options("PadOptions")),
    "PADV2": (
        [IMAGE, integers([0, 0], [1, 2], [0, 1], [0, 0]), weights(1)],
        [(1, 7, 5, 4)],
        options("PadV2Options"),
    ),
    "SLICE": ([IMAGE, integers(0, 1, 0, 2), integers(1, 2, -1, 2)], [(1, 2, 4, 2)], options("SliceOptions")),
    "STRIDED_SLICE": (
        [IMAGE, integers(0, 1, 0, 3), integers(1, 4, 4, 0), integers(1, 2, 1, -1)],
        [(1, 2, 4, 3)],
        options("StridedSliceOptions", beginMask=0, endMask=0, ellipsisMask=0, newAxisMask=0, shrinkAxisMask=0),
    ),
    "SPLIT": ([integers(3), IMAGE], [(1, 4, 4, 2), (1, 4, 4, 2)], options("SplitOptions", numSplits=2)),
    "CONCATENATION": ([IMAGE, weights(1, 4, 4, 2)], [(1, 4, 4, 6)], options("ConcatenationOptions", axis=3)),
    "RESHAPE": ([IMAGE, integers(1, 8, -1)], [(1, 8, 8)], options("ReshapeOptions", newShape=[1, 8, -1])),
    **{
        name: ([IMAGE, integers(1, -2)], [(1, 4)], options("ReducerOptions", keepDims=False))
        for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
    },
    **{
        name: (
            [IMAGE, integers(7, 9)],
            [(1, 7, 9, 4)],
            options(f"{name.title().replace('_', '')}Options", alignCorners=False, halfPixelCenters=False),
        )
        for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
    },
    "DEPTH_TO_SPACE": ([IMAGE], [(1, 8, 8, 1)], options("DepthToSpaceOptions", blockSize=2)),
    "SPACE_TO_DEPTH": ([IMAGE], [(1, 2, 2, 16)], options("SpaceToDepthOptions", blockSize=2)),
}

ELEMENT_TYPES = {np.float32: schema.TensorType.FLOAT32, np.int32: schema.TensorType.INT32}


def operator_model(name: str) -> schema.ModelT:
    """The model with that one operator."""
    inputs, outputs, table = OPERATORS[name]
    model, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    graph.tensors, graph.operators = [], [operator]
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
    model.operatorCodes = [code]

    def tensor(label: str, shape, array: np.ndarray | None = None) -> int:
        entry = schema.TensorT()
        entry.name, entry.shape, entry.buffer = label, np.array(shape, np.int32), 0
        entry.type = schema.TensorType.FLOAT32 if array is None else ELEMENT_TYPES[array.dtype.type]
        if array is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(array.tobytes(), np.uint8)
            model.buffers.append(buffer)
            entry.buffer = len(model.buffers) - 1
        graph.tensors.append(entry)
        return len(graph.tensors) - 1

    numbers = [
        tensor("x", one) if isinstance(one, X) else tensor(f"c{i}", one.shape, one) for i, one in enumerate(inputs)
    ]
    graph.inputs = np.array([n for n, one in zip(numbers, inputs) if isinstance(one, X)], np.int32)
    graph.outputs = np.array([tensor(f"y{i}", shape) for i, shape in enumerate(outputs)], np.int32)
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, np.array(numbers, np.int32), graph.outputs
    if table:
        operator.builtinOptionsType, operator.builtinOptions = table[0], copy.deepcopy(table[1])
    return model


def pack(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


Edit = tuple[str, Callable[[schema.ModelT], None]]


def edits(name: str) -> Iterator[Edit]:
    """Each a field of the operator's model and what sets it to one wild value."""
    model = operator_model(name)
    yield from _option_edits(model)
    yield from _constant_edits(model)
    yield from _tensor_edits(model)
    yield from _operator_edits(model)
    yield from _signature_edits()


def _option_edits(model) -> Iterator[Edit]:
    table = model.subgraphs[0].operators[0].builtinOptions
    for field, value in vars(table).items() if table else ():
        if isinstance(value, (bool, np.bool_)):
            wild = [not value]
        elif isinstance(value, float):
            wild = WILD_FLOATS
        elif isinstance(value, int):
            # Enumerations are bytes in the file.
            is_byte = field in ("padding", "fusedActivationFunction", "weightsFormat", "quantizedBiasType")
            wild = [0, 1, 2, 3, 4, 5, 6, -1, 127] if is_byte else WILD_INTEGERS
        else:
            wild = [None, [], [0], [-1, -1], [INT_MAX, INT_MAX], [1] * 100]
        for one in wild:
            yield f"{field}={one}", lambda m, f=field, v=one: setattr(m.subgraphs[0].operators[0].builtinOptions, f, v)


def _constant_edits(model) -> Iterator[Edit]:
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        if tensor.buffer == 0:
            continue
        kind = np.float32 if tensor.type == schema.TensorType.FLOAT32 else np.int32
        count = len(model.buffers[tensor.buffer].data) // 4
        for at in range(min(count, 8)):
            for one in WILD_FLOATS if kind is np.float32 else WILD_INTEGERS:

                def change(m, n=number, at=at, one=one, kind=kind):
                    buffer = m.buffers[m.subgraphs[0].tensors[n].buffer]
                    values = np.frombuffer(bytes(buffer.data), kind).copy()
                    values[at] = one
                    buffer.data = np.frombuffer(values.tobytes(), np.uint8)

                yield f"{number}[{at}]={one}", change


def _tensor_edits(model) -> Iterator[Edit]:
    def setter(number, field, value):
        return lambda m: setattr(m.subgraphs[0].tensors[number], field, value)

    for number, tensor in enumerate(model.subgraphs[0].tensors):
        shape = list(tensor.shape)
        for axis, size in enumerate(shape):
            for one in [0, -1, 1, size + 1, size * 2, 65536, INT_MAX]:
                changed = [*shape[:axis], one, *shape[axis + 1 :]]
                yield f"shape of {number}={changed}", setter(number, "shape", np.array(changed, np.int32))
        for changed in (None, shape[:-1], [*shape, 1], [1, *shape], shape[::-1], [1] * 9, [1] * 100):
            yield f"shape of {number}={changed}", setter(
                number, "shape", None if changed is None else np.array(changed, np.int32)
            )
        for kind in TENSOR_TYPES:
            yield f"type of {number}={kind}", setter(number, "type", kind)
        for buffer in (0, 1, 2, 99):
            yield f"buffer of {number}={buffer}", setter(number, "buffer", buffer)
        yield f"variable {number}", setter(number, "isVariable", True)
        yield f"external buffer of {number}", setter(number, "externalBuffer", 1)
        yield f"signature of {number}", setter(number, "shapeSignature", np.array([-1] * len(shape), np.int32))
        yield f"quantized {number}", setter(number, "quantization", quantization([0.5], [3]))
        yield f"quantized per channel {number}", setter(number, "quantization", quantization([0.5] * 4, [0] * 4, 3))
        yield f"quantized by NaN {number}", setter(number, "quantization", quantization([float("nan")], [3]))


def quantization(scales, zero_points, axis=0):
    table = schema.QuantizationParametersT()
    table.scale, table.zeroPoint = np.array(scales, np.float32), np.array(zero_points, np.int64)
    table.quantizedDimension = axis
    return table


def _operator_edits(model) -> Iterator[Edit]:
    operator = model.subgraphs[0].operators[0]

    def setter(field, value):
        return lambda m: setattr(m.subgraphs[0].operators[0], field, value)

    for field in ("inputs", "outputs"):
        numbers = list(getattr(operator, field))
        for changed in ([], numbers[::-1], numbers[:-1], [*numbers, numbers[0]], [*numbers, -1]):
            yield f"{field}={changed}", setter(field, np.array(changed, np.int32))
        for at in range(len(numbers)):
            for one in (-1, 0, 1, 99, INT_MAX, INT_MIN):
                changed = [*numbers[:at], one, *numbers[at + 1 :]]
                yield f"{field}={changed}", setter(field, np.array(changed, np.int32))
    yield "no options", lambda m: _set_options(m, 0, None)
    yield "options of another", lambda m: _set_options(m, *options("CallOptions"))

    def set_code(m, code, version):
        m.operatorCodes[0].builtinCode, m.operatorCodes[0].deprecatedBuiltinCode = code, min(code, 127)
        m.operatorCodes[0].version = version

    for code in range(210):
        yield f"operator {code}", lambda m, c=code: set_code(m, c, 1)
    for version in (0, -1, 99, INT_MAX):
        yield f"version {version}", lambda m, v=version: set_code(m, m.operatorCodes[0].builtinCode, v)
    for field in ("inputs", "outputs"):
        for changed in ([], [0], [1], [2], [0, 0], [99], [-1]):
            yield f"the model's {field}={changed}", lambda m, f=field, v=changed: setattr(
                m.subgraphs[0], f, np.array(v, np.int32)
            )
    yield "two subgraphs", lambda m: m.subgraphs.append(m.subgraphs[0])
    yield "no subgraph", lambda m: m.subgraphs.clear()


def _signature_edits() -> Iterator[Edit]:
    def sign(m, inputs, outputs, subgraph=0):
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", subgraph
        signature.inputs, signature.outputs = [_entry(*one) for one in inputs], [_entry(*one) for one in outputs]
        m.signatureDefs = [signature]

    for tensor in (0, 1, 99, 2**32 - 1):
        yield f"signature of {tensor}", lambda m, t=tensor: sign(m, [("a", t)], [("b", t)])
    for names in (("", ""), ("a", "a"), (None, None), ("a" * 100_000, "\x1b[2J\n"), ("../../a", "b/c")):
        yield f"signature names {names[0] and names[0][:9]}", lambda m, n=names: sign(m, [(n[0], 0)], [(n[1], 1)])
    yield "signature without entries", lambda m: sign(m, [], [])
    yield "signature of subgraph 7", lambda m: sign(m, [("a", 0)], [("b", 1)], 7)


def _entry(name, tensor):
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, tensor
    return entry


def _set_options(m, kind, table):
    m.subgraphs[0].operators[0].builtinOptionsType, m.subgraphs[0].operators[0].builtinOptions = kind, table
