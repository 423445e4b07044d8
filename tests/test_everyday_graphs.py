"""Graphs that everyday models hold and that are easy to get wrong: each is exported to float and to int8, and every
output, by its name, answers as ONNX Runtime does on the exporter's file."""

import contextlib
import io
import json
import logging
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import run_calib8
from support import runtimes
from torch import nn

FLOAT_LEAST, INT8_LEAST = 60, 20  # dB; what each is given is that of a well-behaved layer or two
IMAGE, ROWS = (1, 3, 16, 16), (1, 9, 16)


def samples(shape, count, seed):
    """Noise with an offset of each sample's own, so that means over a sample tell them apart."""
    random = np.random.default_rng(seed)
    return [(random.standard_normal(shape) + random.standard_normal()).astype(np.float32) for _ in range(count)]


class Net(nn.Module):
    """A convolution 3 -> 4 channels, then what `forward` makes of the input and of its result."""

    def __init__(self, make, **parts):
        super().__init__()
        self.stem, self.make = nn.Conv2d(3, 4, 3, padding=1), make
        for name, part in parts.items():
            if isinstance(part, torch.Tensor):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, x):
        return self.make(self, x, self.stem(x))


class Masked(nn.Module):
    """Attention over nine tokens whose scores get a mask before the softmax."""

    def __init__(self, mask, add=lambda scores, mask: scores + mask):
        super().__init__()
        self.scores, self.add = nn.Linear(16, 9), add
        self.register_buffer("mask", mask)

    def forward(self, x):
        return self.add(self.scores(x), self.mask).softmax(-1) @ x


class Recurrence(nn.Module):
    """Four steps over one cell with weights of its own, from a state of zeros."""

    def __init__(self, gated):
        super().__init__()
        self.own, self.state, self.gate, self.gated = nn.Linear(16, 8), nn.Linear(8, 8), nn.Linear(24, 8), gated

    def forward(self, x):
        h = torch.zeros(1, 8)
        for step in range(4):
            candidate = torch.tanh(self.own(x[:, step]) + self.state(h))
            gate = torch.sigmoid(self.gate(torch.cat([x[:, step], h], 1))) if self.gated else 1.0
            h = gate * candidate + (1 - gate) * h if self.gated else candidate
        return h


class DetectionHead(nn.Module):
    """Three levels through one tower; classes and boxes of all levels side by side."""

    def __init__(self):
        super().__init__()
        self.stem, self.down = nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 8, 3, 2, 1)
        self.tower, self.classes, self.boxes = nn.Conv2d(8, 8, 3, 1, 1), nn.Conv2d(8, 5, 3, 1, 1), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        levels = [self.stem(x)]
        levels.append(self.down(levels[-1].relu()) * 30)
        levels.append(self.down(levels[-1].relu()) / 300)
        towers = [self.tower(level).relu() for level in levels]
        return (
            torch.cat([self.classes(tower).flatten(2) for tower in towers], 2).sigmoid(),
            torch.cat([self.boxes(tower).flatten(2) for tower in towers], 2),
        )


def outer(size, lowest, diagonal=1):
    return torch.triu(torch.full((size, size), lowest), diagonal)


KEYS = torch.zeros(9)
KEYS[6:] = -1e9
UPPER = torch.ones(9, 9, dtype=torch.bool).triu(1)

