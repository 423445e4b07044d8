"""What is done for accuracy: candidates are measured on samples set apart, and the best is in the file."""

import shutil

import pytest
from conftest import DIGITS, export_report
from support import images, runtimes

DATA = DIGITS / "data"


def export(folder, *arguments):
    return export_report(
        "--checkpoint", DIGITS / "efficientnet_b0_digits.pth", "--dataset-dir", DATA, "--output-dir", folder, *arguments
    )  # fmt: skip


def held_out(report, count):
    """Images that no set of an export has seen."""
    used = {DATA / entry["path"] for kind in ("calibration", "selection", "verification") for entry in report["dataset"][kind]}
    return [path for path in images.image_files(DATA) if path not in used][:: 600 // count]


def decibels(folder, paths):
    inputs = images.batch(paths, 64, 64)
    return runtimes.sqnr(runtimes.run_onnx(folder / "model.onnx", inputs), runtimes.run_tflite(folder / "model.tflite", inputs))


def test_the_best_candidate_is_chosen_on_samples_set_apart(tmp_path):
    report = export(tmp_path)
    comparison = report["measured"]["comparison"]
    names = [candidate["name"] for candidate in comparison["candidates"]]
    measured = [candidate["sqnr_decibels"] for candidate in comparison["candidates"]]
    assert names[0] == "ranges mse" and len(set(names)) == len(names) == 7
    chosen = comparison["chosen"]
    as_free = [value for name, value in zip(names, measured, strict=True) if ("pixels in" in name) <= ("pixels in" in names[chosen])]
    assert measured[chosen] == max(as_free), "of those that are fed alike; tests/test_model_input.py has the others"
    assert report["quantization"]["recipe"] == names[comparison["chosen"]]
    assert report["options"]["effort"] == "balanced"
    assert comparison["set_apart"] and comparison["samples"] == report["dataset"]["selection_samples"] == 20
    sets = [{entry["sha256"] for entry in report["dataset"][kind]} for kind in ("calibration", "selection", "verification")]
    assert len(set.union(*sets)) == sum(map(len, sets))


def test_fast_makes_one_model_and_draws_no_samples_for_more(tmp_path):
    report = export(tmp_path, "--effort", "fast")
    assert "comparison" not in report["measured"] and "selection_samples" not in report["dataset"]
    assert report["quantization"]["recipe"] == "ranges mse"


def test_rounding_by_what_weights_meet_leaves_less_to_lose_than_activations_do(tmp_path):
    """int8 weights rounded to the nearest level cap int16 activations at 45 to 48 dB on digits, int8 ones at 37 to 39."""
    fast = export(tmp_path / "fast", "--effort", "fast", "--format", "both")
    wide = export(tmp_path / "wide", "--quantize", "int16x8", "--format", "both")
    assert "second-order" in wide["quantization"]["recipe"]
    paths = held_out(wide, 60)
    assert decibels(tmp_path / "wide", paths) >= decibels(tmp_path / "fast", paths) + 14
    assert wide["measured"]["verification"]["sqnr_decibels"] > fast["measured"]["verification"]["sqnr_decibels"] + 12


def test_where_too_few_images_are_left_those_that_calibrated_decide(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for number, path in enumerate(images.image_files(DATA)[::27]):
        shutil.copy(path, data / f"{number}.png")
    report = export_report(
        "--checkpoint", DIGITS / "efficientnet_b0_digits.pth", "--dataset-dir", data, "--output-dir", tmp_path / "out",
        "--num-calib-samples", 20, "--verify-samples", 8,
    )  # fmt: skip
    comparison = report["measured"]["comparison"]
    assert not comparison["set_apart"] and comparison["samples"] == 20
    # Those lie within all that was seen, which they would choose whatever others need.
    assert not [candidate for candidate in comparison["candidates"] if "minmax" in candidate["name"]]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_no_byte(tmp_path, threads):
    few = ("--num-calib-samples", 16, "--verify-samples", 4)
    hashes = [
        export(tmp_path / str(count), *few, "--threads", count)["outputs"]["tflite"]["sha256"] for count in (2, threads)
    ]
    assert hashes[0] == hashes[1]
