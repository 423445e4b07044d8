"""Each step of a declared preprocessing against the library whose step it is: Pillow, OpenCV, torchvision."""

import json
import math
import random

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from support.torchvision_models import ARCHITECTURES
from torchvision import transforms
from torchvision.models import get_model_weights

from calib8 import _native as native

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
OPENCV = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
#: Width and height before, then after.
SIZES = [
    (1, 1, 1, 1), (1, 1, 224, 224), (1, 9, 5, 2), (8, 1, 3, 7), (2, 3, 300, 1), (7, 5, 7, 9), (16, 16, 8, 8),
    (500, 375, 224, 224), (375, 500, 224, 224), (3, 1000, 224, 224), (1000, 3, 224, 224), (640, 480, 639, 481),
    (61, 47, 224, 160), (448, 448, 224, 224), (333, 4, 1, 1),
]  # fmt: skip


def picture(seed, width, height):
    """Noise, a ramp, and an edge between black and white, which overshooting filters show."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (height, width, 3))
    pixels[:, : width // 3] = np.add.outer(np.arange(height), np.arange(width // 3))[:, :, None] % 256
    pixels[: height // 2, width * 2 // 3 :] = 255
    pixels[height // 2 :, width * 2 // 3 :] = 0
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture
def stored(tmp_path):
    """A function that saves a picture and returns its path."""

    def store(image):
        path = tmp_path / "image.png"
        image.save(path, compress_level=1)
        return str(path)

    return store


def declaration(height, width, **members):
    return json.dumps({"height": height, "width": width, **members})


def declared(height=224, width=224, channels=3, **options):
    """The preprocessing that these flags give, as a dict."""
    flags = native.ExportOptions()
    for name, value in options.items():
        setattr(flags, name, value)
    return json.loads(native.choose_preprocessing(flags, height, width, channels))


def random_sizes(seed, count):
    chooser = random.Random(seed)
    return [
        tuple(chooser.choice([1, 2, 3, 8, 224, chooser.randint(1, 60), chooser.randint(1, 500)]) for _ in range(4))
        for _ in range(count)
    ]


def check_pillow(stored, name, sizes, seed=0):
    for width, height, new_width, new_height in sizes:
        image = picture(seed, width, height)
        result = native.fit_image(stored(image), declaration(new_height, new_width, interpolation=name))
        expected = np.asarray(image.resize((new_width, new_height), PILLOW[name]))
        np.testing.assert_array_equal(result, expected, err_msg=f"{width}x{height} to {new_width}x{new_height}")


@pytest.mark.parametrize("name", PILLOW)
def test_pillow_resize_is_equal(stored, name):
    check_pillow(stored, name, SIZES + random_sizes(name, 40))


@pytest.mark.slow
@pytest.mark.parametrize("name", PILLOW)
def test_pillow_resize_is_equal_for_large_pictures(stored, name):
    large = [(4000, 3000, 224, 224), (3000, 4000, 256, 341), (4000, 1, 224, 224), (1, 3000, 7, 5), (30, 40, 4000, 3000)]
    check_pillow(stored, name, large + random_sizes(f"slow {name}", 400))


def check_opencv(stored, name, sizes, seed=1):
    for width, height, new_width, new_height in sizes:
        image = picture(seed, width, height)
        result = native.fit_image(stored(image), declaration(new_height, new_width, interpolation=f"opencv-{name}"))
        expected = cv2.resize(np.asarray(image), (new_width, new_height), interpolation=OPENCV[name])
        difference = np.abs(result.astype(int) - expected.astype(int)).max()
        assert difference <= (0 if name == "nearest" else 1), f"{width}x{height} to {new_width}x{new_height}"


@pytest.mark.parametrize("name", OPENCV)
def test_opencv_resize_is_within_one_level(stored, name):
    check_opencv(stored, name, SIZES + random_sizes(f"opencv {name}", 40))


@pytest.mark.slow
@pytest.mark.parametrize("name", OPENCV)
def test_opencv_resize_is_within_one_level_for_large_pictures(stored, name):
    large = [(4000, 3000, 224, 224), (3000, 4000, 256, 341), (30, 40, 4000, 3000)]
    check_opencv(stored, name, large + random_sizes(f"slow opencv {name}", 400))


def letterbox(pixels, height, width, pad=114):
    """Ultralytics' formula on OpenCV."""
    ratio = min(height / pixels.shape[0], width / pixels.shape[1])
    new_width, new_height = round(pixels.shape[1] * ratio), round(pixels.shape[0] * ratio)
    across, down = (width - new_width) / 2, (height - new_height) / 2
    if pixels.shape[:2] != (new_height, new_width):
        pixels = cv2.resize(pixels, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    top, bottom, left, right = round(down - 0.1), round(down + 0.1), round(across - 0.1), round(across + 0.1)
    return cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(pad, pad, pad))


