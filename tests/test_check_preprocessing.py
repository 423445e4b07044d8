"""--check-preprocessing: with a trained model and a wrong preprocessing declared, it names the right one."""

import json
import warnings

import numpy as np
import pytest
import torch
from conftest import export_report, run_calib8
from PIL import Image
from torch import nn

SIZE = 32
#: Red, green, blue of each class: both their order and their brightness matter.
COLOURS = {
    "blue": (40, 50, 160), "bright_blue": (140, 150, 250), "bright_red": (250, 150, 140), "dark": (40, 40, 45),
    "gray": (128, 128, 128), "red": (160, 50, 40), "white": (230, 230, 230), "yellow": (200, 190, 40),
}  # fmt: skip
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def coloured(generator, colour, height, width):
    pixels = np.array(colour) + generator.normal(0, 20, 3) + generator.normal(0, 25, (height, width, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small network that tells the colours, trained on RGB with ImageNet's mean and std."""
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    labels = np.arange(640) % len(COLOURS)
    colours = list(COLOURS.values())
    pixels = np.stack([coloured(generator, colours[label], SIZE, SIZE) for label in labels])
    images = torch.tensor((pixels / 255 - MEAN) / DEVIATION, dtype=torch.float32).permute(0, 3, 1, 2)
    network = nn.Sequential(
        nn.Conv2d(3, 12, 3, stride=2), nn.ReLU(), nn.Conv2d(12, 24, 3, stride=2), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, len(COLOURS)),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    targets = torch.tensor(labels)
    for _ in range(120):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), targets).backward()
        optimizer.step()
    assert (network(images).argmax(1) == targets).float().mean() > 0.95
    path = tmp_path_factory.mktemp("colours") / "colours.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network.eval(), (torch.zeros(1, 3, SIZE, SIZE),), str(path), dynamo=False, opset_version=17)
    return path


def write_dataset(folder, draw):
    generator = np.random.default_rng(1)
    for name in COLOURS:
        (folder / "val" / name).mkdir(parents=True)
        for number in range(25):
            Image.fromarray(draw(generator, name)).save(folder / "val" / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(
        tmp_path_factory.mktemp("dataset"), lambda generator, name: coloured(generator, COLOURS[name], 40, 48)
    )


def check(model, dataset, folder, flags):
    """What the check measured; `flags` are those beside --check-preprocessing, by name."""
    words = [word for flag, value in flags.items() for word in (flag, value)]
    report = export_report(model, "--dataset-dir", dataset, "--output-dir", folder, "--min-agreement", "0",
                           "--check-preprocessing", *words)  # fmt: skip
    return report["measured"]["preprocessing_check"]


def parse_flags(text):
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


IMAGENET = {"--mean": "0.485,0.456,0.406", "--std": "0.229,0.224,0.225"}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"--channel-order": "bgr"}, {"--channel-order": "rgb"}),
        ({"--preprocessing": "tf"}, {"--scale": "1/255", **IMAGENET}),
        ({"--preprocessing": "raw"}, {"--scale": "1/255", **IMAGENET}),
        ({"--mean": "0", "--std": "1"}, IMAGENET),
        ({"--std": "-0.229,-0.224,-0.225", "--mean": "0.515,0.544,0.594"}, IMAGENET),
        ({"--preprocessing": "tf", "--channel-order": "bgr"}, {"--channel-order": "rgb", "--scale": "1/255", **IMAGENET}),
    ],
    ids=["bgr", "-1..1", "0..255", "0..1", "inverted", "-1..1 and bgr"],
)
def test_the_right_preprocessing_is_named(model, dataset, tmp_path, declared, expected):
    found = check(model, dataset, tmp_path, declared)
    assert found["images"] == 200
    better = found["better"]
    assert better["p"] < 0.01 and better["correct"] > 190 > found["correct"]
    assert parse_flags(better["flags"]) == expected
    assert better["flags"] in found["verdict"] and better["name"] in found["verdict"]
    corrected = check(model, dataset, tmp_path, {**declared, **expected})
    assert corrected["correct"] == better["correct"] and "better" not in corrected


def test_the_right_one_is_not_doubted(model, dataset, tmp_path):
    found = check(model, dataset, tmp_path, {})
    assert "better" not in found and found["correct"] > 190
    assert found["verdict"].startswith("none of 7 usual mistakes scores clearly better")
    for mistake in found["mistakes"]:
        assert mistake["correct"] - found["correct"] == mistake["only_this"] - mistake["only_declared"]


def test_a_missing_crop_is_named(model, tmp_path):
    """Stripes of another class on the left and right, which the crop of training cut off."""

    def draw(generator, name):
        pixels = coloured(generator, COLOURS["white" if name != "white" else "dark"], 40, 110)
        pixels[:, 33:77] = coloured(generator, COLOURS[name], 40, 44)
        return pixels

    found = check(model, write_dataset(tmp_path / "data", draw), tmp_path / "out", {})
    assert found["better"]["name"] == "resize of the shortest side and center crop"
    assert parse_flags(found["better"]["flags"]) == {"--resize-mode": "shortest-side", "--crop": "0.875"}


def test_people_are_warned(model, dataset, tmp_path):
    arguments = ["export", model, "--dataset-dir", dataset, "--output-dir", tmp_path, "--check-preprocessing"]
    done = run_calib8(*arguments, "--channel-order", "bgr", check=True)
    assert "warning: the preprocessing looks wrong: with RGB channel order" in done.stderr
    assert "  checked    the preprocessing looks wrong" in done.stdout
    metadata = json.loads((tmp_path / "model.tflite.quantization_metadata").read_text())
    assert metadata["measured"]["preprocessing_check"]["better"]["name"] == "RGB channel order"


def test_without_labels_it_says_why_not(model, dataset, tmp_path):
    found = check(model, dataset / "val" / "red", tmp_path, {})
    assert found["images"] == 0 and "the folder has no classes" in found["verdict"]


def test_other_classes_are_no_labels(model, dataset, tmp_path):
    for name in ("red", "blue"):
        (tmp_path / "data" / "val" / name).mkdir(parents=True)
        Image.new("RGB", (40, 40)).save(tmp_path / "data" / "val" / name / "0.png")
    found = check(model, tmp_path / "data", tmp_path / "out", {})
    assert "the model has 8 classes and the folder 2" in found["verdict"]


def test_it_needs_a_model_to_calibrate(model, dataset, tmp_path):
    done = run_calib8("export", model, "--dataset-dir", dataset, "--output-dir", tmp_path, "--check-preprocessing",
                      "--quantize", "none")  # fmt: skip
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_a_wrong_preprocessing_of_the_digits_is_caught(digits_checkpoint, digits_data, tmp_path):
    found = check(digits_checkpoint, digits_data, tmp_path, {"--preprocessing": "tf"})
    assert found["better"]["name"] == "ImageNet's mean and std" and found["better"]["correct"] > 280