GRAPHS = {
    "a view of an output given out": lambda: Net(lambda m, x, y: (y.relu(), y.relu().view(1, 4, 16, 16) * 1)),
    "the input among the outputs": lambda: Net(lambda m, x, y: (x, y)),
    "a detection head on three levels": DetectionHead,
    "sigmoids side by side": lambda: Net(lambda m, x, y: torch.cat([y.sigmoid(), (y * 2).sigmoid()], 1)),
    "a sigmoid and a tanh side by side": lambda: Net(lambda m, x, y: torch.cat([y.sigmoid(), y.tanh()], 1)),
    "softmaxes side by side": lambda: Net(lambda m, x, y: torch.cat([y.softmax(1), (3 * y).softmax(1)], 1)),
    "a sigmoid beside its argument": lambda: Net(lambda m, x, y: torch.cat([y * 30, y.sigmoid()], 1)),
    "the first part of a split": lambda: Net(lambda m, x, y: y.split(1, 1)[0] * 2),
    "two parts of four": lambda: Net(lambda m, x, y: y.chunk(4, 1)[1] + y.chunk(4, 1)[2]),
    "average pooling of one channel": lambda: Net(lambda m, x, y: nn.functional.avg_pool2d(y[:, :1], 2)),
    "a product of two activations": lambda: Net(lambda m, x, y: y * y.sigmoid() * m.other(x), other=nn.Conv2d(3, 4, 1)),
    "a product of rows and columns": lambda: Net(lambda m, x, y: y.mean(2, keepdim=True) * y.mean(3, keepdim=True)),
    "a matrix product of two activations": lambda: Net(lambda m, x, y: y.flatten(2) @ y.flatten(2).transpose(1, 2)),
    "a product far below its factors": lambda: Net(lambda m, x, y: y * m.scale + x[:, :1] * 1e4, scale=torch.full((1, 4, 1, 1), 1e-6)),
    "a scale for a whole layer of 1e-6": lambda: Net(lambda m, x, y: (y.tanh() * m.scale + y, y), scale=torch.full((4, 1, 1), 1e-6)),
    "a scalar output": lambda: Net(lambda m, x, y: y.mean()),
    "a scalar beside an image": lambda: Net(lambda m, x, y: (y, y.abs().mean())),
    "a recurrence by hand": lambda: Recurrence(gated=False),
    "a gated recurrence by hand": lambda: Recurrence(gated=True),
    "a mask of 0": lambda: Masked(torch.zeros(9, 9)),
    "a mask of -1e9": lambda: Masked(outer(9, -1e9)),
    "a mask of the least float32": lambda: Masked(outer(9, torch.finfo(torch.float32).min)),
    "a mask of -inf": lambda: Masked(outer(9, -float("inf"))),
    "a mask of -10000": lambda: Masked(outer(9, -1e4)),
    "a mask over the last keys": lambda: Masked(KEYS.view(1, 1, 9), lambda scores, mask: 8 * scores.tanh() + mask),
    "a choice of -1e9": lambda: Masked(UPPER, lambda scores, mask: scores.masked_fill(mask, -1e9)),
    "a choice of -inf": lambda: Masked(UPPER, lambda scores, mask: scores.masked_fill(mask, -float("inf"))),
    "a choice of the least float32": lambda: Masked(~UPPER, lambda scores, mask: torch.where(mask, scores, torch.finfo(torch.float32).min)),
    "a mask and a bias": lambda: Masked(outer(9, -1e9) + torch.linspace(-2, 2, 9), lambda scores, mask: scores * 2 + mask),
}
TWICE = lambda: Net(lambda m, x, y: (y, y))  # noqa: E731
CASES = [
    *[pytest.param(make, False, id=name) for name, make in GRAPHS.items()],
    *[pytest.param(GRAPHS[name], True, id=f"{name}, new exporter") for name in ("the first part of a split", "two parts of four")],
    pytest.param(TWICE, True, id="one tensor given out twice, new exporter"),
]

# What ONNX itself has no way to say: the exporter's file is refused in a line.
REFUSED = {
    "one tensor given out twice": (TWICE, False, "is listed twice"),
    "the input among the outputs": (GRAPHS["the input among the outputs"], True, "is the input 'x' under the same name"),
    "a constant among the outputs": (lambda: Net(lambda m, x, y: (y, m.a * 2), a=torch.rand(1, 5)), False, "is a constant"),
}


def export_onnx(module, example, path, dynamo):
    logging.disable(logging.WARNING)
    options = {"dynamo": True, "verbose": False} if dynamo else {"dynamo": False, "opset_version": 17}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (torch.from_numpy(example),), str(path), input_names=["x"], **options)
    logging.disable(logging.NOTSET)


