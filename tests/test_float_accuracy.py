"""What is said before anything is quantized: accuracy, sizes, the order of classes, arrays of two readings, metadata."""

import json

import numpy as np
import onnx
import pytest
import torch
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper
from PIL import Image


def brightness_classifier(path, classes: int, order=None, metadata=None, size=32):
    """Tells how bright a gray picture is, in `classes` steps; output i stands for step order[i]."""
    order = list(range(classes)) if order is None else order
    centres = np.linspace(0, 1, classes, dtype=np.float32)[order]
    # -(x - c)^2 = 2 c x - c^2 - x^2, of which the last is the same for all.
    weights, bias = 8 * centres[:, None], -4 * centres**2
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["features"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["features"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"], transB=1),
    ]
    kernel = np.zeros((1, 3, 3, 3), np.float32)
    kernel[0, :, 1, 1] = 1 / 3
    graph = helper.make_graph(
        nodes, "brightness",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, classes])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path


def pictures(root, names, count=12, size=32):
    """A folder a name; the n-th name's pictures have the n-th brightness."""
    generator = np.random.default_rng(0)
    for index, name in enumerate(names):
        level = 255 * index / (len(names) - 1)
        folder = root / name
        folder.mkdir(parents=True)
        for i in range(count):
            noise = generator.normal(level, 4, (size, size, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(folder / f"{i}.png")
    return root


def export(model, data, tmp_path, *flags, status=None):
    done = run_calib8("export", model, "--dataset-dir", data, "--output-dir", tmp_path / "out", "--scale", "1/255", "--mean", 0, "--std", 1, "--min-agreement", 0, "--num-calib-samples", 24, "--verify-samples", 20, *flags)
    assert done.returncode == (status or 0), done.stderr
    return done.stdout + done.stderr


NUMBERS = [str(n) for n in range(1, 13)]


def test_classes_in_the_order_of_their_numbers(tmp_path):
    """Folders 1, 10, 11, 12, 2: bytewise as torchvision numbers them, and not as training did here."""
    model = brightness_classifier(tmp_path / "m.onnx", 12)
    data = pictures(tmp_path / "data", NUMBERS)
    said = export(model, data, tmp_path)
    assert "--class-order natural" in said and "fix this before quantizing" in said
    said = export(model, data, tmp_path, "--class-order", "natural")
    assert "fix this" not in said and "right, float 20" in said, said
    report = json.loads((tmp_path / "out" / "model.tflite.quantization_metadata").read_text())
    assert "warnings" not in report


def test_labels_in_any_other_order(tmp_path):
    model = brightness_classifier(tmp_path / "m.onnx", 4, order=[2, 0, 3, 1])
    said = export(model, pictures(tmp_path / "data", ["a", "b", "c", "d"]), tmp_path)
    assert "tells the classes apart" in said and "numbers them otherwise" in said


def test_accuracy_of_chance_is_said_first(tmp_path):
    model = brightness_classifier(tmp_path / "m.onnx", 4)
    data = pictures(tmp_path / "data", ["a", "b", "c", "d"])
    files = sorted(data.glob("*/*.png"))
    contents = [file.read_bytes() for file in files]
    for file, place in zip(files, np.random.default_rng(1).permutation(len(files))):
        file.write_bytes(contents[place])  # labels that mean nothing
    done = run_calib8("export", model, "--dataset-dir", data, "--output-dir", tmp_path / "out", "--scale", "1/255", "--mean", 0, "--std", 1, "--min-agreement", 0)
    assert "no more than chance among 4 classes" in done.stdout
    assert done.stdout.index("chance") < done.stdout.index("m.onnx"), "said before all else"
    metadata = json.loads((tmp_path / "out" / "model.tflite.quantization_metadata").read_text())
    assert "chance" in metadata["warnings"][0]


def test_a_good_model_is_not_warned_of(tmp_path):
    said = export(brightness_classifier(tmp_path / "m.onnx", 4), pictures(tmp_path / "data", ["a", "b", "c", "d"]), tmp_path)
    assert "fix this" not in said and "otherwise" not in said


def test_another_number_of_classes_is_said(tmp_path):
    said = export(brightness_classifier(tmp_path / "m.onnx", 5), pictures(tmp_path / "data", ["a", "b"], 20), tmp_path)
    assert "the model has 5 outputs and the data 2 classes" in said


# Class names in the model's file


@pytest.mark.parametrize("key, value", [("names", "{0: 'Dark', 1: 'mid gray', 2: 'bright'}"), ("classes", '["dark", "mid_gray", "bright"]'), ("class_to_idx", '{"mid-gray": 1, "bright": 2, "dark": 0}'), ("id2label", '{"0": "dark", "1": "mid gray", "2": "bright"}')])
def test_class_names_in_the_file_number_the_folders(tmp_path, key, value):
    """In the order of the folders (bright, dark, mid_gray) all would be wrong."""
    data = tmp_path / "data"
    pictures(data, ["dark", "mid_gray", "bright"], 16)
    said = export(brightness_classifier(tmp_path / "m.onnx", 3, metadata={key: value}), data, tmp_path)
    assert "20 of 20 right, float 20" in said and "numbered by the 3 names" in said, said
    said = export(brightness_classifier(tmp_path / "m.onnx", 3, metadata={key: value}), data, tmp_path, "--class-order", "bytes")
    assert "fix this before quantizing" in said


def test_class_names_that_are_others_are_said(tmp_path):
    model = brightness_classifier(tmp_path / "m.onnx", 2, metadata={"names": "['cat', 'dog']"})
    said = export(model, pictures(tmp_path / "data", ["a", "b"], 20), tmp_path)
    assert "cat, dog" in said and "not all of them the same" in said


def test_class_names_of_a_part_of_the_classes(tmp_path):
    model = brightness_classifier(tmp_path / "m.onnx", 3, metadata={"names": "['dark', 'mid', 'bright']"})
    data = pictures(tmp_path / "all", ["dark", "mid", "bright"], 30)
    for file in (data / "dark").iterdir():
        file.unlink()
    (data / "dark").rmdir()
    said = export(model, data, tmp_path)
    assert "right, float 20" in said and "20 of 20 right" in said, said


@pytest.mark.parametrize("place", ["config", "beside", "args"])
def test_class_names_in_a_checkpoint(tmp_path, place):
    from support.torchvision_models import torchvision

    torch.manual_seed(0)
    weights = torchvision.models.resnet18(num_classes=3).state_dict()
    names = {"class_to_idx": {"mid_gray": 1, "bright": 2, "dark": 0}}
    content = {"state_dict": weights, **(names if place == "beside" else {place: names})}
    torch.save(content, tmp_path / "m.pth")
    data = pictures(tmp_path / "data", ["dark", "mid_gray", "bright"], 5)
    done = run_calib8("export", tmp_path / "m.pth", "--dataset-dir", data, "--output-dir", tmp_path / "out", "--quantize", "float16", "--verify-samples", 2, "--input-size", 32)
    assert done.returncode == 0, done.stderr
    metadata = json.loads((tmp_path / "out" / "model.tflite.quantization_metadata").read_text())
    assert metadata["dataset"]["classes"] == ["dark", "mid_gray", "bright"] and "numbered by the 3 names" in done.stderr


# Weights that are no numbers


def spoilt(path, value, where="kernel"):
    model = onnx.load(brightness_classifier(path, 3))
    for tensor in model.graph.initializer:
        if tensor.name == where:
            array = numpy_helper.to_array(tensor).copy()
            array.flat[0] = value
            tensor.CopyFrom(numpy_helper.from_array(array, where))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("quantize", ["none", "float16"])
@pytest.mark.parametrize("value, word", [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("where", ["kernel", "weights", "bias"])
def test_onnx_weights_that_are_no_numbers_are_refused(tmp_path, value, word, where, quantize):
    done = run_calib8("export", spoilt(tmp_path / "m.onnx", value, where), "--quantize", quantize, "--output-dir", tmp_path / "out")
    assert done.returncode == 3 and word in done.stderr and where in done.stderr, done.stderr
    assert not (tmp_path / "out" / "model.tflite").exists()


def test_tflite_weights_that_are_no_numbers_are_refused(tmp_path):
    run_calib8("export", brightness_classifier(tmp_path / "m.onnx", 3), "--quantize", "none", "--output-dir", tmp_path / "out", check=True)
    content = (tmp_path / "out" / "model.tflite").read_bytes()
    bias = (-4 * np.linspace(0, 1, 3, dtype=np.float32) ** 2).tobytes()
    assert bias in content
    (tmp_path / "nan.tflite").write_bytes(content.replace(bias, np.full(3, np.nan, np.float32).tobytes()))
    done = run_calib8("export", tmp_path / "nan.tflite", "--quantize", "float16", "--output-dir", tmp_path / "other")
    assert done.returncode == 3 and "NaN" in done.stderr, done.stderr


def test_infinity_in_a_mask_is_none_of_these(tmp_path):
    mask = np.array([0, -np.inf, 0], np.float32)
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "mask"], ["s"]), helper.make_node("Softmax", ["s"], ["y"])], "mask",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])], [numpy_helper.from_array(mask, "mask")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), tmp_path / "m.onnx")
    assert run_calib8("export", tmp_path / "m.onnx", "--quantize", "none", "--output-dir", tmp_path / "out").returncode == 0


