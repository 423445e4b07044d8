"""What stands in a checkpoint beside the network, and which of several networks is taken: right, or said."""

import argparse
import collections
import types

import numpy as np
import pytest
import torch
from conftest import run_calib8
from support.torchvision_models import torchvision
from torch import nn

SIZE = 64


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return behaving(torchvision.models.resnet18(num_classes=5))


def behaving(model: nn.Module, channels: int = 3) -> nn.Module:
    """BatchNorm statistics from a batch, so that activations neither vanish nor explode."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = None
    model.train()
    with torch.no_grad():
        model(torch.randn(8, channels, SIZE, SIZE))
    return model.eval()


def export(content, tmp_path, *flags):
    path = tmp_path / "checkpoint.pth"
    torch.save(content, path)
    return run_calib8("export", path, "--format", "onnx", "--input-size", SIZE, "--output-dir", tmp_path / "out", *flags)


def check(content, model, tmp_path, *flags, channels: int = 3) -> str:
    """model.onnx computes what the module does; what was said."""
    import onnxruntime

    done = export(content, tmp_path, *flags)
    assert done.returncode == 0, done.stderr
    x = torch.randn(2, channels, SIZE, SIZE)
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx", providers=["CPUExecutionProvider"])
    found = np.concatenate([session.run(None, {"image": x[i : i + 1].numpy()})[0] for i in range(2)])
    with torch.no_grad():
        np.testing.assert_allclose(found, model(x).numpy(), rtol=1e-3, atol=1e-4)
    return done.stdout + done.stderr


def refuse(content, tmp_path, *words, flags=()):
    done = export(content, tmp_path, *flags)
    assert done.returncode == 3, (done.returncode, done.stdout, done.stderr)
    for word in words:
        assert word in done.stderr, done.stderr


def prefixed(state_dict, prefix):
    return {prefix + name: tensor for name, tensor in state_dict.items()}


# Tensors beside the network's


@pytest.mark.parametrize("extra", ["criterion.pos_weight", "loss_fn.weight", "val_acc.tp", "train_f1.tp", "metrics.confmat", "focalLoss.alpha", "module.criterion.weight"])
def test_tensors_of_losses_and_metrics_are_left_out(network, tmp_path, extra):
    said = check({"state_dict": {**prefixed(network.state_dict(), "model."), extra: torch.ones(5)}}, network, tmp_path)
    assert extra in said and "left out" in said


def test_other_tensors_are_not(network, tmp_path):
    refuse({"state_dict": {**prefixed(network.state_dict(), "model."), "projector.weight": torch.ones(5, 5)}}, tmp_path)


@pytest.mark.parametrize(
    "key, value",
    [
        ("criterion", nn.CrossEntropyLoss(torch.ones(5))),
        ("scheduler", torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 0.1), 3)),
        ("transform", torchvision.transforms.Compose([torchvision.transforms.Resize(64), torchvision.transforms.ToTensor()])),
        ("interpolation", torchvision.transforms.InterpolationMode.BICUBIC),
        ("activation", nn.functional.relu),
        ("queue", collections.deque([1, 2])),
        ("space", types.SimpleNamespace(a=1)),
        ("rng", (torch.get_rng_state(), np.random.get_state())),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_objects_beside_the_weights_stay_unread(network, tmp_path, key, value):
    said = check({"state_dict": network.state_dict(), key: value}, network, tmp_path)
    if key in ("criterion", "scheduler", "transform"):
        assert "left unread" in said


def test_a_module_in_place_of_a_state_dict_is_the_network(network, tmp_path):
    class_name = type(network).__module__ + "." + type(network).__name__
    assert class_name in check({"model": network, "counts": {"seen": torch.ones(3)}}, network, tmp_path)


# One of several


def other(state_dict):
    return {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in state_dict.items()}


@pytest.mark.parametrize("keys", [("model", "model_ema"), ("state_dict", "state_dict_ema"), ("model", "ema"), ("student", "teacher"), ("net", "shadow")])
def test_of_several_state_dicts_one_is_taken_and_said(network, tmp_path, keys):
    weights = network.state_dict()
    said = check({keys[0]: weights, keys[1]: other(weights)}, network, tmp_path)
    assert f"'{keys[0]}' is used, not {keys[1]}" in said and "--state-dict" in said
    said = check({keys[0]: other(weights), keys[1]: weights}, network, tmp_path, "--state-dict", keys[1])
    assert "is used, not" not in said


def test_of_two_networks_in_one_state_dict(network, tmp_path):
    weights = network.state_dict()
    both = {**prefixed(weights, "student."), **prefixed(other(weights), "teacher.")}
    assert "'student' is used, not teacher" in check(both, network, tmp_path)
    both = {**prefixed(other(weights), "student."), **prefixed(weights, "teacher.")}
    check({"model": both}, network, tmp_path, "--state-dict", "teacher")


def test_a_state_dict_that_is_not_there(network, tmp_path):
    refuse({"model": network.state_dict()}, tmp_path, "--state-dict", "'missing'".replace("'", '"'), "model", flags=["--state-dict", "missing"])


# Names of architectures


@pytest.mark.parametrize("content", [{"arch": "resnetblur18"}, {"arch": "resnetblur18", "args": argparse.Namespace(model="resnetblur18")}, {"config": {"model": "seresnet18"}}, {"args": argparse.Namespace(model="resnet18d")}])
def test_an_architecture_that_shares_its_tensors_with_another_is_refused(network, tmp_path, content):
    refuse({**content, "state_dict": network.state_dict()}, tmp_path, "--arch", "can't be rebuilt")
    check({**content, "state_dict": network.state_dict()}, network, tmp_path, "--arch", "resnet18")


@pytest.mark.parametrize("name", ["resnet18", "ResNet-18", "resnet18.a1_in1k", "torchvision/resnet18", "resnet", "my_experiment", "run-7 of resnet"])
def test_names_that_say_the_same_or_nothing(network, tmp_path, name):
    check({"config": {"model": name}, "state_dict": network.state_dict()}, network, tmp_path)


def test_a_name_that_says_more_is_noted(network, tmp_path):
    said = check({"model_name": "resnet18_cbam", "state_dict": network.state_dict()}, network, tmp_path)
    assert "is taken as resnet18" in said


# Heads and stems


def with_head(name, head):
    torch.manual_seed(1)
    model = getattr(torchvision.models, name)()
    setattr(model, "fc" if name.startswith("res") else "classifier", head)
    return behaving(model)


HEADS = {
    "Dropout-Linear": lambda n: nn.Sequential(nn.Dropout(0.2), nn.Linear(n, 5)),
    "Linear-ReLU-Dropout-Linear": lambda n: nn.Sequential(nn.Linear(n, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5)),
    "Dropout-Linear-ReLU-Dropout-Linear": lambda n: nn.Sequential(nn.Dropout(0.2), nn.Linear(n, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5)),
    "Linear-ReLU-Linear without bias": lambda n: nn.Sequential(nn.Linear(n, 64, bias=False), nn.ReLU(), nn.Linear(64, 5, bias=False)),
    "Linear-BatchNorm-ReLU-Dropout-Linear": lambda n: nn.Sequential(nn.Linear(n, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5)),
    "Linear-Linear": lambda n: nn.Sequential(nn.Linear(n, 64), nn.Linear(64, 5)),
    "nested": lambda n: nn.Sequential(nn.Dropout(0.1), nn.Sequential(nn.Linear(n, 64), nn.ReLU(), nn.Linear(64, 5))),
}  # fmt: skip


COMBINATIONS = [("resnet18", 512, head) for head in HEADS] + [
    (name, features, head)
    for name, features in (("mobilenet_v3_small", 576), ("efficientnet_b0", 1280))
    for head in ("Linear-ReLU-Dropout-Linear", "nested")
]


@pytest.mark.parametrize("name, features, head", COMBINATIONS)
def test_heads_in_place_of_torchvisions(tmp_path, name, features, head):
    model = with_head(name, HEADS[head](features))
    said = check(model.state_dict(), model, tmp_path)
    assert ("--head-activation" in said) == ("ReLU" in head or head == "nested")


def test_the_activation_of_a_head_can_be_named(tmp_path):
    model = with_head("resnet18", nn.Sequential(nn.Linear(512, 64), nn.Tanh(), nn.Linear(64, 5)))
    check(model.state_dict(), model, tmp_path, "--head-activation", "tanh")
    done = export(model.state_dict(), tmp_path, "--head-activation", "swiglu")
    assert done.returncode == 2 and "--head-activation" in done.stderr


class TwoLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(512, 64), nn.Linear(64, 5)

    def forward(self, x):
        return self.fc2(nn.functional.silu(self.fc1(x)))


def test_a_head_without_numbers_needs_a_word(tmp_path):
    model = with_head("resnet18", TwoLayers())
    refuse(model.state_dict(), tmp_path, "head", "--head-activation")
    check(model.state_dict(), model, tmp_path, "--head-activation", "silu")


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "efficientnet_b0"])
def test_stems_of_other_channels(tmp_path, name, channels):
    torch.manual_seed(2)
    model = getattr(torchvision.models, name)(num_classes=5)
    if name == "resnet18":
        model.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
    else:
        old = model.features[0][0]
        model.features[0][0] = nn.Conv2d(channels, old.out_channels, 3, 2, 1, bias=False)
    model = behaving(model, channels)
    check(model.state_dict(), model, tmp_path, channels=channels)


def test_names_of_timm_are_told(network, tmp_path):
    names = {"conv_stem.weight": torch.ones(32, 3, 3, 3), "blocks.0.0.conv_dw.weight": torch.ones(32, 1, 3, 3), "classifier.weight": torch.ones(5, 1280)}
    refuse({"arch": "efficientnet_b0", "state_dict": names}, tmp_path, "timm", "torch.onnx.export")


@pytest.mark.parametrize("place", ["conv1.weight", "layer4.1.bn2.running_var", "fc.bias"])
@pytest.mark.parametrize("quantize", ["none", "float16"])
def test_weights_that_are_no_numbers_are_refused(network, tmp_path, place, quantize):
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    weights[place].view(-1)[0] = float("nan")
    refuse(weights, tmp_path, place, "NaN", flags=["--quantize", quantize])
