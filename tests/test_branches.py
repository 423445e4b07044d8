"""If whose condition is known once inputs are fixed, and the fixing of inputs: ONNX Runtime says what the files mean."""

from __future__ import annotations

import calib8
import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper

USAGE, MODEL_ERROR = 2, 3
RANDOM = np.random.default_rng(3)
WEIGHTS = {"w": RANDOM.normal(0, 0.5, (8, 6)), "v": RANDOM.normal(0, 0.5, (8, 6))}


def info(name, kind=TensorProto.FLOAT, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def branch(nodes, *outputs, constants=(), kind=TensorProto.FLOAT):
    return helper.make_graph(nodes, "branch", [], [info(name, kind) for name in outputs], list(constants))


def number(name, value, dtype):
    return numpy_helper.from_array(np.array(value, dtype), name)


def save(path, nodes, inputs, outputs=("y",), constants=(), functions=(), opset=17):
    weights = [number(name, value, np.float32) for name, value in WEIGHTS.items()]
    graph = helper.make_graph(nodes, "net", inputs, [info(name) for name in outputs], [*weights, *constants])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("mine", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=9), path)
    return path


def nested():
    """By the rate one of two layers; in the first branch, by a flag made of the rate, a RELU. All names in the branches are the same,
    and both take what was computed outside."""
    inner = [branch([helper.make_node("Relu", ["h"], ["r"])], "r"), branch([helper.make_node("Neg", ["h"], ["r"])], "r")]
    first = branch(
        [
            helper.make_node("MatMul", ["scaled", "w"], ["h"]),
            helper.make_node("Greater", ["rate", "low"], ["is_high"]),
            helper.make_node("If", ["is_high"], ["z"], then_branch=inner[0], else_branch=inner[1]),
            helper.make_node("Identity", ["scaled"], ["same"]),
        ],
        "z", "same", constants=[number("low", 9000, np.int64)],
    )  # fmt: skip
    layer = [helper.make_node("MatMul", ["scaled", "v"], ["h"]), helper.make_node("Tanh", ["h"], ["z"])]
    second = branch([*layer, helper.make_node("Identity", ["scaled"], ["same"])], "z", "same")
    return [
        helper.make_node("Mul", ["x", "half"], ["scaled"]),
        helper.make_node("Equal", ["rate", "wanted"], ["is_wanted"]),
        helper.make_node("If", ["is_wanted"], ["y", "s"], name="choose", then_branch=first, else_branch=second),
    ], [number("half", 0.5, np.float32), number("wanted", 16000, np.int64)]


@pytest.fixture(scope="module")
def by_rate(tmp_path_factory):
    nodes, constants = nested()
    path = tmp_path_factory.mktemp("rate") / "in.onnx"
    return save(path, nodes, [info("x", shape=[1, 4, 8]), info("rate", TensorProto.INT64, [])], ("y", "s"), constants)


def litert(path, **inputs):
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()
    assert len(details) == len(inputs)
    for detail in details:
        (value,) = (value for name, value in inputs.items() if len(inputs) == 1 or name in detail["name"])
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def runtime(path, **inputs):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, inputs)


def export(path, folder, *arguments):
    return run_calib8("export", path, "--quantize", "none", "--output-dir", folder, *arguments)


def assert_same(actual, expected, tolerance=1e-5):
    assert len(actual) == len(expected)
    for mine, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("rate", [16000, 8000])
def test_a_branch_by_a_fixed_input(by_rate, tmp_path, rate):
    done = export(by_rate, tmp_path, "--input", f"rate={rate}")
    assert done.returncode == 0, done.stderr
    assert f"'rate' is a constant of the model: {rate}" in done.stdout + done.stderr
    x = RANDOM.normal(0, 1, (1, 4, 8)).astype(np.float32)
    expected = runtime(by_rate, x=x, rate=np.array(rate, np.int64))
    assert_same(litert(tmp_path / "model.tflite", x=x), expected)
    written = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(written, full_check=True)
    assert [each.name for each in written.graph.input] == ["x"] and [each.name for each in written.graph.output] == ["y", "s"]
    assert not {"If", "Equal"} & {node.op_type for node in written.graph.node}
    assert_same(runtime(tmp_path / "model.onnx", x=x), expected)


