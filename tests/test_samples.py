"""Which samples are drawn, drawn again, and what is said of their quality, through the command line."""

import json
import os
import shutil

import numpy as np
import pytest
from conftest import run_calib8
from PIL import Image
from support.small_onnx import save_image_classifier


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_image_classifier(tmp_path_factory.mktemp("model") / "small.onnx")


def picture(path, seed, size=(40, 30), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)


def pictures(folder, count, first=0):
    for number in range(first, first + count):
        picture(folder / f"{number:03}.png", number)
    return folder


def export(model, data, folder, *arguments, status=0):
    """The report; with another status, what was said instead."""
    done = run_calib8(
        "export", model, "--dataset-dir", data, "--output-dir", folder, "--min-agreement", 0, "--json", *arguments
    )
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)["dataset"] if status == 0 else done.stderr


def paths(dataset, part):
    return [sample["path"] for sample in dataset[part]]


def test_duplicates_are_replaced_and_counted(tmp_path, model):
    data = pictures(tmp_path / "data", 60)
    for number in range(20):
        shutil.copy(data / f"{number:03}.png", data / f"copy{number:03}.png")
    dataset = export(model, data, tmp_path / "out", "--num-calib-samples", 40, "--verify-samples", 20)
    hashes = [sample["sha256"] for part in ("calibration", "verification") for sample in dataset[part]]
    assert len(hashes) == len(set(hashes)) == 60
    assert dataset["dropped_duplicates"] >= 1
    assert dataset["quality"]["repeated"] == dataset["dropped_duplicates"]
    assert any("repeat another byte for byte" in warning for warning in dataset["quality"]["warnings"])


def test_samples_again(tmp_path, model):
    data = pictures(tmp_path / "data", 50)
    first = export(model, data, tmp_path / "out", "--num-calib-samples", 33, "--verify-samples", 7, "--seed", 5)
    metadata = tmp_path / "out" / "model.tflite.quantization_metadata"
    moved = tmp_path / "elsewhere"
    shutil.copytree(data, moved)
    pictures(moved, 30, first=100)
    again = export(model, moved, tmp_path / "again", "--samples-in", metadata)
    for part in ("calibration", "verification"):
        assert again[part] == first[part]
    assert again["held_out"]
    assert (tmp_path / "again" / "model.tflite").read_bytes() == (tmp_path / "out" / "model.tflite").read_bytes()

    changed = moved / first["calibration"][3]["path"]
    picture(changed, 999)
    text = export(model, moved, tmp_path / "x", "--samples-in", metadata, status=4)
    assert changed.name in text and "SHA-256" in text
    changed.unlink()
    text = export(model, moved, tmp_path / "x", "--samples-in", metadata, status=4)
    assert changed.name in text and "is not there" in text


def test_a_bare_list_of_paths(tmp_path, model):
    data = pictures(tmp_path / "data", 10)
    wanted = [f"{number:03}.png" for number in (7, 2, 5, 1)]
    (tmp_path / "list.json").write_text(json.dumps(wanted))
    dataset = export(model, data, tmp_path / "out", "--samples-in", tmp_path / "list.json", "--num-calib-samples", 3)
    assert paths(dataset, "calibration") == wanted[:3] and paths(dataset, "verification") == wanted[3:]
    (tmp_path / "list.json").write_text(json.dumps(["../model/small.onnx", "/etc/hostname"]))
    assert "is not there" in export(model, data, tmp_path / "x", "--samples-in", tmp_path / "list.json", status=4)
    picture(tmp_path / "out.png", 1)
    (tmp_path / "list.json").write_text(json.dumps(["../out.png"]))
    text = export(model, data, tmp_path / "x", "--samples-in", tmp_path / "list.json", status=4)
    assert "--follow-links" in text
    dataset = export(model, data, tmp_path / "x", "--samples-in", tmp_path / "list.json", "--follow-links")
    assert paths(dataset, "calibration") == ["../out.png"] and not dataset["held_out"]


@pytest.mark.parametrize("text", ["", "{}", "[]", "[7]", '[{"path": 1}]', '{"calibration": 3}', '{"dataset": {"calibration": []}}'])
def test_no_list_of_samples(tmp_path, model, text):
    data = pictures(tmp_path / "data", 3)
    (tmp_path / "list.json").write_text(text)
    assert "list" in export(model, data, tmp_path / "out", "--samples-in", tmp_path / "list.json", status=4)


