"""DFT and STFT as products with constant matrices. ONNX Runtime says what they mean."""

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(2)


def save(path, op, shape, constants, opset=17, **attributes):
    inputs = ["x", *(name for name in constants)]
    node = helper.make_node(op, inputs, ["y"], **attributes)
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items() if name]
    graph = helper.make_graph(
        [node], "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], initializers,
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9), path)


def litert(path, x):
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    interpreter.set_tensor(detail["index"], x if tuple(detail["shape"]) == x.shape else np.moveaxis(x, 1, -1))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def check(tmp_path, shape, arguments=()):
    run_calib8("export", tmp_path / "in.onnx", "--quantize", "none", "--keep-output-axes", "--output-dir", tmp_path, *arguments, check=True)
    x = RANDOM.normal(0, 1, shape).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(tmp_path / "in.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})
    actual = litert(tmp_path / "model.tflite", x)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, atol=1e-5 * np.abs(expected).max())


TRANSFORMS = {
    "real": ([1, 16, 1], {}, {}),
    "complex": ([1, 15, 2], {}, {}),
    "onesided": ([2, 16, 1], {}, {"onesided": 1}),
    "onesided-odd": ([2, 9, 1], {}, {"onesided": 1}),
    "inverse": ([1, 12, 2], {}, {"inverse": 1}),
    "shorter": ([1, 16, 1], {"length": np.int64(10)}, {}),
    "longer": ([1, 7, 1], {"length": np.int64(16)}, {"onesided": 1}),
    "along-the-second": ([1, 3, 8, 5, 1], {}, {"axis": 2}),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name, tmp_path):
    shape, constants, attributes = TRANSFORMS[name]
    save(tmp_path / "in.onnx", "DFT", shape, constants, **attributes)
    check(tmp_path, shape)


HALVES = {
    "even": ([1, 9, 2], {}, lambda z: np.fft.irfft(z, axis=1)),
    "odd": ([2, 5, 2], {"length": np.int64(9)}, lambda z: np.fft.irfft(z, 9, axis=1)),
    "longer": ([1, 4, 2], {"length": np.int64(16)}, lambda z: np.fft.irfft(z, 16, axis=1)),
    "shorter": ([1, 9, 2], {"length": np.int64(10)}, lambda z: np.fft.irfft(z, 10, axis=1)),
}


@pytest.mark.parametrize("name", HALVES)
def test_half_a_spectrum_becomes_real_numbers(name, tmp_path):
    """NumPy says what they are: ONNX Runtime doesn't run it."""
    shape, constants, inverse = HALVES[name]
    save(tmp_path / "in.onnx", "DFT", shape, constants, inverse=1, onesided=1)
    run_calib8("export", tmp_path / "in.onnx", "--quantize", "none", "--keep-output-axes", "--output-dir", tmp_path, check=True)
    x = RANDOM.normal(0, 1, shape).astype(np.float32)
    expected = inverse(x[..., 0] + 1j * x[..., 1])[..., None]
    actual = litert(tmp_path / "model.tflite", x)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, atol=1e-5 * np.abs(expected).max())


def test_the_axis_is_an_input_from_opset_20_on(tmp_path):
    save(tmp_path / "in.onnx", "DFT", [1, 6, 8, 1], {"": 0, "axis": np.int64(1)}, opset=20)
    check(tmp_path, [1, 6, 8, 1])


WINDOW = np.hanning(17)[:-1].astype(np.float32)
FRAMES = {
    "window": ([2, 50, 1], {"step": np.int64(8), "window": WINDOW}, {}),
    "both-sides": ([1, 48, 1], {"step": np.int64(5), "window": WINDOW}, {"onesided": 0}),
    "length": ([1, 40, 1], {"step": np.int64(4), "": 0, "length": np.int64(12)}, {}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames(name, tmp_path):
    shape, constants, attributes = FRAMES[name]
    save(tmp_path / "in.onnx", "STFT", shape, constants, **attributes)
    check(tmp_path, shape)


def test_frames_in_int8(tmp_path):
    save(tmp_path / "in.onnx", "STFT", [1, 160, 1], {"step": np.int64(8), "window": WINDOW})
    samples = RANDOM.normal(0, 0.3, (40, 160, 1)).astype(np.float32)
    np.save(tmp_path / "data.npy", samples)
    run_calib8(
        "export", tmp_path / "in.onnx", "--dataset-dir", tmp_path / "data.npy", "--output-dir", tmp_path / "out", "--io", "float32",
        "--effort", "fast", "--num-calib-samples", 32, "--verify-samples", 8, "--keep-output-axes", check=True,
    )  # fmt: skip
    (expected,) = onnxruntime.InferenceSession(tmp_path / "in.onnx").run(None, {"x": samples[:1]})
    error = litert(tmp_path / "out" / "model.tflite", samples[:1]) - expected
    assert 10 * np.log10((expected**2).sum() / (error**2).sum()) > 30


def test_refuses_what_has_no_constant_matrix(tmp_path):
    save(tmp_path / "in.onnx", "DFT", [1, 8, 2], {}, onesided=1)
    done = run_calib8("export", tmp_path / "in.onnx", "--quantize", "none", "--output-dir", tmp_path / "out")
    assert done.returncode == 3 and "one side of what isn't the transform of real numbers" in done.stderr
