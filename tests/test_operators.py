"""Families of operators as both of PyTorch's exporters write them: the float model against PyTorch, and int8 on LiteRT against float."""

from __future__ import annotations

import contextlib
import io
import logging

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from conftest import run_calib8
from torch import nn


class Outputs(nn.Module):
    """Each function of the input is an output."""

    def __init__(self, functions, modules=()):
        super().__init__()
        self.functions = functions
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs):
        return tuple(function(*inputs) for function in self.functions)


def with_modules(functions, *modules):
    return lambda: Outputs([*functions, *modules], modules)


def image(*shape):
    return lambda: (torch.randn(*(shape or (1, 6, 10, 10))),)


FAMILIES = {
    "activations": (with_modules([F.gelu, lambda x: F.gelu(x, approximate="tanh"), F.mish, F.softplus, F.softsign, F.selu,
                                  lambda x: F.threshold(x, 0.0, 0.0), F.softshrink, F.hardshrink, F.hardswish, F.logsigmoid,
                                  lambda x: 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))]), image()),
    "functions": (with_modules([torch.sin, torch.cos, torch.erf, torch.sign, lambda x: torch.floor(x + 0.5) / 4, torch.round,
                                lambda x: x.abs().pow(1.7), lambda x: torch.log(x.abs() + 1)]), image()),
    "normalizations": (with_modules([lambda x: F.normalize(x, dim=1), lambda x: F.log_softmax(x, 1)], nn.InstanceNorm2d(6, affine=True),
                                    nn.GroupNorm(3, 6), nn.GroupNorm(1, 6), nn.LayerNorm([10]), nn.LayerNorm([6, 10, 10])), image()),
    "layer norm over channels": (lambda: nn.Sequential(nn.Conv2d(6, 16, 3), Permuted(nn.LayerNorm(16)), nn.Conv2d(16, 8, 1)), image()),
    "reductions": (with_modules([lambda x: x.norm(dim=1), lambda x: x.abs().sum((2, 3)), lambda x: x.amax((1, 3)), lambda x: x.amin(0, keepdim=True),
                                 lambda x: x.logsumexp(1), lambda x: x.var(1), lambda x: x.mean((0, 1)), lambda x: (x * 0.1 + 1).prod(2),
                                 lambda x: x.norm(p=1, dim=3), lambda x: x.cumsum(2)]), image()),
    "choices": (with_modules([lambda x: torch.where(x > 0.2, x, x * 0.1), lambda x: x.masked_fill(x < 0, 0.5), lambda x: ((x > 0) & ~(x > 1)).float(),
                              lambda x: torch.where((x <= 0) | (x >= 2), torch.zeros_like(x), x), lambda x: torch.nan_to_num(x),
                              lambda x: x.triu(1)]), image()),
    "choices by index": (with_modules([lambda x: x[:, [2, 1, 0]], lambda x: x[:, [5, 0, 3, 1, 4, 2, 2]], lambda x: x[:, :, [3, 1]], lambda x: x[:, 1:4:2],
                                       lambda x: x.index_select(3, torch.tensor([0, 9, 4])), lambda x: x.flip(1), lambda x: x.roll(2, 3),
                                       lambda x: x.split(2, 1)[0], lambda x: x.chunk(3, 1)[1], lambda x: F.unfold(x, 3, stride=2),
                                       lambda x: torch.gather(x, 2, torch.tensor([[[[0, 3, 1, 2, 4, 5, 6, 7, 8, 9]]]]).expand(1, 6, 1, 10))]), image()),
    "repetitions": (with_modules([lambda x: x.repeat(1, 2, 1, 1), lambda x: x.repeat_interleave(2, 2), lambda x: x.mean(1, keepdim=True).expand(1, 6, 10, 10),
                                  lambda x: torch.stack([x, x * 2], 1).flatten(1, 2)]), image()),
    "paddings": (with_modules([lambda x: F.pad(x, (1, 2, 3, 0), mode="reflect"), lambda x: F.pad(x, (2, 1, 0, 3), mode="replicate"),
                               lambda x: F.pad(x, (1, 2, 2, 1), mode="circular"), lambda x: F.pad(x, (1, 1, 1, 1), value=0.7), lambda x: F.pad(x, (-1, 2, 0, -2))]), image()),
    "resizing": (with_modules([lambda x: F.interpolate(x, scale_factor=2), lambda x: F.interpolate(x, size=(15, 7), mode="bilinear"),
                               lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), lambda x: F.interpolate(x, size=(20, 13), mode="bicubic"),
                               lambda x: F.interpolate(x, size=(7, 13))]), image()),
    "resizing of lines": (with_modules([lambda x: F.interpolate(x, scale_factor=2), lambda x: F.interpolate(x, size=17, mode="linear"),
                                        lambda x: F.interpolate(x, scale_factor=3, mode="linear", align_corners=True)]), image(1, 4, 9)),
    "transposed convolutions": (with_modules([], nn.ConvTranspose2d(6, 6, 4, 2, 1, groups=6), nn.ConvTranspose2d(6, 12, 3, 2, 1, 1, groups=3), nn.ConvTranspose2d(6, 4, 3, dilation=2),
                                             nn.ConvTranspose2d(6, 6, 3, 3, dilation=2, groups=2), nn.ConvTranspose2d(6, 12, 5, 1, 4, groups=6)), image()),
    "lines": (with_modules([], nn.Conv1d(4, 6, 3, padding=1), nn.ConvTranspose1d(4, 4, 4, 2, groups=2), nn.MaxPool1d(2), nn.BatchNorm1d(4)), image(1, 4, 12)),
    "volumes": (with_modules([], nn.Conv3d(4, 6, 3, stride=(1, 2, 2), padding=1), nn.Conv3d(4, 4, (1, 3, 3), groups=2)), image(1, 4, 5, 8, 8)),
    "products": (with_modules([lambda x: torch.einsum("nchw,ncvw->nhv", x, x), lambda x: torch.einsum("nchw->nhc", x), lambda x: x @ x.transpose(2, 3),
                               lambda x: torch.einsum("nchw,kc->nkhw", x, torch.arange(12.0).reshape(2, 6) / 12), lambda x: torch.linalg.vector_norm(x, dim=(1, 2))]), image()),
    "recurrences": (lambda: Recurrences(), image(1, 7, 8)),
    "six dimensions": (with_modules([lambda x: x.reshape(1, 3, 2, 5, 2, 10).permute(0, 2, 1, 3, 5, 4).flatten(2), lambda x: x.sum(), lambda x: x[0, 0, 0, 0] * 2]), image()),
}


