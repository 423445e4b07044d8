"""`calib8 dataset`: what it finds, says and writes; the module that it writes, on NumPy and Pillow alone."""

import base64
import html.parser
import io
import json
import os
import pathlib
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
from conftest import run_calib8
from PIL import Image
from support.small_onnx import save_image_classifier

from calib8 import _native as native

HOSTILE = ['<script>alert(1)</script>', '"""\\", 0)\nimport os#', "it's & <b>", "{0}%s\u202e\u732b\U0001f431"]


def picture(path, seed, size=(40, 30), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)


def dataset(*arguments, status=0, **options):
    done = run_calib8("dataset", *arguments, **options)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two classes of pictures of many shapes and formats."""
    root = tmp_path_factory.mktemp("photos")
    sizes = [(40, 30), (30, 40), (301, 97), (64, 64), (1, 1), (3, 200), (225, 224), (500, 375)]
    for number, size in enumerate(sizes):
        for name, ending in (("cat", ".png"), ("dog", ".jpg")):
            picture(root / "val" / name / f"{number}{ending}", number + 100 * len(name + ending), size)
    picture(root / "val/cat/gray.png", 1, (50, 41), "L")
    picture(root / "val/cat/palette.png", 2, (50, 41), "P")
    deep = np.random.default_rng(3).integers(0, 65536, (33, 47)).astype(np.uint16)
    Image.fromarray(deep).save(root / "val/dog/deep.png")
    exif = Image.Exif()
    exif[274] = 6
    picture(root / "val/dog/turned.jpg", 4, (60, 31), exif=exif)
    return root


@pytest.fixture(scope="module")
def detection(tmp_path_factory):
    """White boxes on black, with YOLO's labels; class names that mean harm."""
    root = tmp_path_factory.mktemp("detection")
    names = json.dumps(HOSTILE, ensure_ascii=False)
    (root / "data.yaml").write_text(f"val: images/val\nnames: {names}\n")
    (root / "images/val").mkdir(parents=True)
    (root / "labels/val").mkdir(parents=True)
    for number, (width, height) in enumerate([(300, 150), (150, 300), (200, 200)]):
        pixels = np.zeros((height, width, 3), np.uint8)
        left, top, right, bottom = width * 2 // 5, height * 2 // 5, width * 3 // 5, height // 2
        pixels[top:bottom, left:right] = 255
        Image.fromarray(pixels).save(root / f"images/val/{number}.png")
        box = [(left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height]
        (root / f"labels/val/{number}.txt").write_text(f"{number} " + " ".join(map(str, box)))
    return root


def test_text_says_what_was_found(photos):
    text = dataset("--data-dir", photos, "--input-size", 32, "--test-batches", 3, "--batch-size", 4).stdout
    assert "classification: val/<class>, 2 classes, 20 images" in text
    assert re.search(r"cat +10 +10\n +dog +10 +10\n", text)
    assert "resize to 32x32" in text and "mean [0.485, 0.456, 0.406]" in text
    assert "warning    20 images calibrate" in text
    assert text.count("[4, 32, 32, 3] float32") == 3
    assert text == dataset("--dataset-dir", photos, "--input-size", 32, "--test-batches", 3, "--batch-size", 4,
                           "--threads", 1).stdout


def test_json_agrees_with_numpy_and_is_a_list_of_samples(photos, tmp_path):
    done = dataset("--data-dir", photos, "--input-size", "24x32", "--test-batches", 9, "--batch-size", 3, "--json")
    report = json.loads(done.stdout)
    assert len(report["batches"]) == 7  # of 20 samples
    paths = [photos / sample["path"] for sample in report["dataset"]["calibration"]]
    assert len(paths) == 20 and "verification" not in report["dataset"]
    steps = json.dumps(report["preprocessing"])
    for number, batch in enumerate(report["batches"]):
        values = np.concatenate([native.preprocess(path, steps) for path in paths[3 * number : 3 * number + 3]])
        (said,) = batch["inputs"]
        assert said["shape"] == list(values.shape) and said["dtype"] == "float32"
        assert (said["min"], said["max"]) == (values.min(), values.max())
        np.testing.assert_allclose([said["mean"], said["std"]], [values.mean(dtype=float), values.std(dtype=float)], rtol=1e-9)
        for channel, of_channel in enumerate(said["channels"]):
            np.testing.assert_allclose(of_channel["std"], values[..., channel].std(dtype=float), rtol=1e-9)
    (tmp_path / "list.json").write_text(done.stdout)
    again = json.loads(dataset("--data-dir", photos, "--input-size", "24x32", "--samples-in", tmp_path / "list.json",
                               "--preprocessing", tmp_path / "list.json", "--json").stdout)
    assert again["dataset"]["calibration"] == report["dataset"]["calibration"]


def test_the_model_says_size_and_the_samples_are_those_of_an_export(photos, tmp_path):
    model = save_image_classifier(tmp_path / "small.onnx")
    flags = ("--data-dir", photos, "--num-samples", 8, "--seed", 3, "--json")
    report = json.loads(dataset("--model", model, "--test-batches", 1, *flags).stdout)
    exported = run_calib8("export", model, "--output-dir", tmp_path, "--min-agreement", 0, *flags, check=True)
    exported = json.loads(exported.stdout)
    assert report["dataset"]["calibration"] == exported["dataset"]["calibration"]
    assert report["preprocessing"] == exported["preprocessing"]
    size = exported["preprocessing"]["height"]
    assert report["batches"][0]["inputs"][0]["shape"] == [1, size, size, 3]


def test_exit_statuses(photos, tmp_path):
    text = dataset(status=4, cwd=tmp_path).stderr
    assert "neither ml/data nor data" in text and "--quantize" not in text
    assert "nor a preset" in dataset("--data-dir", photos, "--preprocessing", "imagenette", status=2).stderr
    dataset("--data-dir", photos, "--input-size", "0", status=2)
    dataset("--data-dir", photos, "--output", "x.py", status=2)
    dataset("--data-dir", photos, "--model", tmp_path / "no.onnx", status=3)
    said = dataset("--data-dir", photos, "--strict", status=4).stderr
    assert "--strict" in said.splitlines()[-1] and "warning: " in said, said  # the first is the error, the others stand above
    (tmp_path / "taken").mkdir()
    dataset("--data-dir", photos, "--preview", tmp_path / "taken", status=7)
    dataset("--data-dir", photos, "--create-module", "--output", tmp_path / "taken", status=7)
    (tmp_path / "data").mkdir()
    picture(tmp_path / "data" / "1.png", 1)
    text = dataset(cwd=tmp_path).stdout
    assert "folder     data\n" in text and "samples    1\n" in text


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.images, self.boxes, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        for value in attributes.values():
            assert "http" not in (value or "") or tag == "meta"
        if tag == "img":
            kind, content = attributes["src"].split(",", 1)
            assert kind in ("data:image/png;base64", "data:image/jpeg;base64")
            self.images.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(content, validate=True)))))
            self.boxes.append([])
        if tag == "rect":
            self.boxes[-1].append([float(attributes[key]) for key in ("x", "y", "width", "height")])

    def handle_data(self, data):
        self.text += data


