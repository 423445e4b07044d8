"""Models that are hard to quantize, from end to end: each converts, runs on both sets of LiteRT's kernels, and answers
as ONNX Runtime does, as far as eight bits (or sixteen) allow."""

import numpy as np
import onnx
import pytest
from conftest import DIGITS, export_report, run_calib8
from onnx import TensorProto, helper, numpy_helper
from support import images, runtimes

SIZE = 16


def pictures(seed, count):
    """Noise on a color of each picture's own, so that means over a picture tell them apart."""
    random = np.random.default_rng(seed)
    noise, colors = random.standard_normal((count, SIZE, SIZE, 3)), random.standard_normal((count, 1, 1, 3))
    return (0.5 * noise + colors).astype(np.float32)


CALIBRATION, PROBES = pictures(7, 24), pictures(8, 8)


def weights(*shape, scale=0.3):
    return (np.random.default_rng(sum(shape)).standard_normal(shape) * scale).astype(np.float32)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs, [output], **attributes)


def model(nodes, constants, outputs=("y",)):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 9
    return made


HEAD = [node("GlobalAveragePool", ["z"], "pooled"), node("Flatten", ["pooled"], "flat"), node("Gemm", ["flat", "v"], "y")]
CONVOLUTION = {"w": weights(8, 3, 3, 3), "b": weights(8), "v": weights(8, 5, scale=1)}
PADS = {"pads": [1, 1, 1, 1]}


