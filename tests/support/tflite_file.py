"""TFLite files by the schema that ships with LiteRT, brought into an order that doesn't depend on who wrote them."""

from __future__ import annotations

import pathlib

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_NUMPY = {
    schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16, schema.TensorType.INT8: np.int8,
    schema.TensorType.UINT8: np.uint8, schema.TensorType.INT32: np.int32, schema.TensorType.INT64: np.int64,
    schema.TensorType.BOOL: np.bool_,
}  # fmt: skip
_OPERATOR_NAMES = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_") and isinstance(value, int)
}


class TfliteFile:
    """The one subgraph of a model, read by FlatBuffers' object interface."""

    def __init__(self, path: pathlib.Path) -> None:
        self.model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
        (self.graph,) = self.model.subgraphs

    def operator_name(self, operator) -> str:
        return _OPERATOR_NAMES[self.model.operatorCodes[operator.opcodeIndex].builtinCode]

    def operator_names(self) -> list[str]:
        return [self.operator_name(operator) for operator in self.graph.operators]

    def constant(self, index: int) -> np.ndarray | None:
        tensor = self.graph.tensors[index]
        data = self.model.buffers[tensor.buffer].data
        if data is None or len(data) == 0:
            return None
        shape = () if tensor.shape is None else tuple(tensor.shape)
        return np.frombuffer(bytes(data), _NUMPY[tensor.type]).reshape(shape)

    def canonical_operators(self) -> list:
        """In the order of a walk from the outputs, inputs first: it depends on the edges alone."""
        writer = {index: operator for operator in self.graph.operators for index in operator.outputs}
        order, seen = [], set()
        stack = [(writer[index], False) for index in reversed(list(self.graph.outputs)) if index in writer]
        while stack:
            operator, inputs_done = stack.pop()
            if inputs_done:
                order.append(operator)
                continue
            if id(operator) in seen:
                continue
            seen.add(id(operator))
            stack.append((operator, True))
            stack += [(writer[index], False) for index in reversed(list(operator.inputs)) if index in writer]
        assert len(order) == len(self.graph.operators), "operators that no output needs"
        return order

    def canonical(self) -> tuple[list[dict], list[np.ndarray]]:
        """Operators with their tensors by canonical number, and the constants in the same order."""
        numbers: dict[int, int] = {}
        constants = []

        def describe(index: int) -> dict | None:
            if index < 0:
                return None
            tensor = self.graph.tensors[index]
            if index not in numbers:
                numbers[index] = len(numbers)
                value = self.constant(index)
                if value is not None:
                    constants.append(value)
            shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
            return {"number": numbers[index], "type": tensor.type, "shape": shape}

        operators = [
            {
                "op": self.operator_name(operator),
                "version": self.model.operatorCodes[operator.opcodeIndex].version,
                "options": vars(operator.builtinOptions) if operator.builtinOptions else {},
                "inputs": [describe(int(index)) for index in operator.inputs],
                "outputs": [describe(int(index)) for index in operator.outputs],
            }
            for operator in self.canonical_operators()
        ]
        return _plain(operators), constants


def _plain(value):
    """NumPy's arrays and numbers as Python's, so that == answers yes or no."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


def differences(a: pathlib.Path, b: pathlib.Path, tolerance: float = 1e-6) -> list[str]:
    """What differs between two models: ops, options, shapes, edges in canonical order, and constants by more than
    `tolerance` of the tensor's largest value."""
    (operators_a, constants_a), (operators_b, constants_b) = TfliteFile(a).canonical(), TfliteFile(b).canonical()
    found = []
    if len(operators_a) != len(operators_b):
        found.append(f"{len(operators_a)} operators, {len(operators_b)} operators")
    for index, (one, other) in enumerate(zip(operators_a, operators_b, strict=False)):
        if one != other:
            found.append(f"operator {index}: {one} | {other}")
    if len(constants_a) != len(constants_b):
        return [*found, f"{len(constants_a)} constants, {len(constants_b)} constants"]
    for index, (one, other) in enumerate(zip(constants_a, constants_b, strict=True)):
        if one.dtype != other.dtype or one.shape != other.shape:
            found.append(f"constant {index}: {one.dtype}{one.shape} | {other.dtype}{other.shape}")
        elif one.dtype == np.float32:
            allowed = tolerance * float(np.abs(one).max(initial=0))
            difference = float(np.abs(one - other).max(initial=0))
            if not difference <= allowed:
                found.append(f"constant {index} {one.shape}: differs by {difference:.3g}, allowed {allowed:.3g}")
        elif not np.array_equal(one, other):
            found.append(f"constant {index} {one.shape}: {one} | {other}")
    return found
