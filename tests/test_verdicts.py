"""The gate's three verdicts, on the command line and in Python, for classifiers and for everything else."""

import json

import calib8
import numpy as np
import onnx
import pytest
from conftest import export_report, run_calib8
from onnx import TensorProto, helper, numpy_helper

SAMPLES = 64
RANDOM = np.random.default_rng(7)


def save_network(path, outputs, nodes, weights, size=8):
    """x [1, 4, size, size] to float outputs of the given shapes."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, size, size])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def convolution(channels, kernel=3, scale=0.3):
    return (scale * RANDOM.standard_normal((channels, 4, kernel, kernel))).astype(np.float32)


def detector(path, box_size, separate=False):
    """Boxes of that size and scores of 0 to 1, joined along the channels or not."""
    pads = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["b"], **pads),
        helper.make_node("Mul", ["b", "size"], ["boxes"]),
        helper.make_node("Conv", ["x", "w1"], ["s"], **pads),
        helper.make_node("Sigmoid", ["s"], ["scores"]),
    ]
    outputs = {"boxes": [1, 4, 8, 8], "scores": [1, 3, 8, 8]}
    if not separate:
        nodes.append(helper.make_node("Concat", ["boxes", "scores"], ["detections"], axis=1))
        outputs = {"detections": [1, 7, 8, 8]}
    save_network(path, outputs, nodes, {"w0": convolution(4), "w1": convolution(3), "size": np.float32([box_size])})
    return path


def batches(count=SAMPLES):
    random = np.random.default_rng(3)
    return [random.standard_normal((1, 8, 8, 4)).astype(np.float32) for _ in range(count)]


def export(model, tmp_path, count=SAMPLES, **options):
    options = {"num_calib_samples": 32} | options
    return calib8.export(model, representative_data_gen=batches(count), output_dir=tmp_path / "out", **options)


def test_digits_prove_98_percent_by_default(digits_checkpoint, digits_data, tmp_path):
    report = export_report(digits_checkpoint, "--dataset-dir", digits_data, "--output-dir", tmp_path / "out", "--require-proof")
    measured = report["measured"]
    assert measured["gate"] == "proven" and measured["gate_passed"] is True and measured["verdict"].startswith("proven:")
    assert measured["verification"]["agreement"]["interval_95"][0] >= 0.98
    assert report["options"]["verify_samples"] == "auto"


def test_what_isnt_proven_says_what_is_missing(digits_checkpoint, digits_data, tmp_path):
    arguments = ("export", digits_checkpoint, "--dataset-dir", digits_data, "--output-dir", tmp_path / "out",
                 "--num-calib-samples", 20, "--verify-samples", 10)  # fmt: skip
    lenient, strict = run_calib8(*arguments), run_calib8(*arguments, "--require-proof")
    assert lenient.returncode == 0 and strict.returncode == calib8.ErrorCode.GATE
    for done in (lenient, strict):
        assert "unproven: int8 agrees with float on 10 of 10 images" in done.stdout
        assert "183 images without a further difference, 173 more" in done.stdout and "--verify-samples 183" in done.stdout
    assert strict.stderr.splitlines()[-1].startswith("calib8: unproven")
    metadata = json.loads((tmp_path / "out" / "model.tflite.quantization_metadata").read_text())
    assert metadata["measured"]["gate"] == "unproven" and metadata["measured"]["gate_passed"] is True


@pytest.mark.parametrize("quantize", ["none", "float16"])
def test_what_wasnt_judged_is_null(quantize, tmp_path):
    result = calib8.export(detector(tmp_path / "m.onnx", 1), quantize=quantize, output_dir=tmp_path / "out")
    assert result.gate is None and result.gate_passed is None and result.passed and result.verdict == ""
    assert result.report["measured"]["gate"] is None and result.report["measured"]["gate_passed"] is None


def test_each_output_is_judged(tmp_path):
    result = export(detector(tmp_path / "m.onnx", 100, separate=True), tmp_path)
    outputs = {output["name"]: output for output in result.report["measured"]["verification"]["outputs"]}
    assert result.gate == "proven" and result.verdict.startswith("proven: each output is at least")
    assert set(outputs) == {"boxes", "scores"}
    for output in outputs.values():
        low, high = output["interval_95"]
        assert 20 < low < output["sqnr_decibels"] < high
    assert "boxes:" in result.summary and "scores:" in result.summary
    strict = export(tmp_path / "m.onnx", tmp_path, min_sqnr=60)
    assert strict.gate == "failed" and not strict.passed and "60 dB" in strict.verdict


def test_decibels_are_those_of_the_runtime(tmp_path):
    """Each output's, computed anew with LiteRT and ONNX Runtime over the samples that verified."""
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    result = export(detector(tmp_path / "m.onnx", 100, separate=True), tmp_path, verify_samples=30, io="float32")
    interpreter = Interpreter(str(result.tflite))
    runner = interpreter.get_signature_runner("serving_default")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    expected, measured = {"boxes": [], "scores": []}, {"boxes": [], "scores": []}
    for batch in batches()[32:62]:
        found = runner(**{next(iter(runner.get_input_details())): batch})
        for name, value in zip(expected, session.run(list(expected), {"x": batch.transpose(0, 3, 1, 2)}), strict=True):
            expected[name].append(value.transpose(0, 2, 3, 1))
            measured[name].append(np.array(found[name]))
    for output in result.report["measured"]["verification"]["outputs"]:
        real, close = np.array(expected[output["name"]], np.float64), np.array(measured[output["name"]], np.float64)
        signal = real - real.mean(axis=0)
        assert output["sqnr_decibels"] == pytest.approx(10 * np.log10((signal**2).sum() / ((close - real) ** 2).sum()), abs=0.02)


