"""Whole modules, torch.save(model): calib8 rebuilds what forward() computes by the classes' names, and runs nothing."""

import collections

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import run_calib8
from support.module_files import behaving, check, likeness, outputs_of, refuse, run_tflite
from torch import nn

SEQUENTIALS = {
    "digits": (lambda: [nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU6(),
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 10)], (1, 1, 28, 28)),
    "features": (lambda: [nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4), nn.Softmax(dim=-1)], (1, 16)),
    "flattened": (lambda: [nn.Flatten(), nn.Linear(192, 20), nn.BatchNorm1d(20), nn.Tanh(), nn.Linear(20, 5), nn.LogSoftmax(1)], (1, 3, 8, 8)),
    "activations": (lambda: [nn.Conv2d(3, 8, 3, padding="same", padding_mode="reflect"), nn.SiLU(), nn.Conv2d(8, 8, 5, 2, 2, groups=8), nn.Hardswish(),
                             nn.Conv2d(8, 8, 1), nn.Mish(), nn.PReLU(8), nn.ELU(0.7), nn.Hardsigmoid(), nn.LeakyReLU(0.2), nn.Softplus(2), nn.CELU(1.3),
                             nn.SELU(), nn.Softsign(), nn.Hardtanh(-0.5, 0.5), nn.Softshrink(0.1), nn.Tanhshrink(), nn.LogSigmoid(), nn.GELU("tanh")],
                    (1, 3, 16, 24)),
    "normalizations": (lambda: [nn.Conv2d(3, 12, 3), nn.GroupNorm(3, 12), nn.ReLU(), nn.InstanceNorm2d(12, affine=True), nn.Conv2d(12, 8, 3),
                                nn.InstanceNorm2d(8), nn.LocalResponseNorm(3), nn.BatchNorm2d(8, affine=False)], (1, 3, 16, 16)),
    "pools": (lambda: [nn.Conv2d(3, 4, 3), nn.AvgPool2d(3, 2, 1), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(2, 1, 1, count_include_pad=False),
                       nn.AdaptiveAvgPool2d((5, 7)), nn.AdaptiveAvgPool2d((None, 7)), nn.AdaptiveMaxPool2d(1), nn.Flatten()], (1, 3, 33, 31)),
    "resizing": (lambda: [nn.Conv2d(3, 8, 3, padding=1), nn.Upsample(scale_factor=2), nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1),
                          nn.Upsample(size=(40, 36), mode="bilinear"), nn.UpsamplingBilinear2d(scale_factor=1.5), nn.PixelUnshuffle(2), nn.Conv2d(16, 16, 1),
                          nn.PixelShuffle(2), nn.ChannelShuffle(2)], (1, 3, 10, 8)),
    "padding": (lambda: [nn.ZeroPad2d((1, 2, 3, 4)), nn.Conv2d(2, 4, 3), nn.ReflectionPad2d(2), nn.ReplicationPad2d((1, 0, 2, 1)), nn.ConstantPad2d(1, 0.7),
                         nn.Conv2d(4, 5, 3, padding=1, padding_mode="replicate"), nn.CircularPad2d(1)], (1, 2, 9, 11)),
    "signal": (lambda: [nn.Conv1d(2, 8, 5, 2, 2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 8, 3, padding=1), nn.GLU(1),
                        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3)], (1, 2, 64)),
    "nested": (lambda: [nn.Sequential(nn.Conv2d(3, 6, 3), nn.Identity()), nn.Sequential(nn.ReLU(), nn.Sequential(nn.Flatten(2), nn.Linear(36, 5))),
                        nn.Softmin(2)], (1, 3, 8, 8)),
    "unflattened": (lambda: [nn.Linear(8, 48), nn.Unflatten(1, (3, 4, 4)), nn.ConvTranspose2d(3, 5, 2, 2), nn.Softmax2d()], (1, 8)),
    "last dimensions": (lambda: [nn.Linear(8, 16), nn.LayerNorm(16), nn.Linear(16, 16, bias=False), nn.LayerNorm(16, elementwise_affine=False)], (1, 8)),
}  # fmt: skip


