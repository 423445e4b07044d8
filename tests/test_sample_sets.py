"""Calibration and verification that share samples: what is measured stays true, and what is shared is said."""

import json

import onnx
import pytest
from conftest import run_calib8
from onnx import TensorProto, helper
from support.images import batch
from support.runtimes import run_tflite, sqnr
from support.small_onnx import save_image_classifier
from test_samples import pictures


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    save_image_classifier(folder / "small.onnx")
    pictures(folder / "data", 24)
    run_calib8("export", folder / "small.onnx", "--quantize", "none", "--output-dir", folder / "float", check=True)
    return folder


def export_listed(place, folder, calibration, verification, *arguments):
    lists = {"calibration": calibration, "verification": verification}
    lists = {name: [{"path": f"{number:03}.png"} for number in numbers] for name, numbers in lists.items()}
    (folder / "list.json").write_text(json.dumps({"dataset": lists}))
    done = run_calib8("export", place / "small.onnx", "--dataset-dir", place / "data", "--samples-in", folder / "list.json",
                      "--output-dir", folder / "out", "--min-agreement", 0, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("calibration", "verification", "shared"),
    [
        (range(12), range(12, 20), 0),
        (range(12), [*range(12, 19), 0], 1),
        (range(12), range(7, -1, -1), 8),
        (range(12), range(8), 8),
        (range(4), [*range(4, 12), 0], 1),
        (range(4), [*range(4), 5], 4),
        (range(4), [0, 0, 1], 3),
    ],
)
def test_the_measurement_is_true_whatever_is_shared(tmp_path, place, calibration, verification, shared):
    report = export_listed(place, tmp_path, calibration, verification)
    dataset = report["dataset"]
    assert dataset["calibrated_and_verified"] == shared and dataset["held_out"] == (shared == 0)
    assert shared == 0 or any("too good" in note for note in dataset["notes"])
    images = batch([place / "data" / f"{number:03}.png" for number in verification], 32, 32)
    expected = sqnr(run_tflite(place / "float" / "model.tflite", images), run_tflite(tmp_path / "out" / "model.tflite", images))
    assert report["measured"]["verification"]["sqnr_decibels"] == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("shape", [(1, 3, 0, 32), (1, 3, 32, 0), (1, 1, 0, 0)])
def test_an_input_without_values_is_the_models_fault(tmp_path, place, shape):
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), tmp_path / "m.onnx")
    for command in (
        ["export", tmp_path / "m.onnx", "--dataset-dir", place / "data", "--output-dir", tmp_path / "out"],
        ["dataset", "--data-dir", place / "data", "--model", tmp_path / "m.onnx"],
    ):
        done = run_calib8(*command)
        assert done.returncode == 3, (command, done.stderr)
        assert len(done.stderr.splitlines()[-1]) < 300