# What an ONNX file says of itself


def test_ultralytics_metadata_are_used_and_said(tmp_path):
    metadata = {"description": "Ultralytics YOLO11n model", "author": "Ultralytics", "task": "detect", "stride": "32", "imgsz": "[32, 32]", "names": "{0: 'person', 1: 'car'}"}
    model = brightness_classifier(tmp_path / "m.onnx", 2, metadata=metadata)
    data = pictures(tmp_path / "data", ["x", "y"], 20)
    done = run_calib8("export", model, "--dataset-dir", data, "--output-dir", tmp_path / "out", "--min-agreement", 0)
    said = done.stdout + done.stderr
    assert "Ultralytics, task" in said and "pad with 114" in said and "as ultralytics (the file's metadata)" in said, said
    done = run_calib8("export", model, "--dataset-dir", data, "--output-dir", tmp_path / "out", "--min-agreement", 0, "--preprocessing", "imagenet")
    assert "as imagenet (--preprocessing)" in done.stdout + done.stderr


@pytest.mark.parametrize("value", ["not {a literal", "{0: [", "(" * 100, "{'a': {'b': 1}}", ""])
def test_metadata_that_mean_nothing_do_no_harm(tmp_path, value):
    model = brightness_classifier(tmp_path / "m.onnx", 2, metadata={"names": value, "imgsz": value, "task": value, "stride": value})
    assert run_calib8("export", model, "--quantize", "none", "--output-dir", tmp_path / "out").returncode == 0