def test_a_branch_in_int8(by_rate, tmp_path):
    samples = RANDOM.normal(0, 1, (40, 4, 8)).astype(np.float32)
    np.save(tmp_path / "data.npy", samples)
    result = calib8.export(
        by_rate, input={"rate": 16000}, dataset_dir=tmp_path / "data.npy", output_dir=tmp_path / "out", io="float32",
        effort="fast", num_calib_samples=32, verify_samples=8, min_sqnr=0.0,
    )  # fmt: skip
    actual = litert(result.tflite, x=samples[:1])
    for mine, theirs in zip(actual, runtime(by_rate, x=samples[:1], rate=np.array(16000, np.int64)), strict=True):
        assert ((mine - theirs) ** 2).mean() < 1e-3 * (theirs**2).mean()


def by_sizes():
    """As PyTorch's exporter writes squeeze(): the branch that is taken where the size isn't 1 could not squeeze."""
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "one"], ["size"], axis=0),
        helper.make_node("Equal", ["size", "one"], ["is_one"]),
        helper.make_node(
            "If", ["is_one"], ["z"], name="squeeze",
            then_branch=branch([helper.make_node("Squeeze", ["x", "axes"], ["t"])], "t", constants=[number("axes", [1], np.int64)]),
            else_branch=branch([helper.make_node("Identity", ["x"], ["t"])], "t"),
        ),
        helper.make_node("MatMul", ["z", "w"], ["y"]),
    ]  # fmt: skip
    return nodes, [number("one", 1, np.int64)]


@pytest.mark.parametrize("size", [1, 4])
def test_a_branch_by_sizes(tmp_path, size):
    nodes, constants = by_sizes()
    path = save(tmp_path / "in.onnx", nodes, [info("x", shape=["batch", "steps", 8])], constants=constants)
    said = export(path, tmp_path / "none")
    assert said.returncode == MODEL_ERROR and "--input-shape" in said.stderr
    assert export(path, tmp_path, "--input-shape", f"x=1,{size},8").returncode == 0
    x = RANDOM.normal(0, 1, (1, size, 8)).astype(np.float32)
    assert_same(litert(tmp_path / "model.tflite", x=x), runtime(path, x=x))


