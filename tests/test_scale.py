"""Long chains of operators: time grows with their number, not with its square, and nothing recurses along them."""

import resource
import signal
import subprocess
import time

import numpy as np
import onnx
import pytest
from conftest import calib8_program, run_calib8
from onnx import TensorProto, helper, numpy_helper
from PIL import Image


def save(path, nodes, constants, outputs):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path


def save_chain(path, count):
    """A convolution and then `count` operators of four kinds in turn over [1, 8, 8, 8]."""
    generator = np.random.default_rng(0)
    constants = {
        "first": generator.standard_normal((8, 3, 1, 1)),
        "weights": generator.standard_normal((8, 8, 1, 1)) / 3,
        "shift": np.array(0.1),
    }
    nodes = [helper.make_node("Conv", ["image", "first"], ["v0"])]
    for i in range(count):
        x = f"v{i}"
        kinds = (("Relu", [x]), ("Conv", [x, "weights"]), ("Tanh", [x]), ("Add", [x, "shift"]))
        op_type, inputs = kinds[i % len(kinds)]
        nodes.append(helper.make_node(op_type, inputs, [f"v{i + 1}"]))
    nodes.append(helper.make_node("GlobalAveragePool", [f"v{count}"], ["y"]))
    return save(path, nodes, constants, ["y"])


def save_branches(path, count):
    """One input read by `count` operators, each of them an output."""
    nodes = [helper.make_node("Relu", ["image"], [f"y{i}"]) for i in range(count)]
    return save(path, nodes, {}, [f"y{i}" for i in range(count)])


def save_reshapes(path, count):
    """Reshapes to shapes that are computed from the tensor before."""
    nodes, x = [], "image"
    for i in range(count):
        nodes.append(helper.make_node("Shape", [x], [f"s{i}"]))
        nodes.append(helper.make_node("Relu", [x], [f"r{i}"]))
        nodes.append(helper.make_node("Reshape", [f"r{i}", f"s{i}"], [f"v{i}"]))
        x = f"v{i}"
    nodes.append(helper.make_node("Tanh", [x], ["y"]))
    return save(path, nodes, {}, ["y"])


def processor_seconds(*arguments):
    """What a successful run takes of the processors, whatever else they do meanwhile."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_calib8("export", *arguments, "--quiet", check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(("make", "count"), [(save_chain, 8000), (save_branches, 8000), (save_reshapes, 2000)])
def test_conversion_takes_time_by_the_number_of_operators(make, count, tmp_path):
    seconds = []
    for size in (count // 2, count):
        model = make(tmp_path / f"{size}.onnx", size)
        seconds.append(processor_seconds(model, "--quantize", "none", "--output-dir", tmp_path / str(size)))
    assert seconds[1] < 3 * seconds[0] + 0.3, seconds


def export_chain(count, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    generator = np.random.default_rng(1)
    for i in range(6):
        Image.fromarray(generator.integers(0, 256, (8, 8, 3), np.uint8)).save(photos / f"{i}.png")
    model = save_chain(tmp_path / "chain.onnx", count)
    samples = ["--num-calib-samples", "4", "--verify-samples", "2", "--min-agreement", "0"]
    return processor_seconds(model, "--dataset-dir", photos, *samples, "--output-dir", tmp_path / "out")


def test_a_chain_becomes_int8(tmp_path):
    assert export_chain(1000, tmp_path) < 20


@pytest.mark.slow
def test_a_chain_of_20000_operators_becomes_int8(tmp_path):
    """20 seconds on two cores."""
    assert export_chain(20000, tmp_path) < 2 * 20


def test_a_long_chain_needs_no_more_stack(tmp_path):
    """Nothing recurses along the graph: with 256 kB of stack it converts."""
    model = save_chain(tmp_path / "chain.onnx", 8000)

    def small_stack():
        resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, 256 << 10))

    out = tmp_path / "out"
    done = run_calib8("export", model, "--quantize", "none", "--output-dir", out, "--quiet", preexec_fn=small_stack)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_ends_the_passes(tmp_path):
    """A signal amid the passes is answered at the next node: most of the work isn't done, and nothing is left."""
    model = save_chain(tmp_path / "chain.onnx", 40000)
    whole = processor_seconds(model, "--quantize", "none", "--output-dir", tmp_path / "whole")
    out = tmp_path / "out"
    command = [calib8_program(), "export", str(model), "--quantize", "none", "--output-dir", str(out)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=120)[1]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 130, errors
    assert after.ru_utime - before.ru_utime < 0.7 * whole
    assert not (out / "model.tflite").exists()