class Recurrences(nn.Module):
    """Each recurrent layer, with the outputs of all steps and the last states."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(8, 5, batch_first=True, bidirectional=True)
        self.rnn = nn.RNN(8, 4, batch_first=True)

    def forward(self, x):
        steps, (state, cell) = self.lstm(x)
        return steps, state, cell, *self.gru(x), self.rnn(x)[0]


class Permuted(nn.Module):
    """A layer that works on channels last."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def export(module, inputs, path, exporter):
    logging.disable(logging.WARNING)
    with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        if exporter == "dynamo":
            torch.onnx.export(module, inputs, path, dynamo=True, verbose=False)
        else:
            torch.onnx.export(module, inputs, path, dynamo=False, opset_version=17)


def channels_last(array, shape):
    return np.moveaxis(array, 1, -1) if array.ndim == 4 and array.shape != tuple(shape) else array


def outputs_of(path, array, builtin=False):
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if builtin else OpResolverType.AUTO
    interpreter = Interpreter(str(path), num_threads=1, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    if array.ndim == 4:
        array = np.moveaxis(array, 1, -1)
    interpreter.set_tensor(detail["index"], np.ascontiguousarray(array))
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def decibels(expected, actual):
    if expected.ndim == 4:
        expected = np.moveaxis(expected, 1, -1)
    assert expected.shape == actual.shape
    expected, actual = expected.astype(np.float64), actual.astype(np.float64)
    noise = ((expected - actual) ** 2).sum()
    return 10 * np.log10(max((expected**2).sum(), 1e-12) / max(noise, 1e-12))


@pytest.mark.parametrize("exporter", ["classic", "dynamo"])
@pytest.mark.parametrize("family", FAMILIES)
def test_family(family, exporter, tmp_path):
    make, draw = FAMILIES[family]
    torch.manual_seed(1)
    module, inputs = make().eval(), draw()
    with torch.no_grad():
        expected = module(*inputs)
    expected = [t.numpy() for t in (expected if isinstance(expected, tuple) else (expected,))]
    export(module, inputs, tmp_path / "model.onnx", exporter)
    run_calib8("export", tmp_path / "model.onnx", "--quantize", "none", "--format", "tflite", "--output-dir", tmp_path / "float", check=True)
    for builtin in (False, True):
        actual = outputs_of(tmp_path / "float" / "model.tflite", inputs[0].numpy(), builtin)
        assert len(actual) == len(expected)
        measured = [round(decibels(e, a)) for e, a in zip(expected, actual)]
        assert min(measured) >= 85, f"float outputs at {measured} dB"
    if exporter == "dynamo":
        return
    samples = tmp_path / "samples"
    samples.mkdir()
    for i in range(8):
        torch.manual_seed(i + 1)
        np.save(samples / f"{i}.npy", draw()[0].numpy()[0])
    run_calib8("export", tmp_path / "model.onnx", "--io", "float32", "--format", "tflite", "--dataset-dir", samples, "--dataset-type", "numpy", "--calibration", "minmax",
               "--min-agreement", "0", "--output-dir", tmp_path / "int8", check=True)
    least = 10 if family == "recurrences" else 15  # rounding adds up over the steps
    by_kernels = [outputs_of(tmp_path / "int8" / "model.tflite", inputs[0].numpy(), builtin) for builtin in (False, True)]
    for actual in by_kernels:
        measured = [round(decibels(e, a)) for e, a in zip(expected, actual)]
        assert min(measured) >= least, f"int8 outputs at {measured} dB"