def test_a_condition_that_a_branch_gives(tmp_path):
    """One If's output is the next one's condition, and a function holds the second one."""
    truths = [branch([helper.make_node(op, ["flag"], ["t"])], "t", kind=TensorProto.BOOL) for op in ("Not", "Identity")]
    choices = [branch([helper.make_node(op, ["a"], ["t"])], "t") for op in ("Relu", "Neg")]
    function = helper.make_function(
        "mine", "Choose", ["a", "c"], ["b"], [helper.make_node("If", ["c"], ["b"], then_branch=choices[0], else_branch=choices[1])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    nodes = [
        helper.make_node("If", ["flag"], ["c"], then_branch=truths[0], else_branch=truths[1]),
        helper.make_node("Choose", ["x", "c"], ["y"], domain="mine"),
    ]
    path = save(tmp_path / "in.onnx", nodes, [info("x", shape=[1, 5]), info("flag", TensorProto.BOOL, [])], functions=[function])
    x = RANDOM.normal(0, 1, (1, 5)).astype(np.float32)
    for flag in (0, 1):
        assert export(path, tmp_path / str(flag), "--input", f"flag={flag}").returncode == 0
        assert_same(litert(tmp_path / str(flag) / "model.tflite", x=x), runtime(path, x=x, flag=np.array(bool(flag))))


def test_refuses_what_the_data_decide(by_rate, tmp_path):
    said = export(by_rate, tmp_path)
    assert said.returncode == MODEL_ERROR and len(said.stderr.strip().splitlines()) == 1
    assert "If 'choose'" in said.stderr and "--input rate=VALUE" in said.stderr, said.stderr
    inspected = run_calib8("inspect", by_rate)
    assert inspected.returncode == 0 and "--input rate=VALUE" in inspected.stdout


def test_refuses_loops_by_name(tmp_path):
    inputs = [info("i", TensorProto.INT64, []), info("c", TensorProto.BOOL, []), info("a")]
    body = helper.make_graph(
        [helper.make_node("Relu", ["a"], ["b"]), helper.make_node("Identity", ["c"], ["d"])], "body", inputs,
        [info("d", TensorProto.BOOL, []), info("b")],
    )  # fmt: skip
    loop = helper.make_node("Loop", ["n", "", "x"], ["y"], name="decode", body=body)
    path = save(tmp_path / "in.onnx", [loop], [info("x", shape=[1, 8])], constants=[number("n", 3, np.int64)])
    said = export(path, tmp_path / "out")
    assert said.returncode == MODEL_ERROR and len(said.stderr.strip().splitlines()) == 1
    assert "Loop 'decode' (node 0) runs a subgraph again and again" in said.stderr and "fixed length" in said.stderr


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """x [1, 4, 8] times a mask [1, 4, 1] of floats, plus counts of int32 [3] and a flag [1] of bool as numbers."""
    nodes = [
        helper.make_node("Mul", ["x", "mask"], ["m"]),
        helper.make_node("Cast", ["counts"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["c"], ["sum"]),
        helper.make_node("Cast", ["flag"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["m", "sum"], ["n"]),
        helper.make_node("Add", ["n", "f"], ["y"]),
    ]
    inputs = [
        info("x", shape=[1, 4, 8]), info("mask", shape=["batch", 4, 1]), info("counts", TensorProto.INT32, ["k"]), info("flag", TensorProto.BOOL, [1]),
    ]  # fmt: skip
    return save(tmp_path_factory.mktemp("masked") / "in.onnx", nodes, inputs)


GIVEN = ["--input", "mask=1,0,0.5,-2", "--input", "counts=3,-4,7", "--input", "flag=1"]


def test_inputs_become_constants_of_their_type_and_shape(masked, tmp_path):
    assert export(masked, tmp_path, *GIVEN).returncode == 0
    x = RANDOM.normal(0, 1, (1, 4, 8)).astype(np.float32)
    mask = np.array([1, 0, 0.5, -2], np.float32).reshape(1, 4, 1)
    expected = runtime(masked, x=x, mask=mask, counts=np.array([3, -4, 7], np.int32), flag=np.array([True]))
    assert_same(litert(tmp_path / "model.tflite", x=x), expected)
    assert export(masked, tmp_path, "--input", "mask=0.25", *GIVEN[2:]).returncode == 0
    expected = runtime(masked, x=x, mask=np.full((1, 4, 1), 0.25, np.float32), counts=np.array([3, -4, 7], np.int32), flag=np.array([True]))
    assert_same(litert(tmp_path / "model.tflite", x=x), expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--input", "speed=1"], ["'speed'", "no such input", "'x', 'mask', 'counts', 'flag'"]),
        (["--input", "counts=1.5"], ["'counts'", "int32"]),
        (["--input", "counts=3000000000"], ["'counts'", "int32"]),
        (["--input", "flag=2"], ["'flag'", "bool", "neither 0 nor 1"]),
        (["--input", "mask=1,2,3"], ["'mask'", "3 numbers", "of 4"]),
        (["--input", "mask=nan"], ["'mask'", "finite"]),
        (["--input", "mask=1,,2"], ["mask=1,,2", "not a number"]),
        (["--input", "mask"], ["'mask'", "NAME=NUMBER"]),
        (["--input", "flag=1", "--input", "flag=1"], ["'flag'", "twice"]),
        (["--input-shape", "x=1,4"], ["'x'", "1,4", "[1, 4, 8]"]),
        (["--input-shape", "x=1,5,8"], ["'x'", "1,5,8", "[1, 4, 8]"]),
        (["--input-shape", "counts=0"], ["'counts'", "less than 1"]),
        (["--input-shape", "counts=2", *GIVEN], ["'counts'", "3 numbers", "of 2"]),
        (["--input", "x=1", *GIVEN], ["only input"]),
    ],
)
def test_refuses_other_values_and_sizes(masked, tmp_path, arguments, words):
    said = export(masked, tmp_path / "out", *arguments)
    assert said.returncode == USAGE, said.stderr
    assert len(said.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in said.stderr
    assert not (tmp_path / "out").exists()


def test_python_takes_numbers_by_name(masked, tmp_path):
    given = {"mask": np.array([[1], [0], [0.5], [-2]]), "counts": [3, -4, 7], "flag": True}
    result = calib8.export(masked, input=given, input_shape={"counts": (3,)}, quantize="none", output_dir=tmp_path)
    x = np.ones((1, 4, 8), np.float32)
    assert_same(litert(result.tflite, x=x), [x * np.array([1, 0, 0.5, -2]).reshape(1, 4, 1) + 7])
    for option, wrong in (("input", 16000), ("input", {"flag": "yes"}), ("input_shape", {"counts": 1.5}), ("input_shape", {"counts": (0,)})):
        with pytest.raises(calib8.Error) as raised:
            calib8.export(masked, quantize="none", output_dir=tmp_path, **{option: wrong})
        assert raised.value.code == calib8.ErrorCode.USAGE


def test_other_files_take_neither(masked, tmp_path):
    assert export(masked, tmp_path, *GIVEN).returncode == 0
    for flag in (["--input", "x=1"], ["--input-shape", "x=1,4,8"]):
        said = export(tmp_path / "model.tflite", tmp_path / "out", *flag)
        assert said.returncode == USAGE and f"{flag[0]}: is for ONNX files" in said.stderr, said.stderr


LOOP = helper.make_graph(
    [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Relu", ["v"], ["next"])],
    "body", [info("i", TensorProto.INT64, []), info("go", TensorProto.BOOL, []), info("v")], [info("on", TensorProto.BOOL, []), info("next")],
)  # fmt: skip
STRINGS = helper.make_tensor("words", TensorProto.STRING, [1], [b"a"])
NOT_CONVERTED = {
    "an unknown operator": ([helper.make_node("Fancy", ["h"], ["r"], name="odd")], [], "Fancy 'odd'"),
    "another domain": ([helper.make_node("Fancy", ["h"], ["r"], name="odd", domain="mine")], [], "mine.Fancy 'odd'"),
    "a loop": ([helper.make_node("Loop", ["", "is_wanted", "h"], ["r"], name="odd", body=LOOP)], [], "Loop 'odd'"),
    "strings": ([helper.make_node("Fancy", ["h", "words"], ["r"], name="odd")], [STRINGS], "an initializer that holds strings"),
    "a constant of strings": ([helper.make_node("Constant", [], ["words"], value=STRINGS, name="odd"), helper.make_node("Fancy", ["h", "words"], ["r"])], [], "Constant 'odd'"),
    "a known operator in a way": ([helper.make_node("Gelu", ["h"], ["g"], name="odd", approximate="other"), helper.make_node("TfIdfVectorizer", ["g"], ["r"], name="odd")], [], "odd"),
}  # fmt: skip


def with_branch_that_is_not_converted(path, kind):
    nodes, constants, _ = NOT_CONVERTED[kind]
    odd = branch([helper.make_node("MatMul", ["x", "w"], ["h"]), *nodes], "r", constants=constants)
    plain = branch([helper.make_node("MatMul", ["x", "v"], ["r"])], "r")
    outer = [
        helper.make_node("Equal", ["rate", "wanted"], ["is_wanted"]),
        helper.make_node("If", ["is_wanted"], ["y"], name="choose", then_branch=odd, else_branch=plain),
    ]
    return save(path, outer, [info("x", shape=[1, 4, 8]), info("rate", TensorProto.INT64, [])], constants=[number("wanted", 16000, np.int64)])


@pytest.mark.parametrize("kind", NOT_CONVERTED)
def test_what_a_branch_holds_matters_where_it_is_taken(tmp_path, kind):
    path = with_branch_that_is_not_converted(tmp_path / "in.onnx", kind)
    done = export(path, tmp_path, "--input", "rate=8000")
    assert done.returncode == 0, done.stderr
    x = RANDOM.normal(0, 1, (1, 4, 8)).astype(np.float32)
    assert_same(litert(tmp_path / "model.tflite", x=x), [x @ WEIGHTS["v"].astype(np.float32)])
    for formats in ("tflite", "onnx"):
        done = export(path, tmp_path / "taken", "--input", "rate=16000", "--format", formats)
        assert done.returncode == MODEL_ERROR, done.stdout
        assert NOT_CONVERTED[kind][2] in done.stderr.strip().splitlines()[-1]
