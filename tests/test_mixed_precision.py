"""Layers that ruin an int8 model compute in float, found by measuring or named by hand."""

import json

import calib8
import numpy as np
import onnx
import pytest
from conftest import run_calib8
from onnx import TensorProto, helper, numpy_helper

SAMPLES = 64


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A model of four 1x1 convolutions in a row. "layer2" has a huge weight for a channel that is always zero: in int8 all its
    other weights vanish beside it. And a folder of samples."""
    folder = tmp_path_factory.mktemp("chain")
    random = np.random.default_rng(1)
    nodes, constants, before = [], [], "x"
    for layer in range(4):
        weights = (0.4 * random.standard_normal((8, 8, 1, 1))).astype(np.float32)
        bias = np.full(8, 0.1, np.float32)
        if layer == 1:
            bias[0] = -1000
        if layer == 2:
            weights[:, 0] = 1000
        constants += [numpy_helper.from_array(weights, f"w{layer}"), numpy_helper.from_array(bias, f"b{layer}")]
        nodes.append(helper.make_node("Conv", [before, f"w{layer}", f"b{layer}"], [f"c{layer}"]))
        nodes.append(helper.make_node("Relu" if layer < 3 else "Identity", [f"c{layer}"], [f"layer{layer}"]))
        before = f"layer{layer}"
    graph = helper.make_graph(
        nodes, "chain", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 6, 6])],
        [helper.make_tensor_value_info("layer3", TensorProto.FLOAT, [1, 8, 6, 6])], constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "chain.onnx")
    (folder / "data").mkdir()
    for number in range(SAMPLES):
        np.save(folder / "data" / f"{number:03}.npy", random.standard_normal((6, 6, 8)).astype(np.float32))
    return folder


def export(chain, output, *arguments):
    return run_calib8("export", chain / "chain.onnx", "--dataset-dir", chain / "data", "--output-dir", output,
                      "--num-calib-samples", 20, *arguments)  # fmt: skip


def metadata(output):
    return json.loads((output / "model.tflite.quantization_metadata").read_text())


def float_layers(output):
    return [entry["output"] for entry in metadata(output)["quantization"]["float_operators"]]


def test_the_layer_that_ruins_int8_stays_float_and_is_named(chain, tmp_path):
    done = export(chain, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert float_layers(tmp_path) == ["layer2"]
    report = metadata(tmp_path)["measured"]
    mixed = report["mixed_precision"]
    assert report["gate"] == "proven" and mixed["reached"]
    assert [island["outputs"] for island in mixed["islands"]] == [["layer2"]]
    assert mixed["islands"][0]["alone_in_integers"]["sqnr_decibels"] < 10
    assert mixed["after"]["sqnr_decibels"] > 20 > mixed["before"]["sqnr_decibels"]
    assert mixed["multiplications_share"] == pytest.approx(0.25) and mixed["float_outputs"] == []
    assert "'layer2' (it harms most: in int8 it alone leaves" in done.stdout and "25.0 % of the mult" in done.stdout
    shown = run_calib8("inspect", tmp_path / "model.tflite.quantization_metadata", check=True).stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("  mixed")][0] in shown


def test_integer_only_fails_the_gate_and_says_what_would_help(chain, tmp_path):
    done = export(chain, tmp_path, "--integer-only")
    assert done.returncode == calib8.ErrorCode.GATE
    assert float_layers(tmp_path) == [] and "mixed_precision" not in metadata(tmp_path)["measured"]
    assert "without --integer-only" in metadata(tmp_path)["measured"]["next_step"]
    assert metadata(tmp_path)["options"]["integer_only"] is True


def test_fast_says_that_balanced_would_look_for_layers(chain, tmp_path):
    done = export(chain, tmp_path, "--effort", "fast")
    assert done.returncode == calib8.ErrorCode.GATE
    assert "--effort balanced" in metadata(tmp_path)["measured"]["next_step"]


@pytest.mark.parametrize("pattern", ["layer2", "lay*2", "w2"])
def test_layers_are_kept_by_name(pattern, chain, tmp_path):
    done = export(chain, tmp_path, "--integer-only", "--keep-float", pattern)
    assert done.returncode == 0, done.stdout + done.stderr
    [kept] = metadata(tmp_path)["quantization"]["float_operators"]
    assert kept["output"] == "layer2" and kept["reason"] == f"asked for: --keep-float {pattern}"
    assert "mixed_precision" not in metadata(tmp_path)["measured"]
    types = {tensor["name"]: tensor["dtype"] for tensor in metadata(tmp_path)["quantization"]["tensors"]}
    assert types["layer1"] == "int8"


def test_several_patterns_in_python(chain, tmp_path):
    def samples():
        for file in sorted((chain / "data").glob("*.npy")):
            yield np.load(file)[None]

    options = {"representative_data_gen": samples, "num_calib_samples": 20, "output_dir": tmp_path, "effort": "fast"}
    result = calib8.export(chain / "chain.onnx", keep_float=["layer0", "layer2"], **options)
    assert float_layers(tmp_path) == ["layer0", "layer2"] and result.gate == "proven"
    calib8.export(chain / "chain.onnx", keep_float="layer2", integer_only=True, **options)
    assert float_layers(tmp_path) == ["layer2"]


@pytest.mark.parametrize("arguments", [("--keep-float", "layer9"), ("--keep-float", ""),
                                       ("--keep-float", "layer2", "--quantize", "float16")])  # fmt: skip
def test_a_pattern_that_can_mean_nothing_is_refused(arguments, chain, tmp_path):
    done = export(chain, tmp_path, *arguments)
    assert done.returncode == calib8.ErrorCode.USAGE and "--keep-float" in done.stderr
    assert not (tmp_path / "model.tflite").exists()


def test_the_same_bytes_for_any_number_of_threads(chain, tmp_path):
    files = []
    for threads in (1, 2, 3):
        export(chain, tmp_path, "--threads", threads)
        files.append((tmp_path / "model.tflite").read_bytes())
    assert files[0] == files[1] == files[2]
