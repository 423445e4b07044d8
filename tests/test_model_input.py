"""What an int8 model is fed: the picture's own bytes, with the normalization inside the first layer, or what the float model takes.

The oracles are PyTorch for what the model computes, Pillow for the pixels, and LiteRT for what the file does."""

import contextlib
import io
import json
import warnings

import numpy as np
import pytest
import torch
from conftest import DIGITS, export_report, run_calib8
from support import images, runtimes
from torch import nn

import calib8

SIZE = 48
FEW = ("--num-calib-samples", "24", "--verify-samples", "8")
EXACT = 1e-5  # of the largest output

STEMS = {
    "3x3": nn.Conv2d(3, 8, 3, padding=1),
    "3x3, stride 2": nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
    "3x3, stride 2, padded behind": nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 8, 3, stride=2)),
    "3x3, dilated": nn.Conv2d(3, 8, 3, padding=2, dilation=2),
    "5x5": nn.Conv2d(3, 8, 5, padding=2),
    "5x5, stride 2": nn.Conv2d(3, 8, 5, stride=2, padding=2),
    "7x7, stride 2": nn.Conv2d(3, 8, 7, stride=2, padding=3),
    "7x7, depthwise": nn.Conv2d(3, 6, 7, padding=3, groups=3),
    "patches of 16x16": nn.Conv2d(3, 8, 16, stride=16),
    "linear": nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, 12)),
}


class Network(nn.Module):
    """Gives out what the stem does, borders and all, and what is made of it."""

    def __init__(self, stem: nn.Module):
        super().__init__()
        self.stem = stem
        with torch.no_grad():
            width = stem(torch.zeros(1, 3, SIZE, SIZE)).shape[1]
        self.head = nn.Linear(width, 5)

    def forward(self, image):
        features = self.stem(image)
        return features, self.head(torch.relu(features.flatten(2).mean(2) if features.dim() == 4 else features))


def save(model: nn.Module, path):
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), (torch.zeros(1, 3, SIZE, SIZE),), str(path), dynamo=False, opset_version=17, input_names=["image"])
    return path


def seeded(stem: str) -> Network:
    torch.manual_seed(7)
    network = Network(STEMS[stem])
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    return network


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    return folder, images.write_images(folder, 200, seed=11, height=60, width=70)


@pytest.fixture(scope="module")
def pictures(photos):
    """uint8 [200, SIZE, SIZE, 3] and what training makes of them."""
    real = images.batch(photos[1], SIZE, SIZE)
    return np.rint((real * images.DEVIATION + images.MEAN) * 255).astype(np.uint8), real


def run(path, arrays):
    """All outputs of each array, dequantized, by the number of their values."""
    model = runtimes.interpreter(path)
    (source,), sinks = model.get_input_details(), model.get_output_details()
    found = []
    for array in arrays:
        model.set_tensor(source["index"], array[None].astype(source["dtype"]))
        model.invoke()
        found.append([runtimes.dequantize(model.get_tensor(sink["index"]), sink).ravel() for sink in sinks])
    return {len(outputs[0]): np.stack(outputs) for outputs in zip(*found, strict=True)}, source


def by_torch(network, real):
    with torch.no_grad():
        outputs = network(images.to_torch(real))
    return {output[0].numel(): (output.permute(0, 2, 3, 1) if output.dim() == 4 else output).flatten(1).double().numpy() for output in outputs}


@pytest.mark.parametrize("stem", STEMS)
def test_float_models_of_pixels_are_exact_up_to_the_border(stem, pictures, tmp_path):
    network = seeded(stem)
    model = save(network, tmp_path / "net.onnx")
    made = {}
    for kind in ("normalized", "pixels"):
        folder = tmp_path / kind
        report = export_report(model, "--quantize", "none", "--model-input", kind, "--output-dir", folder)
        made[kind] = folder / "model.tflite"
        assert ("model_input" in report) == (kind == "pixels")
    pixels, real = pictures
    expected = by_torch(network, real)
    normalized, of_pixels = run(made["normalized"], real)[0], run(made["pixels"], pixels)[0]
    for size, values in expected.items():
        assert np.abs(of_pixels[size] - normalized[size]).max() <= EXACT * np.abs(values).max()
        assert np.abs(of_pixels[size] - values).max() <= EXACT * np.abs(values).max()


