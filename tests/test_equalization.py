"""Channels of very different size behind each other: int8 keeps them where layers can be scaled to like size."""

import calib8
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import runtimes

CHANNELS, SIZE = 16, 12


def network(path, spread, between):
    """Conv -> `between` -> depthwise Conv -> `between` -> Conv; channels behind the first differ by up to `spread`."""
    random = np.random.default_rng(5)
    sizes = np.float32(spread) ** -np.linspace(0, 1, CHANNELS, dtype=np.float32)
    weights = {
        "w0": (random.standard_normal((CHANNELS, 3, 3, 3)) * sizes[:, None, None, None]).astype(np.float32),
        "w1": (random.standard_normal((CHANNELS, 1, 3, 3)) / 3).astype(np.float32),
        # brings all channels to like weight in the output
        "w2": (random.standard_normal((8, CHANNELS, 1, 1)) / sizes[None, :, None, None]).astype(np.float32),
        "slope": random.uniform(0.1, 0.4, (CHANNELS, 1, 1)).astype(np.float32),
    }
    pads = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    more = ["slope"] if between == "PRelu" else []
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], **pads),
        helper.make_node(between, ["a", *more], ["b"]),
        helper.make_node("Conv", ["b", "w1"], ["c"], group=CHANNELS, **pads),
        helper.make_node(between, ["c", *more], ["d"]),
        helper.make_node("Conv", ["d", "w2"], ["y"], kernel_shape=[1, 1]),
    ]
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, SIZE, SIZE])],
        [numpy_helper.from_array(value, name) for name, value in weights.items() if name in str(nodes)],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def batches(seed, count=80):
    random = np.random.default_rng(seed)
    return [random.standard_normal((1, SIZE, SIZE, 3)).astype(np.float32) for _ in range(count)]


def export(model, folder, **options):
    return calib8.export(
        model, representative_data_gen=batches(1), output_dir=folder, min_agreement=0, num_calib_samples=32, integer_only=True, **options
    )


def decibels(result, model):
    """On samples that nothing was chosen by."""
    inputs = np.concatenate(batches(2, 24))
    session = onnxruntime.InferenceSession(model)
    expected = np.concatenate([session.run(None, {"x": one[None].transpose(0, 3, 1, 2)})[0] for one in inputs])
    return runtimes.sqnr(expected.transpose(0, 2, 3, 1), runtimes.run_tflite(result.tflite, inputs))


def equalized(result):
    return [one for one in result.report["measured"]["comparison"]["candidates"] if "channels equalized" in one["name"]]


@pytest.mark.parametrize("between", ["Relu", "PRelu"])
def test_channels_of_different_size_are_kept(between, tmp_path):
    model = network(tmp_path / "m.onnx", 100, between)
    plain = export(model, tmp_path / "plain", effort="fast")
    best = export(model, tmp_path / "best")
    assert "channels equalized" in best.report["quantization"]["recipe"]
    assert decibels(best, model) >= decibels(plain, model) + 3


def test_the_guard_drops_it_where_it_gains_nothing(tmp_path):
    """Channels of like size aren't touched; what is tried is chosen by what was measured."""
    result = export(network(tmp_path / "m.onnx", 1.5, "Relu"), tmp_path / "out")
    assert not equalized(result) and "channels equalized" not in result.report["quantization"]["recipe"]


def test_the_same_bytes_for_any_number_of_threads(tmp_path):
    model = network(tmp_path / "m.onnx", 100, "Relu")
    files = [export(model, tmp_path / str(threads), threads=threads).tflite.read_bytes() for threads in (1, 2, 5)]
    assert files[0] == files[1] == files[2]