ACTIVATIONS = [
    nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(), nn.PReLU(8), nn.ELU(0.7), nn.CELU(1.3), nn.SELU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(),
    nn.Sigmoid(), nn.Tanh(), nn.Hardtanh(-0.5, 0.4), nn.Hardswish(), nn.Hardsigmoid(), nn.Softplus(), nn.Softplus(2), nn.Softsign(), nn.Softshrink(0.2),
    nn.Tanhshrink(), nn.LogSigmoid(), nn.Softmax(1), nn.LogSoftmax(1), nn.Softmin(1), nn.Softmax2d(), nn.GLU(1),
]  # fmt: skip


def size_flags(shape):
    return {4: ["--input-size", "x".join(map(str, shape[2:]))], 3: ["--input-size", f"1x{shape[-1]}"], 2: []}[len(shape)]


def named(layers):
    return nn.Sequential(collections.OrderedDict((f"layer{i}", layer) for i, layer in enumerate(layers)))


@pytest.mark.parametrize("name", SEQUENTIALS)
def test_sequentials(name, tmp_path):
    layers, shape = SEQUENTIALS[name]
    torch.manual_seed(0)
    model = behaving(named(layers()))
    torch.save(model, tmp_path / "model.pt")
    check(tmp_path / "model.pt", model, torch.randn(shape), tmp_path / "out", *size_flags(shape))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_activations(activation, tmp_path):
    """Each on values of both signs, from small to large."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 1), activation).eval()
    model[0].weight.data.normal_(std=3)
    torch.save(model, tmp_path / "model.pt")
    check(tmp_path / "model.pt", model, torch.randn(1, 3, 6, 7), tmp_path / "out", "--input-size", "6x7")


def small():
    torch.manual_seed(0)
    return behaving(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)))


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}, {"pickle_protocol": 5}], ids=str)
def test_every_form_of_file(options, tmp_path):
    torch.save(small(), tmp_path / "model.pt", **options)
    check(tmp_path / "model.pt", small(), torch.randn(1, 3, 9, 9), tmp_path / "out", "--input-size", 9)


def test_half_precision_weights_are_widened(tmp_path):
    model = small().half()
    torch.save(model, tmp_path / "model.pt")
    check(tmp_path / "model.pt", model, torch.randn(1, 3, 9, 9), tmp_path / "out", "--input-size", 9)


def test_an_average_is_taken_before_the_model_and_another_can_be_named(tmp_path):
    model, average = small(), small()
    average[5].bias.data += 1
    x = torch.randn(1, 3, 9, 9)
    torch.save({"epoch": 3, "model": model, "ema": average, "names": {0: "a", 1: "b", 2: "c", 3: "d"}}, tmp_path / "last.pt")
    report = check(tmp_path / "last.pt", average, x, tmp_path / "out", "--input-size", 9)
    assert "'ema' is used, not model" in report["said"]
    check(tmp_path / "last.pt", model, x, tmp_path / "named", "--input-size", 9, "--state-dict", "model")
    refuse(tmp_path / "last.pt", tmp_path / "none", "teacher", "'ema'", "'model'", flags=["--state-dict", "teacher"])


def test_embedding_of_numbers(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 4))
    torch.save(model, tmp_path / "model.pt")
    check(tmp_path / "model.pt", model, torch.randint(0, 20, (1, 6)), tmp_path / "out", "--input-size", "1x6")


def test_integers_throughout(tmp_path):
    """The way to int8 is that of any model."""
    torch.manual_seed(0)
    model = behaving(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(392, 4)))
    torch.save(model, tmp_path / "model.pt")
    rng = np.random.default_rng(0)
    np.save(tmp_path / "data.npy", rng.random((32, 9, 9, 3), dtype=np.float32))
    run_calib8("export", tmp_path / "model.pt", "--dataset-dir", tmp_path / "data.npy", "--output-dir", tmp_path / "out", "--input-size", 9,
               "--effort", "fast", "--io", "float32", check=True)  # fmt: skip
    x = torch.rand(1, 3, 9, 9)
    assert likeness(outputs_of(model, x)[0], run_tflite(tmp_path / "out/model.tflite", x)) > 20


@pytest.mark.parametrize("name", SEQUENTIALS)
def test_an_open_batch(name, tmp_path):
    """model.onnx for several at once, of the same network."""
    layers, shape = SEQUENTIALS[name]
    torch.manual_seed(0)
    model = behaving(named(layers()))
    torch.save(model, tmp_path / "model.pt")
    run_calib8("export", tmp_path / "model.pt", "--format", "onnx", "--dynamic-batch", "--output-dir", tmp_path, *size_flags(shape), check=True)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    x = torch.randn(3, *shape[1:])
    assert likeness(outputs_of(model, x)[0], session.run(None, {session.get_inputs()[0].name: x.numpy()})) > 90


# What is refused


class Unknown(nn.Module):
    def forward(self, x):
        return x


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x) * 2


def test_classes_that_are_not_known_are_named_with_their_place(tmp_path):
    torch.save(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Sequential(nn.ReLU(), Unknown())), tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", tmp_path / "out", '"1.1"', "test_modules.Unknown", "torch.onnx.export")
    torch.save(Net(), tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", tmp_path / "out", "test_modules.Net", "torch.onnx.export", "state_dict()")
    torch.save({"model": Net(), "epoch": 1}, tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", tmp_path / "out", "test_modules.Net")


def test_what_a_pickle_cannot_say_is_refused(tmp_path):
    path, out = tmp_path / "model.pt", tmp_path / "out"

    def saved(*layers):
        torch.save(nn.Sequential(*layers), path)

    saved(nn.utils.weight_norm(nn.Linear(4, 4)))
    refuse(path, out, '"0"', "hook", "weight_norm")
    saved(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False))
    refuse(path, out, '"1"', "track_running_stats")
    saved(nn.ReLU())
    refuse(path, out, "no layer that says what it takes")
    saved(nn.Conv1d(2, 4, 3))
    refuse(path, out, "--input-size 1xLENGTH")
    saved(nn.Flatten(), nn.Linear(100, 4))
    refuse(path, out, "--input-size")
    saved(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(100, 4))
    refuse(path, out, '"2"', "100 features", "--input-size", flags=["--input-size", "8"])
    saved(nn.Conv3d(3, 4, 3))
    refuse(path, out, "volumes")
    saved(nn.Linear(4, 4))
    refuse(path, out, "--arch", flags=["--arch", "resnet18"], status=2)
    refuse(path, out, "--num-classes", "4 outputs", flags=["--num-classes", "5"])


def test_a_damaged_tree_is_refused(tmp_path):
    """Attributes of other kinds and sizes than the class gives them."""
    path, out = tmp_path / "model.pt", tmp_path / "out"
    changes = [
        (0, "stride", "two", "stride"), (0, "stride", (1, 2, 3), "2 integers"), (0, "stride", (0, 0), "stride"), (0, "padding", 2**60, "padding"),
        (0, "padding", "twice", "twice"), (0, "padding_mode", "mirror", "mirror"), (0, "groups", 7, "Conv"), (0, "dilation", (-1, 1), "dilation"),
        (1, "eps", "small", "eps"), (3, "output_size", "all", "output_size"), (3, "output_size", 0, "pools"), (4, "start_dim", 9, "flattens"),
        (0, "_modules", {"inner": 3}, "inner"), (0, "_modules", {"inner": "x" * 5}, "inner"),
    ]  # fmt: skip
    for index, attribute, value, word in changes:
        model = small()
        model[index].__dict__[attribute] = value
        torch.save(model, path)
        refuse(path, out, word, flags=["--input-size", "9"])


def test_modules_in_modules_end(tmp_path):
    model = nn.Sequential()
    for _ in range(90):
        model = nn.Sequential(model)
    torch.save(model, tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", tmp_path / "out", "deep")
    shared = nn.Sequential(nn.ReLU())
    for _ in range(40):  # 2^40 modules, each in two places
        shared = nn.Sequential(shared, shared)
    torch.save(shared, tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", tmp_path / "out")
