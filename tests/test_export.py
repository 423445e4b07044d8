"""`calib8 export` from end to end, on the digits that ship: files, report, formats, determinism, exit statuses."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import numpy as np
import pytest
import torch
from conftest import DIGITS, calib8_program, export_report, run_calib8
from onnx import helper
from support import images, runtimes

SIZE = 64
FAST = ("--num-calib-samples", 20, "--verify-samples", 10)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def digits(*arguments):
    return ("--checkpoint", DIGITS / "efficientnet_b0_digits.pth", "--dataset-dir", DIGITS / "data", *arguments)


@pytest.fixture(scope="module")
def samples():
    paths = images.image_files(DIGITS / "data")[::40]
    return images.batch(paths, SIZE, SIZE)


@pytest.fixture(scope="module")
def float_logits(digits_export, samples):
    return runtimes.run_onnx(digits_export[0] / "model.onnx", samples)


# --- the main job ---


def test_writes_three_files_and_nothing_else(digits_export):
    folder, _ = digits_export
    assert files(folder) == ["model.onnx", "model.tflite", "model.tflite.quantization_metadata"]


def test_hashes_belong_to_the_files(digits_export, digits_checkpoint):
    folder, report = digits_export
    assert report["model"]["sha256"] == sha256(digits_checkpoint)
    for kind, name in (("onnx", "model.onnx"), ("tflite", "model.tflite")):
        entry = report["outputs"][kind]
        assert pathlib.Path(entry["path"]) == folder / name
        assert entry["sha256"] == sha256(folder / name)
        assert entry["bytes"] == (folder / name).stat().st_size


def test_metadata_is_the_report(digits_export):
    folder, report = digits_export
    assert json.loads((folder / "model.tflite.quantization_metadata").read_text()) == report


def test_report_says_what_was_used(digits_export, digits_data):
    _, report = digits_export
    assert report["schema_version"] == 1 and report["calib8_version"]
    assert report["model"]["architecture"] == "efficientnet_b0"
    assert report["model"]["num_classes"] == 10 and report["model"]["input_size"] == [SIZE, SIZE]
    assert report["options"]["seed"] == 0 and report["options"]["calibration"] == "mse"
    assert report["preprocessing"]["mean"] == pytest.approx([0.485, 0.456, 0.406])
    dataset = report["dataset"]
    assert dataset["images"] == 800 and dataset["classes"] == [str(digit) for digit in range(10)]
    assert len(dataset["calibration"]) == 100 and len(dataset["verification"]) == 200 and dataset["held_out"]
    used = dataset["calibration"] + dataset["verification"]
    assert len({entry["path"] for entry in used}) == 300
    for entry in used:
        assert not pathlib.Path(entry["path"]).is_absolute()
        assert entry["sha256"] == sha256(digits_data / entry["path"])
    per_class = [sum(entry["path"].split("/")[-2] == name for entry in dataset["calibration"]) for name in dataset["classes"]]
    assert per_class == [10] * 10


def test_report_says_what_was_decided(digits_export):
    """The plan against the model as LiteRT has it: types, scales, zero points and axes, tensor by tensor."""
    folder, report = digits_export
    model = runtimes.interpreter(folder / "model.tflite")
    model.allocate_tensors()
    planned = {tensor["name"]: tensor for tensor in report["quantization"]["tensors"]}
    compared = 0
    for details in model.get_tensor_details():
        tensor = planned.get(details["name"])
        if tensor is None:  # an axis, a shape: nothing is decided of it
            assert details["dtype"] == np.int32 and details["quantization_parameters"]["scales"].size == 0, details
            continue
        found = details["quantization_parameters"]
        assert details["dtype"] == np.dtype(tensor["dtype"])
        np.testing.assert_allclose(found["scales"], np.float32(tensor["scales"]), rtol=1e-6)
        if len(tensor["scales"]) == 1:
            assert list(found["zero_points"]) == [tensor["zero_point"]]
        else:
            assert found["quantized_dimension"] == tensor["axis"] and not found["zero_points"].any()
        if "range" in tensor and len(tensor["scales"]) == 1:
            low, high = tensor["range"]
            scale, zero_point = tensor["scales"][0], tensor["zero_point"]
            assert scale * (-129 - zero_point) <= low and high <= scale * (128 - zero_point), tensor
        compared += 1
    assert compared == len(planned) > 100


def test_report_says_what_was_measured(digits_export):
    _, report = digits_export
    verification = report["measured"]["verification"]
    assert report["measured"]["gate"] == "proven" and report["measured"]["verdict"].startswith("proven")
    assert verification["samples"] == 200 and verification["agreement"]["agreeing"] == 200
    assert verification["accuracy"]["labelled"] == 200
    assert verification["sqnr_decibels"] > 20
    assert verification["latency"]["quantized_milliseconds"] > 0
    assert len(verification["worst_layers"]) > 0


def test_model_is_right_on_digits(digits_export, digits_data):
    paths = images.image_files(digits_data)[::8]
    logits = runtimes.run_tflite(digits_export[0] / "model.tflite", images.batch(paths, SIZE, SIZE))
    right = np.mean(logits.argmax(1) == [int(path.parent.name) for path in paths])
    assert right >= 0.95


def test_measured_sqnr_is_the_real_one(digits_export, digits_data):
    """The report's figure, measured again by ONNX Runtime and LiteRT on the images that it names."""
    folder, report = digits_export
    paths = [digits_data / entry["path"] for entry in report["dataset"]["verification"]]
    inputs = images.batch(paths, SIZE, SIZE)
    reference = runtimes.run_onnx(folder / "model.onnx", inputs)
    found = runtimes.sqnr(reference, runtimes.run_tflite(folder / "model.tflite", inputs))
    assert report["measured"]["verification"]["sqnr_decibels"] == pytest.approx(found, abs=0.3)


