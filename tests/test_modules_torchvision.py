"""torchvision's classifiers saved whole, torch.save(model): what calib8 rebuilds of their classes computes what they do."""

import pytest
import torch
from support.module_files import behaving, check
from support.torchvision_models import torchvision
from torch import nn

SIZES = {"vit": 64, "inception": 96}
REPRESENTATIVES = [
    "resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "efficientnet_v2_s", "regnet_x_400mf", "regnet_y_400mf", "mnasnet0_5",
    "shufflenet_v2_x0_5", "squeezenet1_1", "densenet121", "googlenet", "inception_v3", "vgg11_bn", "alexnet", "convnext_tiny", "vit_b_32",
]  # fmt: skip
OTHERS = [
    "resnet34", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "mobilenet_v3_large",
    *(f"efficientnet_b{n}" for n in range(1, 8)), "efficientnet_v2_m", "efficientnet_v2_l", "regnet_x_800mf", "regnet_x_1_6gf", "regnet_x_3_2gf", "regnet_x_8gf",
    "regnet_y_800mf", "regnet_y_1_6gf", "regnet_y_3_2gf", "regnet_y_8gf", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0", "squeezenet1_0", "densenet161", "densenet169", "densenet201", "vgg11", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn",
    "convnext_small", "convnext_base", "vit_b_16",
]  # fmt: skip


def make(name, **options):
    torch.manual_seed(0)
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    if name.startswith("vit"):
        options["image_size"] = SIZES["vit"]
    model = behaving(getattr(torchvision.models, name)(num_classes=10, **options))
    if name.startswith("vit"):
        nn.init.normal_(model.heads.head.weight, std=0.1)  # zero before training
    return model


def converts(name, model, tmp_path, *flags):
    side = SIZES.get(name.split("_")[0], 64)
    torch.save(model, tmp_path / "model.pth")
    return check(tmp_path / "model.pth", model, torch.randn(1, 3, side, side), tmp_path / "out", "--input-size", side, *flags)


@pytest.mark.parametrize("name", [*REPRESENTATIVES, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_classifiers(name, tmp_path):
    report = converts(name, make(name), tmp_path)
    assert "its modules" in report["model"]["recognized_by"]
    (tmp_path / "model.pth").unlink()  # hundreds of megabytes, some


HEADS = {
    "linear": lambda features: nn.Linear(features, 7),
    "layers": lambda features: nn.Sequential(nn.Dropout(0.3), nn.Linear(features, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 7)),
    "nested": lambda features: nn.Sequential(nn.Sequential(nn.Linear(features, 16, bias=False), nn.BatchNorm1d(16)), nn.Hardswish(), nn.Linear(16, 7), nn.Softmax(1)),
    "nothing": lambda features: nn.Identity(),
}  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_heads_of_any_modules(head, tmp_path):
    """What a state_dict doesn't say, which activation stands between the layers, a module does."""
    model = make("resnet18")
    model.fc = HEADS[head](512)
    converts("resnet18", behaving(model), tmp_path)


def test_blocks_anywhere(tmp_path):
    """torchvision's modules inside of others, and others inside of them."""
    torch.manual_seed(0)
    backbone = make("mobilenet_v2").features[:4]
    backbone[0][2] = nn.LeakyReLU(0.2)
    model = behaving(nn.Sequential(nn.Conv2d(1, 3, 1), backbone, nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten(), nn.Linear(144, 5)))
    torch.save(model, tmp_path / "model.pth")
    check(tmp_path / "model.pth", model, torch.randn(1, 1, 50, 70), tmp_path / "out", "--input-size", "50x70")
