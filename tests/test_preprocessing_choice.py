"""Which preprocessing is taken: the flags before the checkpoint's config before the default, and what is refused."""

import json

import calib8
import numpy as np
import pytest
import torch
from conftest import export_report, run_calib8

USAGE, DATASET = 2, 4
FEW = ["--num-calib-samples", "3", "--verify-samples", "2", "--min-agreement", "0"]


@pytest.fixture(scope="module")
def with_config(tmp_path_factory, digits_checkpoint):
    """A function that stores the digits model with another config and returns its path."""
    checkpoint = torch.load(digits_checkpoint, weights_only=True)
    folder = tmp_path_factory.mktemp("checkpoints")

    def store(**config):
        path = folder / f"{len(list(folder.iterdir()))}.pth"
        torch.save({**checkpoint, "config": {"model_arch": "efficientnet_b0", "num_classes": 10, **config}}, path)
        return path

    return store


def export(checkpoint, data, folder, *flags):
    return export_report("--checkpoint", checkpoint, "--dataset-dir", data, "--output-dir", folder, *FEW, *flags)


PRETRAINED = {"input_size": (3, 64, 64), "interpolation": "bicubic", "crop_pct": 0.9, "mean": (0.5, 0.5, 0.5),
              "std": (0.25, 0.25, 0.25), "crop_mode": "center"}  # fmt: skip


def test_the_config_is_used_and_said(with_config, digits_data, tmp_path):
    report = export(with_config(pretrained_cfg=PRETRAINED), digits_data, tmp_path)
    preprocessing = report["preprocessing"]
    assert (preprocessing["name"], preprocessing["from"]) == ("timm", "the checkpoint's config")
    assert preprocessing["resize"] == {"mode": "shortest-side", "size": 71}
    assert (preprocessing["interpolation"], preprocessing["std"]) == ("bicubic", [0.25] * 3)
    assert report["model"]["input_size"] == [64, 64]
    assert report["model"]["input_size_from"] == "the checkpoint's config"


def test_flags_win_over_the_config(with_config, digits_data, tmp_path):
    checkpoint = with_config(pretrained_cfg=PRETRAINED)
    steps = export(checkpoint, digits_data, tmp_path, "--std", "0.5", "--resize-mode", "exact", "--input-size", "32x48")
    preprocessing = steps["preprocessing"]
    assert (preprocessing["height"], preprocessing["width"]) == (32, 48)
    assert preprocessing["resize"] == {"mode": "exact", "size": [32, 48]}
    assert (preprocessing["mean"], preprocessing["std"]) == ([0.5] * 3, [0.5] * 3)
    assert preprocessing["from"] == "the checkpoint's config, and flags"
    whole = export(checkpoint, digits_data, tmp_path, "--preprocessing", "tf", "--input-size", "64")["preprocessing"]
    assert (whole["name"], whole["from"], whole["scale"]) == ("tf", "--preprocessing", "1/127.5")


def test_mean_and_std_of_a_config(with_config, digits_data, tmp_path):
    checkpoint = with_config(image_size=64, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
    preprocessing = export(checkpoint, digits_data, tmp_path)["preprocessing"]
    assert preprocessing["scale"] == "1" and preprocessing["mean"] == [123.675, 116.28, 103.53]


def test_an_unreadable_config_is_noted(with_config, digits_data, tmp_path):
    checkpoint = with_config(image_size=64, interpolation="random")
    done = run_calib8("export", checkpoint, "--dataset-dir", digits_data, "--output-dir", tmp_path, *FEW, check=True)
    assert 'the checkpoint\'s config: "interpolation" is "random"' in done.stderr
    assert "as imagenet (the default)" in done.stdout


def test_a_preset_gives_the_size_where_nothing_else_does(with_config, digits_data, tmp_path):
    checkpoint = with_config()
    report = export(checkpoint, digits_data, tmp_path, "--preprocessing", "torchvision:efficientnet_b1")
    assert report["model"]["input_size"] == [240, 240] and report["model"]["input_size_from"] == "--preprocessing"
    small = export(checkpoint, digits_data, tmp_path, "--preprocessing", "torchvision:resnet18", "--input-size", "64")
    assert small["preprocessing"]["resize"] == {"mode": "shortest-side", "size": 73}


def test_an_export_can_be_repeated_from_its_metadata(with_config, digits_data, tmp_path):
    checkpoint = with_config(image_size=64)
    flags = ["--crop", "0.9", "--interpolation", "opencv-bicubic", "--mean", "0.1,0.2,0.3", "--channel-order", "bgr"]
    first = export(checkpoint, digits_data, tmp_path / "first", *flags)
    metadata = tmp_path / "first" / "model.tflite.quantization_metadata"
    second = export(checkpoint, digits_data, tmp_path / "second", "--preprocessing", metadata)
    assert {**second["preprocessing"], "from": ""} == {**first["preprocessing"], "from": ""}
    assert second["outputs"]["tflite"]["sha256"] == first["outputs"]["tflite"]["sha256"]


def gray_model(path):
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, stride=2), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
        torch.nn.Linear(4, 10),
    )  # fmt: skip
    torch.onnx.export(network.eval(), (torch.zeros(1, 1, 28, 28),), str(path), dynamo=False, opset_version=17)
    return path