def levels_of_a_detector(path, box_size):
    """Boxes and scores joined at each of three sizes, then all sizes in a list: [1, 7, 64 + 16 + 4], and transposed."""
    nodes, joined, weights = [], [], {"size": np.float32([box_size])}
    for level, side in enumerate((8, 4, 2)):
        step = 8 // side
        weights |= {f"w{level}": convolution(4), f"v{level}": convolution(3), f"to{level}": np.int64([1, 7, side * side])}
        pads = dict(kernel_shape=[3, 3], strides=[step, step], pads=[1, 1, 1, 1])
        nodes += [
            helper.make_node("Conv", ["x", f"w{level}"], [f"b{level}"], **pads),
            helper.make_node("Mul", [f"b{level}", "size"], [f"boxes{level}"]),
            helper.make_node("Conv", ["x", f"v{level}"], [f"s{level}"], **pads),
            helper.make_node("Sigmoid", [f"s{level}"], [f"scores{level}"]),
            helper.make_node("Reshape", [f"boxes{level}", f"four{level}"], [f"flat_boxes{level}"]),
            helper.make_node("Reshape", [f"scores{level}", f"three{level}"], [f"flat_scores{level}"]),
            helper.make_node("Concat", [f"flat_boxes{level}", f"flat_scores{level}"], [f"level{level}"], axis=1),
        ]
        weights |= {f"four{level}": np.int64([1, 4, side * side]), f"three{level}": np.int64([1, 3, side * side])}
        joined.append(f"level{level}")
    nodes += [helper.make_node("Concat", joined, ["all"], axis=2), helper.make_node("Transpose", ["all"], ["found"], perm=[0, 2, 1])]
    save_network(path, {"found": [1, 84, 7]}, nodes, weights)
    return path