# --- formats ---


def test_onnx_alone(tmp_path):
    report = export_report(*digits("--format", "onnx", "--output-dir", tmp_path))
    assert files(tmp_path) == ["model.onnx"]
    assert list(report["outputs"]) == ["onnx"]


@pytest.mark.parametrize("quantize", ["float16", "none"])
def test_float_formats(quantize, tmp_path, samples, float_logits):
    checkpoint = DIGITS / "efficientnet_b0_digits.pth"
    report = export_report(checkpoint, "--quantize", quantize, "--output-dir", tmp_path)
    found = runtimes.sqnr(float_logits, runtimes.run_tflite(tmp_path / "model.tflite", samples))
    assert found >= (50 if quantize == "float16" else 95)
    ratio = report["outputs"]["tflite"]["float_bytes"] / report["outputs"]["tflite"]["bytes"]
    assert ratio == pytest.approx(2 if quantize == "float16" else 1, rel=0.1)


def test_int8_kernels_agree_on_a_trained_model(digits_export, samples):
    """What XNNPACK and the built-in kernels round differently is little where a model was trained."""
    path = digits_export[0] / "model.tflite"
    found = runtimes.sqnr(runtimes.run_tflite(path, samples), runtimes.run_tflite(path, samples, builtin=True))
    print(f"built-in kernels against XNNPACK: {found:.1f} dB")
    assert found >= 30


def test_types_of_inputs_and_outputs(tmp_path, samples):
    results = {}
    for io in ("int8", "uint8", "float32"):
        # Of pixels alone int8 would be another model: float32 has no form for them.
        export_report(*digits("--io", io, *FAST, "--model-input", "normalized", "--output-dir", tmp_path / io))
        path = tmp_path / io / "model.tflite"
        details = runtimes.interpreter(path)
        for side in (details.get_input_details(), details.get_output_details()):
            assert side[0]["dtype"] == np.dtype(io)
        if io != "uint8":  # XNNPACK has no QUANTIZE between uint8 and int8
            assert runtimes.delegated_whole(path) == ""
        results[io] = runtimes.run_tflite(path, samples)
    np.testing.assert_allclose(results["uint8"], results["int8"], rtol=1e-6)
    np.testing.assert_allclose(results["float32"], results["int8"], rtol=1e-6)


def test_signature(digits_export):
    model = runtimes.interpreter(digits_export[0] / "model.tflite")
    (name, signature), = model.get_signature_list().items()
    assert (name, signature) == ("serving_default", {"inputs": ["image"], "outputs": ["logits"]})


@pytest.mark.parametrize("method", ["minmax", "percentile", "mse"])
def test_calibration_methods(method, tmp_path, samples, float_logits):
    report = export_report(*digits("--calibration", method, *FAST, "--output-dir", tmp_path))
    assert report["options"]["calibration"] == method
    assert runtimes.sqnr(float_logits, runtimes.run_tflite(tmp_path / "model.tflite", samples)) > 15


def test_plan(tmp_path):
    plan = tmp_path / "plan.json"
    report = export_report(*digits(*FAST, "--output-dir", tmp_path / "out", "--plan-out", plan))
    assert json.loads(plan.read_text()) == report["quantization"]


# --- what is printed ---


def test_summary_on_standard_output(tmp_path):
    done = run_calib8("export", *digits(*FAST, "--output-dir", tmp_path), check=True)
    for word in ("efficientnet_b0", "wrote", "speed", "agreement", "fidelity", "worst", "verdict", "model.tflite"):
        assert word in done.stdout, done.stdout
    assert "calibrating" in done.stderr and "\x1b" not in done.stderr + done.stdout