def run_onnx(path, inputs):
    """Each output of each input, by name."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (source,), names = session.get_inputs(), [output.name for output in session.get_outputs()]
    return [dict(zip(names, session.run(None, {source.name: values}), strict=True)) for values in inputs]


def run_tflite(path, inputs, builtin):
    """The same on LiteRT, as real numbers with channels first."""
    model = runtimes.interpreter(path, builtin)
    ((key, _),) = model.get_signature_list().items()
    runner = model.get_signature_runner(key)
    ((name, source),) = runner.get_input_details().items()
    sinks = runner.get_output_details()
    results = []
    for values in inputs:
        values = values.transpose(0, 2, 3, 1) if values.ndim == 4 else values
        found = runner(**{name: runtimes.quantize(np.ascontiguousarray(values), source)})
        real = {key: runtimes.dequantize(value, sinks[key]) for key, value in found.items()}
        results.append({key: value.transpose(0, 3, 1, 2) if value.ndim == 4 else value for key, value in real.items()})
    return results


def decibels(expected, found, name):
    wanted = np.stack([each[name].astype(np.float64) for each in expected])
    given = np.stack([each[name].reshape(wanted.shape[1:]) for each in found])
    noise = ((wanted - given) ** 2).sum()
    return np.inf if noise == 0 else 10 * np.log10((wanted**2).sum() / noise)


def as_one(parts, shape):
    """What was given out apart, joined along the axis that makes the output of this shape."""
    for axis, size in enumerate(shape):
        others = [part.shape[:axis] + part.shape[axis + 1 :] for part in parts]
        if sum(part.shape[axis] for part in parts) == size and set(others) == {shape[:axis] + shape[axis + 1 :]}:
            return np.concatenate(parts, axis)
    raise AssertionError(f"{[part.shape for part in parts]} don't make {shape}")


def join_split_outputs(folder, found, expected):
    report = json.loads((folder / "model.tflite.quantization_metadata").read_text())
    for split in report.get("split_outputs", []):
        for each in found:
            parts = [each[part["output"]] for part in split["parts"]]
            each[split["output"]] = as_one(parts, expected[0][split["output"]].shape)


def check(path, inputs, folder, least=INT8_LEAST, io_type="int8"):
    expected = run_onnx(path, inputs)
    (folder / "data").mkdir()
    for number, values in enumerate(inputs):
        np.savez(folder / "data" / f"{number}.npz", x=values)
    for kind, options, wanted in (
        ("float", ["--quantize", "none"], FLOAT_LEAST),
        ("int8", ["--dataset-dir", folder / "data", "--dataset-type", "numpy", "--min-agreement", 0, "--io", io_type], least),
    ):
        run_calib8("export", path, "--format", "tflite", *options, "--output-dir", folder / kind, check=True)
        for builtin in (False, True):
            found = run_tflite(folder / kind / "model.tflite", inputs, builtin)
            join_split_outputs(folder / kind, found, expected)
            for name in expected[0]:
                level = decibels(expected, found, name)
                print(f"{kind} {'built-in' if builtin else 'XNNPACK'} {name}: {level:.1f} dB")
                assert level >= wanted, (kind, builtin, name)


@pytest.mark.parametrize(("make", "dynamo"), CASES)
def test_graph(make, dynamo, tmp_path):
    torch.manual_seed(0)
    module = make()
    inputs = samples(IMAGE if isinstance(module, Net | DetectionHead) else ROWS, 40, seed=1)
    export_onnx(module, inputs[0], tmp_path / "in.onnx", dynamo)
    check(tmp_path / "in.onnx", inputs, tmp_path)


@pytest.mark.parametrize("graph", REFUSED)
def test_what_onnx_cannot_say_is_refused(graph, tmp_path):
    make, dynamo, reason = REFUSED[graph]
    export_onnx(make(), samples(IMAGE, 1, seed=1)[0], tmp_path / "in.onnx", dynamo)
    done = run_calib8("export", tmp_path / "in.onnx", "--quantize", "none", "--output-dir", tmp_path / "out")
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1 and reason in done.stderr, done.stderr


class Detector(nn.Module):
    """Boxes in pixels and scores up to 1 in one output, as YOLO's heads join them."""

    def __init__(self):
        super().__init__()
        self.stem, self.boxes, self.classes = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 4, 1), nn.Conv2d(8, 3, 1)

    def forward(self, x):
        features = nn.functional.silu(self.stem(x))
        boxes, scores = self.boxes(features).flatten(2), self.classes(features).flatten(2).sigmoid()
        return torch.cat([boxes.sigmoid() * 640, scores], 1).transpose(1, 2)


def test_scores_beside_boxes_keep_a_scale_of_their_own(tmp_path):
    torch.manual_seed(0)
    inputs = samples(IMAGE, 40, seed=1)
    export_onnx(Detector(), inputs[0], tmp_path / "in.onnx", False)
    check(tmp_path / "in.onnx", inputs, tmp_path, io_type="float32")
    expected = run_onnx(tmp_path / "in.onnx", inputs)
    found = run_tflite(tmp_path / "int8" / "model.tflite", inputs, False)
    (name,) = expected[0]
    for part in (slice(0, 4), slice(4, None)):
        wanted, given = ([{name: each[name][..., part]} for each in side] for side in (expected, found))
        assert decibels(wanted, given, name) >= 25


def test_int8_outputs_that_squeeze_a_part_are_warned_of(tmp_path):
    torch.manual_seed(0)
    inputs = samples(IMAGE, 8, seed=1)
    export_onnx(Detector(), inputs[0], tmp_path / "in.onnx", False)
    (tmp_path / "data").mkdir()
    for number, values in enumerate(inputs):
        np.savez(tmp_path / "data" / f"{number}.npz", x=values)
    done = run_calib8(
        "export", tmp_path / "in.onnx", "--format", "tflite", "--dataset-dir", tmp_path / "data", "--dataset-type", "numpy",
        "--min-agreement", 0, "--output-dir", tmp_path / "out",
    )  # fmt: skip
    (line,) = [line for line in done.stderr.splitlines() if "joins values" in line]
    assert line.startswith("warning: ") and "--io float32" in line