@pytest.mark.parametrize("stem", [name for name in STEMS if "dilated" not in name])
@pytest.mark.parametrize("io_type", ["int8", "uint8"])
def test_int8_models_take_the_bytes(stem, io_type, photos, pictures, tmp_path):
    if io_type == "uint8" and stem != "3x3, stride 2":
        return  # the type of the input says nothing about the layer behind
    network = seeded(stem)
    model = save(network, tmp_path / "net.onnx")
    decibels, partitions = {}, {}
    for kind in ("normalized", "pixels"):
        folder = tmp_path / kind
        report = export_report(
            model, "--dataset-dir", photos[0], "--model-input", kind, "--io", io_type, "--min-agreement", "0", "--output-dir", folder, *FEW,
        )  # fmt: skip
        pixels, real = pictures
        path = folder / "model.tflite"
        _, source = run(path, [])
        less = 128 if io_type == "int8" else 0
        fed = pixels.astype(int) - less if kind == "pixels" else runtimes.quantize(real, source)
        found, expected = run(path, fed)[0], by_torch(network, real)
        decibels[kind] = {size: runtimes.sqnr(expected[size], found[size]) for size in expected}
        assert report["model_input"]["takes"] == kind
        partitions[kind] = runtimes.delegated_whole(path)
        if kind == "pixels":
            assert source["quantization"] == (1.0, -less)
            assert "RGB 48x48" in report["model_input"]["feed"] and "bytes" in report["model_input"]["feed"]
    for size, value in decibels["pixels"].items():
        assert value >= decibels["normalized"][size] - 0.5, (stem, decibels)
        assert value > 10
    assert partitions["pixels"] == partitions["normalized"], "the border is XNNPACK's work, too"


