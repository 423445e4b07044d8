"""Programs of torch.export.save (.pt2), plain and decomposed, against PyTorch; and files that aren't what they say."""

from __future__ import annotations

import json
import zipfile

import pytest
import torch
from conftest import run_calib8
from support import runtimes
from torch import nn


class Attention(nn.Module):
    """Patches, tokens and attention: views, transposes and matmuls that a CNN lacks."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 8, 8)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
        self.head = nn.Linear(32, 5)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        return self.head(self.layer(tokens).mean(1))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.SiLU(), nn.Conv2d(16, 16, 3, 1, 1, groups=16),
        nn.Hardswish(), nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear"), nn.PixelUnshuffle(2),
        nn.GroupNorm(4, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 7), nn.Softmax(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(3, 8, 3, (4, 2), 1)
        self.lstm = nn.LSTM(64, 12, bidirectional=True, batch_first=True)

    def forward(self, x):
        return self.lstm(self.features(x).flatten(1, 2).transpose(1, 2))[0]


class InPlace(nn.Module):
    """Writes through views, and through views of views, of what is read again afterwards."""

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(3, 6, 3, padding=1).requires_grad_(False)  # or chunk()'s parts couldn't be written

    def forward(self, x):
        y = self.features(x)
        part = y[:, 1:3]
        part.mul_(2)
        y[:, :, ::2] += 1
        y[:, 0] = part[:, 0]
        first, second = y.chunk(2, 1)
        second.transpose(2, 3).sub_(first)
        mask = torch.zeros(1, 1, 32, 32)
        mask[:, :, :16, 16:] = 3
        return y.relu_() + mask + part.mean()


class Differences(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        y = self.features(x)
        return torch.diff(y, prepend=y[..., :1] * 2, append=y[..., -2:]) - torch.diff(y, n=1, dim=2).mean()


NETWORKS = {"convolutional": convolutional, "attention": Attention, "recurrent": Recurrent, "in place": InPlace, "differences": Differences}


def saved(path, model, decomposed: bool = False, **options):
    torch.manual_seed(3)
    x = torch.randn(1, 3, 32, 32)
    program = torch.export.export(model.eval(), (x,), **options)
    torch.export.save(program.run_decompositions() if decomposed else program, path)
    return x


def export(path, folder, *flags):
    return run_calib8("export", "--checkpoint", path, "--format", "tflite", "--quantize", "none", "--output-dir", folder, *flags)


@pytest.mark.parametrize("decomposed", [False, True], ids=["plain", "decomposed"])
@pytest.mark.parametrize("name", NETWORKS)
def test_computes_what_the_module_does(tmp_path, name, decomposed):
    torch.manual_seed(2)
    model = NETWORKS[name]()
    x = saved(tmp_path / "model.pt2", model, decomposed)
    done = export(tmp_path / "model.pt2", tmp_path)
    assert done.returncode == 0, done.stderr
    expected = model(x).detach().numpy()
    found = runtimes.run_tflite(tmp_path / "model.tflite", x.permute(0, 2, 3, 1).numpy())
    found = found.transpose(0, 3, 1, 2) if expected.ndim == 4 else found.reshape(expected.shape)
    assert runtimes.sqnr(expected, found, centred=False) > 90


def test_an_open_batch_becomes_one(tmp_path):
    model = convolutional()
    x = torch.randn(2, 3, 32, 32)
    batch = torch.export.Dim("batch", min=1, max=64)
    torch.export.save(torch.export.export(model.eval(), (x,), dynamic_shapes=({0: batch},)), tmp_path / "model.pt2")
    done = export(tmp_path / "model.pt2", tmp_path)
    assert done.returncode == 0, done.stderr
    found = runtimes.run_tflite(tmp_path / "model.tflite", x.permute(0, 2, 3, 1).numpy())
    assert runtimes.sqnr(model(x).detach().numpy(), found, centred=False) > 90


class Unclear(nn.Module):
    """reshape() may share elements or copy them: what `y` is afterwards, the program doesn't say."""

    def forward(self, x):
        y = x * 2
        z = y.reshape(1, -1)
        z.add_(1)
        return y + z.mean()


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(1, 3, 32, 32))

    def forward(self, x):
        self.total.add_(x)
        return self.total * 2


@pytest.mark.parametrize(("model", "words"), [(Unclear, ['value "mul"', "add_", "run_decompositions"]), (Stateful, ["total", "keeps no state"])])
def test_in_place_operations_that_cannot_be_followed_are_refused_by_name(tmp_path, model, words):
    saved(tmp_path / "model.pt2", model())
    done = export(tmp_path / "model.pt2", tmp_path / "out")
    assert done.returncode == 3 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert all(word in done.stderr for word in words), done.stderr


def test_inspect_shows_the_program(tmp_path):
    saved(tmp_path / "model.pt2", convolutional())
    done = run_calib8("inspect", tmp_path / "model.pt2")
    assert done.returncode == 0 and "Conv" in done.stdout, done.stderr


def rewritten(path, change):
    """The same archive with members changed by `change`(name without its root, bytes) -> bytes or None to leave it out."""
    target = path.with_name("changed.pt2")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            data = change(member.filename.split("/", 1)[1], old.read(member))
            if data is not None:
                new.writestr(member.filename, data)
    return target


def in_program(edit):
    def change(name, data):
        if name != "models/model.json":
            return data
        program = json.loads(data)
        edit(program)
        return json.dumps(program).encode()

    return change


def first_node(program):
    return program["graph_module"]["graph"]["nodes"][0]


def set_target(name):
    return in_program(lambda program: first_node(program).update(target=name))


LIES = {
    "no program": lambda name, data: None if name == "models/model.json" else data,
    "no weights": lambda name, data: None if name.startswith("data/weights/weight_") else data,
    "half of the weights": lambda name, data: data[: len(data) // 2] if name.startswith("data/weights/weight_") else data,
    "a version to come": lambda name, data: b"9" if name == "archive_version" else data,
    "another byte order": lambda name, data: b"big" if name == "byteorder" else data,
    "no JSON": lambda name, data: data[:-9] if name == "models/model.json" else data,
    "deep JSON": lambda name, data: b"[" * 200_000 if name == "models/model.json" else data,
    "an unknown operator": set_target("torch.ops.mine.launch.default"),
    "no graph": in_program(lambda program: program["graph_module"].pop("graph")),
    "no nodes": in_program(lambda program: program["graph_module"]["graph"].update(nodes=[])),
    "nodes that are numbers": in_program(lambda program: program["graph_module"]["graph"].update(nodes=[1, 2])),
    "no inputs of a node": in_program(lambda program: first_node(program).update(inputs=[])),
    "a node without outputs": in_program(lambda program: first_node(program).update(outputs=[])),
    "values without types": in_program(lambda program: program["graph_module"]["graph"].update(tensor_values={})),
    "no signature": in_program(lambda program: program["graph_module"].pop("signature")),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_is_refused_in_one_line(tmp_path, lie):
    saved(tmp_path / "model.pt2", convolutional())
    changed = rewritten(tmp_path / "model.pt2", LIES[lie])
    done = export(changed, tmp_path / "out")
    assert done.returncode == 3, (done.returncode, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1 and not (tmp_path / "out" / "model.tflite").exists()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_file_cut_off_is_refused(tmp_path, share):
    saved(tmp_path / "model.pt2", convolutional())
    data = (tmp_path / "model.pt2").read_bytes()
    (tmp_path / "cut.pt2").write_bytes(data[: int(len(data) * share)])
    assert export(tmp_path / "cut.pt2", tmp_path / "out").returncode == 3
