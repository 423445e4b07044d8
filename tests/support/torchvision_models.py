"""torchvision's classifiers, with random weights that behave like trained ones."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

import torch
from torch import nn

# A CPU build of torch may lack torchvision's compiled operators; the models need only their names to exist.
_torchvision_ops = torch.library.Library("torchvision", "FRAGMENT")
for _name in ("nms", "qnms"):
    try:
        _torchvision_ops.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except RuntimeError as _error:
        if "already" not in str(_error) and "multiple" not in str(_error):
            raise

import torchvision  # noqa: E402

FAMILIES = {
    "resnet": [
        "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
        "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
    ],
    "mobilenet_v2": ["mobilenet_v2"],
    "mobilenet_v3": ["mobilenet_v3_small", "mobilenet_v3_large"],
    "efficientnet": [f"efficientnet_b{number}" for number in range(8)],
    "efficientnet_v2": ["efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l"],
}  # fmt: skip

#: The smallest of each family.
REPRESENTATIVES = [names[0] for names in FAMILIES.values()]
ARCHITECTURES = [name for names in FAMILIES.values() for name in names]

#: Of the last BatchNorm of each residual branch. With 1, as initialized, the variance of a random network doubles at
#: every block; with 0.2 it stays about what training makes of it.
RESIDUAL_WEIGHT = 0.2
STATISTICS_BATCH = 16


class WithHead(nn.Module):
    """A backbone whose classifier is Identity, and a head of three layers beside it."""

    def __init__(self, backbone: nn.Module, num_classes: int) -> None:
        super().__init__()
        last = "fc" if hasattr(backbone, "fc") else "classifier"
        layer = getattr(backbone, last)
        linears = [module for module in layer.modules() if isinstance(module, nn.Linear)]
        setattr(backbone, last, nn.Identity())
        self.backbone = backbone
        self.classifier = nn.Sequential(
            nn.Linear(linears[0].in_features, 512), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(256, num_classes),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.backbone(images))


def build(arch: str, head: str = "torchvision", num_classes: int = 1000) -> nn.Module:
    """The module in eval mode; `head` is "torchvision" (its own) or "mission" (three layers beside `backbone`)."""
    if head == "mission":
        return WithHead(getattr(torchvision.models, arch)(weights=None), num_classes).eval()
    assert head == "torchvision", head
    return getattr(torchvision.models, arch)(weights=None, num_classes=num_classes).eval()


def residual_batch_norms(model: nn.Module) -> list[nn.BatchNorm2d]:
    """The last BatchNorm of each branch whose result is added to the block's input."""
    found = []
    for block in model.modules():
        kind = type(block).__name__
        if kind == "BasicBlock":
            found.append(block.bn2)
        elif kind == "Bottleneck":
            found.append(block.bn3)
        elif kind in ("InvertedResidual", "MBConv", "FusedMBConv") and block.use_res_connect:
            found.append([module for module in block.modules() if isinstance(module, nn.BatchNorm2d)][-1])
    assert found
    return found


def settle(model: nn.Module, images: torch.Tensor) -> None:
    """Gives the BatchNorms the statistics of the images [N, 3, H, W], as cumulative means over batches."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative
        norm.train()
    with torch.no_grad():
        for batch in images.split(STATISTICS_BATCH):
            model(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def make_model(
    arch: str, images: torch.Tensor, head: str = "torchvision", seed: int = 0, num_classes: int = 1000
) -> nn.Module:
    """Random weights from `seed`, settled on at least 32 images."""
    assert len(images) >= 32, len(images)
    torch.manual_seed(seed)
    model = build(arch, head, num_classes)
    with torch.no_grad():
        for norm in residual_batch_norms(model):
            norm.weight.fill_(RESIDUAL_WEIGHT)
    settle(model, images)
    return model


def save_checkpoint(model: nn.Module, arch: str, path: pathlib.Path, head: str = "torchvision") -> None:
    """A bare state_dict for torchvision's head; with a config, as a training script saves it, for the other one."""
    state_dict = model.state_dict()
    if head == "torchvision":
        torch.save(state_dict, path)
        return
    num_classes = len(state_dict["classifier.6.bias"])
    torch.save(
        {"model_state_dict": state_dict, "config": {"model_arch": arch, "num_classes": num_classes}, "epoch": 1}, path
    )


def make_checkpoint(
    arch: str,
    path: pathlib.Path,
    images: torch.Tensor,
    head: str = "torchvision",
    seed: int = 0,
    num_classes: int = 1000,
) -> nn.Module:
    """Makes and saves a model; `images` are preprocessed photos [N >= 32, 3, H, W]."""
    model = make_model(arch, images, head, seed, num_classes)
    save_checkpoint(model, arch, path, head)
    return model


def logits(model: nn.Module, images: Iterable[torch.Tensor], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """What the model says of each image [3, H, W], one at a time, as float64 [N, classes]."""
    model = model.to(dtype)
    with torch.no_grad():
        rows = [model(image[None].to(dtype))[0].double() for image in images]
    model.to(torch.float32)
    return torch.stack(rows)