def test_the_border_of_an_int8_model_is_the_mean_colour_to_half_a_level(photos, pictures, tmp_path):
    network = seeded("7x7, stride 2")
    model = save(network, tmp_path / "net.onnx")
    export_report(model, "--dataset-dir", photos[0], "--model-input", "pixels", "--output-dir", tmp_path, "--min-agreement", "0", *FEW)
    pixels, real = pictures
    found, expected = run(tmp_path / "model.tflite", pixels.astype(int) - 128)[0], by_torch(network, real)
    size = max(expected)
    error = np.abs(found[size] - expected[size]).reshape(len(real), SIZE // 2, SIZE // 2, -1)
    border = np.ones(error.shape[1:3], bool)
    border[2:-2, 2:-2] = False
    assert error[:, border].max() <= 2 * error[:, ~border].max()


def test_pixels_are_chosen_where_they_measure_clearly_better(tmp_path):
    report = export_report("--checkpoint", DIGITS / "efficientnet_b0_digits.pth", "--dataset-dir", DIGITS / "data", "--output-dir", tmp_path)
    comparison = report["measured"]["comparison"]
    with_pixels = [entry for entry in comparison["candidates"] if "pixels in" in entry["name"]]
    assert with_pixels, comparison
    others = [entry for entry in comparison["candidates"] if "pixels in" not in entry["name"] and "corrected" not in entry["name"]]
    lead = with_pixels[0]["sqnr_decibels"] - max(entry["sqnr_decibels"] for entry in others)
    chosen = comparison["candidates"][comparison["chosen"]]["name"]
    assert ("pixels in" in chosen) == (lead > 0.3)
    assert report["options"]["model_input"] == "auto"
    assert report["model_input"]["takes"] == ("pixels" if "pixels in" in chosen else "normalized")


def test_fast_feeds_as_training_did(tmp_path):
    report = export_report(
        "--checkpoint", DIGITS / "efficientnet_b0_digits.pth", "--dataset-dir", DIGITS / "data", "--effort", "fast", "--output-dir", tmp_path, *FEW
    )  # fmt: skip
    assert report["model_input"]["takes"] == "normalized" and "round(value / " in report["model_input"]["feed"]


def test_what_is_fed_is_said(photos, tmp_path):
    model = save(seeded("3x3"), tmp_path / "net.onnx")
    done = run_calib8(
        "export", model, "--dataset-dir", photos[0], "--model-input", "pixels", "--io", "uint8", "--min-agreement", "0", "--output-dir", tmp_path, *FEW, check=True
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.split()[:1] == ["feed"])
    assert line.split(None, 1)[1] == "uint8 RGB 48x48 (height x width): the resized picture's bytes"
    shown = run_calib8("inspect", tmp_path / "model.tflite.quantization_metadata", check=True).stdout
    assert line.strip() in shown


def test_the_generator_feeds_pixels(photos, tmp_path):
    model = save(seeded("3x3"), tmp_path / "net.onnx")
    options = {"dataset_dir": photos[0], "model_input": "pixels", "min_agreement": 0.0, "num_calib_samples": 24, "verify_samples": 8}
    result = calib8.export(model, tflite_path=tmp_path / "pixels.tflite", onnx_path=tmp_path / "again.onnx", **options)
    for layout in ("NHWC", "NCHW"):
        generator = calib8.RepresentativeDataGenerator(photos[0], num_samples=5, input_size=SIZE, layout=layout)
        found = np.concatenate(list(generator.generate_tflite_batches(result.tflite)))
        real = images.batch(generator.paths, SIZE, SIZE)
        assert found.dtype == np.int8
        assert (found == np.rint((real * images.DEVIATION + images.MEAN) * 255) - 128).all()

    class Own(calib8.RepresentativeDataGenerator):
        def preprocess(self, path):
            return images.preprocessed(path, SIZE, SIZE)

    with pytest.raises(calib8.Error, match="takes pixels"):
        list(Own(photos[0], input_size=SIZE).generate_tflite_batches(result.tflite))


def test_arrays_of_bytes_are_pixels(pictures, tmp_path):
    """A model with the normalization inside: its input holds pixels, and int8 holds them exactly."""

    class Inside(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = seeded("3x3, stride 2")

        def forward(self, image):
            mean, deviation = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (images.MEAN, images.DEVIATION))
            return self.network((image / 255 - mean) / deviation)

    model = save(Inside(), tmp_path / "net.onnx")
    np.save(tmp_path / "pixels.npy", pictures[0][:60].astype(np.float32))
    report = export_report(
        model, "--dataset-dir", tmp_path / "pixels.npy", "--model-input", "pixels", "--min-agreement", "0", "--output-dir", tmp_path, *FEW
    )  # fmt: skip
    assert report["model_input"]["feed"] == "int8: the arrays' values less 128"
    found = run(tmp_path / "model.tflite", pictures[0].astype(int) - 128)[0]
    expected = by_torch(seeded("3x3, stride 2"), pictures[1])
    assert all(runtimes.sqnr(expected[size], found[size]) > 15 for size in expected)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--quantize", "int16x8"), 2, "--model-input: int16"),
        (("--io", "float32"), 2, "--model-input: an int8 model takes pixels as --io int8 or uint8"),
        (("--dataset-dir", "normalized.npy"), 4, "the samples are no pictures"),
        ((), 3, "the model can't take pixels: TANH"),
    ],
)
def test_what_pixels_need(arguments, status, words, photos, pictures, tmp_path):
    torch.manual_seed(3)
    model = save(nn.Sequential(nn.Tanh(), nn.Conv2d(3, 4, 3)), tmp_path / "net.onnx")
    np.save(tmp_path / "normalized.npy", pictures[1][:40])
    data = () if "--dataset-dir" in arguments else ("--dataset-dir", photos[0])
    done = run_calib8("export", model, *data, *arguments, "--model-input", "pixels", "--output-dir", tmp_path / "out", *FEW, cwd=tmp_path)
    assert done.returncode == status and words in done.stderr, done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("calib8: ") and not (tmp_path / "out" / "model.tflite").exists()


def test_metadata_are_a_preprocessing_of_whatever_input(photos, tmp_path):
    """What an export was fed says how images go, too: given as --preprocessing it is the same again."""
    model = save(seeded("3x3"), tmp_path / "net.onnx")
    arguments = (model, "--dataset-dir", photos[0], "--model-input", "pixels", "--min-agreement", "0", "--effort", "fast", *FEW)
    first = export_report(*arguments, "--output-dir", tmp_path / "first")
    metadata = tmp_path / "first" / "model.tflite.quantization_metadata"
    again = export_report(*arguments, "--preprocessing", metadata, "--output-dir", tmp_path / "again")
    assert json.loads(metadata.read_text())["model_input"]["takes"] == "pixels"
    assert again["outputs"]["tflite"]["sha256"] == first["outputs"]["tflite"]["sha256"]
