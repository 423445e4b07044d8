"""Datasets that aren't as they should be, through the command line."""

import json
import shutil
import zlib

import pytest
from conftest import DIGITS, export_report, run_calib8
from support import images

CHECKPOINT = DIGITS / "efficientnet_b0_digits.pth"


def copy_images(folder, paths):
    for number, path in enumerate(paths):
        target = folder / f"{number:03}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + b"\0" * 40], ids=["empty", "text", "broken"])
def test_one_unreadable_image_is_skipped(tmp_path, content):
    paths = images.image_files(DIGITS / "data")
    copy_images(tmp_path / "data", paths[::8][:99])
    (tmp_path / "data" / "050x.png").write_bytes(content)
    done = run_calib8(
        "export", CHECKPOINT, "--dataset-dir", tmp_path / "data", "--num-calib-samples", 90, "--verify-samples", 10,
        "--output-dir", tmp_path / "out", "--json", check=True,
    )  # fmt: skip
    dataset = json.loads(done.stdout)["dataset"]
    assert [entry["path"] for entry in dataset["skipped"]] == ["050x.png"]
    assert dataset["skipped"][0]["reason"]
    assert dataset["calibration_samples"] + dataset["verification_samples"] == 99
    assert "1 unreadable skipped" in done.stderr


def test_nothing_but_unreadable_images(tmp_path):
    (tmp_path / "data").mkdir()
    for number in range(5):
        (tmp_path / "data" / f"{number}.jpg").write_bytes(b"\xff\xd8\xff" + bytes(number))
    done = run_calib8("export", CHECKPOINT, "--dataset-dir", tmp_path / "data", "--output-dir", tmp_path / "out")
    assert done.returncode == 4, done.stderr


def test_single_class_is_warned_of(tmp_path):
    copy_images(tmp_path / "data" / "val" / "3", images.image_files(DIGITS / "data" / "val" / "3")[:40])
    done = run_calib8(
        "export", CHECKPOINT, "--dataset-dir", tmp_path / "data", "--num-calib-samples", 20, "--verify-samples", 10,
        "--output-dir", tmp_path / "out", check=True,
    )  # fmt: skip
    assert "class" in done.stderr and ("one" in done.stderr or "single" in done.stderr or "1 class" in done.stderr)


def test_image_that_claims_to_be_huge(tmp_path):
    """A PNG of 60000x60000 pixels in a few bytes: skipped, without its 10 GB."""
    copy_images(tmp_path / "data", images.image_files(DIGITS / "data")[::40])
    huge = bytearray((tmp_path / "data" / "000.png").read_bytes())
    huge[16:24] = (60000).to_bytes(4, "big") * 2
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
    (tmp_path / "data" / "huge.png").write_bytes(huge)
    report = export_report(
        CHECKPOINT, "--dataset-dir", tmp_path / "data", "--num-calib-samples", 20, "--verify-samples", 20,
        "--output-dir", tmp_path / "out",
    )  # fmt: skip
    assert [entry["path"] for entry in report["dataset"]["skipped"]] == ["huge.png"]


def test_fewer_images_than_asked_for(tmp_path):
    copy_images(tmp_path / "data", images.image_files(DIGITS / "data")[::100])
    report = export_report(CHECKPOINT, "--dataset-dir", tmp_path / "data", "--output-dir", tmp_path / "out")
    assert report["dataset"]["calibration_samples"] == 8
    assert report["dataset"]["held_out"] is False and report["dataset"]["verification_samples"] == 8


@pytest.mark.parametrize("layout", ["val/{}", "test/{}", "{}", "train/{}", "nested/deep/{}"])
def test_layouts(tmp_path, layout):
    for digit in range(10):
        folder = tmp_path / "data" / layout.format(digit)
        copy_images(folder, images.image_files(DIGITS / "data" / "val" / str(digit))[:3])
    report = export_report(
        CHECKPOINT, "--dataset-dir", tmp_path / "data", "--num-calib-samples", 20, "--verify-samples", 10,
        "--output-dir", tmp_path / "out",
    )  # fmt: skip
    assert report["dataset"]["images"] == 30 and report["dataset"]["held_out"]
    assert "accuracy" in report["measured"]["verification"], "the folders' names are classes at any depth"


def test_yolo_layout(tmp_path):
    copy_images(tmp_path / "data" / "images" / "val", images.image_files(DIGITS / "data")[::40])
    (tmp_path / "data" / "labels" / "val").mkdir(parents=True)
    report = export_report(
        CHECKPOINT, "--calibration-dir", tmp_path / "data", "--num-calib-samples", 10, "--verify-samples", 10,
        "--output-dir", tmp_path / "out",
    )  # fmt: skip
    assert report["dataset"]["layout"].startswith("detection")


def test_default_folders(tmp_path):
    """ml/data, then data, below the current folder."""
    copy_images(tmp_path / "data", images.image_files(DIGITS / "data")[::40])
    run = ("export", CHECKPOINT.resolve(), "--num-calib-samples", 10, "--verify-samples", 10, "--json", "--quiet")
    report = json.loads(run_calib8(*run, cwd=tmp_path, check=True).stdout)
    assert report["dataset"]["folder"] == "data"
    assert (tmp_path / "exports" / "model.tflite").is_file()
    (tmp_path / "ml").mkdir()
    shutil.copytree(tmp_path / "data", tmp_path / "ml" / "data")
    assert json.loads(run_calib8(*run, cwd=tmp_path, check=True).stdout)["dataset"]["folder"] == "ml/data"
