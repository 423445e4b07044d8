"""Helpers for the tests of whole modules: torch.save(model), converted by calib8 and held against the module itself."""

from __future__ import annotations

import copy
import json
import pathlib

import numpy as np
import torch
from conftest import run_calib8
from torch import nn

from support import runtimes

FLOAT_LEAST = 90  # dB: LiteRT sums in another order than PyTorch, nothing more


def behaving(model: nn.Module) -> nn.Module:
    """With statistics and scales in its normalizations that would show where they are left out."""
    torch.manual_seed(0)
    for module in model.modules():
        if getattr(module, "running_mean", None) is not None:
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
        if "Norm" in type(module).__name__ and getattr(module, "weight", None) is not None:
            module.weight.data.uniform_(0.7, 1.3)
            module.bias.data.uniform_(-0.3, 0.3)
    return model.eval()


def convert(path: pathlib.Path, folder: pathlib.Path, *flags) -> dict:
    done = run_calib8("export", path, "--quantize", "none", "--output-dir", folder, "--json", *flags, check=True)
    return json.loads(done.stdout) | {"said": done.stderr}


def run_tflite(path: pathlib.Path, x: torch.Tensor) -> list[np.ndarray]:
    """All outputs; images go in channels last."""
    made = runtimes.interpreter(path)
    details = made.get_input_details()[0]
    values = x.numpy().transpose(0, 2, 3, 1) if x.ndim == 4 else x.numpy()
    assert list(details["shape"]) == list(values.shape), details["shape"]
    made.set_tensor(details["index"], np.ascontiguousarray(values).astype(details["dtype"]))
    made.invoke()
    return [made.get_tensor(output["index"]) for output in made.get_output_details()]


def outputs_of(model: nn.Module, x: torch.Tensor) -> list[np.ndarray]:
    with torch.no_grad():
        found = copy.deepcopy(model).float().eval()(x)
    return [value.numpy() for value in (found if isinstance(found, (tuple, list)) else [found])]


def likeness(expected: np.ndarray, found: list[np.ndarray]) -> float:
    """dB of the output that is it: maps are channels last in TFLite."""
    best = -np.inf
    for value in found:
        for candidate in [value, value.transpose(0, 3, 1, 2)] if value.ndim == 4 else [value]:
            if candidate.shape == expected.shape:
                best = max(best, runtimes.sqnr(expected, candidate, centred=False))
    return best


def check(path: pathlib.Path, model: nn.Module, x: torch.Tensor, folder: pathlib.Path, *flags) -> dict:
    """What calib8 makes of the file computes what the module does."""
    report = convert(path, folder, *flags)
    found = run_tflite(folder / "model.tflite", x)
    expected = outputs_of(model, x)
    assert len(found) == len(expected)
    for value in expected:
        assert likeness(value, found) >= FLOAT_LEAST, (value.shape, [each.shape for each in found])
    return report


def refuse(path: pathlib.Path, folder: pathlib.Path, *words, flags=(), status: int = 3) -> str:
    """Nothing is written, and one line says why."""
    done = run_calib8("export", path, "--quantize", "none", "--output-dir", folder, "--quiet", *flags)
    assert done.returncode == status, (done.returncode, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and not folder.exists(), done.stderr
    for word in words:
        assert word in lines[0], lines[0]
    return lines[0]
