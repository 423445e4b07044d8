"""ONNX files in, model.onnx out: valid for ONNX's checker, and the same numbers from ONNX Runtime as before.

The networks here are small and odd; torchvision's are in test_sources_agree.py and test_architectures.py.
"""

import importlib.util
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import ROOT, run_calib8
from onnx import TensorProto, helper, numpy_helper
from torch import nn

MODEL_ERROR = 3


def load_seeds():
    """The models of fuzz/make_onnx_seeds.py: one for each way a file can say something."""
    spec = importlib.util.spec_from_file_location("make_onnx_seeds", ROOT / "fuzz" / "make_onnx_seeds.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SEEDS = load_seeds()
SUPPORTED = [
    pytest.param(model, id=name)
    for group in (SEEDS.layers, SEEDS.activations, SEEDS.shapes, SEEDS.data, SEEDS.older)
    for name, model in group()
]


def export(path, folder, *arguments):
    """What calib8 makes of an ONNX file; held against ONNX's checker."""
    run_calib8("export", path, "--format", "onnx", "--output-dir", folder, "--quiet", *arguments, check=True)
    written = folder / "model.onnx"
    onnx.checker.check_model(str(written), full_check=True)
    model = onnx.load(written)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 20)]
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    return written


def refusal(path, folder, *arguments):
    done = run_calib8("export", path, "--format", "onnx", "--output-dir", folder, *arguments)
    assert done.returncode == MODEL_ERROR, (done.returncode, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not list(folder.glob("*"))
    return done.stderr


def run(path, image):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {each.name: image for each in session.get_inputs()})


def assert_close(actual, expected, tolerance=1e-5):
    assert len(actual) == len(expected)
    for mine, theirs in zip(actual, expected, strict=True):
        assert mine.shape == theirs.shape
        difference = np.abs(mine.astype(np.float64) - theirs).max()
        assert difference <= tolerance * max(np.abs(theirs).max(), 1e-6), difference


def random_image(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("model", SUPPORTED)
def test_each_spelling(model, tmp_path):
    onnx.save(model, tmp_path / "in.onnx")
    height_and_width = [] if model.graph.input[0].type.tensor_type.shape.dim[3].dim_value else ["--input-size", "4x4"]
    image = np.abs(random_image(1, 2, 4, 4))
    written = export(tmp_path / "in.onnx", tmp_path / "out", *height_and_width)
    assert_close(run(written, image), run(tmp_path / "in.onnx", image))


class Odd(nn.Module):
    """What torchvision's networks don't have: views, means over axes, a matrix product, a norm behind a Linear, padding
    of its own, factors per channel."""

    def __init__(self):
        super().__init__()
        self.pad = nn.ZeroPad2d((0, 1, 0, 1))
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8, eps=1e-3), nn.SiLU())
        self.scale = nn.Parameter(torch.rand(1, 8, 1, 1) + 0.5)
        self.gate = nn.Sequential(nn.Conv2d(8, 4, 1), nn.Hardswish(), nn.Conv2d(4, 8, 1), nn.Hardsigmoid())
        self.up = nn.Sequential(nn.ConvTranspose2d(8, 6, 2, stride=2), nn.BatchNorm2d(6), nn.ReLU6())
        self.mix = nn.Parameter(torch.randn(6, 6))
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4))

    def forward(self, image):
        x = self.stem(self.pad(image)) * self.scale
        x = x * self.gate(x.mean([2, 3], keepdim=True))
        x = self.up(x)
        x = nn.functional.adaptive_avg_pool2d(x, 1).view(x.size(0), -1)
        return self.head(x @ self.mix).softmax(-1)


@pytest.fixture(scope="module")
def odd():
    """With statistics in its norms that aren't 0 and 1."""
    torch.manual_seed(3)
    model = Odd()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(8, 3, 16, 16))
    return model.eval()


EXPORTS = {
    "classic9": {"dynamo": False, "opset_version": 9},
    "classic11": {"dynamo": False, "opset_version": 11},
    "classic13_unfolded": {"dynamo": False, "opset_version": 13, "do_constant_folding": False, "training": torch.onnx.TrainingMode.PRESERVE},
    "classic17_inputs": {"dynamo": False, "opset_version": 17, "keep_initializers_as_inputs": True},
    "classic20_dynamic": {"dynamo": False, "opset_version": 20, "dynamic_axes": {"image": {0: "n"}, "logits": {0: "n"}}},
    "dynamo": {"dynamo": True},
    "dynamo_unoptimized": {"dynamo": True, "optimize": False, "external_data": False},
    "dynamo_dynamic": {"dynamo": True, "dynamic_shapes": {"image": {0: torch.export.Dim("n")}}},
}  # fmt: skip


SLOW_EXPORTS = ["classic11", "dynamo_unoptimized"]