def preview(tmp_path, *arguments):
    file = tmp_path / "preview.html"
    dataset(*arguments, "--preview", file)
    return Page(file.read_text(encoding="utf-8"))


def test_preview_shows_what_the_model_sees(photos, tmp_path):
    flags = ("--data-dir", photos, "--input-size", 32, "--crop", 0.8)
    page = preview(tmp_path, *flags)
    report = json.loads(dataset(*flags, "--json").stdout)
    steps = json.dumps(report["preprocessing"])
    assert len(page.images) == 20
    for shown, sample in zip(page.images, report["dataset"]["calibration"]):
        np.testing.assert_array_equal(shown, native.fit_image(photos / sample["path"], steps))
        assert sample["path"] in page.text
    assert "script" not in page.tags
    assert len(preview(tmp_path, *flags, "--preview-samples", 3).images) == 3


@pytest.mark.parametrize("mode", [(), ("--crop", "0.8"), ("--resize-mode", "letterbox"), ("--resize-mode", "cover")])
def test_preview_boxes_follow_the_geometry(detection, tmp_path, mode):
    page = preview(tmp_path, "--data-dir", detection, "--input-size", "60x50", *mode)
    assert len(page.images) == 3
    for image, boxes in zip(page.images, page.boxes):
        (box,) = boxes
        rows, columns = np.nonzero(image[..., 0] > 180)
        seen = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        np.testing.assert_allclose(box, seen, atol=1.6)


