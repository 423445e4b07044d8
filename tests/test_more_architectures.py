"""The families that test_architectures.py doesn't take the whole way to int8: rebuilt from a state_dict, model.tflite in
float computes what torchvision's module does on PyTorch. One or two a family by default, with --all every member."""

import copy
import json
import shutil

import numpy as np
import pytest
import torch
from conftest import run_calib8
from support import runtimes
from support.torchvision_models import torchvision
from torch import nn

FAMILIES = {
    "vgg": [f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")],
    "regnet": [f"regnet_{kind}_{size}" for kind in "xy" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")],
    "convnext": [f"convnext_{size}" for size in ("tiny", "small", "base", "large")],
    "vit": ["vit_b_32", "vit_b_16", "vit_l_32", "vit_l_16"],
}
BY_DEFAULT = {"vgg11_bn", "regnet_x_400mf", "regnet_y_400mf", "convnext_tiny", "vit_b_32"}
SLOW = pytest.mark.slow
ALL = [name if name in BY_DEFAULT else pytest.param(name, marks=SLOW) for names in FAMILIES.values() for name in names]


@pytest.fixture(autouse=True)
def leave_nothing(tmp_path):
    """Models of up to 1 GB each, which pytest would keep for three runs."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)


def lively(model: nn.Module, size: int) -> nn.Module:
    """Weights that tell: statistics from a batch, and normalizations, scales and embeddings that aren't 1 or 0."""
    torch.manual_seed(5)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 or "layer_scale" in name or "token" in name or "embedding" in name:
            with torch.no_grad():
                parameter.uniform_(0.3, 0.8) if name.endswith("weight") or "scale" in name else parameter.normal_(0, 0.1)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = None
    for head in (getattr(getattr(model, "heads", None), "head", None),):
        if isinstance(head, nn.Linear):  # zeros, as torchvision initializes it
            nn.init.normal_(head.weight, 0, 0.05)
    model.train()
    with torch.no_grad():
        model(torch.randn(4, 3, size, size))
    return model.eval()


def answer(model, x):
    with torch.no_grad():
        return model(x).numpy()


def check(model, tmp_path, size: int, *flags) -> dict:
    torch.save(model.state_dict(), tmp_path / "model.pth")
    done = run_calib8("export", tmp_path / "model.pth", "--format", "tflite", "--quantize", "none", "--output-dir", tmp_path, "--json", *flags)
    assert done.returncode == 0, done.stderr
    x = torch.randn(2, 3, size, size)
    found = runtimes.sqnr(answer(model, x), runtimes.run_tflite(tmp_path / "model.tflite", x.permute(0, 2, 3, 1).numpy()), centred=False)
    precision = runtimes.sqnr(answer(copy.deepcopy(model).double(), x.double()), answer(model, x), centred=False)
    assert found >= 90 or found >= precision - 6, f"{found:.1f} dB, PyTorch's own float32 {precision:.1f} dB"
    return json.loads(done.stdout)["model"] | {"said": done.stderr}


@pytest.mark.parametrize("name", ALL)
def test_computes_what_torchvisions_module_does(tmp_path, name):
    size = 224 if name.startswith("vit") else 96
    model = lively(getattr(torchvision.models, name)(num_classes=7), size)
    found = check(model, tmp_path, size, "--input-size", size)
    assert found["architecture"] == name and found["num_classes"] == 7
    assert found["recognized_by"] == "the names and shapes of its tensors"


@pytest.mark.parametrize("size", [224, 64, pytest.param(448, marks=pytest.mark.slow)])
def test_vgg_pools_to_seven_from_any_size(tmp_path, size):
    model = lively(torchvision.models.vgg11(num_classes=3), size)
    check(model, tmp_path, size, "--input-size", size)


def test_the_size_of_a_transformer_is_that_of_its_position_embedding(tmp_path):
    model = lively(torchvision.models.vit_b_32(num_classes=3, image_size=96), 96)
    found = check(model, tmp_path, 96)
    assert found["input_size"] == [96, 96] and found["input_size_from"] == "its position embedding"


def own(features: int, *before: nn.Module) -> nn.Sequential:
    return nn.Sequential(*before, nn.Linear(features, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 5))


def replace_vgg(model):
    model.classifier[6] = own(4096)


def replace_convnext(model):
    model.classifier[2] = own(768, nn.Dropout(0.1))


def replace_regnet(model):
    model.fc = own(400)


def replace_vit(model):
    model.heads = own(768)


@pytest.mark.parametrize(
    "name, replace, size",
    [("vgg11", replace_vgg, 64), ("convnext_tiny", replace_convnext, 64), ("regnet_x_400mf", replace_regnet, 64), ("vit_b_32", replace_vit, 224)],
)
def test_heads_of_ones_own(tmp_path, name, replace, size):
    model = getattr(torchvision.models, name)()
    replace(model)
    found = check(lively(model, size), tmp_path, size, "--input-size", size)
    assert found["num_classes"] == 5 and "--head-activation" in found["said"]


def test_a_sequential_that_ends_within_another_is_not_guessed(tmp_path):
    model = torchvision.models.regnet_x_400mf()
    model.fc = nn.Sequential(nn.Sequential(nn.Linear(400, 32), nn.ReLU()), nn.Sequential(nn.Linear(32, 5)))
    torch.save(lively(model, 64).state_dict(), tmp_path / "model.pth")
    done = run_calib8("export", tmp_path / "model.pth", "--format", "onnx", "--output-dir", tmp_path)
    assert done.returncode == 3 and "--head-activation" in done.stderr


def test_a_batch_of_any_size(tmp_path):
    import onnxruntime

    model = lively(torchvision.models.vit_b_32(num_classes=3, image_size=64), 64)
    torch.save(model.state_dict(), tmp_path / "model.pth")
    run_calib8("export", tmp_path / "model.pth", "--format", "onnx", "--dynamic-batch", "--output-dir", tmp_path, check=True)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    x = torch.randn(3, 3, 64, 64)
    np.testing.assert_allclose(session.run(None, {"image": x.numpy()})[0], answer(model, x), rtol=1e-3, atol=1e-4)