def test_letterbox_is_within_one_level_of_its_formula(stored):
    sizes = [(640, 480, 640, 640), (500, 375, 640, 640), (375, 501, 640, 384), (1280, 721, 640, 640), (31, 17, 64, 33)]
    for width, height, new_width, new_height in sizes + [size for size in random_sizes(7, 60)]:
        ratio = min(new_height / height, new_width / width)
        if min(round(height * ratio), round(width * ratio)) < 1:
            continue  # OpenCV can't make nothing of a side
        image = picture(2, width, height)
        preset = declared(new_height, new_width, preprocessing="ultralytics")
        assert (preset["resize"]["mode"], preset["exif_orientation"]) == ("letterbox", True)
        result = native.fit_image(stored(image), json.dumps(preset))
        expected = letterbox(np.asarray(image), new_height, new_width)
        assert result.shape == expected.shape
        assert np.abs(result.astype(int) - expected.astype(int)).max() <= 1, (width, height, new_width, new_height)


def test_letterbox_keeps_a_pixel_of_a_line(stored):
    result = native.fit_image(stored(Image.new("RGB", (2000, 1), (9, 9, 9))), json.dumps(declared(
        64, 64, preprocessing="ultralytics")))  # fmt: skip
    assert sorted(np.unique(result)) == [9, 114] and (result == 9).all(axis=(1, 2)).sum() == 1


def eval_transform(resize, crop, interpolation=transforms.InterpolationMode.BILINEAR, **values):
    values = values or IMAGENET
    steps = [transforms.Resize(resize, interpolation), transforms.CenterCrop(crop), transforms.ToTensor()]
    return transforms.Compose([*steps, transforms.Normalize(**values)])


def check_tensor(stored, image, preprocessing, transform):
    result = native.preprocess(stored(image), json.dumps(preprocessing))
    expected = transform(image).permute(1, 2, 0).numpy()[None]
    assert result.shape == expected.shape, image.size
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6, err_msg=str(image.size))


def test_resize_crop_normalize_is_torchvisions(stored):
    """Also pictures that are smaller than the crop, and oblong ones, whose crop starts at half pixels."""
    preprocessing = declared(crop="224/256")
    assert preprocessing["resize"] == {"mode": "shortest-side", "size": 256}
    sizes = [(500, 375), (375, 500), (1, 1), (3, 5), (224, 224), (256, 256), (257, 256), (300, 259), (1000, 33), (640, 481)]
    for width, height in sizes + [size[:2] for size in random_sizes(3, 20)]:
        check_tensor(stored, picture(3, width, height), preprocessing, eval_transform(256, 224))


def test_a_crop_larger_than_the_picture_is_padded_as_torchvision_does(stored):
    for size, resize, crop in [((40, 30), 20, (33, 31)), ((30, 41), 21, (28, 28)), ((9, 9), 5, (6, 20))]:
        preprocessing = {**declared(*crop), "resize": {"mode": "shortest-side", "size": resize}}
        check_tensor(stored, picture(4, *size), preprocessing, eval_transform(resize, crop))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_presets_are_torchvisions_transforms(stored, architecture):
    image = picture(5, 320, 250)
    weights = list(get_model_weights(architecture))
    for entry in weights:
        transform = entry.transforms()
        size = transform.crop_size[0]
        preset = declared(size, size, preprocessing=f"torchvision:{entry}")
        assert preset["name"] == f"torchvision:{entry}"
        assert preset["resize"] == {"mode": "shortest-side", "size": transform.resize_size[0]}
        assert preset["interpolation"] == transform.interpolation.value
        assert (preset["mean"], preset["std"]) == (transform.mean, transform.std)
        check_tensor(stored, image, preset, transform)
    default = get_model_weights(architecture).DEFAULT
    for name in (architecture, f"{type(default).__name__}.DEFAULT"):
        assert declared(size, size, preprocessing=f"torchvision:{name}")["name"] == f"torchvision:{default}"