def test_preview_takes_names_as_text(detection, tmp_path):
    page = preview(tmp_path, "--data-dir", detection)
    assert "script" not in page.tags and "b" in page.tags
    assert HOSTILE[0] in page.text and HOSTILE[2] in page.text


def test_preview_of_arrays(tmp_path):
    values = np.random.default_rng(0).normal(size=(5, 12, 10, 1)).astype(np.float32)
    np.save(tmp_path / "all.npy", values)
    page = preview(tmp_path, "--data-dir", tmp_path / "all.npy")
    assert len(page.images) == 5 and page.images[0].shape == (12, 10, 3)
    np.save(tmp_path / "flat.npy", values[:, 0, :, 0])
    assert "--preview" in dataset("--data-dir", tmp_path / "flat.npy", "--preview", tmp_path / "x.html", status=2).stderr


RUN_MODULE = """
import importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("data", sys.argv[1])
data = importlib.util.module_from_spec(spec)
spec.loader.exec_module(data)
assert "calib8" not in sys.modules and "cv2" not in sys.modules
every = [array for array, in data.representative_dataset()]
assert all(array.dtype == np.float32 for array in every)
batches = list(data.batches(3, check=True))
np.testing.assert_array_equal(np.concatenate(batches), np.concatenate(every))
np.save(sys.argv[2], np.concatenate(every))
"""


def run_module(folder, *arguments):
    """The arrays that the written module yields, and the report on the same samples."""
    module = folder / "representative_data.py"
    done = dataset(*arguments, "--create-module", "--output", module, "--json")
    allowed = folder / "allowed"
    if not allowed.exists():
        allowed.mkdir()
        for package in ("numpy", "PIL", "numpy.libs", "pillow.libs"):
            for origin in (np, Image):
                source = pathlib.Path(origin.__file__).parent.parent / package
                if source.exists() and not (allowed / package).exists():
                    (allowed / package).symlink_to(source)
    script = f"import sys; sys.path.insert(0, {str(allowed)!r})\n" + RUN_MODULE
    ran = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", script, module, folder / "out.npy"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return np.load(folder / "out.npy"), json.loads(done.stdout)


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--crop", "0.875", "--interpolation", "bicubic"),
        ("--resize-mode", "letterbox", "--interpolation", "lanczos", "--channel-order", "bgr"),
        ("--resize-mode", "cover", "--crop", "0.7", "--input-size", "50x71"),
        ("--crop", "1", "--input-size", "71x50", "--scale", "1", "--mean", "127.5", "--std", "127.5"),
        ("--channel-order", "gray", "--interpolation", "nearest", "--input-size", "28"),
    ],
)
def test_module_yields_the_same_arrays(photos, tmp_path, flags):
    flags = flags if "--input-size" in flags else (*flags, "--input-size", "48")
    arrays, report = run_module(tmp_path, "--data-dir", photos, *flags)
    steps = json.dumps(report["preprocessing"])
    expected = [native.preprocess(photos / sample["path"], steps) for sample in report["dataset"]["calibration"]]
    np.testing.assert_array_equal(arrays, np.concatenate(expected))


def test_module_turns_by_exif(photos, tmp_path):
    steps = {"height": 32, "width": 40, "exif_orientation": True}
    (tmp_path / "steps.json").write_text(json.dumps(steps))
    arrays, report = run_module(tmp_path, "--data-dir", photos, "--input-size", "32x40", "--preprocessing", tmp_path / "steps.json")
    expected = [native.preprocess(photos / s["path"], json.dumps(steps)) for s in report["dataset"]["calibration"]]
    np.testing.assert_array_equal(arrays, np.concatenate(expected))


def test_module_and_preview_of_hostile_names(tmp_path):
    root = tmp_path / "d\"'\n\\"
    for number, name in enumerate(HOSTILE):
        picture(root / "val" / name.replace("/", "") / f"{number}\"\\.png", number)
    os.makedirs(os.fsencode(root / "val") + b"/\xff\xc3")
    picture(root / "val" / "plain.png", 9)
    os.rename(root / "val" / "plain.png", os.fsencode(root / "val") + b"/\xff\xc3/\xfe.png")
    arrays, report = run_module(tmp_path, "--data-dir", root, "--input-size", 16)
    assert arrays.shape == (5, 16, 16, 3)
    (tmp_path / "representative_data.py").read_text(encoding="ascii")
    page = preview(tmp_path, "--data-dir", root, "--input-size", 16)
    assert len(page.images) == 5 and "script" not in page.tags