def shared_head():
    """One head over two levels of a detector: weights and bias shared, each level with its own scale."""
    return model(
        [
            node("Conv", ["x", "w", "b"], "large", **PADS),
            node("MaxPool", ["large"], "pooled_large", kernel_shape=[2, 2], strides=[2, 2]),
            node("Mul", ["pooled_large", "hundred"], "small"),
            node("Conv", ["large", "w2", "b2"], "head_large"),
            node("Conv", ["small", "w2", "b2"], "head_small"),
            node("Resize", ["head_small", "", "sizes"], "up", mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"),
            node("Mul", ["up", "hundredth"], "down"),
            node("Add", ["head_large", "down"], "z"),
            *HEAD,
        ],
        CONVOLUTION
        | {
            "w2": weights(8, 8, 1, 1), "b2": weights(8) + 1, "hundred": np.float32(100), "hundredth": np.float32(0.01),
            "sizes": np.asarray([1, 1, 2, 2], np.float32),
        },
    )


def masked_attention():
    """What is not to be looked at gets -1e9 added, which no int8 scale holds beside scores."""
    mask = np.triu(np.full((8, 8), -1e9, np.float32), 4)
    return model(
        [
            node("Conv", ["x", "w", "b"], "c", **PADS),
            node("ReduceMean", ["c"], "tokens", axes=[3], keepdims=0),
            node("MatMul", ["tokens", "k"], "keys"),
            node("Sigmoid", ["keys"], "scores"),
            node("Add", ["scores", "mask"], "masked"),
            node("Softmax", ["masked"], "attention", axis=-1),
            node("MatMul", ["attention", "tokens"], "attended"),
            node("Flatten", ["attended"], "flat"),
            node("Gemm", ["flat", "o"], "y"),
        ],
        CONVOLUTION | {"k": weights(SIZE, 8, scale=1), "mask": mask, "o": weights(8 * SIZE, 5)},
    )


def gate_beside_small_values():
    """A sigmoid joined with values a hundredth of its size, which another operator reads too."""
    return model(
        [
            node("Conv", ["x", "w", "b"], "c", **PADS),
            node("Mul", ["c", "hundredth"], "small"),
            node("Sigmoid", ["c"], "gate"),
            node("Concat", ["gate", "small"], "joined", axis=1),
            node("Conv", ["joined", "w2", "b2"], "z0"),
            node("Mul", ["small", "hundred"], "again"),
            node("Add", ["z0", "again"], "z"),
            *HEAD,
        ],
        CONVOLUTION
        | {"w2": weights(8, 16, 1, 1), "b2": weights(8), "hundred": np.float32(100), "hundredth": np.float32(0.01)},
    )


def pool_of_one_channel():
    return model(
        [
            node("Conv", ["x", "w1", "b1"], "c", **PADS),
            node("AveragePool", ["c"], "p", kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", ["p"], "flat"),
            node("Gemm", ["flat", "o"], "y"),
        ],
        {"w1": weights(1, 3, 3, 3), "b1": weights(1), "o": weights((SIZE // 2) ** 2, 5)},
    )


def quotients_in_a_row():
    """Two operators without an integer kernel, one behind the other."""
    return model(
        [
            node("Conv", ["x", "w", "b"], "c", **PADS),
            node("Exp", ["c"], "e"),
            node("Add", ["e", "one"], "d"),
            node("Div", ["c", "d"], "q"),
            node("Div", ["q", "d"], "z"),
            *HEAD,
        ],
        CONVOLUTION | {"one": np.float32(1)},
    )


def clip_of_a_gate():
    return model(
        [
            node("Conv", ["x", "w", "b"], "c", **PADS),
            node("Sigmoid", ["c"], "s"),
            node("Clip", ["s", "low", "high"], "z"),
            *HEAD,
        ],
        CONVOLUTION | {"low": np.float32(0.2), "high": np.float32(0.7)},
    )


MODELS = [shared_head, masked_attention, gate_beside_small_values, pool_of_one_channel, quotients_in_a_row, clip_of_a_gate]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
@pytest.mark.parametrize(("quantize", "least"), [("int8", 12), ("int16x8", 28)])
def test_hard_models(make, quantize, least, tmp_path):
    onnx.save(make(), tmp_path / "in.onnx")
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "samples.npy", CALIBRATION)
    report = export_report(
        tmp_path / "in.onnx", "--dataset-dir", tmp_path / "data", "--quantize", quantize, "--num-calib-samples", 16,
        "--verify-samples", 8, "--min-agreement", 0, "--output-dir", tmp_path / "out",
    )
    for kept in report["quantization"]["float_operators"]:
        assert kept["reason"]
    expected = runtimes.run_onnx(tmp_path / "out" / "model.onnx", PROBES)
    for builtin in (False, True):
        found = runtimes.sqnr(expected, runtimes.run_tflite(tmp_path / "out" / "model.tflite", PROBES, builtin))
        print(f"{make.__name__} {quantize} {'built-in' if builtin else 'XNNPACK'}: {found:.1f} dB")
        assert found >= least


def test_what_stays_in_float_is_said(tmp_path):
    onnx.save(quotients_in_a_row(), tmp_path / "in.onnx")
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "samples.npy", CALIBRATION)
    done = run_calib8(
        "export", tmp_path / "in.onnx", "--dataset-dir", tmp_path / "data", "--num-calib-samples", 16, "--verify-samples", 4,
        "--min-agreement", 0, "--output-dir", tmp_path / "out", check=True,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.strip().startswith("in float")]
    assert "4 operators" in line and "DIV" in line and "saturates" in line
    names = [op["op_name"] for op in runtimes.interpreter(tmp_path / "out" / "model.tflite", builtin=True)._get_ops_details()]
    first = names.index("DIV")
    assert names[first + 1] == "DIV", "floats pass from one to the other"


def with_int8_weights(path):
    """The ONNX model with its weights rounded to int8 levels per channel, and all else in float."""
    rounded = onnx.load(path)
    for initializer in rounded.graph.initializer:
        values = numpy_helper.to_array(initializer)
        if values.ndim < 2:
            continue
        rows = values.reshape(values.shape[0], -1)
        scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-9) / 127
        levels = (np.rint(rows / scales) * scales).reshape(values.shape).astype(np.float32)
        initializer.CopyFrom(numpy_helper.from_array(levels, initializer.name))
    onnx.save(rounded, path.with_name("rounded.onnx"))
    return path.with_name("rounded.onnx")


def test_int16_activations_leave_the_error_of_the_weights_alone(tmp_path):
    samples = images.batch(images.image_files(DIGITS / "data")[::40], 64, 64)
    results = {}
    for quantize in ("int8", "int16x8"):
        folder = tmp_path / quantize
        report = export_report(
            "--checkpoint", DIGITS / "efficientnet_b0_digits.pth", "--dataset-dir", DIGITS / "data", "--num-calib-samples", 40,
            "--verify-samples", 10, "--quantize", quantize, "--output-dir", folder,
        )
        expected = runtimes.run_onnx(folder / "model.onnx", samples)
        results[quantize] = runtimes.sqnr(expected, runtimes.run_tflite(folder / "model.tflite", samples))
        assert (folder / "model.tflite").stat().st_size < 7e6
    weights_alone = runtimes.sqnr(expected, runtimes.run_onnx(with_int8_weights(tmp_path / "int16x8" / "model.onnx"), samples))
    print(f"{results}, weights alone {weights_alone:.1f} dB")
    assert results["int16x8"] >= weights_alone - 0.5
    assert results["int16x8"] >= results["int8"] + 4
    model = runtimes.interpreter(tmp_path / "int16x8" / "model.tflite", builtin=True)
    types = {np.dtype(details["dtype"]) for details in model.get_tensor_details()}
    assert np.dtype("int16") in types and np.dtype("int64") in types
    (source,), (sink,) = model.get_input_details(), model.get_output_details()
    assert source["dtype"] == sink["dtype"] == np.float32
    assert report["quantization"]["float_operators"] == [] and report["options"]["quantize"] == "int16x8"


@pytest.mark.parametrize(("quantize", "io"), [("int16x8", "int8"), ("int16x8", "uint8"), ("int8", "int16")])
def test_inputs_must_be_of_a_type_that_the_model_has(quantize, io, tmp_path):
    done = run_calib8(
        "export", DIGITS / "efficientnet_b0_digits.pth", "--dataset-dir", DIGITS / "data", "--quantize", quantize, "--io", io,
        "--output-dir", tmp_path / "out",
    )
    assert done.returncode == 2 and "--io" in done.stderr
