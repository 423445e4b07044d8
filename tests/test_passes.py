"""--stop-after and --disable-pass, with every name that they take."""

import re

import numpy as np
import onnx
import pytest
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

USAGE, MODEL_ERROR = 2, 3


def pass_names(model) -> list[str]:
    """What the program itself says that there is."""
    done = run_calib8("export", model, "--stop-after", "no_such_pass")
    assert done.returncode == USAGE, done.stderr
    return re.search(r"there are (.*)", done.stderr).group(1).split(", ")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A network in which many passes find something: padding, activations of both kinds, arithmetic, a mean."""
    generator = np.random.default_rng(0)
    constants = {
        "k": generator.normal(0, 0.3, (8, 3, 3, 3)),
        "w": generator.normal(0, 1, (8, 4)),
        "two": np.array(2.0),
        "low": np.array(0.0),
        "high": np.array(6.0),
    }
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "k"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("HardSwish", ["a"], ["b"]),
        node("Clip", ["b", "low", "high"], ["c"]),
        node("AveragePool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Div", ["d", "two"], ["e"]),
        node("Concat", ["e", "d"], ["f"], axis=1),
        node("Split", ["f"], ["g", "h"], axis=1, num_outputs=2),
        node("Add", ["g", "h"], ["i"]),
        node("GlobalAveragePool", ["i"], ["j"]),
        node("Flatten", ["j"], ["l"]),
        node("MatMul", ["l", "w"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    path = tmp_path_factory.mktemp("passes") / "in.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(1)
    for i in range(8):
        Image.fromarray(generator.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{i}.png")
    return folder


def test_one_name_means_one_pass(model):
    names = pass_names(model)
    assert len(names) == len(set(names)) > 40


def test_a_stop_writes_nothing_and_says_so(model, tmp_path):
    """Whichever pass it is: an int8 export runs all of them, and needs no photos to come to the last."""
    for name in pass_names(model):
        done = run_calib8("export", model, "--stop-after", name, "--output-dir", tmp_path / "out")
        assert done.returncode == 0, (name, done.stderr)
        assert f"behind the pass {name}" in done.stdout, (name, done.stdout)
        assert "--- " in done.stderr, name  # the graph
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir()), name


def test_a_stop_that_never_comes_is_refused(model, tmp_path):
    out = ["--output-dir", tmp_path / "out"]
    for arguments in (
        ["--stop-after", "expand_hard_swish", "--quantize", "none"],
        ["--stop-after", "fuse_activation", "--format", "onnx"],
        ["--stop-after", "fuse_activation", "--disable-pass", "fuse_activation"],
    ):
        done = run_calib8("export", model, *arguments, *out)
        assert done.returncode == USAGE, (arguments, done.stderr)
        assert done.stderr.count("\n") <= 1 or "--stop-after" in done.stderr.splitlines()[-1]
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir()), arguments


def test_without_a_pass_the_export_still_ends_well(model, photos, tmp_path):
    """A pass may be needed (then the model is refused in one line); leaving it out is never a bug of calib8's."""
    towards_int8 = {"expand_hard_swish", "replace_average_pool_with_convolution", "replace_arithmetic_without_int8_form"}
    for name in pass_names(model):
        quantize = ["--dataset-dir", photos, "--num-calib-samples", "4", "--verify-samples", "2", "--min-agreement", "0"]
        if name not in towards_int8:
            quantize = ["--quantize", "none"]
        done = run_calib8("export", model, "--disable-pass", name, *quantize, "--output-dir", tmp_path / name)
        assert done.returncode in (0, MODEL_ERROR), (name, done.returncode, done.stderr)