def timm_config(**members):
    return {"input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.9, "mean": [0.5] * 3, "std": [0.5] * 3,
            "crop_mode": "center", **members}  # fmt: skip


@pytest.mark.parametrize("wrapped", [False, True])
def test_timm_resizes_to_the_size_over_crop_pct(stored, tmp_path, wrapped):
    half = {"mean": [0.5] * 3, "std": [0.5] * 3}
    cubic = transforms.InterpolationMode.BICUBIC
    for config, resize, crop in [
        (timm_config(), math.floor(224 / 0.9), 224),
        (timm_config(crop_pct=0.95, input_size=[3, 240, 240]), math.floor(240 / 0.95), 240),
        (timm_config(crop_mode="squash"), (math.floor(224 / 0.9), math.floor(224 / 0.9)), 224),
        (timm_config(crop_pct=1.0), 224, 224),
    ]:
        file = tmp_path / "config.json"
        file.write_text(json.dumps({"architecture": "x", "pretrained_cfg": config} if wrapped else config))
        preprocessing = declared(crop, crop, preprocessing=str(file))
        for size in [(500, 375), (90, 200)]:
            check_tensor(stored, picture(6, *size), preprocessing, eval_transform(resize, crop, cubic, **half))


def test_timm_covers_oblong_inputs(stored, tmp_path):
    """timm's ResizeKeepRatio: the sides over the lesser ratio, rounded."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(timm_config(input_size=[3, 128, 200], crop_pct=1.0)))
    preprocessing = declared(128, 200, preprocessing=str(file))
    for width, height in [(500, 375), (333, 500), (100, 40)]:
        ratio = min(height / 128, width / 200)
        resize = (round(height / ratio), round(width / ratio))
        check_tensor(stored, picture(6, width, height), preprocessing,
                     eval_transform(resize, (128, 200), transforms.InterpolationMode.BICUBIC, mean=[0.5] * 3, std=[0.5] * 3))  # fmt: skip


def test_channels_come_in_the_declared_order(stored):
    image = picture(8, 60, 40)
    rgb = native.preprocess(stored(image), json.dumps(declared(preprocessing="raw")))
    bgr = native.preprocess(stored(image), json.dumps(declared(preprocessing="raw", channel_order="bgr")))
    np.testing.assert_array_equal(rgb[..., ::-1], bgr)
    assert rgb.max() == 255


def test_gray_is_pillows_before_the_resize(stored):
    image = picture(9, 60, 40)
    preprocessing = declared(32, 32, channels=1, preprocessing="raw", interpolation="bicubic")
    result = native.preprocess(stored(image), json.dumps(preprocessing))
    expected = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(result, expected[None, :, :, None].astype(np.float32))


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({"preprocessing": "tf"}, -1, 1),
        ({"preprocessing": "raw"}, 0, 255),
        ({"preprocessing": "raw", "scale": "1/255"}, 0, 1),
        ({"scale": "0.00392156862745098", "mean": [0.5], "std": [0.5]}, -1, 1),
        ({"scale": "1", "mean": [127.5], "std": [127.5]}, -1, 1),
        ({"mean": [1.0], "std": [-1.0]}, 1, 0),
        ({"preprocessing": "ultralytics"}, 0, 1),
    ],
)
def test_values_are_scaled_and_shifted(stored, options, low, high):
    for pixel, expected in [(0, low), (255, high)]:
        image = Image.new("RGB", (8, 8), (pixel,) * 3)
        result = native.preprocess(stored(image), json.dumps(declared(8, 8, **options)))
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)


def test_values_are_pytorchs_to_the_bit(stored):
    image = picture(10, 33, 21)
    for mean, std in [([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), ([0.5071, 0.4867, 0.4408], [0.2675, 0.2565, 0.2761])]:
        result = native.preprocess(stored(image), json.dumps(declared(21, 33, mean=mean, std=std)))
        expected = transforms.Normalize(mean, std)(transforms.ToTensor()(image))
        assert torch.equal(torch.from_numpy(result[0]).permute(2, 0, 1), expected)