def test_module_of_arrays(tmp_path):
    values = np.random.default_rng(0).normal(size=(6, 9, 7, 3))
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "all.npy", values)
    arrays, report = run_module(tmp_path, "--data-dir", tmp_path / "data")
    rows = [sample["row"] for sample in report["dataset"]["calibration"]]
    assert sorted(rows) == list(range(6))
    np.testing.assert_array_equal(arrays, values[rows].astype(np.float32))
    np.save(tmp_path / "data" / "all.npy", np.moveaxis(values, 3, 1)[:, :, :, :6])  # 9x6, channels first
    arrays, report = run_module(tmp_path, "--data-dir", tmp_path / "data", "--input-size", "9x6")
    rows = [sample["row"] for sample in report["dataset"]["calibration"]]
    np.testing.assert_array_equal(arrays, values[rows, :, :6].astype(np.float32))


@pytest.mark.parametrize(
    "stored, size", [((4, 5, 6, 3), (5, 6, 3)), ((5, 6, 3), (5, 6, 3)), ((1, 16), (16,)), ((16,), (16,)), ((1, 5, 6), (5, 6))]
)
def test_arrays_without_a_model(tmp_path, stored, size):
    for number in range(2):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).normal(size=stored))
    report = json.loads(dataset("--data-dir", tmp_path, "--json", "--test-batches", 1).stdout)
    assert report["batches"][0]["inputs"][0]["shape"] == [1, *size]
    assert report["preprocessing"] is None
    assert report["dataset"]["calibration_samples"] == 2 * (4 if len(stored) == 4 else 1)


def test_module_notices_a_changed_file(photos, tmp_path):
    module = tmp_path / "m.py"
    root = tmp_path / "data"
    for number in range(3):
        picture(root / f"{number}.png", number)
    dataset("--data-dir", root, "--create-module", "--output", module)
    picture(root / "1.png", 99)
    script = f"import runpy; data = runpy.run_path({str(module)!r}); list(data['batches'](2, check=True))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode != 0 and "1.png" in ran.stderr and "SHA-256" in ran.stderr


def test_module_of_opencv_steps_needs_opencv_and_says_so(photos, tmp_path):
    module = tmp_path / "m.py"
    done = dataset("--data-dir", photos, "--preprocessing", "ultralytics", "--input-size", 64, "--json",
                   "--create-module", "--output", module)
    assert "Needs NumPy, Pillow and OpenCV (opencv-python-headless)" in module.read_text()
    report = json.loads(done.stdout)
    steps = json.dumps(report["preprocessing"])
    expected = [native.preprocess(photos / s["path"], steps) for s in report["dataset"]["calibration"]]
    arrays = np.concatenate(list(runpy.run_path(str(module))["batches"](7, check=True)))
    np.testing.assert_allclose(arrays, np.concatenate(expected), rtol=0, atol=1.01 / 255)


def test_module_of_several_inputs(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    samples = [{"b": random.normal(size=(1, 4)), "a": random.integers(0, 9, (1, 3))} for _ in range(3)]
    for number, sample in enumerate(samples):
        np.savez(tmp_path / "data" / f"{number}.npz", **sample)
    module = tmp_path / "m.py"
    report = json.loads(dataset("--data-dir", tmp_path / "data", "--json", "--test-batches", 1, "--create-module",
                                "--output", module).stdout)
    assert [(said["input"], said["shape"]) for said in report["batches"][0]["inputs"]] == [("a", [1, 3]), ("b", [1, 4])]
    order = [int(sample["path"][0]) for sample in report["dataset"]["calibration"]]
    a, b = next(runpy.run_path(str(module))["batches"](3, check=True))
    np.testing.assert_array_equal(a, np.concatenate([samples[i]["a"] for i in order]).astype(np.float32))
    np.testing.assert_array_equal(b, np.concatenate([samples[i]["b"] for i in order]).astype(np.float32))