@pytest.mark.filterwarnings("ignore")
def test_a_model_of_one_channel_sees_gray(digits_data, tmp_path):
    model = gray_model(tmp_path / "gray.onnx")
    done = run_calib8("export", model, "--dataset-dir", digits_data, "--output-dir", tmp_path, *FEW, check=True)
    assert "the model takes one channel" in done.stderr and "gray, scale 1/255, no mean and std" in done.stdout
    preprocessing = export(model, digits_data, tmp_path, "--mean", "0.1307", "--std", "0.3081")["preprocessing"]
    assert (preprocessing["channel_order"], preprocessing["mean"]) == ("gray", [0.1307])
    for flags, words in [
        (["--preprocessing", "imagenet"], "add --mean and --std"),
        (["--channel-order", "rgb"], "takes 1 channel"),
        (["--mean", "0.4,0.5,0.6"], "3 values for 1 channel"),
    ]:
        done = run_calib8("export", model, "--dataset-dir", digits_data, "--output-dir", tmp_path, *FEW, *flags)
        assert (done.returncode, len(done.stderr.splitlines()[-1:])) == (USAGE, 1) and words in done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--preprocessing", "imagnet"], "neither a file nor a preset"),
        (["--preprocessing", "torchvision:alexnet"], "neither a file nor a preset"),
        (["--preprocessing", "timm"], "no pretrained_cfg"),
        (["--preprocessing", "/"], "no such file"),
        (["--resize-mode", "stretch"], "exact, shortest-side, cover, letterbox"),
        (["--interpolation", "cubic"], "opencv-bicubic"),
        (["--channel-order", "gray"], "takes 3 channels"),
        (["--channel-order", "grb"], "rgb, bgr, gray"),
        (["--scale", "0"], "1/255"),
        (["--scale", "1/x"], "1/255"),
        (["--crop", "1.5"], "from 0.05 to 1"),
        (["--crop", "0.9", "--resize-mode", "letterbox"], "letterbox cuts nothing"),
        (["--mean", "1,2"], "2 values for 3 channels"),
        (["--mean", "123.675,116.28,103.53"], "is the scale 1?"),
        (["--std", "0"], "std not 0"),
        (["--std", "nan"], "std"),
        (["--mean", "a"], "--mean"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused(digits_checkpoint, digits_data, tmp_path, flags, words):
    done = run_calib8("export", "--checkpoint", digits_checkpoint, "--dataset-dir", digits_data, "--output-dir", tmp_path,
                      "--quiet", *flags)  # fmt: skip
    assert done.returncode == USAGE, done.stderr
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr


@pytest.mark.parametrize("content", ["", "[]", "{", '{"height": 64}', '{"pretrained_cfg": 3}', '"x"', "\0" * 100])
def test_a_file_that_is_no_preprocessing_is_refused(digits_checkpoint, digits_data, tmp_path, content):
    file = tmp_path / "preprocessing.json"
    file.write_text(content)
    done = run_calib8("export", "--checkpoint", digits_checkpoint, "--dataset-dir", digits_data, "--output-dir", tmp_path,
                      "--quiet", "--preprocessing", file)  # fmt: skip
    assert done.returncode == USAGE, done.stderr
    assert len(done.stderr.splitlines()) == 1 and "preprocessing.json" in done.stderr


def test_python_takes_the_same(digits_checkpoint, digits_data, tmp_path):
    result = calib8.export(
        digits_checkpoint, dataset_dir=digits_data, output_dir=tmp_path, num_calib_samples=3, verify_samples=2,
        min_agreement=0.0, preprocessing="raw", scale=1 / 255, crop=0.875, mean=0.5, std=np.array([0.5, 0.4, 0.3]),
        channel_order="bgr", interpolation="bicubic", check_preprocessing=True,
    )  # fmt: skip
    preprocessing = result.report["preprocessing"]
    assert preprocessing["scale"] == "1/255" and preprocessing["resize"] == {"mode": "shortest-side", "size": 73}
    assert preprocessing["mean"] == [0.5] * 3 and preprocessing["std"] == [0.5, 0.4, 0.3]
    assert "RGB channel order" in json.dumps(result.report["measured"]["preprocessing_check"]["mistakes"])
    with pytest.raises(calib8.Error, match="neither a file nor a preset"):
        calib8.export(digits_checkpoint, dataset_dir=digits_data, output_dir=tmp_path, preprocessing="nothing")
