"""What comes from a file's or a model's names reaches the terminal on its line and without effect; names of any bytes work."""

import json
import os
import pathlib
import sys

import calib8
import onnx
import pytest
from conftest import run_calib8
from support import images, small_onnx

#: A line break, an escape sequence, C1, a line separator, and a character that turns the direction of writing.
ODD = "a\x1b[31m\ncalib8: all is well\u009b\u2028\u202eb"
SMALL = ("--num-calib-samples", 8, "--verify-samples", 4, "--min-agreement", 0)


def shown_safely(done, lines=None):
    """Whether neither stream has a character of ODD's that does something."""
    text = done.stdout + done.stderr
    assert not any(character in text for character in "\x1b\u009b\u2028\u202e"), text
    assert not any(line.startswith("calib8: all is well") for line in text.splitlines())
    if lines is not None:
        assert len(done.stderr.splitlines()) == lines, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("messages")
    small_onnx.save_image_classifier(folder / "m.onnx")
    images.write_images(folder / "data", 12)
    return folder


def test_names_of_files(folder, tmp_path):
    (tmp_path / f"{ODD}.onnx").write_bytes((folder / "m.onnx").read_bytes())
    (tmp_path / f"{ODD}.txt").write_text("no model\n" * 100)
    shown_safely(run_calib8("export", tmp_path / f"{ODD}.txt"), 1)
    shown_safely(run_calib8("inspect", tmp_path / f"{ODD}.txt"), 1)
    shown_safely(run_calib8("export", tmp_path / f"{ODD}.onnx", "--quantize", "none", "--output-dir", tmp_path / ODD, check=True))
    metadata = json.loads((tmp_path / ODD / "model.tflite.quantization_metadata").read_text())
    assert metadata["model"]["file"] == f"{ODD}.onnx", "JSON has the name as it is"
    shown_safely(run_calib8("inspect", tmp_path / ODD / "model.tflite.quantization_metadata", check=True))
    os.rename(tmp_path / f"{ODD}.txt", tmp_path / "data.txt")
    shown_safely(run_calib8("export", folder / "m.onnx", "--dataset-dir", tmp_path / ODD / ODD), 1)
    shown_safely(run_calib8("export", folder / "m.onnx", f"--{ODD}"), 1)
    shown_safely(run_calib8("export", folder / "m.onnx", "--quantize", ODD), 1)


def test_names_in_models(folder, tmp_path):
    model = onnx.load(folder / "m.onnx")
    model.graph.node[0].op_type = ODD
    onnx.save(model, tmp_path / "op.onnx")
    shown_safely(run_calib8("export", tmp_path / "op.onnx", "--output-dir", tmp_path), 1)
    run_calib8("export", folder / "m.onnx", "--quantize", "none", "--output-dir", tmp_path, check=True)
    content = (tmp_path / "model.tflite").read_bytes()
    for name in (b"l\x1b[31m", b"lo\nxx\n", "l\u202ett".encode()):
        (tmp_path / "odd.tflite").write_bytes(content.replace(b"logits", name))
        arguments = ("--dataset-dir", folder / "data", *SMALL, "--output-dir", tmp_path / "out", "--dump")
        for done in (run_calib8("export", tmp_path / "odd.tflite", *arguments), run_calib8("inspect", tmp_path / "odd.tflite")):
            shown_safely(done)
            assert done.returncode in (0, calib8.ErrorCode.MODEL)
            assert not any(line.startswith("xx") for line in (done.stdout + done.stderr).splitlines())


def test_a_message_is_of_bounded_length(folder, tmp_path):
    model = onnx.load(folder / "m.onnx")
    model.graph.node[0].op_type = "X" * 1_000_000
    onnx.save(model, tmp_path / "m.onnx")
    done = run_calib8("export", tmp_path / "m.onnx", "--output-dir", tmp_path)
    assert done.returncode == calib8.ErrorCode.MODEL and len(done.stderr) < 5000
    with pytest.raises(calib8.Error) as caught:
        calib8.export(tmp_path / "m.onnx", output_dir=tmp_path)
    assert len(str(caught.value)) < 10_000


def test_python_s_exceptions(folder, tmp_path):
    with pytest.raises(calib8.Error) as caught:
        calib8.export(tmp_path / f"{ODD}.onnx")
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize("option", ["output_dir", "plan_out", "dataset_dir", "samples_in", "preprocessing", "model"])
def test_paths_that_are_not_utf8(option, folder, tmp_path):
    """From Python (surrogates) and on the command line (bytes) alike."""
    odd = pathlib.Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    options = {"model": folder / "m.onnx", "dataset_dir": folder / "data", "output_dir": tmp_path / "out"}
    if option == "dataset_dir":
        images.write_images(odd, 12)
    elif option == "model":
        odd.write_bytes((folder / "m.onnx").read_bytes())
    elif option == "samples_in":
        odd.write_text(json.dumps([path.name for path in sorted((folder / "data").iterdir())][:12]))
    elif option == "preprocessing":
        odd.write_text(json.dumps({"height": 32, "width": 32}))
    options[option] = odd
    model = options.pop("model")
    result = calib8.export(model, num_calib_samples=8, verify_samples=4, min_agreement=0, **options)
    before = result.tflite.read_bytes()
    assert result.tflite == options["output_dir"] / "model.tflite" and "\ufffd" in result.summary or option != "output_dir"
    flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    run_calib8("export", model, *flags, *SMALL, check=True)
    assert result.tflite.read_bytes() == before
    if option == "plan_out":
        assert json.loads(odd.read_text())


def test_no_code_of_the_working_folder_runs(folder, tmp_path):
    """--verify-onnx runs Python, whose -m looks into the working folder first."""
    for name in ("calib8", "numpy", "json", "onnxruntime", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write(__name__)\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "json.py")}
    arguments = ("export", folder / "m.onnx", "--dataset-dir", folder / "data", *SMALL, "--verify-onnx", "--json", "--output-dir")
    done = run_calib8(*arguments, tmp_path / "out", cwd=tmp_path, env=environment, check=True)
    assert not (tmp_path / "ran").exists()
    compared = json.loads(done.stdout)["measured"]["onnx_comparison"]
    assert compared["samples"] == 4 and compared["largest_difference"] < 1e-4, compared


def test_verify_onnx_from_python_uses_its_own_interpreter(folder, tmp_path):
    result = calib8.export(
        folder / "m.onnx", dataset_dir=folder / "data", num_calib_samples=8, verify_samples=4, min_agreement=0, verify_onnx=True,
        output_dir=tmp_path,
    )  # fmt: skip
    assert result.report["measured"]["onnx_comparison"]["samples"] == 4, sys.executable