def values_of(model, batch):
    """What LiteRT gives for one NHWC batch of floats, as real numbers, by the signature's names."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(model)).get_signature_runner("serving_default")
    (name, taken), = runner.get_input_details().items()
    scale, zero = taken["quantization"]
    given = runner(**{name: np.clip(np.rint(batch / np.float32(scale)) + zero, -128, 127).astype(np.int8)})
    details = runner.get_output_details()
    return {
        key: (np.float32(value) - details[key]["quantization"][1]) * np.float32(details[key]["quantization"][0])
        for key, value in given.items()
    }


@pytest.mark.parametrize("build", [detector, levels_of_a_detector])
def test_integers_of_very_different_size_become_two_outputs(build, tmp_path):
    """In the places that they had, each at least 25 dB; the summary and the metadata say so, model.onnx keeps the one."""
    import onnxruntime

    model = build(tmp_path / "m.onnx", 2000)
    result = export(model, tmp_path, io="int8", integer_only=True)
    (split,) = result.report["split_outputs"]
    assert [part["output"] for part in split["parts"]] == [f"{split['output']}_1", f"{split['output']}_2"]
    assert f"{split['output']} [" in result.summary and "is given as" in result.summary
    session = onnxruntime.InferenceSession(result.onnx)
    assert [output.name for output in session.get_outputs()] == [split["output"]]
    signal, noise = np.zeros(2), np.zeros(2)
    for batch in batches()[40:]:
        (expected,) = session.run(None, {"x": batch.transpose(0, 3, 1, 2)})
        expected = expected.transpose(0, 2, 3, 1) if expected.ndim == 4 else expected
        found = values_of(result.tflite, batch)
        for i, real in enumerate((expected[..., :4], expected[..., 4:])):
            close = found[split["parts"][i]["output"]]
            assert list(close.shape) == split["parts"][i]["shape"] and close.shape == real.shape
            signal[i] += np.square(real).sum()
            noise[i] += np.square(real - close).sum()
    assert (10 * np.log10(signal / noise) >= 25).all()
    assert result.gate == "proven" and len(result.report["measured"]["verification"]["outputs"]) == 2


def test_integers_of_like_size_stay_one_output(tmp_path):
    result = export(detector(tmp_path / "m.onnx", 1), tmp_path, io="int8")
    assert "split_outputs" not in result.report and result.gate == "proven"


def test_float_outputs_stay_one(tmp_path):
    """Each part has a scale of its own behind a float output."""
    result = export(detector(tmp_path / "m.onnx", 2000), tmp_path)
    (output,) = result.report["measured"]["verification"]["outputs"]
    assert "split_outputs" not in result.report and all(part["sqnr_decibels"] >= 25 for part in output["parts"])


def test_a_dead_classifier_never_passes(tmp_path):
    """The classes agree on every sample, as there is but one; the logits are noise."""
    weights = {"w": (1e-6 * RANDOM.standard_normal((4 * 64, 5))).astype(np.float32), "b": np.float32([1000, 0, 0, 0, 0])}
    nodes = [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("Gemm", ["f", "w", "b"], ["y"])]
    save_network(tmp_path / "m.onnx", {"y": [1, 5]}, nodes, weights)
    result = export(tmp_path / "m.onnx", tmp_path)
    assert result.report["measured"]["verification"]["agreement"]["share"] == 1
    noisy = {"w": (0.3 * RANDOM.standard_normal((4 * 64, 5))).astype(np.float32), "b": np.float32([5000, 0, 0, 0, 0])}
    save_network(tmp_path / "noisy.onnx", {"y": [1, 5]}, nodes, noisy)
    result = export(tmp_path / "noisy.onnx", tmp_path, integer_only=True)
    assert result.report["measured"]["verification"]["agreement"]["share"] == 1
    assert result.gate == "failed" and result.verdict.startswith("failed: the output is")


def test_embeddings_are_no_classifier(tmp_path):
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"]),
        helper.make_node("Gemm", ["f", "w"], ["e"]),
        helper.make_node("Mul", ["e", "e"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "axis"], ["sum"], keepdims=1),
        helper.make_node("Sqrt", ["sum"], ["n"]),
        helper.make_node("Div", ["e", "n"], ["embedding"]),
    ]
    weights = {"w": (0.1 * RANDOM.standard_normal((256, 32))).astype(np.float32), "axis": np.int64([1])}
    save_network(tmp_path / "m.onnx", {"embedding": [1, 32]}, nodes, weights)
    result = export(tmp_path / "m.onnx", tmp_path)
    verification = result.report["measured"]["verification"]
    assert "agreement" not in verification and verification["outputs"][0]["cosine"] > 0.99
    assert result.gate == "proven" and "cosine" in result.summary


def test_speed_is_told_in_words(tmp_path):
    result = export(detector(tmp_path / "m.onnx", 1), tmp_path)
    (line,) = [line for line in result.summary.splitlines() if line.startswith("  speed")]
    latency = result.report["measured"]["verification"]["latency"]
    ratio = latency["float_milliseconds"] / latency["quantized_milliseconds"]
    assert ("faster" in line) == (ratio >= 1.03) and ("slower" in line) == (1 / ratio >= 1.03)
    low, high = latency["ratio_quartiles"]
    assert 0 < low <= high and latency["reliable"] == (high <= 1.5 * low) != ("unreliable" in line)


def test_more_verification_takes_nothing_from_the_others(tmp_path):
    """The default's further images are those that calibration leaves: an unreadable one is still replaced."""
    from support import images, small_onnx

    small_onnx.save_image_classifier(tmp_path / "m.onnx")
    for path in images.write_images(tmp_path / "data", 80)[:10]:
        path.write_bytes(b"")
    report = export_report(tmp_path / "m.onnx", "--dataset-dir", tmp_path / "data", "--output-dir", tmp_path / "out",
                           "--num-calib-samples", 45, "--min-agreement", 0, "--effort", "fast")  # fmt: skip
    assert report["dataset"]["calibration_samples"] == 45 and report["dataset"]["verification_samples"] == 25
    assert report["dataset"]["held_out"]