def test_json_is_alone_on_standard_output(tmp_path):
    done = run_calib8("export", *digits(*FAST, "--output-dir", tmp_path, "--json"), check=True)
    assert json.loads(done.stdout)["schema_version"] == 1
    assert "verdict" in done.stderr


def test_quiet(tmp_path):
    done = run_calib8("export", *digits(*FAST, "--output-dir", tmp_path, "--quiet"), check=True)
    assert done.stdout == "" and done.stderr == ""


def test_inspect_every_kind_of_file(digits_export, digits_checkpoint):
    folder, report = digits_export
    words = {
        digits_checkpoint: "backbone.features.0.0.weight",
        folder / "model.onnx": "Conv",
        folder / "model.tflite": "CONV_2D",
        folder / "model.tflite.quantization_metadata": "efficientnet_b0",
    }
    for path, word in words.items():
        assert word in run_calib8("inspect", path, check=True).stdout
        assert json.loads(run_calib8("inspect", path, "--json", check=True).stdout)
    found = json.loads(run_calib8("inspect", folder / "model.tflite", "--json", check=True).stdout)
    assert found["xnnpack_partitions"] == 1 and found["xnnpack_operators"] == len(found["operators"])


def test_inspect_marks_what_cannot_be_converted(tmp_path):
    image, size = (helper.make_tensor_value_info("x", 1, shape) for shape in ([1, 3, 8, 8], [1, 3, "height", 8]))
    y = helper.make_tensor_value_info("y", 1, None)
    cases = {
        "own domain": (helper.make_node("Frobnicate", ["x"], ["y"], name="n1", domain="my.ops"), image, "Frobnicate 'n1' (node 0) is of the domain 'my.ops'"),
        "no row": (helper.make_node("Det", ["x"], ["y"], name="d"), image, "Det 'd' (node 0) is an unknown operator"),
        "open size": (helper.make_node("Relu", ["x"], ["y"]), size, "height"),
        "good": (helper.make_node("Relu", ["x"], ["y"]), image, None),
    }
    for name, (node, x, refusal) in cases.items():
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid("my.ops", 1)]
        model = helper.make_model(helper.make_graph([node], "graph", [x], [y]), opset_imports=opsets, ir_version=10)
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        found = json.loads(run_calib8("inspect", path, "--json", check=True).stdout)
        assert found["is_convertible"] == (refusal is None), found["refusals"]
        text = run_calib8("inspect", path, check=True).stdout
        if refusal is None:
            assert "can't be converted" not in text
        else:
            assert refusal in found["refusals"][0] and f"can't be converted: {found['refusals'][0]}" in text
            done = run_calib8("export", path, "--quantize", "none", "--output-dir", tmp_path / "out")
            assert done.returncode == 3 and refusal in done.stderr


# --- the same inputs, the same bytes ---


def test_threads_and_repetition_change_no_byte(tmp_path):
    found = set()
    for run, threads in enumerate((1, 2, 4, 4)):
        export_report(*digits(*FAST, "--threads", threads, "--output-dir", tmp_path / "out"))
        metadata = json.loads((tmp_path / "out" / "model.tflite.quantization_metadata").read_text())
        del metadata["measured"]
        hashes = [sha256(tmp_path / "out" / name) for name in ("model.onnx", "model.tflite")]
        found.add((*hashes, json.dumps(metadata)))
        shutil.move(tmp_path / "out", tmp_path / f"out{run}")
    assert len(found) == 1


def test_seed_changes_the_images(tmp_path):
    reports = [export_report(*digits(*FAST, "--seed", seed, "--output-dir", tmp_path)) for seed in (1, 2)]
    assert reports[0]["dataset"]["calibration"] != reports[1]["dataset"]["calibration"]


# --- failures: one line, and a status of its own ---