@pytest.mark.parametrize(
    "exporter", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW_EXPORTS else []) for name in EXPORTS]
)
def test_each_exporter(exporter, odd, tmp_path):
    options = EXPORTS[exporter]
    sample = torch.from_numpy(random_image(2 if "dynamic_shapes" in options else 1, 3, 16, 16))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = {"input_names": ["image"], "output_names": ["logits"], "verbose": False}
        torch.onnx.export(odd, (sample,), str(tmp_path / "in.onnx"), **names, **options)

    written = export(tmp_path / "in.onnx", tmp_path / "single")
    image = random_image(1, 3, 16, 16)
    with torch.no_grad():
        assert_close(run(written, image), [odd(torch.from_numpy(image)).numpy()])
    operators = {node.op_type for node in onnx.load(written).graph.node}
    assert not operators & {"BatchNormalization", "Constant", "Identity", "Pad", "MatMul", "GlobalAveragePool", "Reshape", "Shape"}

    for batch in (1, 3):
        image = random_image(batch, 3, 16, 16)
        with torch.no_grad():
            expected = odd(torch.from_numpy(image)).numpy()
        assert_close(run(export(tmp_path / "in.onnx", tmp_path / "any", "--dynamic-batch"), image), [expected])


def test_open_height_and_width(tmp_path):
    class Pooled(nn.Module):
        def forward(self, image):
            return image.relu().mean([2, 3])

    axes = {"image": {0: "n", 2: "h", 3: "w"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Pooled(), (torch.zeros(1, 3, 8, 8),), str(tmp_path / "in.onnx"), dynamo=False, input_names=["image"], dynamic_axes=axes
        )  # fmt: skip
    said = refusal(tmp_path / "in.onnx", tmp_path / "out")
    assert "--input-size" in said and "[1, 3, h, w]" in said
    image = random_image(1, 3, 9, 7)
    written = export(tmp_path / "in.onnx", tmp_path / "out", "--input-size", "9x7")
    assert_close(run(written, image), [np.maximum(image, 0).mean((2, 3))])


def test_refuses_all_of_it_at_once(tmp_path):
    branch = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["b"])], "branch", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)]
    )
    nodes = [
        helper.make_node("Loop", ["", "yes", "x"], ["a"], name="again", body=branch),
        helper.make_node("Fancy", ["a"], ["c"], name="fancy", domain="my.domain"),
        helper.make_node("StringNormalizer", ["words"], ["s"], name="text"),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    constants = [numpy_helper.from_array(np.array(True), "yes"), helper.make_tensor("words", TensorProto.STRING, [1], [b"w"])]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "graph", [image], outputs, constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("my.domain", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), tmp_path / "in.onnx")
    said = refusal(tmp_path / "in.onnx", tmp_path / "out")
    for word in ("Loop 'again' (node 0)", "Fancy 'fancy' (node 1)", "my.domain", "StringNormalizer 'text' (node 2)", "'words'"):
        assert word in said, said


@pytest.mark.parametrize("opset", [6, 26])
def test_refuses_other_opsets(opset, tmp_path):
    model = SEEDS.model([SEEDS.node("Relu", ["x"])], opset=opset)
    (tmp_path / "in.onnx").write_bytes(model.SerializeToString())
    assert f"opset {opset}" in refusal(tmp_path / "in.onnx", tmp_path / "out")


@pytest.mark.parametrize("damage", ["parent", "absolute", "symlink", "folder_symlink", "hardlink", "beyond_the_end", "missing"])
def test_external_data_stays_in_its_folder(damage, tmp_path):
    """Each kind of path beside one that is right, so that it is the damage that is refused."""
    folder = tmp_path / "model"
    (folder / "weights").mkdir(parents=True)
    values = np.arange(2, dtype=np.float32)
    (tmp_path / "secret.bin").write_bytes(values.tobytes())
    (folder / "weights" / "w.bin").write_bytes(values.tobytes())
    location = "weights/w.bin"
    save_external(folder / "in.onnx", location)
    image = random_image(1, 2, 4, 4)
    shift = values.reshape(1, 2, 1, 1)
    assert_close(run(export(folder / "in.onnx", tmp_path / "good"), image), [image + shift])

    offset = 0
    if damage == "parent":
        location = "../secret.bin"
    elif damage == "absolute":
        location = str(tmp_path / "secret.bin")
    elif damage == "symlink":
        (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
        location = "link.bin"
    elif damage == "folder_symlink":
        (folder / "up").symlink_to(tmp_path)
        location = "up/secret.bin"
    elif damage == "hardlink":
        pathlib.Path(folder / "hard.bin").hardlink_to(tmp_path / "secret.bin")
        location = "hard.bin"
    elif damage == "beyond_the_end":
        offset = 4
    else:
        location = "nothing.bin"
    save_external(folder / "in.onnx", location, offset)
    assert pathlib.Path(location).name in refusal(folder / "in.onnx", tmp_path / "bad")


def save_external(path, location, offset=0):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, 2, 1, 1], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", str(offset)), ("length", "8")):
        tensor.external_data.add(key=key, value=value)
    model = SEEDS.model([SEEDS.node("Add", ["x", "w"])], initializers=[tensor])
    path.write_bytes(model.SerializeToString())