# Sizes


@pytest.fixture(scope="module")
def small_resnet(tmp_path_factory):
    from support.torchvision_models import torchvision

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "m.pth"
    torch.save(torchvision.models.resnet18(num_classes=3).state_dict(), path)
    return path


def test_a_default_size_that_is_no_images_size_is_warned_of(tmp_path, small_resnet):
    data = pictures(tmp_path / "data", ["a", "b", "c"], 5, size=48)
    done = run_calib8("export", small_resnet, "--dataset-dir", data, "--output-dir", tmp_path / "out", "--quantize", "float16", "--verify-samples", 2)
    assert "224x224 by default, and all images are 48x48" in done.stderr and "--input-size 48" in done.stderr, done.stderr
    done = run_calib8("export", small_resnet, "--dataset-dir", data, "--output-dir", tmp_path / "out", "--quantize", "float16", "--verify-samples", 2, "--input-size", 224)
    assert "by default" not in done.stderr


def test_torchvisions_training_arguments_are_used(tmp_path, small_resnet):
    import argparse

    arguments = argparse.Namespace(model="resnet18", val_resize_size=72, val_crop_size=64, interpolation="bicubic", train_crop_size=56)
    torch.save({"model": torch.load(small_resnet), "args": arguments}, tmp_path / "m.pth")
    data = pictures(tmp_path / "data", ["a", "b", "c"], 5, size=90)
    done = run_calib8("export", tmp_path / "m.pth", "--dataset-dir", data, "--output-dir", tmp_path / "out", "--quantize", "float16", "--verify-samples", 2)
    said = done.stdout + done.stderr
    assert "input 64x64 (from the checkpoint's config)" in said and "bicubic" in said and "72" in said and "torchvision's training arguments" in said, said