def refuse(status, *arguments, words=(), **options):
    done = run_calib8("export", *arguments, **options)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("calib8: ")
    for word in words:
        assert word in line, line
    return line


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("--no-such-flag",), ("m.pth", "--format", "keras"), ("m.pth", "--input-size", "0"), ("m.pth", "--threads", "0"),
        ("m.pth", "--input-size", "12x"), ("m.pth", "--min-agreement", "1.5"), ("m.pth", "--num-calib-samples", "0"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_usage(arguments, tmp_path):
    refuse(2, *arguments, cwd=tmp_path)
    assert files(tmp_path) == []


def test_missing_model(tmp_path):
    refuse(3, tmp_path / "none.pth", "--output-dir", tmp_path / "out", words=["none.pth"])


def test_not_a_model(tmp_path):
    (tmp_path / "text.pth").write_text("hello\n" * 100)
    refuse(3, tmp_path / "text.pth", "--output-dir", tmp_path / "out", words=["text.pth"])
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize(("flag", "value"), [("--arch", "resnet18"), ("--num-classes", "11")])
def test_model_that_is_another_one(flag, value, tmp_path):
    refuse(3, *digits(flag, value, "--output-dir", tmp_path / "out"))


def test_empty_dataset(tmp_path, digits_checkpoint):
    (tmp_path / "data").mkdir()
    refuse(4, digits_checkpoint, "--dataset-dir", tmp_path / "data", "--output-dir", tmp_path / "out")
    refuse(4, digits_checkpoint, "--dataset-dir", tmp_path / "none", "--output-dir", tmp_path / "out")
    refuse(4, digits_checkpoint.resolve(), "--output-dir", tmp_path / "out", words=["--dataset-dir"], cwd=tmp_path / "data")


def indecisive_checkpoint(path):
    """Digits whose classes differ by less than one int8 step: agreement with float is chance."""
    checkpoint = torch.load(DIGITS / "efficientnet_b0_digits.pth", weights_only=True)
    state_dict = checkpoint["model_state_dict"]
    weight, bias = state_dict["classifier.6.weight"], state_dict["classifier.6.bias"]
    generator = torch.Generator().manual_seed(0)
    weight.copy_(weight[:1].repeat(len(weight), 1))
    weight += 1e-4 * weight.abs().max() * torch.randn(weight.shape, generator=generator)
    bias.zero_()
    torch.save(checkpoint, path)


def test_failed_gate_keeps_the_files(tmp_path, digits_data):
    indecisive_checkpoint(tmp_path / "model.pth")
    arguments = (tmp_path / "model.pth", "--dataset-dir", digits_data, "--num-calib-samples", 20, "--verify-samples", 40, "--integer-only")
    line = refuse(5, *arguments, "--output-dir", tmp_path / "out", words=["failed", "98 %"])
    assert re.search(r"agrees with float on \d+ of 40 images", line)
    metadata = json.loads((tmp_path / "out" / "model.tflite.quantization_metadata").read_text())
    assert metadata["measured"]["gate"] == "failed" and metadata["measured"]["gate_passed"] is False and metadata["measured"]["next_step"]
    assert metadata["outputs"]["tflite"]["sha256"] == sha256(tmp_path / "out" / "model.tflite")
    export_report(*arguments, "--output-dir", tmp_path / "out", "--min-agreement", 0)


def test_without_litert(tmp_path, digits_checkpoint):
    environment = os.environ | {"CALIB8_LITERT": str(tmp_path / "nowhere")}
    refuse(6, *digits("--output-dir", tmp_path / "int8"), env=environment, words=["CALIB8_LITERT"])
    assert files(tmp_path / "int8") == [], "a part of what was asked for"
    run_calib8("export", digits_checkpoint, "--quantize", "none", "--output-dir", tmp_path / "float", env=environment, check=True)
    run_calib8("export", digits_checkpoint, "--quantize", "float16", "--output-dir", tmp_path / "half", env=environment, check=True)
    assert "model.tflite" in files(tmp_path / "float") and "model.tflite" in files(tmp_path / "half")


def test_unwritable_output(tmp_path):
    (tmp_path / "file").write_text("")
    refuse(7, *digits("--output-dir", tmp_path / "file"), words=["file"])
    (tmp_path / "taken" / "model.onnx").mkdir(parents=True)
    refuse(7, *digits("--output-dir", tmp_path / "taken"), words=["model.onnx"])
    assert (tmp_path / "file").read_text() == ""


def test_output_that_is_the_input(digits_export, tmp_path):
    shutil.copy(digits_export[0] / "model.onnx", tmp_path / "model.onnx")
    before = sha256(tmp_path / "model.onnx")
    refuse(2, tmp_path / "model.onnx", "--quantize", "none", "--output-dir", tmp_path, words=["--output-dir"])
    (tmp_path / "link").symlink_to(tmp_path)
    refuse(2, tmp_path / "link" / "model.onnx", "--quantize", "none", "--output-dir", tmp_path)
    assert sha256(tmp_path / "model.onnx") == before and files(tmp_path) == ["link", "model.onnx"]


def test_ctrl_c(tmp_path):
    arguments = digits("--num-calib-samples", 700, "--threads", 1, "--output-dir", tmp_path)
    process = subprocess.Popen(
        [calib8_program(), "export", *map(str, arguments)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert any("calibrating" in line for line in process.stderr)  # reads up to there
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130, (process.returncode, output, errors)
    assert files(tmp_path) == []
