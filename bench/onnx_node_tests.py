"""ONNX's own tests of single operators (package onnx, onnx.backend.test), converted to float TFLite and run on LiteRT.

    python bench/onnx_node_tests.py CALIB8 [--markdown FILE] [OPERATOR...]

A test passes where LiteRT gives the outputs that the package ships. Inputs behind the first that an operator takes as parameters
(weights, shapes, axes) become constants, as exporters write them; where a conversion wants them at run time too, they stay inputs.
Prints a line per operator, and each test that doesn't pass with its reason; --markdown writes the same as a page of the documentation."""

from __future__ import annotations

import collections
import multiprocessing
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
from ai_edge_litert.interpreter import Interpreter
from onnx import numpy_helper

warnings.filterwarnings("ignore")

# Whose second input is data as the first is.
TWO_OPERANDS = {"Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "And", "Or", "Xor", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual",
                "Where", "MatMul", "Concat", "Einsum", "Sum", "Mean"}


# That calib8 reads. The package writes its tests in its own newest one.
NEWEST_OPSET = 25


# Reasons why a test is none of calib8's.
OUTSIDE = ("unknown operator", "no arrays of NumPy's types", "uses opset")


def since(node, opset):
    return onnx.defs.get_schema(node.op_type, opset, "").since_version


def cases(wanted):
    from onnx.backend.test.case.node import collect_testcases

    for case in collect_testcases(None):
        nodes = case.model.graph.node if case.model else []
        if len(nodes) == 1 and not nodes[0].domain and (not wanted or nodes[0].op_type in wanted):
            yield case, nodes[0]


def with_constants(model, node, inputs):
    """The model with its parameters as constants, and the arrays that are left."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    (opset,) = (entry for entry in model.opset_import if not entry.domain)
    if opset.version > NEWEST_OPSET and since(node, opset.version) <= NEWEST_OPSET:
        opset.version = NEWEST_OPSET  # which means the same
    kept = []
    for position, value in enumerate(list(model.graph.input)):
        if position == 0 or node.op_type in TWO_OPERANDS:
            kept.append(inputs[position])
            continue
        model.graph.initializer.append(numpy_helper.from_array(inputs[position], value.name))
        model.graph.input.remove(value)
    return model, kept


def as_input(array):
    """Float tensors of four dimensions are images, whose channels TFLite has last."""
    return np.moveaxis(array, 1, -1) if array.ndim == 4 and array.dtype.kind == "f" else array


def run(calib8, model, inputs, folder):
    onnx.save(model, folder / "in.onnx")
    command = [calib8, "export", str(folder / "in.onnx"), "--quantize", "none", "--format", "tflite", "--keep-output-axes", "--output-dir", str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return None, f"status {done.returncode}: {reason}"
    interpreter = Interpreter(str(folder / "out" / "model.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), inputs):
        interpreter.set_tensor(detail["index"], np.ascontiguousarray(as_input(array).astype(detail["dtype"])))
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()], ""


def difference(expected, actual):
    expected = np.asarray(expected)
    if expected.shape != actual.shape:
        return f"shape {actual.shape} instead of {expected.shape}"
    if np.allclose(actual.astype(np.float64), expected.astype(np.float64), rtol=1e-3, atol=1e-4, equal_nan=True):
        return ""
    return f"off by {np.nanmax(np.abs(actual.astype(np.float64) - expected.astype(np.float64))):.3g}"


def verdict(calib8, case, node):
    """"" where the test passes, else why not."""
    inputs, outputs = case.data_sets[0]
    if not all(isinstance(array, (np.ndarray, np.generic)) for array in (*inputs, *outputs)):
        return "no arrays of NumPy's types"
    inputs, outputs = [np.asarray(array) for array in inputs], [np.asarray(array) for array in outputs]
    model, kept = with_constants(case.model, node, inputs)
    with tempfile.TemporaryDirectory() as folder:
        try:
            actual, reason = run(calib8, model, kept, pathlib.Path(folder))
        except (RuntimeError, ValueError) as error:
            return f"LiteRT: {str(error).splitlines()[0]}"
    if actual is None:
        return reason
    return next(filter(None, map(difference, outputs, actual)), "")


PAGE = """# ONNX operators

What ONNX's own tests of single operators (package onnx {version}) say of calib8: each is converted to a float .tflite file and run on LiteRT, and
passes where it gives the outputs that the package ships. `python bench/onnx_node_tests.py calib8 --markdown docs/operators.md` writes
this page. Outputs that a file declares as quantized come out as the real numbers that they stand for (QLinearConv, QLinearMatMul). Operators that
calib8 doesn't know aren't listed.

{passed} of {all} pass. {left_out} more are left out: of operators that changed after opset 25, which calib8 reads, and of element types that NumPy
lacks (bfloat16, 8-bit floats, 4-bit integers, strings, sequences).

| operator | pass | of | what doesn't |
|---|---|---|---|
{rows}
"""


def shortened(reason):
    """Without the names and numbers that differ from test to test."""
    reason = re.sub(r"^status \d+: (calib8: )?(/\S+: )?", "", reason)
    reason = re.sub(r"\d+ things can't be converted to TFLite: ", "", reason).replace("this can't be converted to TFLite: ", "")
    reason = re.sub(r"^\w+ '[^']*': ", "", re.sub(r"\[[\d, ]*\]", "[...]", reason))
    return re.sub(r"\b\d+(\.\d+)?(e[-+]\d+)?\b", "n", reason).replace("|", "/").strip()[:110]


def as_page(passed, all_of, reasons, left_out):
    rows = []
    for op, count in sorted(all_of.items()):
        why = collections.Counter(map(shortened, reasons[op]))
        rows.append(f"| {op} | {passed[op]} | {count} | {'; '.join(f'{text} ({n})' for text, n in why.most_common(3))} |")
    return PAGE.format(version=onnx.__version__, passed=sum(passed.values()), all=sum(all_of.values()), left_out=left_out, rows="\n".join(rows))


def verdict_of_a_child(calib8, case, node):
    """The same from a process of its own: LiteRT may end it."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=lambda: results.put(verdict(calib8, case, node)))
    child.start()
    child.join()
    return results.get() if child.exitcode == 0 else f"LiteRT ended its process ({child.exitcode})"


def main():
    calib8, *wanted = sys.argv[1:]
    page = None
    if "--markdown" in wanted:
        place = wanted.index("--markdown")
        page = pathlib.Path(wanted[place + 1])
        del wanted[place : place + 2]
    passed, all_of, reasons = collections.Counter(), collections.Counter(), collections.defaultdict(list)
    failures, left_out = [], 0
    for case, node in cases(set(wanted)):
        if any(reason in (why := verdict_of_a_child(calib8, case, node)) for reason in OUTSIDE):
            left_out += "unknown operator" not in why
            continue
        all_of[node.op_type] += 1
        passed[node.op_type] += not why
        if why:
            failures.append(f"{case.name}: {why}")
            reasons[node.op_type].append(why)
    for op, count in sorted(all_of.items()):
        print(f"{op:28} {passed[op]:3} of {count}")
    print(f"{'all':28} {sum(passed.values()):3} of {sum(all_of.values())}\n")
    print("\n".join(failures))
    if page:
        page.write_text(as_page(passed, all_of, reasons, left_out))


if __name__ == "__main__":
    main()
