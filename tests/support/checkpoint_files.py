"""Helpers for the tests of checkpoints: writing files with PyTorch, reading them with `calib8 inspect`."""

import hashlib
import json
import zipfile

import torch
from conftest import run_calib8

MODEL_ERROR = 3


def inspect(path):
    return run_calib8("inspect", path, "--json")


def read(path):
    result = inspect(path)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refuse(path, *words):
    """The file is refused as a model file, in one line that has the words."""
    result = inspect(path)
    assert result.returncode == MODEL_ERROR, (result.returncode, result.stdout[:300], result.stderr)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0], lines[0]
    return lines[0]


def describe(tensor):
    tensor = tensor.detach().contiguous()
    content = tensor.view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def expected(state_dict):
    return [{"name": name, **describe(tensor)} for name, tensor in state_dict.items() if torch.is_tensor(tensor)]


def check(path, state_dict):
    found = read(path)
    assert found["tensors"] == expected(state_dict)
    return found


def small_model():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, bias=False), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8, 4)
    )


def rewrite(path, change):
    """Writes the archive anew with the members' content changed."""
    with zipfile.ZipFile(path) as source:
        members = [(name, source.read(name)) for name in source.namelist()]
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members:
            target.writestr(name, change(name, content))