def test_images_without_objects_are_drawn_too(tmp_path, model):
    pictures(tmp_path / "data" / "images" / "val", 200)
    labels = tmp_path / "data" / "labels" / "val"
    labels.mkdir(parents=True)
    background = {f"{number:03}" for number in range(0, 200, 20)}  # one in twenty
    for number in range(200):
        if f"{number:03}" in background and number % 40 == 0:
            continue  # no file is as good as an empty one
        (labels / f"{number:03}.txt").write_text("" if f"{number:03}" in background else "0 .5 .5 .2 .2\n")
    for seed in range(5):
        dataset = export(
            model, tmp_path / "data", tmp_path / "out", "--num-calib-samples", 40, "--verify-samples", 5, "--seed", seed
        )
        drawn = [os.path.basename(path)[:3] in background for path in paths(dataset, "calibration")]
        assert sum(drawn) == 4  # one in ten


def test_quality(tmp_path, model):
    data = tmp_path / "data"
    for number in range(40):
        picture(data / "val" / "a" / f"{number:02}.png", number, size=(20 + number, 50))
    picture(data / "val" / "b" / "named.jpg", 100, format="png")
    Image.new("RGB", (64, 8), (3, 4, 5)).save(data / "val" / "b" / "flat.png")
    (data / "val" / "b" / "zero.png").write_bytes(b"")
    truncated = (data / "val" / "a" / "00.png").read_bytes()[:300]
    (data / "val" / "b" / "cut.png").write_bytes(truncated)
    shutil.copy(data / "val" / "a" / "01.png", data / "val" / "b" / "same.png")
    (data / "val" / "empty").mkdir()
    quality = export(model, data, tmp_path / "out", "--full", "--num-calib-samples", 5)["quality"]
    widths = sorted([*range(20, 60), 40, 64, 21])
    assert quality["scope"] == "all" and quality["images"] == 43 and quality["unreadable"] == 2
    assert quality["width"] == {"min": 20, "median": widths[21], "max": 64}
    assert quality["height"] == {"min": 8, "median": 50, "max": 50}
    assert quality["formats"] == {"PNG": 43} and quality["class_counts"] == [40, 5, 0]
    assert (quality["near_constant"], quality["other_ending"], quality["repeated"]) == (1, 1, 1)
    for words in (
        "5 images calibrate: below 32",
        "1 of 3 classes have no image, the first is empty",
        "2 of 45 images can't be read, the first is val/b/cut.png",
        "1 of 45 images repeat another byte for byte, the first is val/b/same.png (as val/a/01.png)",
        "show almost nothing (one colour, within 8 levels), the first is val/b/flat.png",
        "of another format than their name says, the first is val/b/named.jpg (a PNG)",
    ):
        assert any(words in warning for warning in quality["warnings"]), (words, quality["warnings"])


def test_gray_and_single_class(tmp_path, model):
    for number in range(50):
        path = tmp_path / "data" / "val" / "a" / f"{number}.png"
        picture(path, number)
        Image.open(path).convert("L").save(path)
    warnings = export(model, tmp_path / "data", tmp_path / "out", "--num-calib-samples", 40)["quality"]["warnings"]
    assert len(warnings) == 2 and "one class only" in warnings[0] and "all images are gray" in warnings[1]


def test_strict(tmp_path, model):
    data = pictures(tmp_path / "data", 60)
    export(model, data, tmp_path / "out", "--strict", "--num-calib-samples", 40)
    (data / "zz.png").write_bytes(b"")
    export(model, data, tmp_path / "out", "--strict", "--num-calib-samples", 2, status=4)
    text = export(model, data, tmp_path / "new", "--strict", "--full", "--num-calib-samples", 40, status=4)
    assert "zz.png" in text and "--strict" in text
    assert not (tmp_path / "new" / "model.tflite").exists()


def test_names_in_other_encodings_give_valid_json(tmp_path, model):
    data = os.fsencode(pictures(tmp_path / "data", 3))
    os.rename(data + b"/000.png", data + b"/caf\xe9.png")
    dataset = export(model, tmp_path / "data", tmp_path / "out")
    assert any(path == "caf\ufffd.png" for path in paths(dataset, "calibration"))
    metadata = tmp_path / "out" / "model.tflite.quantization_metadata"
    metadata.read_bytes().decode()  # strict UTF-8
    again = export(model, tmp_path / "data", tmp_path / "again", "--samples-in", metadata)
    assert again["calibration"] == dataset["calibration"]


def test_errors_about_odd_names_are_one_line(tmp_path, model):
    import calib8

    (tmp_path / "data").mkdir()
    with open(os.fsencode(tmp_path / "data") + b"/a\n\xff.jpg", "wb"):
        pass
    text = export(model, tmp_path / "data", tmp_path / "out", status=4)
    assert "a?\ufffd.jpg: the file is empty" in text and text.splitlines()[-1].startswith("calib8: ")
    with pytest.raises(calib8.Error, match="the file is empty"):
        calib8.export(model, dataset_dir=tmp_path / "data", output_dir=tmp_path / "out")
