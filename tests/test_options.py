"""Limits of options: the command line and Python refuse alike what can't be, before anything is read or written."""

import typing

import calib8
import pytest
from calib8 import _native, exporter
from conftest import run_calib8
from support import images, small_onnx

NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options")
    small_onnx.save_image_classifier(folder / "m.onnx")
    images.write_images(folder / "data", 12)
    return folder


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verify_samples", 0), ("verify_samples", -1), ("verify_samples", 10**7), ("verify_samples", 2**64),
        ("num_calib_samples", 0), ("num_calib_samples", -1), ("num_calib_samples", 10**7),
        ("min_agreement", NAN), ("min_agreement", INFINITY), ("min_agreement", -INFINITY), ("min_agreement", 1.01), ("min_agreement", -0.01),
        ("min_sqnr", NAN), ("min_sqnr", INFINITY), ("threads", -1), ("threads", 1025), ("threads", 2**40), ("seed", -1), ("seed", 2**64), ("input_size", 0), ("input_size", 16385),
        ("num_classes", 10), ("arch", "resnet18"), ("num_classes", 0), ("quantize", "int4"), ("calibration", ""), ("io", "int32"),
        ("format", "ONNX"), ("dataset_type", "automatic"),
    ],
    ids=lambda value: str(value) or "empty",
)  # fmt: skip
def test_refused_alike(name, value, folder, tmp_path):
    flag = f"--{name.replace('_', '-')}"
    done = run_calib8("export", folder / "m.onnx", f"{flag}={value}", "--dataset-dir", folder / "data", "--output-dir", tmp_path / "out")
    assert done.returncode == calib8.ErrorCode.USAGE, done
    (line,) = done.stderr.splitlines()
    assert line.startswith("calib8: ") and flag in line
    with pytest.raises(calib8.Error) as caught:
        calib8.export(folder / "m.onnx", dataset_dir=folder / "data", output_dir=tmp_path / "out", **{name: value})
    assert caught.value.code == calib8.ErrorCode.USAGE
    assert not (tmp_path / "out").exists()


def test_flags_for_checkpoints_with_a_tflite_file(folder, tmp_path):
    run_calib8("export", folder / "m.onnx", "--quantize", "none", "--output-dir", tmp_path, check=True)
    for flag in (("--arch", "resnet18"), ("--num-classes", 10)):
        done = run_calib8("export", tmp_path / "model.tflite", *flag, "--output-dir", tmp_path / "out")
        assert done.returncode == calib8.ErrorCode.USAGE and flag[0] in done.stderr and "checkpoint" in done.stderr


def test_numbers_are_decimal(folder, tmp_path):
    for value in ("010", "0x10", "1e2", " 5", "+5"):
        done = run_calib8("export", folder / "m.onnx", "--num-calib-samples", value, "--output-dir", tmp_path / "out")
        assert done.returncode == calib8.ErrorCode.USAGE and "whole number" in done.stderr


def test_a_wrong_word_lists_the_right_ones(folder):
    done = run_calib8("export", folder / "m.onnx", "--quantize", "int4")
    assert done.stderr.startswith("calib8: --quantize: 'int4' is none of int8, ") and done.stderr.endswith(", float16, none\n")
    with pytest.raises(calib8.Error, match="is none of int8, .*float16, none"):
        calib8.export(folder / "m.onnx", quantize="int4")


def test_help_shows_words_and_defaults():
    text = run_calib8("export", "--help", check=True).stdout
    for words, default in (("|float16|none", "int8"), ("mse|minmax|percentile", "mse"), ("tflite|onnx|both", "tflite")):
        assert words in text and f"(default: {default})" in text
    assert "->" not in text and "ENUM" not in text and "{" not in text


def test_words_are_those_of_python(folder):
    from calib8 import _native

    text = run_calib8("export", "--help", check=True).stdout
    for enumeration in (_native.OutputFormat, _native.QuantizeTo, _native.CalibrationMethod, _native.ModelIo, _native.DatasetKind):
        assert "|".join(enumeration.__members__) in text


def test_types_of_options_name_what_there_is():
    """Each option of the native library is typed, but for what `export` sets itself; and each choice has its words."""
    hints = typing.get_type_hints(calib8.ExportOptions)
    native = {name for name in dir(_native.ExportOptions) if not name.startswith("_")}
    set_by_export = {"model", "python", "set_progress", "set_samples", "num_samples"}
    assert set(hints) == native - set_by_export
    for name, kind in exporter._ENUMS.items():
        assert set(typing.get_args(hints[name])) == set(kind.__members__), name