def test_the_exporter_and_the_command_take_the_same_size(tmp_path, small_resnet):
    import calib8

    torch.save({"state_dict": torch.load(small_resnet), "config": {"input_size": 64}}, tmp_path / "m.pth")
    result = calib8.ModelExporter(tmp_path / "m.pth").export_to_tflite(tmp_path / "m.tflite", quantize="none")
    command = run_calib8("export", tmp_path / "m.pth", "--quantize", "none", "--output-dir", tmp_path / "out", "--json", "--quiet", check=True)
    assert result.report["model"] == json.loads(command.stdout)["model"]
    assert result.report["model"]["input_size"] == [64, 64] and "config" in result.report["model"]["input_size_from"]


@pytest.mark.slow
def test_other_sizes_are_among_the_mistakes(tmp_path, digits_checkpoint, digits_data):
    """Trained at 64, exported at 128: the float model gets a seventh right, and the check names the size."""
    done = run_calib8("export", digits_checkpoint, "--dataset-dir", digits_data, "--output-dir", tmp_path / "out", "--input-size", 128, "--quantize", "float16", "--verify-samples", 2, "--check-preprocessing")
    assert "input size 64" in done.stderr and "--input-size 64" in done.stderr, done.stderr


# Arrays that fit both ways


def save_cube(path):
    """A convolution of [1, 8, 8, 8]: whichever axis the channels are, the shape is the same."""
    kernel = np.random.default_rng(0).normal(size=(4, 8, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "k"], ["y"], kernel_shape=[3, 3])], "cube",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])], [numpy_helper.from_array(kernel, "k")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


@pytest.mark.parametrize("layout", ["channels-first", "channels-last"])
def test_arrays_of_two_readings_are_said_and_can_be_named(tmp_path, layout):
    save_cube(tmp_path / "m.onnx")
    values = np.random.default_rng(1).random((40, 8, 8, 8), np.float32)
    np.save(tmp_path / "x.npy", values)
    outs = []
    for flags, data in (((), values), (("--array-layout", layout), values if layout == "channels-first" else values.transpose(0, 2, 3, 1))):
        np.save(tmp_path / "x.npy", np.ascontiguousarray(data))
        done = run_calib8("export", tmp_path / "m.onnx", "--dataset-dir", tmp_path / "x.npy", "--output-dir", tmp_path / "out", "--min-agreement", 0, "--num-calib-samples", 30, "--verify-samples", 4, *flags)
        assert done.returncode == 0 and "layout is a guess" in done.stderr and "--array-layout" in done.stderr, done.stderr
        outs.append((tmp_path / "out" / "model.tflite").read_bytes())
    assert outs[0] == outs[1], "an ONNX file has channels first, and so has its arrays by default"


def test_arrays_of_two_readings_given_in_python(tmp_path, capfd):
    import calib8

    save_cube(tmp_path / "m.onnx")
    values = np.random.default_rng(1).random((40, 8, 8, 8), np.float32) * np.logspace(-1, 1, 8, dtype=np.float32)[:, None, None]
    files = []
    for layout, data in (("channels-first", values), ("channels-last", values.transpose(0, 2, 3, 1)), ("auto", values.transpose(0, 2, 3, 1))):
        result = calib8.export(tmp_path / "m.onnx", representative_data_gen=[np.ascontiguousarray(data)], num_calib_samples=30, verify_samples=4, min_agreement=0, output_dir=tmp_path / layout, array_layout=layout)
        files.append(result.tflite.read_bytes())
    assert files[0] == files[1] == files[2]
